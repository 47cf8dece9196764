//! The HTTP front: connections of nodes, with bounds of number and time, and one answer for each post.

use crate::answer::NodeAnswer;
use crate::log::RelayLog;
use crate::postgres::LedTimeline;
use crate::read_post::{ReadBudget, ReadPost, read_post};
use crate::trust::Trust;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use taskbell_core::engine::Bell;
use taskbell_core::farm::{NodeHead, POST_PATH, PostOutcome, PostRefusal};
use taskbell_core::sign::Verifier;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, oneshot};
use tokio::time::{Instant, sleep, timeout};
use tokio_rustls::TlsAcceptor;

/// A connection beyond these is closed at once.
const MAX_CONNECTIONS: usize = 4096;

const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// For the head of a request, and the longest time without one.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a post may wait for the disk. Nodes wait 15 s for an answer.
const DURABLE_TIMEOUT: Duration = Duration::from_secs(10);

/// Between two looks at whether the relay leads, while a post waits.
const LOOK_EVERY: Duration = Duration::from_millis(100);

const CLOSING: &str = "the relay ends";
const UNSURE: &str = "the relay does not know at present whether it leads";
const DISK: &str = "the relay's spool took nothing in time";

/// What the front may do with posts.
pub enum RelayRole {
    /// Another relay leads.
    StandsBy,
    /// This one does, while it is trusted.
    Leads(Leading),
    /// It ends.
    Closes,
}

/// What a relay that leads has.
#[derive(Clone)]
pub struct Leading {
    pub bell: Arc<Bell>,
    pub trust: Trust,
    /// Of the database, if it leads on one.
    pub timeline: Option<Arc<LedTimeline>>,
    /// How long an event is known that has ended: one that came again later would count again.
    pub known_for: Duration,
}

impl Leading {
    /// The answer to a post of a node that knows another history of the database.
    fn refuse_history(&self, head: &NodeHead) -> Option<NodeAnswer> {
        let timeline = self.timeline.as_ref()?;
        let is_other = head.timeline.as_ref().is_some_and(|known| *known != timeline.name);
        is_other.then(|| {
            let lacks = timeline.lacks(std::time::Instant::now());
            NodeAnswer::SendAgain(lacks.min(self.known_for))
        })
    }
}

/// What all connections share.
pub struct Front {
    pub verifier: Arc<Verifier>,
    pub tls: Option<TlsAcceptor>,
    pub budget: ReadBudget,
    pub log: RelayLog,
    role: Mutex<RelayRole>,
    /// Requests that are not answered.
    open: AtomicUsize,
}

/// Why a post is not even read.
enum NotTaken {
    Refused(NodeAnswer),
    Takes(Leading),
}

impl Front {
    pub fn new(
        verifier: Arc<Verifier>,
        tls: Option<TlsAcceptor>,
        budget: ReadBudget,
        log: RelayLog,
    ) -> Front {
        Front { verifier, tls, budget, log, role: Mutex::new(RelayRole::StandsBy), open: AtomicUsize::new(0) }
    }

    pub fn set_role(&self, role: RelayRole) {
        *self.role.lock().unwrap_or_else(PoisonError::into_inner) = role;
    }

    /// Waits until every request is answered, at most so long.
    pub async fn let_answers_leave(&self, limit: Duration) {
        let deadline = Instant::now() + limit;
        while self.open.load(Ordering::Acquire) > 0 && Instant::now() < deadline {
            sleep(Duration::from_millis(5)).await;
        }
    }

    fn role(&self) -> NotTaken {
        match &*self.role.lock().unwrap_or_else(PoisonError::into_inner) {
            RelayRole::StandsBy => NotTaken::Refused(NodeAnswer::StandsBy),
            RelayRole::Closes => NotTaken::Refused(NodeAnswer::NotNow(CLOSING)),
            RelayRole::Leads(leading) if leading.trust.leads() => NotTaken::Takes(leading.clone()),
            RelayRole::Leads(_) => NotTaken::Refused(NodeAnswer::NotNow(UNSURE)),
        }
    }

