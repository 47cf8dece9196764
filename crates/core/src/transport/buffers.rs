//! The two buffers of a connection. Output is held back until a request is complete, so that head and
//! body leave in one write; input grows with the head of an answer.

use ureq::unversioned::transport::Buffers;

/// The size of the output buffer, and by what it grows.
const OUTPUT: usize = 32 * 1024;

/// The first size of the input buffer.
const INPUT: usize = 8 * 1024;

/// The most bytes of the head of an answer.
pub(super) const MAX_RESPONSE_HEAD: usize = 64 * 1024;

/// The largest size of the input buffer: larger than a head may be, so that ureq's bound is what ends a head
/// that is too large.
const MAX_INPUT: usize = 128 * 1024;

#[derive(Debug, Default)]
pub(super) struct IoBuffers {
    output: Vec<u8>,
    held: usize,
    input: Vec<u8>,
    start: usize,
    end: usize,
    progress: bool,
}

impl IoBuffers {
    /// Holds back `amount` more bytes at the front of the output.
    pub(super) fn hold(&mut self, amount: usize) {
        self.held = self.output.len().min(self.held + amount);
    }

    pub(super) fn held(&self) -> &[u8] {
        self.output.get(..self.held).unwrap_or_default()
    }

    /// Replaces the bytes that are held back.
    pub(super) fn replace_held(&mut self, bytes: &[u8]) {
        self.held = 0;
        self.make_room(bytes.len());
        if let Some(front) = self.output.get_mut(..bytes.len()) {
            front.copy_from_slice(bytes);
            self.held = bytes.len();
        }
    }

    /// The bytes that were held back are written.
    pub(super) fn release(&mut self) {
        self.held = 0;
    }

    pub(super) fn room(&self) -> usize {
        self.output.len() - self.held
    }

    /// Makes room for at least `amount` bytes after those held back.
    pub(super) fn make_room(&mut self, amount: usize) {
        if self.room() < amount.max(1) {
            self.output.resize(self.held + amount.max(OUTPUT), 0);
        }
    }

    /// Empties both, before another request.
    pub(super) fn clear(&mut self) {
        (self.held, self.start, self.end, self.progress) = (0, 0, 0, false);
    }
}

impl Buffers for IoBuffers {
    fn output(&mut self) -> &mut [u8] {
        self.make_room(1);
        self.output.get_mut(self.held..).unwrap_or_default()
    }

    fn input(&self) -> &[u8] {
        self.input.get(self.start..self.end).unwrap_or_default()
    }

    fn input_append_buf(&mut self) -> &mut [u8] {
        if self.start > 0 {
            self.input.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        if self.end == self.input.len() && self.end < MAX_INPUT {
            self.input.resize((2 * self.end).clamp(INPUT, MAX_INPUT), 0);
        }
        self.input.get_mut(self.end..).unwrap_or_default()
    }

    fn input_appended(&mut self, amount: usize) {
        self.end = self.input.len().min(self.end + amount);
    }

    fn input_consume(&mut self, amount: usize) {
        self.progress = amount > 0;
        self.start = self.end.min(self.start + amount);
    }

    // The scratch half is for chunked request bodies, which are never sent.
    fn tmp_and_output(&mut self) -> (&mut [u8], &mut [u8]) {
        (&mut [], self.output())
    }

    fn can_use_input(&self) -> bool {
        self.start < self.end && self.progress
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_held_back_stay_in_front() {
        let mut buffers = IoBuffers::default();
        buffers.output()[..4].copy_from_slice(b"head");
        buffers.hold(4);
        buffers.output()[..4].copy_from_slice(b"body");
        buffers.hold(4);
        assert_eq!(buffers.held(), b"headbody");
        buffers.replace_held(&[7; 3 * OUTPUT]);
        assert_eq!(buffers.held(), [7; 3 * OUTPUT]);
        buffers.release();
        assert!(buffers.held().is_empty());
    }

    #[test]
    fn input_grows_to_its_bound_and_is_kept_in_order() {
        let mut buffers = IoBuffers::default();
        let mut fed = 0;
        loop {
            let room = buffers.input_append_buf();
            if room.is_empty() {
                break;
            }
            let amount = room.len();
            room.fill(1);
            buffers.input_appended(amount);
            buffers.input_consume(0);
            fed += amount;
        }
        assert_eq!((fed, buffers.input().len()), (MAX_INPUT, MAX_INPUT));
        buffers.input_consume(MAX_INPUT - 1);
        buffers.input_append_buf()[0] = 2;
        buffers.input_appended(1);
        assert_eq!(buffers.input(), [1, 2]);
    }
}
