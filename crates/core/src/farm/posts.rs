//! The posts that wait for the dispatcher of a relay. Each is answered once its events are durable, or cannot be.

use super::wire::EventPost;
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What a node is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PostOutcome {
    /// Every event of the post is durable.
    Durable,
    /// The relay closes: the post goes to another one, or comes again.
    Closing,
}

/// Called once, on the dispatcher's thread, which it must not hold up.
pub type PostReply = Box<dyn FnOnce(PostOutcome) + Send>;

/// Why a post is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PostRefusal {
    /// As much waits as may.
    Full,
    /// The relay closes.
    Closed,
}

/// A post as the dispatcher reads it.
pub struct ReceivedPost {
    /// Its content.
    pub post: EventPost,
    /// When it came, by the clock of the relay in Unix milliseconds.
    pub received_at: i64,
}

/// Posts between the HTTP front, which puts them, and the dispatcher, which reads them and says when what it read is
/// durable.
pub struct PostQueue {
    waiting: Mutex<WaitingPosts>,
    max_bytes: usize,
}

#[derive(Default)]
struct WaitingPosts {
    unread: VecDeque<(ReceivedPost, usize, PostReply)>,
    read: Vec<(usize, PostReply)>,
    bytes: usize,
    is_closed: bool,
}

impl PostQueue {
    /// Takes posts of this many bytes together, or a single larger one.
    pub fn new(max_bytes: usize) -> PostQueue {
        PostQueue { waiting: Mutex::default(), max_bytes }
    }

    /// Takes a post whose body had this many bytes.
    ///
    /// # Errors
    /// It is not taken, and the reply is not called.
    pub fn put(&self, post: ReceivedPost, bytes: usize, reply: PostReply) -> Result<(), PostRefusal> {
        let mut waiting = self.lock();
        if waiting.is_closed {
            return Err(PostRefusal::Closed);
        }
        if waiting.bytes > 0 && waiting.bytes + bytes > self.max_bytes {
            return Err(PostRefusal::Full);
        }
        waiting.bytes += bytes;
        waiting.unread.push_back((post, bytes, reply));
        Ok(())
    }

    /// The next post; it waits until [`PostQueue::release`].
    pub fn read(&self) -> Option<ReceivedPost> {
        let mut waiting = self.lock();
        let (post, bytes, reply) = waiting.unread.pop_front()?;
        waiting.read.push((bytes, reply));
        Some(post)
    }

    /// All that was read is durable.
    pub fn release(&self) {
        let mut waiting = self.lock();
        if waiting.read.is_empty() {
            return;
        }
        let read = std::mem::take(&mut waiting.read);
        waiting.bytes -= read.iter().map(|(bytes, _)| bytes).sum::<usize>();
        drop(waiting);
        read.into_iter().for_each(|(_, reply)| reply(PostOutcome::Durable));
    }

    /// Refuses new posts, and those that nobody has read. What was read can still become durable.
    pub fn close(&self) {
        let mut waiting = self.lock();
        waiting.is_closed = true;
        let unread = std::mem::take(&mut waiting.unread);
        waiting.bytes -= unread.iter().map(|(_, bytes, _)| bytes).sum::<usize>();
        drop(waiting);
        unread.into_iter().for_each(|(_, _, reply)| reply(PostOutcome::Closing));
    }

    /// Nothing becomes durable any more.
    pub fn end(&self) {
        self.close();
        let read = std::mem::take(&mut self.lock().read);
        read.into_iter().for_each(|(_, reply)| reply(PostOutcome::Closing));
    }

    /// Whether every post was read.
    pub fn is_drained(&self) -> bool {
        self.lock().unread.is_empty()
    }

    /// How many bytes of posts wait.
    pub fn used(&self) -> usize {
        self.lock().bytes
    }

    fn lock(&self) -> MutexGuard<'_, WaitingPosts> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::farm::NodeHead;
    use std::sync::Arc;
    use std::sync::mpsc::{Receiver, channel};

    fn put(queue: &PostQueue, bytes: usize) -> Result<Receiver<PostOutcome>, PostRefusal> {
        let (sender, answer) = channel();
        let post = EventPost { head: NodeHead::default(), events: Vec::new() };
        let reply = Box::new(move |answer| sender.send(answer).unwrap());
        queue.put(ReceivedPost { post, received_at: 0 }, bytes, reply).map(|()| answer)
    }

    #[test]
    fn a_post_is_answered_when_what_was_read_is_durable_and_not_before() {
        let queue = PostQueue::new(100);
        let (first, second) = (put(&queue, 10).unwrap(), put(&queue, 10).unwrap());
        assert!(queue.read().is_some() && !queue.is_drained());
        queue.release();
        assert_eq!(first.try_recv(), Ok(PostOutcome::Durable));
        assert!(second.try_recv().is_err());
        assert!(queue.read().is_some() && queue.read().is_none() && queue.is_drained());
        assert_eq!(queue.used(), 10);
        queue.release();
        assert_eq!((second.try_recv(), queue.used()), (Ok(PostOutcome::Durable), 0));
    }

    #[test]
    fn what_waits_is_bounded_and_one_large_post_always_fits() {
        let queue = PostQueue::new(100);
        let _large = put(&queue, 1000).unwrap();
        assert_eq!(put(&queue, 1).err(), Some(PostRefusal::Full));
        queue.read();
        assert_eq!(put(&queue, 1).err(), Some(PostRefusal::Full), "it is not durable yet");
        queue.release();
        let _more = [put(&queue, 60).unwrap(), put(&queue, 40).unwrap()];
        assert_eq!(put(&queue, 1).err(), Some(PostRefusal::Full));
    }

    #[test]
    fn a_relay_that_closes_answers_every_post() {
        let queue = Arc::new(PostQueue::new(100));
        let (read, durable, unread) =
            (put(&queue, 1).unwrap(), put(&queue, 1).unwrap(), put(&queue, 1).unwrap());
        queue.read();
        queue.release();
        queue.read();
        queue.close();
        assert_eq!((read.recv(), unread.recv()), (Ok(PostOutcome::Durable), Ok(PostOutcome::Closing)));
        assert!(durable.try_recv().is_err(), "it may become durable yet");
        queue.end();
        assert_eq!(durable.recv(), Ok(PostOutcome::Closing));
        assert_eq!(put(&queue, 1).err(), Some(PostRefusal::Closed));
    }
}
