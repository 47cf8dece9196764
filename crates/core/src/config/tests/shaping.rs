//! The keys of a hook that shape its messages, and fallbacks.

use super::*;

#[test]
fn invalid_values_are_rejected_with_a_reason() {
    for (lines, expected) in [
        ("cooldown = \"-5s\"", "`-5s` is not a duration"),
        ("cooldown = \"100ms\"", "is out of range: 1s to 365d"),
        ("cooldown_by = \"task.name\"", "`cooldown_by` has no effect without `cooldown`"),
        ("cooldown = \"5s\"\ncooldown_by = \"task.\"", "hooks[0].cooldown_by: "),
        ("digest = \"sometimes\"", "`sometimes` is neither `queue` nor a duration"),
        ("digest = \"10ms\"", "is out of range: 1s to 31d"),
        ("digest = \"5m\"\nsupersede = \"task.name\"", "exclude each other"),
        ("ttl = \"0s\"", "is out of range: 1s to 365d"),
        ("quiet_hours = \"late\"", "is not two times of the day"),
        (
            "quiet_hours = \"22:00-07:00\"\nquiet_zone = \"Europe/Atlantis\"",
            "unknown time zone `Europe/Atlantis`",
        ),
        ("quiet_zone = \"Europe/Berlin\"", "`quiet_zone` has no effect without `quiet_hours`"),
        (
            "quiet_hours = \"22:00-07:00\"\nquiet_zone = \"UTC\"\nquiet_except = \"(\"",
            "hooks[0].quiet_except: ",
        ),
        ("escalate = { to = [\"a\"] }", "hooks[0].escalate.after: this key is missing"),
        ("escalate = { after = \"5m\", to = [\"a\"] }", "the hook sends to `a` already"),
        ("escalate = { after = \"5m\", to = [\"b\"] }", "unknown endpoint `b`"),
    ] {
        assert_error(&hook(lines), expected);
    }
}

#[test]
fn a_fallback_exists_and_makes_no_cycle() {
    let endpoints = |fallbacks: &[(&str, &str)]| -> String {
        let table = |(name, to): &(&str, &str)| {
            format!("[endpoints.{name}]\nurl = \"https://example.com/{name}\"\nfallback = \"{to}\"\n")
        };
        fallbacks.iter().map(table).collect()
    };
    assert_error(&endpoints(&[("a", "a")]), "must not lead back to itself: `a` → `a`");
    assert_error(
        &endpoints(&[("a", "b"), ("b", "c"), ("c", "a")]),
        "endpoints.b.fallback: a fallback must not lead back to itself: `b` → `c` → `a` → `b`",
    );
    assert_error(&endpoints(&[("team", "tean")]), "unknown endpoint `tean`");
    let good = "[endpoints.b]\nurl = \"https://example.com/b\"\n".to_owned() + &endpoints(&[("a", "b")]);
    let (config, _) = read_all(&good).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(config.endpoint("a").unwrap().fallback.as_deref(), Some("b"));
}

#[test]
fn a_message_that_becomes_stale_before_it_escalates_is_a_warning() {
    let other = "[endpoints.b]\nurl = \"https://example.com/b\"\n";
    let text = other.to_owned() + &hook("ttl = \"5m\"\nescalate = { after = \"10m\", to = [\"b\"] }");
    let (_, warnings) = read_all(&text).unwrap_or_else(|errors| panic!("{errors}"));
    let warned: Vec<&str> = warnings.iter().map(|warning| warning.key.as_str()).collect();
    assert_eq!(warned, ["hooks[0].ttl"]);
}
