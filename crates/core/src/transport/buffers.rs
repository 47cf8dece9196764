//! The two buffers of a connection. Output is held back until a request is complete, so that head and
//! body leave in one write; input grows with the head of an answer.

use ureq::unversioned::transport::Buffers;

/// The size of the output buffer, and by what it grows.
const OUTPUT: usize = 32 * 1024;

/// The first size of the input buffer.
const INPUT: usize = 8 * 1024;

/// The largest size of the input buffer. Above ureq's bound of a head, so that the bound is what ends
/// a head that is too large.
const MOST_INPUT: usize = 128 * 1024;

/// Output and input of one connection.
#[derive(Debug, Default)]
pub(super) struct Pair {
    output: Vec<u8>,
    held: usize,
    input: Vec<u8>,
    start: usize,
    end: usize,
    progress: bool,
}

impl Pair {
    /// Keeps so many bytes more at the front of the output.
    pub(super) fn hold(&mut self, amount: usize) {
        self.held = self.output.len().min(self.held + amount);
    }

    /// What is held back.
    pub(super) fn held(&self) -> &[u8] {
        self.output.get(..self.held).unwrap_or_default()
    }

    /// Puts other bytes in the place of what is held back.
    pub(super) fn replace_held(&mut self, bytes: &[u8]) {
        self.held = 0;
        self.make_room(bytes.len());
        if let Some(front) = self.output.get_mut(..bytes.len()) {
            front.copy_from_slice(bytes);
            self.held = bytes.len();
        }
    }

    /// Forgets what was held back, once it is written.
    pub(super) fn release(&mut self) {
        self.held = 0;
    }

    /// How many bytes fit behind what is held back.
    pub(super) fn room(&self) -> usize {
        self.output.len() - self.held
    }

    /// Makes room for at least so many bytes behind what is held back.
    pub(super) fn make_room(&mut self, amount: usize) {
        if self.room() < amount.max(1) {
            self.output.resize(self.held + amount.max(OUTPUT), 0);
        }
    }

    /// Forgets everything, before another request.
    pub(super) fn clear(&mut self) {
        (self.held, self.start, self.end, self.progress) = (0, 0, 0, false);
    }
}

impl Buffers for Pair {
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
        if self.end == self.input.len() && self.end < MOST_INPUT {
            self.input.resize((2 * self.end).clamp(INPUT, MOST_INPUT), 0);
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

    // The scratch half serves chunked request bodies only, which are never sent.
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
    fn what_is_held_back_stays_in_front() {
        let mut pair = Pair::default();
        pair.output()[..4].copy_from_slice(b"head");
        pair.hold(4);
        pair.output()[..4].copy_from_slice(b"body");
        pair.hold(4);
        assert_eq!(pair.held(), b"headbody");
        pair.replace_held(&[7; 3 * OUTPUT]);
        assert_eq!(pair.held(), [7; 3 * OUTPUT]);
        pair.release();
        assert!(pair.held().is_empty());
    }

    #[test]
    fn input_grows_to_its_bound_and_is_kept_in_order() {
        let mut pair = Pair::default();
        let mut fed = 0;
        loop {
            let room = pair.input_append_buf();
            if room.is_empty() {
                break;
            }
            let amount = room.len();
            room.fill(1);
            pair.input_appended(amount);
            pair.input_consume(0);
            fed += amount;
        }
        assert_eq!((fed, pair.input().len()), (MOST_INPUT, MOST_INPUT));
        pair.input_consume(MOST_INPUT - 1);
        pair.input_append_buf()[0] = 2;
        pair.input_appended(1);
        assert_eq!(pair.input(), [1, 2]);
    }
}
