//! The pictures that Taskbell draws itself: a contact sheet, and the curve of a series. Both are JPEGs, whose encoder is
//! there for pictures that are too large.

use super::{attachment, picture};
use crate::message::Drawing;
use crate::platform::Attachment;
use image::codecs::jpeg::JpegEncoder;
use image::{Rgb, RgbImage, imageops};
use std::path::PathBuf;

/// The side of a picture in a sheet, and what is between two, in pixels.
const CELL: u32 = 256;
const GAP: u32 = 8;

/// The sides of a curve, and the room around it.
const WIDTH: u32 = 640;
const HEIGHT: u32 = 240;
const MARGIN: u32 = 16;

const WHITE: Rgb<u8> = Rgb([255, 255, 255]);
const GRID: Rgb<u8> = Rgb([228, 231, 235]);
const INK: [u8; 3] = [37, 99, 235];

/// Half of the thickness of the line.
const PEN: f32 = 1.6;

const QUALITY: u8 = 90;

/// The drawing as a file. Reads what it needs below the roots. An error is the end of a sentence.
pub(super) fn draw(drawing: &Drawing, roots: &[PathBuf]) -> Result<Attachment, String> {
    let (name, picture) = match drawing {
        Drawing::Sheet(paths) => ("contact-sheet.jpg", sheet(paths, roots)?),
        Drawing::Curve(points) => ("curve.jpg", curve(points)),
    };
    let mut bytes = Vec::new();
    let encoder = JpegEncoder::new_with_quality(&mut bytes, QUALITY);
    picture.write_with_encoder(encoder).map_err(|_| "cannot be drawn".to_owned())?;
    Ok(Attachment { name: name.to_owned(), media: "image/jpeg", bytes })
}

/// A grid of the pictures that can be read, each decoded alone.
fn sheet(paths: &[String], roots: &[PathBuf]) -> Result<RgbImage, String> {
    let mut reason = "has no pictures".to_owned();
    let mut cells: Vec<RgbImage> = Vec::new();
    for path in paths {
        let read = attachment::read(path, roots, attachment::LARGEST);
        match read.and_then(|file| picture::thumbnail(&file, CELL).map_err(str::to_owned)) {
            Ok(cell) => cells.push(cell),
            Err(fault) => reason = format!("shows {}, which {fault}", attachment::shown_name(path)),
        }
    }
    let columns = match cells.len() as u32 {
        0 => return Err(reason),
        count @ 1..=3 => count,
        4 => 2,
        _ => 3,
    };
    let rows = (cells.len() as u32).div_ceil(columns);
    let side = |cells: u32| cells * (CELL + GAP) + GAP;
    let mut grid = RgbImage::from_pixel(side(columns), side(rows), WHITE);
    for (index, cell) in cells.iter().enumerate() {
        let (column, row) = (index as u32 % columns, index as u32 / columns);
        let corner = |at: u32, length: u32| i64::from(side(at) + CELL.saturating_sub(length) / 2);
        imageops::replace(&mut grid, cell, corner(column, cell.width()), corner(row, cell.height()));
    }
    Ok(grid)
}

fn curve(points: &[u16]) -> RgbImage {
    let mut picture = RgbImage::from_pixel(WIDTH, HEIGHT, WHITE);
    let height = HEIGHT - 2 * MARGIN;
    for line in 0..=4 {
        for x in MARGIN..WIDTH - MARGIN {
            picture.put_pixel(x, MARGIN + line * (height - 1) / 4, GRID);
        }
    }
    let last = points.len().saturating_sub(1).max(1) as f32;
    let place = |index: usize| {
        let point = f32::from(points[index].min(Drawing::TOP)) / f32::from(Drawing::TOP);
        let x = MARGIN as f32 + index as f32 / last * (WIDTH - 2 * MARGIN - 1) as f32;
        (x, MARGIN as f32 + (1.0 - point) * (height - 1) as f32)
    };
    for index in 1..points.len() {
        stroke(&mut picture, place(index - 1), place(index));
    }
    picture
}

