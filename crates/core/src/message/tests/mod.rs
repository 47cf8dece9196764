//! The module as a whole.

mod bounds;
mod conditions;
mod contents;
mod documented;
mod hostile;
mod killers;
mod notices;
mod numbers;
mod texts;
mod titles;
mod trees;

#[test]
fn compiled_expressions_and_templates_are_shared_between_threads() {
    fn shared<T: Send + Sync + 'static>() {}
    shared::<super::Condition>();
    shared::<super::Template>();
    shared::<super::Context>();
}
