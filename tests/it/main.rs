//! What sees the library and the command from outside, in one binary.

mod clocks;