/// A line between two points. Each pixel is as dark as the line is near.
fn stroke(picture: &mut RgbImage, (x0, y0): (f32, f32), (x1, y1): (f32, f32)) {
    let (dx, dy) = (x1 - x0, y1 - y0);
    let square = (dx * dx + dy * dy).max(f32::EPSILON);
    let span = |from: f32, to: f32, most: u32| {
        let reach = PEN + 1.0;
        (from.min(to) - reach).max(0.0) as u32..=((from.max(to) + reach) as u32).min(most - 1)
    };
    for y in span(y0, y1, HEIGHT) {
        for x in span(x0, x1, WIDTH) {
            let (px, py) = (x as f32 - x0, y as f32 - y0);
            let along = ((px * dx + py * dy) / square).clamp(0.0, 1.0);
            let distance = (px - along * dx).hypot(py - along * dy);
            let cover = (PEN + 0.5 - distance).clamp(0.0, 1.0);
            let pixel = picture.get_pixel_mut(x, y);
            for (sample, ink) in pixel.0.iter_mut().zip(INK) {
                let mixed = f32::from(*sample) * (1.0 - cover) + f32::from(ink) * cover;
                // A pixel near two lines keeps the darker of them.
                *sample = (mixed as u8).min(*sample);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::codecs::png::PngEncoder;
    use image::{ExtendedColorType, ImageEncoder};
    use std::fs;

    fn decoded(file: &Attachment) -> RgbImage {
        assert_eq!(file.media, "image/jpeg");
        image::load_from_memory(&file.bytes).unwrap().into_rgb8()
    }

    fn png(width: u32, height: u32, colour: [u8; 3]) -> Vec<u8> {
        let (mut bytes, samples) = (Vec::new(), colour.repeat((width * height) as usize));
        PngEncoder::new(&mut bytes).write_image(&samples, width, height, ExtendedColorType::Rgb8).unwrap();
        bytes
    }

    #[test]
    fn a_contact_sheet_has_the_pictures_that_can_be_read_in_a_grid() {
        let folder = tempfile::tempdir().unwrap();
        let roots = [folder.path().to_owned()];
        let mut paths = Vec::new();
        for index in 0..9_u8 {
            let name = format!("{index}.png");
            fs::write(folder.path().join(&name), png(640, 320, [index * 20, 0, 200])).unwrap();
            paths.push(name);
        }
        let whole = draw(&Drawing::Sheet(paths.clone()), &roots).unwrap();
        let grid = decoded(&whole);
        assert_eq!((whole.name.as_str(), grid.dimensions()), ("contact-sheet.jpg", (800, 800)));
        for index in 0..9_u32 {
            let middle = |at: u32| GAP + at * (CELL + GAP) + CELL / 2;
            let pixel = grid.get_pixel(middle(index % 3), middle(index / 3)).0;
            assert!(pixel[0].abs_diff(index as u8 * 20) < 12 && pixel[2] > 180, "{index}: {pixel:?}");
        }
        fs::write(folder.path().join("damaged.png"), b"\x89PNG\r\n\x1a\nno picture").unwrap();
        let some = ["damaged.png", "gone.png", "../secret.png", "1.png", "2.png"].map(str::to_owned);
        assert_eq!(decoded(&draw(&Drawing::Sheet(some.to_vec()), &roots).unwrap()).dimensions(), (536, 272));
        let none = draw(&Drawing::Sheet(some[..2].to_vec()), &roots).unwrap_err();
        assert_eq!(none, "shows gone.png, which does not exist");
        assert!(draw(&Drawing::Sheet(paths), &[]).is_err());
    }

    #[test]
    fn a_curve_falls_where_its_series_falls() {
        let series: Vec<f64> = (0..1000).map(|step| 1.0 / f64::from(step + 1)).collect();
        let Some(drawing @ Drawing::Curve(_)) = Drawing::curve(&series) else { panic!("no curve") };
        let picture = decoded(&draw(&drawing, &[]).unwrap());
        assert_eq!(picture.dimensions(), (WIDTH, HEIGHT));
        let is_ink = |x: u32, y: u32| picture.get_pixel(x, y).0[0] < 140;
        assert!(is_ink(MARGIN, MARGIN) && is_ink(WIDTH - MARGIN - 2, HEIGHT - MARGIN - 1));
        assert!(!is_ink(WIDTH / 2, HEIGHT / 4));
        for odd in [vec![], vec![1.0, 2.0], vec![f64::NAN; 9]] {
            assert_eq!(Drawing::curve(&odd), None);
        }
        for flat in [vec![5.0; 3], vec![f64::MAX, f64::MIN, 0.0, f64::INFINITY]] {
            assert!(draw(&Drawing::curve(&flat).unwrap(), &[]).is_ok());
        }
    }
}
