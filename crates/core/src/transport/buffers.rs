//! The buffers of a connection. Input grows with the head of an answer; into the output ureq writes what goes
//! nowhere.

use ureq::unversioned::transport::Buffers;

/// The size of the output buffer: more than ureq's request needs.
const OUTPUT: usize = 4 * 1024;

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
    input: Vec<u8>,
    start: usize,
    end: usize,
    progress: bool,
}

impl IoBuffers {
    /// Lets the next reader begin with what was received already.
    pub(super) fn offer(&mut self) {
        self.progress = true;
    }

    /// Empties them, before another request.
    pub(super) fn clear(&mut self) {
        (self.start, self.end, self.progress) = (0, 0, false);
    }
}

impl Buffers for IoBuffers {
    fn output(&mut self) -> &mut [u8] {
        self.output.resize(OUTPUT, 0);
        &mut self.output
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
