//! What this room promises as a whole.

mod conditions;
mod documented;
mod hostile;
mod notices;
mod texts;
mod trees;
