//! The C ABI of Taskbell: what a host loads. `include/taskbell.h` is generated from [`ffi`]; everything
//! behind it is in `taskbell-core`.

#![deny(unsafe_code)]
#![deny(missing_docs)]

pub mod ffi;
