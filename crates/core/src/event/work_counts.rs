//! The tasks of a queue or batch by their result, as far as they are known: a host may count only some.

use serde_json::{Map, Value as Json};

/// The counts of a queue or batch; `None` is unknown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WorkCounts {
    /// Tasks that ended.
    pub total: Option<u64>,
    /// Of these, with success.
    pub succeeded: Option<u64>,
    /// Of these, with an error.
    pub failed: Option<u64>,
    /// Of these, cancelled.
    pub cancelled: Option<u64>,
}

impl WorkCounts {
    /// The counts among these fields, and what follows from them: parts that make up the total are all of it.
    pub fn read(fields: &Map<String, Json>) -> WorkCounts {
        let number = |field: &str| fields.get(field).and_then(whole_number);
        let mut counts = WorkCounts {
            total: number("total"),
            succeeded: number("succeeded"),
            failed: number("failed"),
            cancelled: number("cancelled"),
        };
        let parts = [counts.succeeded, counts.failed, counts.cancelled];
        let sum = parts.iter().flatten().fold(0, |sum: u64, count| sum.saturating_add(*count));
        if counts.total.is_none() && counts.succeeded.is_some() && counts.failed.is_some() {
            counts.total = Some(sum);
        }
        if counts.total == Some(sum) {
            for part in [&mut counts.succeeded, &mut counts.failed, &mut counts.cancelled] {
                part.get_or_insert(0);
            }
        }
        counts
    }

    /// Each with the name of its field.
    pub fn named(&self) -> [(&'static str, Option<u64>); 4] {
        [
            ("total", self.total),
            ("succeeded", self.succeeded),
            ("failed", self.failed),
            ("cancelled", self.cancelled),
        ]
    }
}

/// A number of tasks, also as text or with an empty fraction.
pub fn whole_number(value: &Json) -> Option<u64> {
    let number = match value {
        Json::Number(number) => match number.as_u64() {
            Some(whole) => return Some(whole),
            None => number.as_f64(),
        },
        Json::String(text) => text.trim().parse().ok(),
        _ => None,
    }?;
    (number >= 0.0 && number.fract() == 0.0).then_some(number as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_does_not_follow_from_the_other_counts_is_unknown() {
        for (given, counts) in [
            (json!({"total": 600}), [Some(600), None, None, None]),
            (json!({"total": 600, "failed": 0}), [Some(600), None, Some(0), None]),
            (json!({"total": 5, "failed": 5}), [Some(5), Some(0), Some(5), Some(0)]),
            (json!({"total": 0}), [Some(0), Some(0), Some(0), Some(0)]),
            (json!({"succeeded": 5, "failed": "1"}), [Some(6), Some(5), Some(1), Some(0)]),
            (json!({"succeeded": 5.0, "total": null}), [None, Some(5), None, None]),
            (json!({"total": -1, "failed": 1.5, "cancelled": []}), [None; 4]),
        ] {
            let read = WorkCounts::read(given.as_object().unwrap());
            assert_eq!(read.named().map(|(_, count)| count), counts, "{given}");
        }
    }
}
