//! A JPEG is made smaller as it was made: the steps to which its coefficients are rounded become larger
//! (ITU-T T.81). No pixel is decoded, so that the picture is rounded but once more, its size and its colours
//! stay as they are, and a decoder need not be part of the library.
//!
//! What is read are JPEGs of 8 bits in Huffman codes: baseline, extended and progressive ones; neither lossless
//! and arithmetic ones nor those of 12 bits. A progressive one becomes a sequential one first.

mod frame;
mod progressive;
mod read;
mod recode;
mod write;

use recode::{Recoder, Trial, is_progressive, spare};

/// What is tried, one after the other: first nothing but to leave out what stands behind the picture, in the
/// end hardly more than the mean of each block.
const TRIALS: [Trial; 10] = [
    Trial { percent: 100, kept: 64 },
    Trial { percent: 140, kept: 64 },
    Trial { percent: 200, kept: 64 },
    Trial { percent: 300, kept: 64 },
    Trial { percent: 450, kept: 64 },
    Trial { percent: 700, kept: 64 },
    Trial { percent: 1200, kept: 64 },
    Trial { percent: 2400, kept: 64 },
    Trial { percent: 2400, kept: 15 },
    Trial { percent: 4800, kept: 6 },
];

/// How often the middle is tried between what is too large and what fits.
const REFINEMENTS: u32 = 2;

/// How many times larger a progressive picture may be as a sequential one; honest ones grow by a tenth. What
/// is left of the budget is for its coefficients: 40 megapixels of a file of 10 MB.
const GROWTH: usize = 2;

/// The picture in at most `most` bytes; `None` when it cannot be read or made as small. Orientation and
/// colour profile stay; other notes only while they are less than an eighth of what may be.
pub(super) fn shrink(bytes: &[u8], most: u64) -> Option<Vec<u8>> {
    let most = usize::try_from(most).ok()?;
    let is_bare = spare(bytes) > most / 8;
    let sequential = match is_progressive(bytes) {
        true => Recoder::new(bytes, TRIALS[0], bytes.len() * GROWTH, is_bare).run()??,
        false => Vec::new(),
    };
    let bytes = if sequential.is_empty() { bytes } else { &sequential };
    let with = |trial| Recoder::new(bytes, trial, most, is_bare).run();
    let mut failed = TRIALS[0];
    for mut trial in TRIALS {
        let Some(mut fitting) = with(trial)? else {
            failed = trial;
            continue;
        };
        for _ in 0..REFINEMENTS {
            let middle = Trial {
                percent: failed.percent.midpoint(trial.percent),
                kept: failed.kept.midpoint(trial.kept),
            };
            if middle == failed {
                break;
            }
            match with(middle)? {
                Some(finer) => (fitting, trial) = (finer, middle),
                None => failed = middle,
            }
        }
        return Some(fitting);
    }
    None
}

#[cfg(test)]
mod tests;
