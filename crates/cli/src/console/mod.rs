//! `taskbell console`: one local page over the spool, whether its host runs or not.
//!
//! Each view reads the spool through a connection of its own that only looks on; actions are those of `replay` and
//! `drop`. Every text from outside reaches the page through the templates, which escape it.

mod actions;
pub mod ask;
pub mod assets;
mod dead;
mod deliveries;
pub mod delivery;
mod events;
mod figures;
pub mod language;
mod metrics;
mod nodes;
mod now;
pub mod page;
mod routes;
pub mod security;
mod site;
mod test_message;
mod token;
mod trial;
mod trouble;

use super::failure::{Failure, shown};
use super::serve::http::Server;
use super::source;
use super::terminal::{Style, Terminal};
use security::Access;
use serde_json::json;
use site::Site;
use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::path::PathBuf;
use std::sync::Arc;
use token::Token;

#[derive(Debug, clap::Args)]
pub struct ConsoleArgs {
    /// A configuration (`.toml`, `.json`), or a spool (`.db`); `taskbell.toml` by default
    #[arg(value_name = "CONFIG|SPOOL.db")]
    source: Option<String>,
    /// The address to listen on; port 0 picks a free one
    #[arg(long, default_value = "127.0.0.1:8931", value_name = "ADDRESS:PORT")]
    listen: String,
    /// A file with the token that readers sign in with; needed to listen on other addresses than loopback
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// A further name of this machine by which readers reach the page, such as that of a proxy
    #[arg(long = "name", value_name = "HOST")]
    names: Vec<String>,
    /// Show everything, change nothing
    #[arg(long)]
    read_only: bool,
}

pub fn run(arguments: &ConsoleArgs, terminal: &mut Terminal) -> Result<(), Failure> {
    let given = source::config_path(arguments.source.as_deref())?;
    let token = arguments.token_file.as_deref().map(Token::read).transpose()?;
    let address = address(&arguments.listen)?;
    if !address.ip().is_loopback() && token.is_none() {
        return Err(Failure::new(
            format!("{address} can be reached by other machines, and no token protects the page"),
            "give `--token-file FILE` with a token of 16 characters or more, or listen on 127.0.0.1",
        ));
    }
    let is_open = token.is_none();
    let access = Access { token, names: arguments.names.clone(), read_only: arguments.read_only };
    let site = Site::open(&given, access)?;
    let socket = TcpListener::bind(address).map_err(|error| cannot_listen(&arguments.listen, &error))?;
    let server = start(socket, site)?;
    let url = format!("http://{}/", server.address);
    if terminal.json() {
        terminal.object(&json!({ "listening": url, "read_only": arguments.read_only, "token": !is_open }))?;
    } else {
        let title = terminal.paint(Style::Heading, &url);
        let mode = if arguments.read_only { ", which changes nothing" } else { "" };
        terminal.line(&format!("The console of {} is at {title}{mode}. Ctrl-C stops it.", shown(&given)))?;
    }
    loop {
        std::thread::park();
    }
}

/// The console of a configuration on a free port of the loopback address, until the server is dropped.
pub fn open_here(config: &str) -> Result<Server, Failure> {
    let socket = TcpListener::bind(("127.0.0.1", 0)).map_err(|error| cannot_listen("127.0.0.1", &error))?;
    start(socket, Site::open(config, Access::default())?)
}

/// Serves the pages of a site until the server is dropped.
fn start(socket: TcpListener, site: Site) -> Result<Server, Failure> {
    Server::pages(socket, routes::of(Arc::new(site)))
        .map_err(|error| Failure::new(format!("the console cannot start: {error}"), "try again"))
}

fn address(given: &str) -> Result<SocketAddr, Failure> {
    let found = given.to_socket_addrs().ok().and_then(|mut found| found.next());
    found.ok_or_else(|| {
        Failure::new(
            format!("`{}` is not an address to listen on", given.escape_debug()),
            "give an address and a port, such as `127.0.0.1:8931` or `[::1]:8931`",
        )
    })
}

fn cannot_listen(address: &str, error: &io::Error) -> Failure {
    let next = match error.kind() {
        io::ErrorKind::AddrInUse => {
            "another program uses this port; `--listen 127.0.0.1:0` picks a free one".to_owned()
        }
        io::ErrorKind::PermissionDenied => {
            "ports below 1024 are reserved for the system; choose a higher one".to_owned()
        }
        _ => "check `--listen`; 127.0.0.1 is for this machine only".to_owned(),
    };
    Failure::new(format!("cannot listen on {address}: {error}"), next)
}
