//! What this room promises as a whole.

mod conditions;
mod documented;
mod hostile;
mod notices;
mod texts;
mod trees;

#[test]
fn what_is_compiled_once_serves_every_thread() {
    fn shared<T: Send + Sync + 'static>() {}
    shared::<super::Condition>();
    shared::<super::Template>();
    shared::<super::Context>();
}
