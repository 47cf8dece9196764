use super::super::{Context, RenderError, Template};
use serde_json::{Value as Json, json};

fn render(text: &str, name: &str) -> Result<String, RenderError> {
    let context = Context::new(json!({"task": {"name": name, "steps": 30, "list": [",5,"], "none": null}}));
    let message = Template::from_text("team.j2", text).unwrap().render(&context)?;
    assert_eq!(message.content_type, "application/json");
    Ok(String::from_utf8(message.body).unwrap())
}

#[test]
fn the_authors_bytes_are_kept() {
    let text = "{\n  \"t\": {{ task.name }},  \"n\": {{ task.steps }}, \"x\": {{ task.none }}\n}\n";
    let name = "a \"b\" \\ {{ task }} <é>\n";
    let body = render(text, name).unwrap();
    assert!(body.starts_with("{\n  \"t\": \"a \\\"b\\\" ") && body.ends_with(", \"x\": null\n}\n"), "{body}");
    assert_eq!(serde_json::from_str::<Json>(&body).unwrap(), json!({"t": name, "n": 30, "x": null}));
    assert_eq!(render("[{{ 'Task ' ~ task.name }}]", "x").unwrap(), r#"["Task x"]"#);
    assert_eq!(render("[{% for i in range(2) %}{{ i }},{% endfor %}9]", "x").unwrap(), "[0,1,9]");
}

#[test]
fn a_value_inside_quotes_is_explained_with_its_line() {
    for text in "\
        {\n\"t\": \"{{ task.name }}\"} ¦ {\n\"t\": \"Task {{ task.name }} done\"} ¦ \
        {\n\"t\": \"{{ task.steps }}\"} ¦ [1,\n\"a \\\" {{ task.name|safe }}\"] ¦ \
        [\n\"{{ task.list }}\"] ¦ [\n{% if true %}\"{% endif %}{{ task.name }}\"]"
        .split(" ¦ ")
    {
        let error = render(text, "x").unwrap_err();
        assert_eq!((error.place.as_str(), error.line), ("team.j2", Some(2)), "{text}");
        assert!(error.reason.contains("quotes") && error.reason.contains('~'), "{error}");
    }
}

#[test]
fn a_result_that_is_not_json_is_an_error_with_the_template_line() {
    let table = [
        ("{\n\"a\": 1,\n}", Some(3)),
        ("{% for i in range(3) %}\n{% endfor %}\n[1,,2]", Some(3)),
        ("{\"a\": {{ task.name }}\n{{ task.name }}}", Some(2)),
        ("[{{ 'x'|safe }}]", Some(1)),
    ];
    for (text, line) in table {
        let error = render(text, "x").unwrap_err();
        assert_eq!(error.line, line, "{text}: {error}");
        assert!(error.reason.contains("not JSON"), "{error}");
    }
    for text in ["", "1", "{{ task.name }}", "null"] {
        render(text, "x").unwrap_err();
    }
}

#[test]
fn errors_name_the_file_and_the_line() {
    let error = Template::from_text("team.j2", "{\n{% if %}\n}").unwrap_err();
    assert_eq!((error.place.as_str(), error.line), ("team.j2", Some(2)));
    let error = render("{\n\"a\": {{ task.nmae }}}", "x").unwrap_err();
    assert_eq!((error.place.as_str(), error.line), ("team.j2", Some(2)));
    assert!(error.reason.contains("task.nmae"), "{error}");
    for runaway in
        ["[{% for i in range(100000) %}1,{% endfor %}1]", "[{{ 'x' * 100000000 }}]", "[{{ 'x' * 1500000 }}]"]
    {
        render(runaway, "x").unwrap_err();
    }
}

#[test]
fn check_finds_unknown_names_but_not_below_open_objects() {
    let check = |text: &str| Template::from_text("team.j2", text).unwrap().check("task.complete");
    check("{\"a\": {{ task.name }}, \"b\": {{ task.params.other }}, \"c\": {{ vars.x }}}").unwrap();
    check("[{{ task.metrics.other * 2 }}]").unwrap();
    assert!(check("[{{ task.nmae }}]").unwrap_err().reason.contains("task.nmae"));
    assert!(check("[{% if false %}{{ tsak.name }}{% endif %}]").unwrap_err().reason.contains("tsak"));
    check("[\"{{ task.name }}\"]").unwrap_err();
}
