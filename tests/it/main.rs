//! What sees the library and the command from outside, in one binary.

mod accounts;
mod cli;
mod clocks;
mod command;
mod delivery;
mod documents;
mod gathering;
mod hooks;
mod operator;
mod preview;
mod receiver;
mod shaping;
mod spools;
mod tidy;
