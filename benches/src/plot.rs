//! The picture: deliveries a second and the cost of a call, of every sender, on logarithmic axes.

use crate::row::{Row, short};
use std::fmt::Write;

const WIDTH: f64 = 760.0;
const NAMES: f64 = 170.0;
const BARS: f64 = 480.0;
const BAR: f64 = 22.0;
const TOP: f64 = 34.0;

/// A panel: its title, the ending of its rows, the unit, and the powers of ten that it spans.
const PANELS: [(&str, &str, &str, i32, i32); 2] = [
    ("Deliveries a second, 4 in flight, 512 bytes, loopback", ": deliveries", "/s", 2, 5),
    ("What the host's thread waits for in one call", ": call, p50", "ns", 1, 7),
];

/// An SVG of what the rows of the part `peers` say.
pub fn draw(rows: &[Row], caption: &[String]) -> String {
    let mut body = String::new();
    let mut y = 8.0;
    for (title, ending, unit, from, to) in PANELS {
        let bars: Vec<(&str, f64)> = rows
            .iter()
            .filter_map(|row| Some((row.what.strip_suffix(ending)?, row.figure.as_ref().ok()?.value)))
            .collect();
        panel(&mut body, y, title, &bars, unit, from..=to);
        y += TOP + bars.len() as f64 * (BAR + 6.0) + 38.0;
    }
    for line in caption {
        text(&mut body, 8.0, y, "start", "#667", line);
        y += 16.0;
    }
    let height = y;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
         font-family=\"system-ui,sans-serif\" font-size=\"12\">\n\
         <rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#fff\"/>\n{body}</svg>\n"
    )
}

fn panel(
    out: &mut String,
    y: f64,
    title: &str,
    bars: &[(&str, f64)],
    unit: &str,
    powers: std::ops::RangeInclusive<i32>,
) {
    text(out, 8.0, y + 14.0, "start", "#112", title);
    let (from, to) = (f64::from(*powers.start()), f64::from(*powers.end()));
    let place = |figure: f64| NAMES + BARS * ((figure.log10() - from) / (to - from)).clamp(0.0, 1.0);
    let bottom = y + TOP + bars.len() as f64 * (BAR + 6.0);
    for power in powers {
        let figure = 10_f64.powi(power);
        let x = place(figure);
        let _ = writeln!(
            out,
            "<line x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{:.1}\" y2=\"{bottom:.1}\" stroke=\"#dde\"/>",
            y + TOP - 6.0
        );
        text(out, x, bottom + 14.0, "middle", "#667", &with_unit(figure, unit));
    }
    for (number, (name, figure)) in bars.iter().enumerate() {
        let top = y + TOP + number as f64 * (BAR + 6.0);
        let colour = match *name {
            name if name.starts_with("Taskbell") => "#2563eb",
            "raw loop" => "#64748b",
            _ => "#cbd5e1",
        };
        let (width, baseline) = (place(*figure) - NAMES, top + BAR * 0.7);
        text(out, NAMES - 8.0, baseline, "end", "#112", name);
        let _ = writeln!(
            out,
            "<rect x=\"{NAMES}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{BAR}\" rx=\"3\" fill=\"{colour}\"/>"
        );
        text(out, NAMES + width + 6.0, baseline, "start", "#112", &with_unit(*figure, unit));
    }
}

fn with_unit(figure: f64, unit: &str) -> String {
    match unit {
        "ns" if figure >= 1e6 => format!("{} ms", short(figure / 1e6)),
        "ns" if figure >= 1e3 => format!("{} µs", short(figure / 1e3)),
        "ns" => format!("{} ns", short(figure)),
        unit => format!("{}{unit}", short(figure)),
    }
}

fn text(out: &mut String, x: f64, y: f64, anchor: &str, colour: &str, words: &str) {
    let words = words.replace('&', "&amp;").replace('<', "&lt;");
    let _ = writeln!(
        out,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" fill=\"{colour}\">{words}</text>"
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::Figure;

    #[test]
    fn a_sender_that_was_not_measured_has_no_bar() {
        let figure = |value| Ok(Figure { value, unit: "/s", against: None, runs: 1 });
        let row = |name: &str, figure| Row {
            part: "peers",
            what: format!("{name}: deliveries"),
            figure,
            goal: None,
        };
        let rows = [row("raw loop", figure(64_000.0)), row("a & b", Err("none".to_owned()))];
        let picture = draw(&rows, &["here < there".to_owned()]);
        assert!(picture.contains("64,000/s") && picture.contains("here &lt; there"), "{picture}");
        assert!(!picture.contains("a &amp; b"));
    }
}
