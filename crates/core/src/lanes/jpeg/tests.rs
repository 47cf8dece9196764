//! JPEGs of every kind that is read, made by an encoder of others.

use super::recode::{Recoder, Trial};
use super::{TRIALS, shrink};
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use proptest::prelude::*;

const SAMPLINGS: [SamplingFactor; 8] = [
    SamplingFactor::F_1_1,
    SamplingFactor::F_2_1,
    SamplingFactor::F_1_2,
    SamplingFactor::F_2_2,
    SamplingFactor::F_4_1,
    SamplingFactor::F_4_2,
    SamplingFactor::F_1_4,
    SamplingFactor::F_2_4,
];

const COLOURS: [(ColorType, usize); 4] =
    [(ColorType::Luma, 1), (ColorType::Rgb, 3), (ColorType::Cmyk, 4), (ColorType::CmykAsYcck, 4)];

/// A JPEG whose sides no block divides.
fn jpeg(colour: (ColorType, usize), set: impl FnOnce(&mut Encoder<&mut Vec<u8>>)) -> Vec<u8> {
    sized((203, 117), colour, set)
}

/// Gradients with noise on them, as a JPEG.
fn sized(
    (width, height): (u16, u16),
    (color, samples): (ColorType, usize),
    set: impl FnOnce(&mut Encoder<&mut Vec<u8>>),
) -> Vec<u8> {
    let mut state = 1_u32;
    let mut pixels = Vec::new();
    for y in 0..usize::from(height) {
        for x in 0..usize::from(width) {
            for sample in 0..samples {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                pixels.push((x + y * (sample + 1) / 3 + (state >> 26) as usize) as u8);
            }
        }
    }
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, 95);
    set(&mut encoder);
    encoder.encode(&pixels, width, height, color).unwrap();
    bytes
}

/// Of every colour, sampling, kind of Huffman table and restart interval.
fn jpegs() -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for colour in COLOURS {
        for sampling in SAMPLINGS {
            // The encoder fails at restarts with tables of its own.
            for (coding, restart) in [("plain", 0), ("plain", 3), ("optimised", 0), ("progressive", 0)] {
                let bytes = jpeg(colour, |encoder| {
                    encoder.set_sampling_factor(sampling);
                    encoder.set_optimized_huffman_tables(coding == "optimised");
                    encoder.set_progressive(coding == "progressive");
                    encoder.set_restart_interval(restart);
                });
                found.push((format!("{:?} {sampling:?} {coding} {restart}", colour.0), bytes));
            }
        }
    }
    found
}

fn recoded(bytes: &[u8], percent: u32) -> Option<Vec<u8>> {
    Recoder::new(bytes, Trial { percent, kept: 64 }, usize::MAX, false).run()?
}

/// What follows the first such marker.
fn behind(bytes: &[u8], marker: u8) -> &[u8] {
    let at = bytes.windows(2).position(|pair| pair == [0xff, marker]).unwrap();
    &bytes[at..]
}

#[test]
fn with_the_same_steps_every_coefficient_stays() {
    let mut identical = 0;
    for (kind, bytes) in jpegs() {
        let same = recoded(&bytes, 100).unwrap_or_else(|| panic!("{kind}"));
        assert_eq!(recoded(&same, 100).as_ref(), Some(&same), "{kind}");
        if kind.contains("plain") {
            // The encoder has the tables of Annex K too, so that the same coefficients are the same bytes.
            assert_eq!(behind(&same, 0xda), behind(&bytes, 0xda), "{kind}");
            identical += 1;
        }
    }
    assert_eq!(identical, COLOURS.len() * SAMPLINGS.len() * 2);
}

#[test]
fn tables_of_its_own_say_the_same_as_those_of_annex_k() {
    let with = |is_optimised| {
        let bytes = jpeg(COLOURS[0], |encoder| encoder.set_optimized_huffman_tables(is_optimised));
        recoded(&bytes, 100).unwrap()
    };
    assert_eq!(behind(&with(true), 0xda), behind(&with(false), 0xda));
}

#[test]
fn a_progressive_picture_is_the_sequential_one_with_the_same_coefficients() {
    for colour in COLOURS {
        // Of the other samplings the encoder writes each component by itself.
        for sampling in SAMPLINGS.into_iter().take(4) {
            let with = |is_progressive| {
                let bytes = sized((256, 128), colour, |encoder| {
                    encoder.set_sampling_factor(sampling);
                    encoder.set_progressive(is_progressive);
                });
                recoded(&bytes, 100).map(|bytes| behind(&bytes, 0xda).to_vec())
            };
            let (progressive, sequential) = (with(true), with(false));
            assert!(progressive.is_some() && progressive == sequential, "{colour:?} {sampling:?}");
        }
    }
}

