//! A template or a condition never ends or holds up the host's process.

use super::super::sample::context as sample_context;
use super::super::source_bounds::{MAX_OPERATORS, MAX_SOURCE_BYTES};
use super::super::{Condition, ConditionResult, Template};
use crate::os;
use serde_json::json;
use std::time::{Duration, Instant};

fn rendered(text: &str) -> Result<String, String> {
    let template = Template::from_json("t", &json!([text])).map_err(|error| error.to_string())?;
    let message = template.render(&sample_context("queue.end")).map_err(|error| error.to_string())?;
    Ok(String::from_utf8(message.body).unwrap())
}

#[test]
fn a_namespace_counts_and_remembers_but_never_holds_itself() {
    for (text, body) in [
        (
            "{% set n = namespace(i=0) %}{% for u in queue.users %}{% set n.i = n.i + 1 %}{% endfor %}{{ n.i }}",
            r#"["2"]"#,
        ),
        (
            "{% set n = namespace() %}{% for f in queue.failures %}{% set n.last = f.name %}{% endfor %}{{ n.last }}",
            r#"["portrait-07"]"#,
        ),
        ("{% set n = namespace(any=false) %}{% set n.any = queue.failed > 0 %}{{ n.any }} ", r#"["true "]"#),
        (
            "{% set n = namespace(t='') %}{% for u in queue.users %}{% set n.t = n.t ~ u %}{% endfor %}{{ n.t }}",
            r#"["mirajon"]"#,
        ),
        ("{% set n = namespace() %}{% set n.q = queue.users[0] | default('x') %}{{ n.q }}", r#"["mira"]"#),
    ] {
        assert_eq!(rendered(text).as_deref(), Ok(body), "{text}");
    }
    for text in [
        "{% set n = namespace() %}{% set n.a = n %}{{ n | tojson }}",
        "{% set n = namespace() %}{% set n.a = [n] %}{{ n ~ '' }}",
        "{% set n = namespace() %}{% set n.a = {'x': n} %}{{ n == n }}",
        "{% set n = namespace() %}{% set m = n %}{% set n.a = m %}{{ n }}",
        "{% set n = namespace() %}{% for m in [n] %}{% set n.a = m %}{% endfor %}{{ n }}",
        "{% set n = namespace() %}{% with m = n %}{% set n.a = m %}{% endwith %}{{ n }}",
        "{% set n = namespace() %}{% set queue = n %}{% set n.a = queue %}{{ n }}",
        "{% set n = namespace(a=[1]) %}{% for i in range(9000) %}{% set n.a = n.a[0:] %}{% endfor %}{{ n.a | length }}",
        "{% set n = namespace(a=[1]) %}{% for i in range(9000) %}{% set n.a = n.a * 1 %}{% endfor %}{{ n.a | length }}",
        "{% set n = namespace(a=1) %}{% for i in range(9000) %}{% set n.a = n.a | batch(1) %}{% endfor %}{{ n.a }}",
    ] {
        let error = rendered(text).unwrap_err();
        assert!(error.contains("a namespace"), "{text}: {error}");
    }
    let recursive = "{% for x in [1] recursive %}{{ loop([x]) }}{% endfor %}";
    assert!(rendered(recursive).unwrap_err().contains("nest plain loops"));
}

#[test]
fn a_value_does_not_grow_over_the_turns_of_a_loop() {
    for repeated in ["{{ [1] * 3 }}", "{% set b = [task] %}{{ b * 2 ~ '' }}", "{{ (range(3) | list) * 2 }}"] {
        assert!(rendered(repeated).unwrap_err().contains("cannot be repeated"), "{repeated}");
    }
    assert_eq!(rendered("{% for i in [1, 2] %}{{ i * 2 }}{% endfor %}").as_deref(), Ok(r#"["24"]"#));
    let text = "{% set x = [1] %}{% for i in range(3) %}{% set x = [x] %}{{ x }}{% endfor %}";
    assert_eq!(rendered(text).as_deref(), Ok(r#"["[[1]][[1]][[1]]"]"#));
}

#[test]
fn costly_filters_and_tests_are_stopped() {
    let chained =
        |step: &str| format!("{{% set b = [1, 2] %}}{}{{{{ b | tojson | length }}}}", step.repeat(40));
    let looped = |what: &str| {
        format!(
            "{{% set v = 'x' * 1000000 %}}{{% for i in range(9000) %}}{{% set q = {what} %}}{{% endfor %}}x"
        )
    };
    for text in [
        chained("{% set b = b|zip(b) %}"),
        chained("{% set b = b|chain(b) %}"),
        chained("{% set b = [b, b] %}"),
        chained("{% set b = {'x': b, 'y': b} %}"),
        chained("{% set b = [b] * 100 %}"),
        chained("{% set b = b + b %}"),
        chained("{% set b = b[0:] %}"),
        looped("v is lower"),
        looped("v is startingwith(v)"),
        looped("v | clip(999999)"),
    ] {
        let start = Instant::now();
        let _ = rendered(&text);
        assert!(start.elapsed() < Duration::from_secs(20), "{text} took {:?}", start.elapsed());
    }
    assert_eq!(
        rendered("{{ [1, 2] | zip('ab') | chain([3]) | list }}").as_deref(),
        Ok(r#"[[[1,"a"],[2,"b"],3]]"#)
    );
}

#[test]
fn what_is_at_the_limit_fits_the_stack_and_what_is_beyond_is_refused() {
    let most = MAX_OPERATORS;
    let pieces = move |count: usize| {
        [
            format!("1{}", "+1".repeat(count)),
            format!("task{}", ".a".repeat(count)),
            format!("task{}", "|upper".repeat(count)),
            format!("{}1", "-".repeat(count)),
            format!("{}1", "not ".repeat(count)),
            format!("1{}", " ** 1".repeat(count)),
            format!("{}1", "1 if 1 else ".repeat(count)),
            format!("1{}", " == 1".repeat(count)),
        ]
    };
    let work = move || {
        for source in pieces(most - 1) {
            let _ = Template::from_json(
                "t",
                &json!(["{{ X }}".replace('X', &source), "a {{ X }}".replace('X', &source)]),
            )
            .map(|template| template.render(&sample_context("task.complete")));
            let _ = Condition::compile(&source).map(|when| when.holds(&sample_context("task.complete")));
        }
        for source in pieces(most + 1) {
            let text = format!("a {{{{ {source} }}}}");
            let error = Template::from_json("t", &json!([text])).unwrap_err().to_string();
            assert!(error.contains("more than 1000 operators"), "{error}");
        }
        let nested = format!("{}1{}", "[".repeat(5000), "]".repeat(5000));
        assert!(Condition::compile(&nested).is_err());
        assert!(Template::from_text("t.j2", &" ".repeat(MAX_SOURCE_BYTES + 1)).is_err());
        let deep = "{% set b = [b] %}".repeat(3000);
        assert!(Template::from_json("t", &json!([deep])).is_err());
        let nested = "{% set b = [b] %}".repeat(900);
        for end in ["{{ b | tojson }}", "{{ b ~ '' }}", "{{ b == [b] }}", "{{ [b] | sort }}"] {
            let _ = rendered(&format!("{{% set b = 1 %}}{nested}{end}"));
        }
    };
    os::run_to_render("limits", work).unwrap();
}

#[test]
fn a_condition_of_many_terms_is_compiled_and_decided() {
    let terms: Vec<String> = (0..1700).map(|n| format!("task.user == 'u{n}'")).collect();
    let source = format!("{} or task.user == 'mira'", terms.join(" or "));
    let holds = os::run_to_render("terms", || {
        Condition::compile(&source).map(|when| when.holds(&sample_context("task.complete")))
    });
    assert_eq!(holds.unwrap(), Ok(ConditionResult::True));
    let endless = "a or ".repeat(30_000);
    assert!(Condition::compile(&endless).is_err());
}
