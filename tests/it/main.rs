//! What sees the library and the command from outside, in one binary.

mod delivery;
mod hooks;
mod receiver;
mod tidy;