#[test]
fn a_jpeg_of_any_kind_is_brought_below_a_limit() {
    for (kind, bytes) in jpegs() {
        for part in [2, 3, 5] {
            let most = bytes.len() / part;
            let small = shrink(&bytes, most as u64).unwrap_or_else(|| panic!("{kind} 1/{part}"));
            assert!(small.len() <= most && small.len() > most / 2, "{kind} 1/{part}: {}", small.len());
            let frame = |bytes: &[u8], marker| {
                let frame = behind(bytes, marker);
                frame[2..usize::from(frame[3]) + 2].to_vec()
            };
            let marker = if kind.contains("progressive") { 0xc2 } else { 0xc0 };
            assert_eq!(frame(&small, 0xc0), frame(&bytes, marker), "{kind}");
            assert_eq!(recoded(&small, 100), Some(small), "it can be read");
        }
    }
}

#[test]
fn the_loss_is_no_larger_than_the_limit_asks_for() {
    let bytes = jpeg(COLOURS[1], |_| {});
    let mut sizes = Vec::new();
    for trial in TRIALS {
        sizes.push(Recoder::new(&bytes, trial, usize::MAX, false).run().flatten().unwrap().len());
    }
    assert!(sizes.is_sorted_by(|more, less| more > less), "{sizes:?}");
    for most in [sizes[1], sizes[4], sizes[9]] {
        assert!(shrink(&bytes, most as u64).unwrap().len() <= most);
    }
    let found = shrink(&bytes, sizes[4] as u64 + 1).unwrap().len();
    assert!(found >= sizes[4], "the trial of {} bytes fits, and this has {found}", sizes[4]);
    assert_eq!(shrink(&bytes, sizes[9] as u64 - 1), None);
}

#[test]
fn notes_stay_while_they_are_few_and_the_needed_ones_always() {
    let exif = b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0";
    let bytes = |note: &[u8]| {
        jpeg(COLOURS[2], |encoder| {
            encoder.add_app_segment(1, exif.to_vec()).unwrap();
            encoder.add_icc_profile(b"a profile").unwrap();
            encoder.add_app_segment(2, b"MPF\0 where the next picture is".to_vec()).unwrap();
            encoder.add_app_segment(13, note.to_vec()).unwrap();
        })
    };
    let holds = |bytes: &[u8], text: &[u8]| bytes.windows(text.len()).any(|window| window == text);
    for (note, stays) in [(b"a note".to_vec(), true), (b"a note".repeat(2000), false)] {
        let bytes = bytes(&note);
        let small = shrink(&bytes, bytes.len() as u64 / 2).unwrap();
        for needed in [b"JFIF\0".as_slice(), exif, b"ICC_PROFILE\0\x01\x01a profile", b"Adobe"] {
            assert!(holds(&small, needed), "{needed:?}");
        }
        assert_eq!(holds(&small, b"a note"), stays);
        assert!(holds(&bytes, b"MPF\0") && !holds(&small, b"MPF\0"));
    }
}

#[test]
fn what_stands_behind_the_picture_goes_first() {
    let bytes = jpeg(COLOURS[1], |_| {});
    let mut longer = bytes.clone();
    longer.extend_from_slice(&[7; 5000]);
    let small = shrink(&longer, bytes.len() as u64).unwrap();
    assert_eq!(behind(&small, 0xda), behind(&bytes, 0xda));
}

#[test]
fn what_is_not_read_is_left_as_it_is() {
    let progressive = jpeg(COLOURS[1], |encoder| encoder.set_progressive(true));
    let shortened = &progressive[..progressive.len() - 100];
    let whole = jpeg(COLOURS[1], |_| {});
    let cut = &whole[..whole.len() - 100];
    let endless = &whole[..whole.len() - 2];
    let mut arithmetic = whole.clone();
    let frame = whole.len() - behind(&whole, 0xc0).len();
    arithmetic[frame + 1] = 0xc9;
    let mut deep = whole.clone();
    deep[frame + 4] = 12;
    for bytes in [shortened, cut, endless, &arithmetic, &deep, &whole[..3], &[], &[7; 100]] {
        assert_eq!(shrink(bytes, 20_000), None);
    }
    assert!(shrink(&whole, 20_000).is_some());
}

/// A JPEG, of which some bytes are others.
fn damaged() -> impl Strategy<Value = Vec<u8>> {
    let small: Vec<Vec<u8>> = jpegs().into_iter().step_by(7).map(|(_, bytes)| bytes).collect();
    let hits = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6);
    (prop::sample::select(small), hits, any::<prop::sample::Index>(), any::<bool>()).prop_map(
        |(mut bytes, hits, end, is_early)| {
            for (at, byte) in hits {
                // Most of what can be wrong stands before the scan.
                let within = if is_early { 700 } else { bytes.len() };
                let at = at.index(within);
                bytes[at] = byte;
            }
            let end = end.index(bytes.len() * 2).max(2).min(bytes.len());
            bytes.truncate(end);
            bytes
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damaged_bytes_are_refused_or_read_and_never_more(bytes in damaged(), most in 0..60_000_u64) {
        if let Some(small) = shrink(&bytes, most) {
            prop_assert!(small.len() as u64 <= most);
        }
    }

    #[test]
    fn any_bytes_at_all_are_refused(mut bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        bytes.splice(0..0, [0xff, 0xd8, 0xff]);
        prop_assert_eq!(shrink(&bytes, 100), None);
    }
}
