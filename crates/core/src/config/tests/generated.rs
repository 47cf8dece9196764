//! The files in `docs` that are generated from the declarations.

use crate::config::json_schema::json_schema;
use crate::config::reference::reference_markdown;
use std::path::Path;

#[track_caller]
fn assert_generated(name: &str, generated: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name);
    if std::env::var_os("TASKBELL_UPDATE_DOCS").is_some() {
        std::fs::write(&path, generated).unwrap();
    }
    let checked_in = std::fs::read_to_string(&path).unwrap_or_default().replace("\r\n", "\n");
    assert!(
        checked_in == generated,
        "docs/{name} differs from the declarations; generate it with \
         `TASKBELL_UPDATE_DOCS=1 cargo test -p taskbell-core --lib config::tests::generated`"
    );
}

#[test]
fn the_checked_in_reference_is_the_generated_one() {
    assert_generated("configuration.md", &reference_markdown());
}

#[test]
fn the_checked_in_json_schema_is_the_generated_one() {
    assert_generated("taskbell.schema.json", &json_schema());
}
