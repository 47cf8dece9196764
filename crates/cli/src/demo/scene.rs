//! What the demo renders: a zoom into the Mandelbrot set, a frame a task, on the CPU.

use super::picture::Picture;
use serde_json::{Value as Json, json};

/// The point the zoom goes to: a spiral in the valley between the set's heart and head.
const CENTRE: (f64, f64) = (-0.743_643_887_037_151, 0.131_825_904_205_330);

/// The width of the first frame, and by how much each one is narrower.
const FIRST_WIDTH: f64 = 3.2;
const NARROWER: f64 = 0.6;

/// The most iterations of one sample.
const MOST_ITERATIONS: u32 = 800;

/// Samples a pixel, along each side.
const SAMPLES: usize = 2;

/// One frame, as an artist has set it up.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    /// From 1.
    pub number: usize,
    /// The width of what it shows, in the plane of complex numbers.
    pub width: f64,
    /// Pixels.
    pub size: (usize, usize),
}

/// What rendering a frame told.
#[derive(Debug)]
pub struct Rendered {
    /// The picture.
    pub picture: Picture,
    /// Iterations in all.
    pub iterations: u64,
}

/// Why a frame cannot be rendered.
#[derive(Debug, PartialEq)]
pub struct PrecisionExhausted {
    step: f64,
    spacing: f64,
}

impl std::fmt::Display for PrecisionExhausted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let PrecisionExhausted { step, spacing } = self;
        write!(f, "pixels would be {step:.0e} apart, and 64-bit numbers here are {spacing:.0e} apart")
    }
}

/// The frames of the demo. Somebody typed a width with too many zeros into one of them.
pub fn frames(count: usize, size: (usize, usize)) -> Vec<Frame> {
    let mistyped = count * 2 / 3;
    let width = |number: usize| {
        let width = FIRST_WIDTH * NARROWER.powi(i32::try_from(number).unwrap_or_default() - 1);
        if number == mistyped { width * 1e-16 } else { width }
    };
    (1..=count).map(|number| Frame { number, width: width(number), size }).collect()
}

impl Frame {
    /// What the host would tell of it as `params`.
    pub fn params(&self) -> Json {
        let (width, height) = self.size;
        json!({
            "centre": [CENTRE.0, CENTRE.1],
            "width": self.width,
            "pixels": [width, height],
            "samples": SAMPLES * SAMPLES,
            "max_iterations": MOST_ITERATIONS,
        })
    }

    /// Renders it.
    pub fn render(&self) -> Result<Rendered, PrecisionExhausted> {
        let (columns, rows) = self.size;
        let step = self.width / (columns * SAMPLES) as f64;
        let spacing = CENTRE.0.abs() * f64::EPSILON;
        if step < 4.0 * spacing {
            return Err(PrecisionExhausted { step, spacing });
        }
        let mut picture = Picture::new(columns, rows);
        let mut iterations = 0;
        for row in 0..rows {
            for column in 0..columns {
                picture.push(self.pixel(column, row, step, &mut iterations));
            }
        }
        Ok(Rendered { picture, iterations })
    }

    fn pixel(&self, column: usize, row: usize, step: f64, iterations: &mut u64) -> [u8; 3] {
        let (columns, rows) = self.size;
        let mut sum = [0.0; 3];
        for sample in 0..SAMPLES * SAMPLES {
            let x = (column * SAMPLES + sample % SAMPLES) as f64 - (columns * SAMPLES) as f64 / 2.0;
            let y = (row * SAMPLES + sample / SAMPLES) as f64 - (rows * SAMPLES) as f64 / 2.0;
            let (escaped, count) = escape(CENTRE.0 + x * step, CENTRE.1 - y * step);
            *iterations += u64::from(count);
            let colour = escaped.map_or([0.0; 3], colour);
            sum.iter_mut().zip(colour).for_each(|(sum, part)| *sum += part);
        }
        sum.map(|part| (255.0 * (part / (SAMPLES * SAMPLES) as f64).sqrt()) as u8)
    }
}

/// After how many iterations (smoothed) a point escapes, if it does, and how many were made.
fn escape(re: f64, im: f64) -> (Option<f64>, u32) {
    let (mut x, mut y) = (0.0_f64, 0.0_f64);
    for count in 0..MOST_ITERATIONS {
        let (xx, yy) = (x * x, y * y);
        if xx + yy > 256.0 {
            let smooth = f64::from(count) + 1.0 - ((xx + yy).ln() / 2.0).log2();
            return (Some(smooth), count);
        }
        y = 2.0 * x * y + im;
        x = xx - yy + re;
    }
    (None, MOST_ITERATIONS)
}

/// Deep blue over teal and sand to white, and round again, in linear light.
fn colour(escaped: f64) -> [f64; 3] {
    let turn = (escaped.max(0.0) / 24.0).sqrt() * 2.2;
    let wave = |shift: f64| 0.5 - 0.5 * (std::f64::consts::TAU * (turn * 0.5 + shift)).cos();
    [wave(0.02).powi(2), wave(0.10).powi(2) * 0.9, wave(0.22) * 0.8 + 0.05]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_frame_cannot_be_rendered_and_the_others_can() {
        let frames = frames(24, (16, 9));
        let failed: Vec<_> =
            frames.iter().filter(|frame| frame.render().is_err()).map(|f| f.number).collect();
        assert_eq!(failed, [16]);
        let first = frames[0].render().unwrap();
        assert!(first.iterations > 0);
        assert!(frames[0].render().unwrap().picture == first.picture, "a frame renders the same every time");
        assert!(frames[1].render().unwrap().picture != first.picture);
    }

    #[test]
    fn points_of_the_set_never_escape() {
        assert_eq!(escape(0.0, 0.0), (None, MOST_ITERATIONS));
        assert!(escape(2.0, 2.0).0.is_some());
    }
}
