//! A PostgreSQL of the test's own, and a proxy before it that falls silent when it is told to.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;
use tempfile::TempDir;

/// A cluster in a temporary folder, on a loopback port.
pub struct Cluster {
    folder: TempDir,
    programs: PathBuf,
    pub port: u16,
}

impl Cluster {
    /// A server that runs; `None` where PostgreSQL is not installed, which is said, and fails on CI.
    pub fn start() -> Option<Cluster> {
        let Some(programs) = programs() else {
            let text = "PostgreSQL is missing; on Debian or Ubuntu: sudo apt-get install postgresql";
            assert!(std::env::var("CI").as_deref() != Ok("true"), "{text}");
            println!("skipped: {text}");
            return None;
        };
        let folder = tempfile::Builder::new().prefix("tb-pg").tempdir_in("/tmp").unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let cluster = Cluster { folder, programs, port };
        if is_root() {
            let owned = Command::new("chown").arg("nobody").arg(cluster.folder.path()).status().unwrap();
            assert!(owned.success());
        }
        let data = cluster.data();
        cluster.run(
            "initdb",
            &["-D", &data, "-U", "taskbell", "--auth=trust", "--no-sync", "-E", "UTF8", "--locale=C"],
        );
        let settings = format!(
            "listen_addresses = '127.0.0.1'\nport = {port}\nunix_socket_directories = '{}'\nshared_buffers = '16MB'\n\
             fsync = off\nmax_connections = 30\n",
            cluster.folder.path().display()
        );
        let conf = Path::new(&data).join("postgresql.conf");
        std::fs::OpenOptions::new().append(true).open(conf).unwrap().write_all(settings.as_bytes()).unwrap();
        cluster.up();
        Some(cluster)
    }

    fn data(&self) -> String {
        self.folder.path().join("data").display().to_string()
    }

    /// Starts the server.
    pub fn up(&self) {
        let log = self.folder.path().join("log").display().to_string();
        self.run("pg_ctl", &["start", "-w", "-D", &self.data(), "-l", &log]);
    }

    /// Stops the server; clients are not waited for.
    pub fn down(&self) {
        self.run("pg_ctl", &["stop", "-w", "-m", "immediate", "-D", &self.data()]);
    }

    /// As a replica that takes the place of its server: it goes on with what it has, on a timeline of its own.
    pub fn begin_another_timeline(&self) {
        self.down();
        let mark = Path::new(&self.data()).join("standby.signal");
        std::fs::write(mark, "").unwrap();
        self.up();
        self.run("pg_ctl", &["promote", "-w", "-D", &self.data()]);
    }

    pub fn url(&self) -> String {
        format!("postgres://taskbell@127.0.0.1:{}/postgres", self.port)
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        let program = self.programs.join(program);
        // The server refuses to be root.
        let mut command = if is_root() {
            let mut command = Command::new("runuser");
            command.args(["-u", "nobody", "--"]).arg(&program);
            command
        } else {
            Command::new(&program)
        };
        let done = command.args(arguments).current_dir("/").output().unwrap();
        let text = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "{}: {text}", program.display());
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let data = self.data();
        let stop =
            std::panic::AssertUnwindSafe(|| self.run("pg_ctl", &["stop", "-m", "immediate", "-D", &data]));
        let _ = std::panic::catch_unwind(stop);
    }
}

fn is_root() -> bool {
    static ROOT: OnceLock<bool> = OnceLock::new();
    *ROOT.get_or_init(|| {
        let id = Command::new("id").arg("-u").output().unwrap();
        String::from_utf8_lossy(&id.stdout).trim() == "0"
    })
}

/// Where the programs of a server are; Debian keeps them apart from `PATH`.
fn programs() -> Option<PathBuf> {
    let debian = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = debian.map(|version| version.path().join("bin")).collect();
    found.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    found.retain(|folder| folder.join("initdb").is_file());
    found.sort();
    found.pop()
}

const OPEN: u8 = 0;
const SILENT: u8 = 1;
const SWALLOW_COMMIT: u8 = 2;

/// Hands bytes on to the server and back, until it is told not to.
pub struct SilentProxy {
    pub port: u16,
    mode: Arc<AtomicU8>,
}

impl SilentProxy {
    pub fn before(cluster: &Cluster) -> SilentProxy {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (port, to) = (listener.local_addr().unwrap().port(), cluster.port);
        let mode = Arc::new(AtomicU8::new(OPEN));
        let told = Arc::clone(&mode);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect(("127.0.0.1", to)) else { continue };
                let (from_client, to_client) = (client.try_clone().unwrap(), client);
                let (from_server, to_server) = (server.try_clone().unwrap(), server);
                let (there, back) = (Arc::clone(&told), Arc::clone(&told));
                thread::spawn(move || pass(from_client, to_server, &there, false));
                thread::spawn(move || pass(from_server, to_client, &back, true));
            }
        });
        SilentProxy { port, mode }
    }

    pub fn url(&self) -> String {
        format!("postgres://taskbell@127.0.0.1:{}/postgres", self.port)
    }

    pub fn open(&self) {
        self.mode.store(OPEN, Ordering::SeqCst);
    }

    /// Connections stay, and nothing more comes through them.
    pub fn fall_silent(&self) {
        self.mode.store(SILENT, Ordering::SeqCst);
    }

    /// Ends the next connection whose server answers that a transaction is committed, in place of that answer.
    pub fn swallow_commit(&self) {
        self.mode.store(SWALLOW_COMMIT, Ordering::SeqCst);
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, mode: &AtomicU8, is_answer: bool) {
    let mut bytes = [0; 16 * 1024];
    while let Ok(read) = from.read(&mut bytes) {
        match mode.load(Ordering::SeqCst) {
            _ if read == 0 => break,
            SILENT => continue,
            SWALLOW_COMMIT if is_answer && bytes[..read].windows(7).any(|window| window == b"COMMIT\0") => {
                mode.store(OPEN, Ordering::SeqCst);
                break;
            }
            _ if to.write_all(&bytes[..read]).is_err() => break,
            _ => {}
        }
    }
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}