    /// The answer, with the history of the database that it is about.
    async fn answer(&self, request: Request<Incoming>) -> (NodeAnswer, Option<Arc<LedTimeline>>) {
        if request.uri().path() != POST_PATH {
            return (NodeAnswer::NotFound, None);
        }
        if request.method() != Method::POST {
            return (NodeAnswer::NotAllowed, None);
        }
        let leading = match self.role() {
            NotTaken::Refused(answer) => return (answer, None),
            NotTaken::Takes(leading) => leading,
        };
        let answer = self.answer_of(&leading, request).await;
        (answer, leading.timeline)
    }

    async fn answer_of(&self, leading: &Leading, request: Request<Incoming>) -> NodeAnswer {
        let bell = &leading.bell;
        match read_post(request, &self.verifier, bell, &self.budget).await {
            Ok(read) => match leading.refuse_history(&read.post.head) {
                Some(answer) => answer,
                None => tokio::select! {
                    biased;
                    answer = take(bell, read) => answer,
                    () = distrusted(&leading.trust) => NodeAnswer::NotNow(UNSURE),
                },
            },
            Err(answer) => answer,
        }
    }
}

/// Waits until it is not sure any more that the relay leads: what a post waits for may never become durable then.
async fn distrusted(trust: &Trust) {
    while trust.leads() {
        sleep(LOOK_EVERY).await;
    }
}

/// Hands a post over, and waits until it is durable.
async fn take(bell: &Bell, ReadPost { post, bytes }: ReadPost) -> NodeAnswer {
    let (reply, durable) = oneshot::channel();
    let reply = Box::new(move |answer| _ = reply.send(answer));
    match bell.accept(post, bytes, reply) {
        Ok(()) => {}
        Err(PostRefusal::Full) => return NodeAnswer::Full,
        Err(PostRefusal::Closed) => return NodeAnswer::NotNow(CLOSING),
    }
    match timeout(DURABLE_TIMEOUT, durable).await {
        Ok(Ok(PostOutcome::Durable)) => NodeAnswer::Durable,
        Ok(_) => NodeAnswer::NotNow(CLOSING),
        // It may be durable yet: the node posts it again, and it counts once.
        Err(_) => NodeAnswer::NotNow(DISK),
    }
}

/// Accepts connections for ever.
pub async fn accept(listener: TcpListener, front: Arc<Front>) {
    let connections = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let Ok((stream, peer)) = listener.accept().await else {
            // Usually out of file handles, which passes.
            sleep(Duration::from_millis(50)).await;
            continue;
        };
        let Ok(permit) = Arc::clone(&connections).try_acquire_owned() else { continue };
        let front = Arc::clone(&front);
        tokio::spawn(async move {
            serve(stream, peer.ip(), &front).await;
            drop(permit);
        });
    }
}

async fn serve(stream: TcpStream, peer: IpAddr, front: &Front) {
    // Without it an answer may wait for the next packet, and nothing else changes.
    let _ = stream.set_nodelay(true);
    let Some(tls) = &front.tls else { return requests(stream, peer, front).await };
    match timeout(HANDSHAKE_TIMEOUT, tls.accept(stream)).await {
        Ok(Ok(stream)) => requests(stream, peer, front).await,
        Ok(Err(error)) => {
            front.log.repeat(0, &format!("{peer} could not connect by TLS: {error}"));
        }
        Err(_) => {}
    }
}

async fn requests(stream: impl AsyncRead + AsyncWrite + Unpin, peer: IpAddr, front: &Front) {
    let service = service_fn(|request: Request<Incoming>| async move {
        front.open.fetch_add(1, Ordering::AcqRel);
        let (answer, timeline) = front.answer(request).await;
        front.open.fetch_sub(1, Ordering::AcqRel);
        note(front, peer, &answer);
        Ok::<Response<Full<Bytes>>, Infallible>(answer.into_response(timeline.as_deref()))
    });
    // A connection that breaks concerns its node, which posts again.
    let _ = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .half_close(true)
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

/// Logs an answer by which an operator learns that something is wrong.
fn note(front: &Front, peer: IpAddr, answer: &NodeAnswer) {
    if !matches!(answer, NodeAnswer::Durable | NodeAnswer::StandsBy | NodeAnswer::NotFound) {
        let status = answer.status().as_u16();
        front.log.repeat(status, &format!("a post from {peer} was answered {status}: {}", answer.text()));
    }
}
