//! The life of a command as a task: when it began, how it ended, and what it used.

use super::process::End;
use serde_json::{Value as Json, json};
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::Path;
use std::time::Instant;
use taskbell_core::clock;

const SIGHUP: i32 = 1;
const SIGINT: i32 = 2;
const SIGQUIT: i32 = 3;
const SIGKILL: i32 = 9;
const SIGTERM: i32 = 15;

/// The names of the signals that have the same number everywhere.
const NAMES: [(i32, &str); 12] = [
    (SIGHUP, "SIGHUP"),
    (SIGINT, "SIGINT"),
    (SIGQUIT, "SIGQUIT"),
    (4, "SIGILL"),
    (5, "SIGTRAP"),
    (6, "SIGABRT"),
    (8, "SIGFPE"),
    (SIGKILL, "SIGKILL"),
    (11, "SIGSEGV"),
    (13, "SIGPIPE"),
    (14, "SIGALRM"),
    (SIGTERM, "SIGTERM"),
];

pub struct Life {
    id: String,
    pub name: String,
    kind: String,
    began_at: i64,
    pub began: Instant,
    kills: MemoryKills,
}

impl Life {
    pub fn begin(name: Option<&str>, program: &OsStr, kind: &str) -> Life {
        let of_program = || Path::new(program).file_name().unwrap_or(program).to_string_lossy().into_owned();
        let began_at = clock::unix_ms();
        Life {
            id: format!("run-{began_at:x}-{:x}", std::process::id()),
            name: name.map_or_else(of_program, str::to_owned),
            kind: kind.to_owned(),
            began_at,
            began: Instant::now(),
            kills: MemoryKills::so_far(),
        }
    }

    /// The fields that every event about it has.
    pub fn fields(&self) -> Json {
        json!({
            "id": self.id,
            "name": self.name,
            "kind": self.kind,
            "started_at": clock::rfc3339(self.began_at),
        })
    }

    /// The task that it was. `lines` are the last ones it printed, of which `reason` is the one that explains a failure.
    pub fn end(&self, ran: &io::Result<End>, code: i32, lines: &[String], reason: Option<String>) -> Json {
        let mut task = self.fields();
        task["finished_at"] = clock::rfc3339(clock::unix_ms()).into();
        task["duration_s"] = self.began.elapsed().as_secs_f64().into();
        // Who runs a command by this asks for its end.
        task["webhook_params"] = json!({ "notify": "manual" });
        let (status, error) = match ran {
            Err(error) => {
                ("error", Some(("NotStarted".to_owned(), format!("the command was not started: {error}"))))
            }
            Ok(end) => {
                task["exit_code"] = json!(end.signal().is_none().then_some(code));
                if let Some(signal) = end.signal() {
                    task["signal"] = named(signal).into();
                }
                task["metrics"] = end.metrics();
                self.outcome(end, code, &mut task)
            }
        };
        task["status"] = status.into();
        if let Some((kind, message)) = error {
            let message = match reason {
                Some(reason) => format!("{message}: {reason}"),
                None => message,
            };
            task["error"] = json!({ "type": kind, "message": message, "traceback": lines });
        }
        if !lines.is_empty() {
            task["output"] = lines.join("\n").into();
        }
        task
    }

    /// The status, and the kind and words of the error.
    fn outcome(&self, end: &End, code: i32, task: &mut Json) -> (&'static str, Option<(String, String)>) {
        if code == 0 {
            return ("success", None);
        }
        let asked = |signal: i32| end.caught.contains(&signal);
        if [SIGINT, SIGTERM, SIGHUP, SIGQUIT].into_iter().any(asked) {
            return ("cancelled", None);
        }
        // A shell reports so of its own command.
        let was_killed = end.signal() == Some(SIGKILL) || end.signal().is_none() && code == 128 + SIGKILL;
        let (own, machine) = if was_killed { self.kills.since() } else { (0, 0) };
        if own > 0 {
            task["out_of_memory"] = true.into();
            let message = "killed by the system, which had no memory left for its control group";
            return ("error", Some(("OutOfMemory".to_owned(), message.to_owned())));
        }
        let (kind, mut message) = match end.signal() {
            Some(signal) => (named(signal), format!("ended by {}", named(signal))),
            // An exception of Windows, by which it is known.
            None if code < 0 => (format!("exit code {code:#010X}"), format!("exit code {code:#010X}")),
            None => (format!("exit code {code}"), format!("exit code {code}")),
        };
        if machine > 0 {
            message += ", at a time when the system killed processes for want of memory";
        }
        ("error", Some((kind, message)))
    }
}

fn named(signal: i32) -> String {
    let known = NAMES.iter().find(|(number, _)| *number == signal);
    known.map_or_else(|| format!("signal {signal}"), |(_, name)| (*name).to_owned())
}

/// How many processes the kernel of Linux has killed for want of memory: in the control group of this process, and on
/// the machine. 0 where that cannot be known.
#[derive(Debug, Clone, Copy)]
struct MemoryKills {
    own: u64,
    machine: u64,
}

impl MemoryKills {
    fn so_far() -> MemoryKills {
        MemoryKills::below(Path::new("/"))
    }

    fn below(root: &Path) -> MemoryKills {
        let read = |path: &str| fs::read_to_string(root.join(path)).ok();
        let count = |path: &str| {
            read(path)?.lines().find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse().ok())
        };
        // `0::/path` in version 2, `4:memory:/path` in version 1. In a container the group may be the root of what is
        // mounted.
        let of_group = |line: &str| {
            let mut parts = line.splitn(3, ':').skip(1);
            let (controllers, path) = (parts.next()?, parts.next()?);
            let (folder, file) = match controllers {
                "" => ("sys/fs/cgroup", "memory.events"),
                _ if controllers.split(',').any(|one| one == "memory") => {
                    ("sys/fs/cgroup/memory", "memory.oom_control")
                }
                _ => return None,
            };
            count(&format!("{folder}{path}/{file}")).or_else(|| count(&format!("{folder}/{file}")))
        };
        let groups = read("proc/self/cgroup").unwrap_or_default();
        MemoryKills {
            own: groups.lines().find_map(of_group).unwrap_or(0),
            machine: count("proc/vmstat").unwrap_or(0),
        }
    }

    /// Those of the group, and those of the machine, since then.
    fn since(self) -> (u64, u64) {
        let now = MemoryKills::so_far();
        (now.own.saturating_sub(self.own), now.machine.saturating_sub(self.machine))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kills_are_counted_in_control_groups_of_both_versions_and_on_the_machine() {
        let root = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let counted = || {
            let MemoryKills { own, machine } = MemoryKills::below(root.path());
            (own, machine)
        };
        assert_eq!(counted(), (0, 0), "not Linux");
        write("proc/vmstat", "pgfault 9\noom_kill 5\n");
        write("proc/self/cgroup", "0::/a/b\n");
        assert_eq!(counted(), (0, 5));
        write("sys/fs/cgroup/a/b/memory.events", "low 0\noom 3\noom_kill 2\noom_group_kill 7\n");
        assert_eq!(counted(), (2, 5));
        write("proc/self/cgroup", "5:cpu,cpuacct:/x\n4:memory:/docker/1\n0::/a/b\n");
        write("sys/fs/cgroup/memory/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 4\n");
        assert_eq!(counted(), (4, 5), "in a container");
    }
}
