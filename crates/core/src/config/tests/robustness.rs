//! No text makes the reader panic or exhaust the stack.

use super::*;
use proptest::prelude::*;

proptest! {
    #![proptest_config(crate::property::cases(256))]

    #[test]
    fn arbitrary_text_never_panics(text in "\\PC{0,200}", near in "[\\[\\]{}=\",.:a-c0-9 \n#'_-]{0,120}") {
        for text in [text, near] {
            let _ = Config::load(&format!("{{{text}"));
            let _ = Config::load(&format!("{text}\n"));
        }
    }

    #[test]
    fn a_damaged_example_never_panics(at in 0..reference::EXAMPLE.len(), cut in 0..40usize, put in "[\\[\\]{}=\", a\n]{0,4}") {
        let start = reference::EXAMPLE.floor_char_boundary(at);
        let end = reference::EXAMPLE.ceil_char_boundary((at + cut).min(reference::EXAMPLE.len()));
        let mut text = reference::EXAMPLE.to_owned();
        text.replace_range(start..end, &put);
        let _ = read_all(&text);
        if let Ok(tree) = toml_text::parse(&text) {
            let mut json = tree.to_json().to_string();
            let middle = json.floor_char_boundary(at.min(json.len()));
            json.insert_str(middle, &put);
            let _ = read_all(&json);
        }
    }
}

#[test]
fn deep_nesting_is_rejected_without_exhausting_the_stack() {
    let many = 100_000;
    for text in [
        format!("a = {}\n", "[".repeat(many)),
        format!("a = {}\n", "{a=".repeat(many)),
        format!("{}a = 1\n", "a.".repeat(many)),
        format!("[{}a]\n", "a.".repeat(many)),
        format!("{{\"a\":{}", "[".repeat(many)),
        "{\"a\":".repeat(many),
    ] {
        let errors = read_all(&text).unwrap_err();
        assert!(errors.to_string().contains("recur"), "{errors}");
    }
}
