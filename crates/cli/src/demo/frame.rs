//! The work of the demo: frames of an animation, each written as a PNG.

use serde_json::{Value as Json, json};
use std::io;
use std::path::Path;
use std::time::Duration;
use taskbell_core::clock;

pub const FRAMES: u32 = 24;

/// The frame that somebody set up with a width of 0.
const FAILING: u32 = 16;

/// Pixels of a frame; a build without optimisation is some ten times slower.
const SIZE: (u32, u32) = if cfg!(debug_assertions) { (192, 108) } else { (640, 360) };

pub const QUEUE: &str = "plasma";

fn width(frame: u32) -> u32 {
    if frame == FAILING { 0 } else { SIZE.0 }
}

pub fn name(frame: u32) -> String {
    format!("{QUEUE}-{frame:03}")
}

pub fn file_name(frame: u32) -> String {
    format!("frame-{frame:03}.png")
}

/// Renders a frame, counted from 1, into a file.
///
/// # Errors
/// The failing frame has no pixels, which PNG does not allow.
pub fn render(frame: u32, path: &Path) -> io::Result<()> {
    let (width, height) = (width(frame), SIZE.1);
    let time = f64::from(frame) / f64::from(FRAMES) * std::f64::consts::TAU;
    let scale = f64::from(height) / 4.0;
    let pixels: Vec<u8> = (0..height)
        .flat_map(|y| (0..width).flat_map(move |x| pixel(f64::from(x) / scale, f64::from(y) / scale, time)))
        .collect();
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width, height);
    encoder.set_color(png::ColorType::Rgb);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&pixels)?;
    writer.finish()?;
    std::fs::write(path, file)
}

/// Waves of three colours over each other.
fn pixel(x: f64, y: f64, time: f64) -> [u8; 3] {
    let wave = (x + time).sin() + (y - time).cos() + (x * 0.7 + y * 0.5 + time).sin();
    [0.0, 2.0, 4.0].map(|shift| (127.5 + 127.5 * (wave * 1.3 + shift).sin()) as u8)
}

/// The payload of `task.complete`, as a host reports it.
pub fn task(frame: u32, path: &Path, took: Duration, result: &io::Result<()>) -> Json {
    let mut task = json!({
        "id": name(frame),
        "name": format!("Frame {frame}"),
        "kind": "render",
        "status": "success",
        "finished_at": clock::rfc3339(clock::unix_ms()),
        "duration_s": took.as_secs_f64(),
        "user": if frame.is_multiple_of(3) { "grace" } else { "ada" },
        "queue": QUEUE,
        "queue_remaining": FRAMES.saturating_sub(frame),
        "params": { "width": width(frame), "height": SIZE.1 },
    });
    match result {
        Ok(()) => {
            let name = path.file_name().map(|name| name.to_string_lossy());
            task["outputs"] = json!([{ "path": path, "mime": "image/png", "name": name }]);
        }
        Err(error) => {
            task["status"] = json!("error");
            task["error"] = json!({ "type": "EncodingError", "message": error.to_string() });
        }
    }
    task
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_frame_but_one_is_an_image() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("frame.png");
        let failed: Vec<u32> = (1..=FRAMES).filter(|frame| render(*frame, &path).is_err()).collect();
        assert_eq!(failed, [FAILING]);
        let decoder = png::Decoder::new(io::Cursor::new(std::fs::read(&path).unwrap()));
        let mut reader = decoder.read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        assert_eq!((info.width, info.height), SIZE);
        assert!(pixels.iter().any(|byte| *byte != pixels[0]), "the image shows something");
    }
}
