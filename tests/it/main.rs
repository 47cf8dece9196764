//! What sees the library and the command from outside, in one binary.

mod accounts;
#[cfg(feature = "cli")]
mod cli;
mod clocks;
mod delivery;
mod documents;
mod hooks;
#[cfg(feature = "cli")]
mod preview;
mod receiver;
mod shaping;
mod tidy;
