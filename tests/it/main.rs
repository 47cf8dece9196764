//! What sees the library and the command from outside, in one binary.

mod cli;
mod command;
mod documents;
mod farm;
mod operator;
mod preview;
mod rust_api;
mod spools;
mod tidy;
