//! Each test covers one row of SwarmUI's behaviour, or one of its defects that Taskbell does not repeat.

use super::*;
use serde_json::json;

fn task(more: Json) -> Context {
    let mut task = json!({
        "started_at": "2026-03-01T18:23:22.070Z",
        "user": "mira",
        "params": {
            "prompt": "a \"cat\"\n/ 5% \\ é",
            "negative_prompt": "blurry",
            "seed": 1_234_567_890_123_u64,
            "steps": 20,
            "cfg_scale": 7.5,
            "width": 1024,
            "height": 768,
            "model": "SDXL\\base-1.0.safetensors",
            "loras": ["film.safetensors", "grain"],
            "Refiner Model": "refine.gguf",
            "presets_used": ["A", "B"],
        },
        "outputs": [{"url": "View/mira/a b.png", "mime": "image/png"}],
    });
    if let (Some(task), Json::Object(more)) = (task.as_object_mut(), more) {
        task.extend(more);
    }
    Context::new(json!({
        "event": {"type": "task.complete", "timestamp": "2026-03-01T18:24:00.000Z"},
        "task": task,
        "queue": {"total": 3},
        "host": {"name": "h", "base_url": "https://swarm.example.com"},
        "vars": {"channel": "#renders"},
    }))
}

fn compiled(text: &str) -> SwarmTemplate {
    SwarmTemplate::compile("hooks[0].template", text).unwrap()
}

fn rendered(text: &str, context: &Context) -> Json {
    serde_json::from_slice(&compiled(text).render(context).unwrap().body).unwrap()
}

fn line(text: &str, context: &Context) -> String {
    let body = rendered(&format!("{{\"x\": \"{text}\"}}"), context);
    body["x"].as_str().unwrap().to_owned()
}

fn refused(text: &str, context: &Context) -> RenderError {
    compiled(text).render(context).unwrap_err()
}

#[test]
fn h2_no_data_is_an_empty_object() {
    for text in ["", "  \n", "[discord_image]"] {
        assert_eq!(rendered(text, &task(json!({}))), json!({}));
    }
}

#[test]
fn h3_a_body_that_is_not_an_object_is_a_dead_letter_with_the_reason() {
    for text in ["[%seed%]", "\"%prompt%\"", "{\"x\": %prompt%}", "{\"x\": \"%prompt%\""] {
        let error = refused(text, &task(json!({})));
        assert!(error.to_string().starts_with("hooks[0].template"), "{error}");
        assert!(!error.to_string().contains("cat"), "no value of the message: {error}");
    }
    assert_eq!(refused("{\n\"x\": %prompt%}", &task(json!({}))).line, Some(2));
    assert!(SwarmTemplate::compile("t", "[1]").err().unwrap().reason.contains("not an object"));
    assert!(SwarmTemplate::compile("t", "{'x': 1}").is_err(), "seen before any event");
}

