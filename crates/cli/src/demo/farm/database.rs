//! A PostgreSQL of the demo's own on a loopback port, where the machine has the programs. It ends with the demo.

use std::fs;
use std::io;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The user `nobody`: a server refuses to run as root.
const NOBODY: u32 = 65_534;

/// How long a server may take to start.
const START: Duration = Duration::from_secs(60);

const ROLE: &str = "taskbell";

pub struct DemoDatabase {
    /// With the password of the only role.
    pub url: String,
    server: Child,
    /// Removed after the server has ended.
    _folder: TempDir,
}

impl DemoDatabase {
    /// `None` where PostgreSQL is not installed.
    ///
    /// # Errors
    /// It is installed and does not start: a sentence.
    pub fn start() -> Result<Option<DemoDatabase>, String> {
        let Some(programs) = programs() else { return Ok(None) };
        start(&programs).map(Some)
    }
}

impl Drop for DemoDatabase {
    fn drop(&mut self) {
        use rustix::process::{Pid, Signal, kill_process};
        // Its processes end by themselves at once, and leave no shared memory.
        if let Some(server) = i32::try_from(self.server.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process(server, Signal::QUIT);
        }
        let _ = self.server.wait();
    }
}

fn start(programs: &Path) -> Result<DemoDatabase, String> {
    let told = |what: &str| {
        let what = what.to_owned();
        move |error: io::Error| format!("{what}: {error}")
    };
    let user = rustix::process::geteuid().is_root().then_some(NOBODY);
    let folder = tempfile::Builder::new().prefix("taskbell-demo-db-").tempdir();
    let folder = folder.map_err(told("its folder cannot be made"))?;
    std::os::unix::fs::chown(folder.path(), user, None).map_err(told("its folder cannot be given away"))?;
    let password = password()?;
    let file = folder.path().join("password");
    fs::write(&file, &password).map_err(told("its password cannot be written"))?;
    std::os::unix::fs::chown(&file, user, None).map_err(told("its password cannot be given away"))?;
    let data = folder.path().join("data");
    let mut make = program(programs, "initdb", folder.path(), user);
    make.arg("-D").arg(&data).args(["-U", ROLE, "--auth=scram-sha-256", "--no-sync", "-E", "UTF8"]);
    make.arg("--pwfile").arg(&file);
    let made = make.status().map_err(told("`initdb` does not run"))?;
    if !made.success() {
        return Err(format!("`initdb` ended with {made}"));
    }
    let port = free_port().map_err(told("it finds no free port"))?;
    let mut serve = program(programs, "postgres", folder.path(), user);
    serve.arg("-D").arg(&data).arg("-p").arg(port.to_string());
    serve.args([
        "-c",
        "listen_addresses=127.0.0.1",
        "-c",
        "unix_socket_directories=",
        "-c",
        "logging_collector=off",
    ]);
    let server = serve.spawn().map_err(told("`postgres` does not run"))?;
    let url = format!("postgres://{ROLE}:{password}@127.0.0.1:{port}/postgres");
    let mut database = DemoDatabase { url, server, _folder: folder };
    let deadline = Instant::now() + START;
    loop {
        let mut ask = program(programs, "pg_isready", Path::new("/"), None);
        ask.args(["-h", "127.0.0.1", "-p", &port.to_string()]);
        if ask.status().is_ok_and(|answer| answer.success()) {
            return Ok(database);
        }
        if let Ok(Some(ended)) = database.server.try_wait() {
            return Err(format!("`postgres` ended with {ended}"));
        }
        if Instant::now() > deadline {
            return Err(format!("`postgres` did not answer within {} s", START.as_secs()));
        }
        sleep(Duration::from_millis(50));
    }
}

/// A program of PostgreSQL without input and output.
fn program(programs: &Path, name: &str, folder: &Path, user: Option<u32>) -> Command {
    let mut command = Command::new(programs.join(name));
    command.current_dir(folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    if let Some(user) = user {
        std::os::unix::process::CommandExt::uid(&mut command, user);
    }
    command
}

/// Where the programs of a server are: Debian keeps those of each version apart from the path.
fn programs() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = versions.map(|version| version.path().join("bin")).collect();
    folders.extend(std::env::var_os("PATH").iter().flat_map(|path| std::env::split_paths(path)));
    let is_whole = |folder: &&PathBuf| {
        ["initdb", "postgres", "pg_isready"].iter().all(|name| folder.join(name).is_file())
    };
    folders.iter().filter(is_whole).max().cloned()
}

fn password() -> Result<String, String> {
    let mut key = [0; 16];
    getrandom::fill(&mut key).map_err(|error| format!("the system gives no random bytes: {error}"))?;
    Ok(key.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}
