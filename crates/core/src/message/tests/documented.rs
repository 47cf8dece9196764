use super::super::Template;
use super::super::sample::context as sample_context;
use serde_json::Value as Json;

const GUIDE: &str = include_str!("../../../../../docs/templates.md");

/// The blocks of the guide that claim to be whole templates: their form, the event type, the text.
fn examples() -> Vec<(&'static str, &'static str, String)> {
    let mut examples = Vec::new();
    let mut lines = GUIDE.lines();
    while let Some(line) = lines.next() {
        let Some(info) = line.strip_prefix("```") else { continue };
        let text: String =
            lines.by_ref().take_while(|line| *line != "```").flat_map(|line| [line, "\n"]).collect();
        if let [form @ ("json" | "jinja"), "template", kind] = *info.split(' ').collect::<Vec<_>>() {
            examples.push((form, kind, text));
        }
    }
    examples
}

#[test]
fn every_example_of_the_guide_renders_and_passes_check() {
    let examples = examples();
    assert!(examples.len() >= 4, "the guide has its examples");
    for (form, kind, text) in examples {
        let template = match form {
            "json" => Template::from_json("guide.json", &serde_json::from_str(&text).unwrap()).unwrap(),
            _ => Template::from_text("guide.j2", &text).unwrap(),
        };
        template.check(kind).unwrap();
        let message = template.render(&sample_context(kind)).unwrap();
        let body: Json = serde_json::from_slice(&message.body).unwrap();
        assert!(body.is_object(), "{kind}: {body}");
        let failures = template.check_ordinary(kind, false, &|_, _| true);
        assert!(failures.is_empty(), "{kind}: {failures:?}");
        assert!(template.doubts().is_empty(), "{kind}: {:?}", template.doubts());
    }
}

#[test]
fn the_guide_names_every_field_of_the_sample() {
    for kind in ["task.complete", "queue.end", "batch.end", "alert.firing"] {
        let context = sample_context(kind);
        for (root, fields) in context.json().as_object().unwrap() {
            for field in fields.as_object().unwrap().keys() {
                let free = root == "vars";
                assert!(
                    free || GUIDE.contains(&format!("`{field}`")),
                    "{root}.{field} is missing from the guide"
                );
            }
        }
    }
}