#[test]
fn m1_a_value_is_escaped_for_json_and_a_number_needs_no_quotes() {
    let body = rendered(r#"{"seed": %seed%, "prompt": "%prompt%"}"#, &task(json!({})));
    assert_eq!(body, json!({"seed": 1_234_567_890_123_u64, "prompt": "a \"cat\"\n/ 5% \\ é"}));
}

#[test]
fn m1_a_value_cannot_break_out_of_its_place() {
    let evil = json!({"params": {"prompt": "\", \"admin\": true, \"y\": \"%seed%"}});
    let body = rendered(r#"{"x": "%prompt%"}"#, &task(evil.clone()));
    assert_eq!(body, json!({"x": evil["params"]["prompt"]}));
}

#[test]
fn m2_text_that_cannot_be_a_tag_is_copied() {
    let long = "a".repeat(257);
    let body = format!(r#"{{"a": "100%", "b": "%pro\u0041mpt%", "c": "%{long}%", "d": "%seed%"}}"#);
    let rendered = rendered(&body, &task(json!({})));
    assert_eq!(
        rendered,
        json!({"a": "100%", "b": "%proAmpt%", "c": format!("%{long}%"), "d": "1234567890123"})
    );
}

#[test]
fn m2_a_line_end_or_a_quote_between_percent_signs_makes_no_tag() {
    // Their letters alone would make the tag `seed` of each of these.
    let quoted = r#"{"a": "%se", "ed%": "%seed%"}"#;
    assert_eq!(rendered(quoted, &task(json!({}))), json!({"a": "%se", "ed%": "1234567890123"}));
    assert_eq!(rendered(r#"{"a": %se ed%}"#, &task(json!({}))), json!({"a": 1_234_567_890_123_u64}));
    assert!(refused("{\"a\": %se\ned%}", &task(json!({}))).to_string().contains("this is not JSON"));
}

#[test]
fn m3_an_unknown_tag_stays_with_both_percent_signs() {
    assert_eq!(line("a %no such tag% b", &task(json!({}))), "a %no such tag% b");
}

#[test]
fn m4_the_fixed_tags() {
    let context = task(json!({}));
    assert_eq!(
        line("%seed% %cfg_scale% %width%x%height% %steps%", &context),
        "1234567890123 7.5 1024x768 20"
    );
    assert_eq!(line("%model% %loras% %negative_prompt%", &context), "SDXL/base-1.0 film-grain blurry");
    assert_eq!(line("%user_name%", &context), "mira");
    // The first four bytes of the SHA-256 of "blurry".
    assert_eq!(line("%negativeprompthash%", &context), "a51b6dba");
    assert_eq!(line("%prompthash%", &context), hash("a \"cat\"\n/ 5% \\ é"));
    let timed = line("%year%-%month%-%day% %minute%:%second%.%millisecond% %request_time_inc%", &context);
    assert!(timed.ends_with("22.070 000") && timed.starts_with("2026-0"), "{timed}");
    assert_eq!(line("%month_name%", &task(json!({"started_at": 1_773_576_000}))), "March");
    assert_eq!(line("%day_name%", &task(json!({"started_at": 1_773_576_000}))), "Sunday");
    assert!(line("%hour%", &context).parse::<u8>().unwrap() < 24);
}

fn hash(text: &str) -> String {
    crate::hash::sha256_hex(text, 8)
}

#[test]
fn m5_a_parameter_is_found_by_its_letters_and_an_unset_one_is_empty() {
    let context = task(json!({}));
    for tag in ["%Refiner Model%", "%refiner_model%", "%REFINERMODEL%"] {
        assert_eq!(line(tag, &context), "refine.gguf");
    }
    for unset in ["%sampler%", "%ControlNet Two Strength%", "%[DT] Mimic Scale%", "%IP-Adapter Weight%"] {
        assert_eq!(line(&format!("[{unset}]"), &context), "[]");
    }
    assert_eq!(line("[%x%]", &task(json!({"params": {"x": null}}))), "[]");
    // One that the host does not name is not known to be a parameter, unless SwarmUI has always had it.
    assert_eq!(line("[%My Own Param%]", &task(json!({"params": {"myownparam": null}}))), "[]");
    assert_eq!(line("[%My Own Param%]", &task(json!({}))), "[%My Own Param%]");
}

#[test]
fn m6_notes_about_a_generation_are_found_and_absent_ones_are_empty() {
    assert_eq!(line("%presets_used%", &task(json!({}))), "A,B");
    assert_eq!(line("[%scoring%%original_prompt%%used_embeddings%]", &task(json!({}))), "[]");
}

#[test]
fn m7_a_missing_value_has_swarmuis_default() {
    let bare = Context::new(json!({"event": {"type": "task.complete"}, "task": {}, "host": {}, "vars": {}}));
    assert_eq!(line("%model% %model_title% %user_name% [%loras%]", &bare), "unknown unknown None []");
    assert_eq!(line("%prompthash%", &bare), hash(""), "a missing prompt is not an error");
    assert_eq!(rendered(r#"{"seed": %seed%, "w": %width%}"#, &bare), json!({"seed": 0, "w": 512}));
}

#[test]
fn m8_without_a_task_nothing_is_filled_in() {
    let queue = Context::new(json!({"queue": {"total": 3}, "vars": {"channel": "#x"}}));
    assert_eq!(line("%seed% %channel% %year%", &queue), "%seed% %channel% %year%");
}

#[test]
fn metrics_and_variables_follow_the_parameters_and_the_fixed_tags() {
    let context = task(json!({"metrics": {"loss": 0.5, "seed": 1, "note": {"a": 1}}}));
    assert_eq!(line("%loss% %channel% %seed%", &context), "0.5 #renders 1234567890123");
    assert_eq!(line("%note%", &context), "{\"a\":1}");
}

#[test]
fn i1_the_image_is_an_address_that_can_be_opened() {
    assert_eq!(line("%image%", &task(json!({}))), "https://swarm.example.com/View/mira/a%20b.png");
    let local =
        Context::new(json!({"task": {"outputs": [{"url": "/Output/a.png"}]}, "host": {"base_url": null}}));
    assert_eq!(line("%image%", &local), "http://localhost:7801/Output/a.png");
}

#[test]
fn i2_an_image_that_is_not_saved_is_part_of_the_message() {
    let unsaved = task(json!({"outputs": [{"url": "data:image/png;base64,AA/+"}]}));
    assert_eq!(line("%image%", &unsaved), "data:image/png;base64,AA/+");
}

#[test]
fn i3_without_an_image_the_tag_is_unknown() {
    for outputs in [json!([]), json!(null), json!([{}]), json!("x"), json!([{"url": 1}])] {
        assert_eq!(line("%image%", &task(json!({"outputs": outputs}))), "%image%");
    }
}

#[test]
fn d1_the_first_output_is_attached_where_there_is_one() {
    let template = compiled("[discord_image] {\"content\": \"%seed%\"}");
    let message = template.render(&task(json!({}))).unwrap();
    assert!(message.attach_first_output);
    assert_eq!(message.body, br#"{"content": "1234567890123"}"#);
    let without = template.render(&task(json!({"outputs": []}))).unwrap();
    assert!(!without.attach_first_output);
    assert_eq!(without.content_type, "application/json");
    assert!(!compiled("{}").render(&task(json!({}))).unwrap().attach_first_output);
}

#[test]
fn bug_1_the_data_of_server_start_is_its_own() {
    let start = Context::new(json!({"event": {"type": "server.start"}}));
    assert_eq!(rendered("{\"text\": \"up, 100% ready\"}", &start), json!({"text": "up, 100% ready"}));
}

#[test]
fn bug_3_the_time_of_a_generation_is_known_and_no_tag_is_left_over() {
    let context = task(json!({"duration_s": 12.3456}));
    assert_eq!(line("%generation_time% [%prep_time%]", &context), "12.35 sec []");
    let told = task(json!({"duration_s": 1, "metrics": {"generation_time": "9 sec", "prep_time": "1 sec"}}));
    assert_eq!(line("%generation_time% %prep_time%", &told), "9 sec 1 sec");
}

#[test]
fn bug_4_a_stray_percent_sign_shifts_nothing() {
    let context = task(json!({"params": {"prompt": "cat", "steps": 20}}));
    assert_eq!(line("50% done: %prompt%", &context), "50% done: cat");
    assert_eq!(line("100% steps 50%", &context), "100% steps 50%");
    assert_eq!(line("%prompt% 100%", &context), "cat 100%");
    let body = rendered(r#"{"a": "5%", "b": "%prompt%"}"#, &context);
    assert_eq!(body, json!({"a": "5%", "b": "cat"}));
}

#[test]
fn bug_5_the_batch_and_the_number_are_known() {
    let context = task(json!({"batch": {"id": "b-42", "total": 9}}));
    assert_eq!(line("%batch_id% %number%", &context), "b-42 3");
    assert_eq!(line("[%batch_id%]", &task(json!({}))), "[]");
}

#[test]
fn bug_6_every_link_is_encoded() {
    let context = task(json!({"outputs": [{"url": "View/mira/50% \"é\"+.png"}]}));
    assert_eq!(line("%image%", &context), "https://swarm.example.com/View/mira/50%25%20%22%C3%A9%22%2B.png");
}

#[test]
fn check_renders_the_template_and_accepts_tags_that_only_a_host_knows() {
    let template = compiled(r#"{"seed": %seed%, "mine": %my own number%, "image": "%image%"}"#);
    template.check("task.complete").unwrap();
    assert!(template.check("queue.end").is_err(), "there a number without quotes stays a tag");
    assert!(compiled(r#"{"x": %prompt%}"#).check("task.complete").is_err());
}

#[test]
fn a_huge_value_is_an_error_and_not_sent_truncated() {
    let huge = task(json!({"params": {"prompt": "x".repeat(MAX_BODY_BYTES)}}));
    assert!(refused(r#"{"x": "%prompt%"}"#, &huge).reason.contains("larger than"));
}

proptest::proptest! {
    #[test]
    fn any_value_arrives_as_it_was(prompt in "\\PC*|[\\x00-\\x7f]*") {
        let context = task(json!({"params": {"prompt": prompt}}));
        let body = rendered(r#"{"x": "%prompt%"}"#, &context);
        proptest::prop_assert_eq!(body["x"].as_str(), Some(prompt.as_str()));
    }

    #[test]
    fn no_text_makes_it_fail_badly(text in "[%a-z \\\\\"\\n{}:0-9é]*") {
        if let Ok(template) = SwarmTemplate::compile("t", &text) {
            let _ = template.render(&task(json!({})));
        }
    }
}
