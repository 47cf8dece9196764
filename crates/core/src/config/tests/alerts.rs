//! `[[alerts]]`.

use super::*;
use crate::alerts::{Alert, Bound};

/// The first lines of this text are 1 to 4 of the file, so an error in `lines` starts at line 5.
fn alert(lines: &str) -> String {
    format!("[spool]\npath = \":memory:\"\n[[alerts]]\nname = \"a\"\n{lines}\n")
}

fn read(lines: &str) -> Alert {
    Alert::clone(&config(&alert(lines)).alerts[0])
}

#[test]
fn a_threshold_is_any_number_on_one_side() {
    assert_eq!(read("metric = \"m\"\nbelow = -20.5").bound, Bound::Below(-20.5));
    assert_eq!(read("metric = \"m\"\nabove = 0").bound, Bound::Above(0.0));
    assert_error(
        &alert("metric = \"m\"\nabove = 1\nbelow = 2"),
        "line 7, column 9: alerts[0].below: `above` and `below` exclude",
    );
    assert_error(&alert("metric = \"m\""), "line 3, column 1: alerts[0]: the threshold is missing");
    assert_error(&alert("metric = \"m\"\nabove = nan"), "line 6, column 9: a number must be finite");
    assert_error(&alert("metric = \"m\"\nabove = inf"), "line 6, column 9: a number must be finite");
    assert_error(
        &alert("metric = \"m\"\nabove = \"9\""),
        "line 6, column 9: alerts[0].above: expected a number such as 10, 0.5 or -20, found text",
    );
}

#[test]
fn clear_lies_on_the_far_side_of_the_threshold() {
    assert_eq!(read("metric = \"m\"\nabove = 90\nclear = 80").clear, 80.0);
    assert_eq!(read("metric = \"m\"\nbelow = 10\nclear = 10").clear, 10.0);
    assert_error(
        &alert("metric = \"m\"\nabove = 90\nclear = 95"),
        "line 7, column 9: alerts[0].clear: 95 is on the firing side of 90; `clear` must be at or below",
    );
    assert_error(&alert("metric = \"m\"\nbelow = 10\nclear = 9.5"), "`clear` must be at or above `below`");
}

#[test]
fn an_unusable_metric_is_rejected_at_its_place() {
    let at = "line 5, column 10: alerts[0].metric: ";
    for (metric, words) in [
        ("disk.free_gb:/no/such/folder", "`disk.free_gb:/no/such/folder` cannot be measured here: "),
        ("disk.free_gb:", "`disk.free_gb:` names no path"),
        ("disk.used:/", "`disk.used:/` is not built in; metrics of a path are `disk.free_gb:PATH` and"),
        ("a b", "`a b` is not a metric name"),
        ("gpu.x.percent", "`gpu.x.percent` names no graphics card"),
    ] {
        assert_error(&alert(&format!("metric = \"{metric}\"\nabove = 1")), &format!("{at}{words}"));
    }
    assert_error(&alert("above = 1"), "line 3, column 1: alerts[0].metric: this key is missing");
    assert_error(
        &alert("metric = \"m\"\nabove = 1\nsample = \"5s\""),
        "line 7, column 10: alerts[0].sample: the host feeds this metric",
    );
    assert_error(
        &alert("metric = \"process.rss_mb\"\nabove = 1\nsample = \"500ms\""),
        "`500ms` is out of range: 1s to 1d",
    );
}

#[test]
fn names_are_unique() {
    let twice = format!(
        "{}[[alerts]]\nname = \"a\"\nmetric = \"m\"\nabove = 1\n",
        alert("metric = \"m\"\nabove = 1")
    );
    assert_error(&twice, "line 8, column 8: alerts[1].name: another alert has this name already");
    assert_error("[[alerts]]\nmetric = \"m\"\nabove = 1\n", "alerts[0].name: this key is missing");
}

#[test]
fn an_alert_without_a_hook_is_a_warning() {
    let lines = "[[alerts]]\nname = \"a\"\nmetric = \"cpu.percnt\"\nabove = 1\n";
    let found = warnings(&hook(lines));
    assert_eq!(found.len(), 2, "{found:#?}");
    assert!(found[0].starts_with("line 6, column 1: alerts[0]: no hook matches `alert.firing`"));
    assert_eq!(
        found[1],
        "line 8, column 10: alerts[0].metric: `cpu.percnt` is not built in; did you mean `cpu.percent`? \
         Ignore this if the host feeds it"
    );
    let heard = hook("").replace("queue.end", "alert.firing");
    assert_eq!(warnings(&format!("{heard}{}", lines.replace("percnt", "percent"))), [""; 0]);
}
