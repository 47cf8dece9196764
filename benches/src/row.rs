//! One row of the report.

use serde_json::{Value as Json, json};

/// A figure, or why there is none.
pub struct Row {
    pub part: &'static str,
    pub what: String,
    pub figure: Result<Figure, String>,
    pub goal: Option<Goal>,
}

pub struct Figure {
    /// The median over the runs.
    pub value: f64,
    pub unit: &'static str,
    /// What it is compared with, and the median of the ratios or differences within one run.
    pub against: Option<(&'static str, f64)>,
    pub runs: usize,
}

/// Of the comparison where there is one, else of the value.
#[derive(Clone, Copy)]
pub enum Goal {
    AtLeast(f64),
    AtMost(f64),
}

impl Row {
    /// Whether the goal is reached; without a goal or a figure nothing is known.
    pub fn reached(&self) -> Option<bool> {
        let figure = self.figure.as_ref().ok()?;
        let judged = figure.against.map_or(figure.value, |(_, compared)| compared);
        Some(match self.goal? {
            Goal::AtLeast(bound) => judged >= bound,
            Goal::AtMost(bound) => judged <= bound,
        })
    }

    pub fn goal_text(&self) -> String {
        match self.goal {
            Some(Goal::AtLeast(bound)) => format!("≥ {}", short(bound)),
            Some(Goal::AtMost(bound)) => format!("≤ {}", short(bound)),
            None => String::new(),
        }
    }

    pub fn to_json(&self) -> Json {
        let (bound, direction) = match self.goal {
            Some(Goal::AtLeast(bound)) => (Some(bound), Some("at_least")),
            Some(Goal::AtMost(bound)) => (Some(bound), Some("at_most")),
            None => (None, None),
        };
        let figure = match &self.figure {
            Ok(Figure { value, unit, against, runs }) => json!({
                "median": value, "unit": unit, "runs": runs,
                "against": against.map(|(name, _)| name), "compared": against.map(|(_, compared)| compared),
            }),
            Err(reason) => json!({ "not_measured": reason }),
        };
        json!({
            "part": self.part, "what": self.what, "figure": figure,
            "goal": bound, "goal_is": direction, "reached": self.reached(),
        })
    }
}

/// Three digits that count, without an exponent.
pub fn short(figure: f64) -> String {
    let size = figure.abs();
    let whole = |figure: f64| {
        let digits = format!("{figure:.0}");
        let (sign, digits) = digits.strip_prefix('-').map_or(("", digits.as_str()), |rest| ("-", rest));
        let mut text = String::new();
        for (place, digit) in digits.chars().enumerate() {
            if place > 0 && (digits.len() - place).is_multiple_of(3) {
                text.push(',');
            }
            text.push(digit);
        }
        format!("{sign}{text}")
    };
    match size {
        _ if figure.is_nan() => "–".to_owned(),
        0.0 => "0".to_owned(),
        _ if size >= 100.0 || figure.fract() == 0.0 => whole(figure),
        _ if size >= 10.0 => format!("{figure:.1}"),
        _ => format!("{figure:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_short_to_read() {
        for (figure, text) in
            [(64_512.3, "64,512"), (0.1449, "0.14"), (12.34, "12.3"), (2.0, "2"), (-1_500.0, "-1,500")]
        {
            assert_eq!(short(figure), text);
        }
    }

    #[test]
    fn a_goal_is_of_the_comparison_where_there_is_one() {
        let figure = Figure { value: 9_000.0, unit: "/s", against: Some(("raw loop", 0.14)), runs: 10 };
        let row = Row { part: "a", what: "b".into(), figure: Ok(figure), goal: Some(Goal::AtLeast(0.5)) };
        assert_eq!((row.reached(), row.goal_text()), (Some(false), "≥ 0.50".to_owned()));
    }
}
