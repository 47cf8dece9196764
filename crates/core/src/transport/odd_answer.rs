//! Answers that are not plain: ureq reads them, on the connection on which the request was sent. It writes a
//! request of its own for that, which goes nowhere.

use super::answer;
use super::buffers::{IoBuffers, MAX_RESPONSE_HEAD};
use super::connection::HttpConnection;
use super::request_state::{self, Stage};
use crate::platform::Answer;
use std::cell::Cell;
use std::sync::OnceLock;
use ureq::Agent;
use ureq::http::{Request, Uri};
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{Buffers, ConnectionDetails, Connector, NextTimeout, Transport};

thread_local! {
    /// The connection on its way to ureq, and back when it can be used again: ureq runs a request from the first to the
    /// last byte on the calling thread.
    static HANDED_OVER: Cell<Option<Box<HttpConnection>>> = const { Cell::new(None) };
}

/// What reads odd answers; made for the first one.
#[derive(Default)]
pub(super) struct OddAnswers(OnceLock<Agent>);

impl OddAnswers {
    /// Reads an answer, and gives the connection back if it can be used again.
    pub(super) fn read(
        &self,
        mut connection: Box<HttpConnection>,
    ) -> (Result<Answer, ureq::Error>, Option<Box<HttpConnection>>) {
        connection.buffers().offer();
        HANDED_OVER.set(Some(connection));
        let answer = self.run();
        let connection = HANDED_OVER.take().filter(|_| answer.is_ok());
        (answer, connection)
    }

    fn run(&self) -> Result<Answer, ureq::Error> {
        // The method decides whether an answer may have a body.
        let request = Request::post("http://receiver/").body(())?;
        let response = self.0.get_or_init(agent).run(request)?;
        request_state::enter(Stage::Body);
        answer::read(response)
    }
}

/// Timeouts, addresses and redirects are ours, not ureq's, and it keeps no connection.
fn agent() -> Agent {
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .proxy(None)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .max_response_header_size(MAX_RESPONSE_HEAD)
        .max_idle_connections(0)
        .build();
    Agent::with_parts(config, HandOver, NoResolver)
}

#[derive(Debug)]
struct NoResolver;

impl Resolver for NoResolver {
    fn resolve(
        &self,
        _: &Uri,
        _: &ureq::config::Config,
        _: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        Ok(self.empty())
    }
}

#[derive(Debug)]
struct HandOver;

impl Connector for HandOver {
    type Out = ReadOnly;

    fn connect(&self, _: &ConnectionDetails, _: Option<()>) -> Result<Option<ReadOnly>, ureq::Error> {
        let connection = HANDED_OVER.take();
        Ok(connection.map(|connection| ReadOnly {
            connection: Some(connection),
            none: IoBuffers::default(),
            is_reusable: false,
        }))
    }
}

/// A connection from which ureq reads.
#[derive(Debug)]
struct ReadOnly {
    /// Until it is given back.
    connection: Option<Box<HttpConnection>>,
    none: IoBuffers,
    is_reusable: bool,
}

impl Transport for ReadOnly {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.connection.as_mut().map_or(&mut self.none, |connection| connection.buffers())
    }

    fn transmit_output(&mut self, _: usize, _: NextTimeout) -> Result<(), ureq::Error> {
        Ok(())
    }

    fn await_input(&mut self, _: NextTimeout) -> Result<bool, ureq::Error> {
        self.connection.as_mut().map_or(Ok(false), |connection| connection.fill())
    }

    /// ureq asks once an answer is read to its end and lets the connection be used again.
    fn is_open(&mut self) -> bool {
        self.is_reusable = true;
        true
    }
}

impl Drop for ReadOnly {
    fn drop(&mut self) {
        if self.is_reusable {
            HANDED_OVER.set(self.connection.take());
        }
    }
}
