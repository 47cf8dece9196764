//! Medians, quantiles, and the figures that a child process prints.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The median; NaN of nothing.
pub fn median(figures: &[f64]) -> f64 {
    at(figures, 0.5)
}

/// The value below which this part of the figures lies.
pub fn at(figures: &[f64], part: f64) -> f64 {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    let place = (sorted.len().saturating_sub(1)) as f64 * part;
    sorted.get(place.round() as usize).copied().unwrap_or(f64::NAN)
}

/// How long each of `count` calls takes in nanoseconds, with a gap between two, as a busy host makes them.
pub fn calls(count: u64, gap: Duration, mut call: impl FnMut(u64)) -> Vec<f64> {
    let mut taken = Vec::with_capacity(count as usize);
    let mut next = Instant::now();
    for number in 0..count {
        while Instant::now() < next {
            std::hint::spin_loop();
        }
        let start = Instant::now();
        call(number);
        taken.push(start.elapsed().as_nanos() as f64);
        next = Instant::now() + gap;
    }
    taken
}

/// Runs this program as a client, and gives the figures it prints.
pub fn client(words: &[String]) -> Result<Vec<f64>, String> {
    let mut command = Command::new(program()?);
    figures(command.arg("client").args(words))
}

/// This program.
pub fn program() -> Result<PathBuf, String> {
    std::env::current_exe().map_err(|error| format!("this program's path: {error}"))
}

/// Runs a command to its end, and gives the figures it prints.
pub fn figures(command: &mut Command) -> Result<Vec<f64>, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).output().map_err(|error| format!("{name}: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let figures: Option<Vec<f64>> = text.split_whitespace().map(|word| word.parse().ok()).collect();
    match figures {
        Some(figures) if output.status.success() => Ok(figures),
        _ => {
            let fault = String::from_utf8_lossy(&output.stderr);
            let last = fault.trim().lines().last().unwrap_or_default().to_owned();
            Err(format!("{name}: {}: {last}", output.status))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_figure_in_the_middle() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert!(median(&[]).is_nan());
        assert_eq!(at(&[1.0, 2.0, 3.0, 4.0, 5.0], 0.99), 5.0);
    }
}
