//! The relay of a farm: an instance that also takes what nodes post, on the spool or on a store that several relays share.

use super::bell::Bell;
use super::error::Error;
use super::open_store::OpenStore;
use super::parts::RelayParts;
use super::supervise::open;
use crate::clock::SystemClock;
use crate::config::Config;
use crate::farm::{EventPost, PostQueue, PostRefusal, PostReply, ReceivedPost};
use crate::spool::Store;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// The bounds of a relay.
#[derive(Debug, Clone, Copy)]
pub struct RelayBounds {
    /// After this time without a post a node is lost.
    pub node_lost: Duration,
    /// The bytes of posts that may wait until they are durable.
    pub max_waiting: usize,
}

impl RelayBounds {
    fn parts(self) -> RelayParts {
        RelayParts {
            posts: PostQueue::new(self.max_waiting),
            node_lost: self.node_lost,
            steps: AtomicU64::new(0),
            is_deposed: AtomicBool::new(false),
        }
    }
}

impl Bell {
    /// As [`Bell::open`], for the relay of a farm: it also takes what nodes post.
    ///
    /// # Errors
    /// As [`Bell::open`].
    pub fn open_relay(config: Arc<Config>, bounds: RelayBounds) -> Result<Bell, Error> {
        let clock = Arc::new(SystemClock);
        Bell::open_as(config, |config| open::open(config, Some(bounds.parts()), clock))
    }

    /// As [`Bell::open_relay`], on a store that is not the spool of the configuration.
    ///
    /// # Errors
    /// `Config` when certificates or a proxy cannot be used, `Spool` when the store cannot be read.
    pub fn open_relay_on<S: Store + Send + 'static>(
        config: Arc<Config>,
        bounds: RelayBounds,
        store: OpenStore<S>,
    ) -> Result<Bell, Error> {
        Bell::open_as(config, |config| open::open_on(config, bounds.parts(), store))
    }

    /// Takes a post of a node, whose body had this many bytes; `reply` is called once its events are durable, or cannot
    /// be. Never waits.
    ///
    /// # Errors
    /// The post is not taken. `Closed` also where this is not the relay of a farm.
    pub fn accept(&self, post: EventPost, bytes: usize, reply: PostReply) -> Result<(), PostRefusal> {
        let relay = self.parts.relay.as_ref().ok_or(PostRefusal::Closed)?;
        let _call = self.parts.in_flight.enter().ok_or(PostRefusal::Closed)?;
        let received = ReceivedPost { post, received_at: self.parts.clock.unix_ms() };
        relay.posts.put(received, bytes, reply)?;
        self.parts.waker.notify();
        Ok(())
    }

    /// The time by which this instance decides, in Unix milliseconds.
    pub fn unix_ms(&self) -> i64 {
        self.parts.clock.unix_ms()
    }

    /// How many steps the dispatcher has made, turns and events, and has it do a turn: who asks twice sees whether it hangs.
    pub fn steps(&self) -> u64 {
        let steps = self.parts.relay.as_ref().map_or(0, |relay| relay.steps.load(Ordering::Relaxed));
        self.parts.waker.wake();
        steps
    }

    /// Whether the store has said that this relay does not lead any more: nothing that it writes is kept.
    pub fn is_deposed(&self) -> bool {
        self.parts.relay.as_ref().is_some_and(|relay| relay.is_deposed.load(Ordering::Relaxed))
    }
}
