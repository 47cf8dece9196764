//! Generates `include/taskbell.h` and `include/taskbell.abi.json` from `src/ffi`, and tells the linker what a guest
//! in a foreign process needs.

#[path = "build/abi.rs"]
mod abi;

use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=cbindgen.toml");
    println!("cargo:rerun-if-changed=src/ffi");
    println!("cargo:rerun-if-changed=build/abi.rs");
    println!("cargo:rerun-if-changed=include/taskbell.h");
    println!("cargo:rerun-if-changed=include/taskbell.abi.json");
    link();
    header();
}

fn link() {
    match env::var("CARGO_CFG_TARGET_OS").as_deref() {
        // `-z nodelete`: a thread that was left to itself at a deadline must not return into unmapped
        // code when the host calls dlclose; with thread-locals in the library glibc keeps it mapped by
        // chance only.
        Ok("linux" | "android" | "freebsd" | "netbsd" | "openbsd" | "dragonfly") => {
            println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
            // The number is that of the ABI: a host that was linked with it looks for this name.
            println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libtaskbell.so.1");
        }
        Ok("macos" | "ios") => {
            println!("cargo:rustc-cdylib-link-arg=-Wl,-install_name,@rpath/libtaskbell.1.dylib");
        }
        _ => {}
    }
}

/// The header stands in the source tree, because hosts compile against it there; it is written only
/// when it changes, so that a read-only tree with a current header builds too.
fn header() {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets CARGO_MANIFEST_DIR"));
    let config = cbindgen::Config::from_file(root.join("cbindgen.toml")).expect("cbindgen.toml is readable");
    let description = abi::describe(&root.join("src/ffi"), config.header.as_deref().unwrap_or_default());
    // The modules that `mod.rs` declares are read with it.
    let builder = cbindgen::Builder::new().with_config(config).with_src(root.join("src/ffi/mod.rs"));
    let mut text = Vec::new();
    builder.generate().expect("src/ffi can be read by cbindgen").write(&mut text);
    // What is Rust's heading for the duties of a caller is just these in C.
    let text = String::from_utf8(text).expect("a header is text").replace("# Safety", "Pointers:");
    write_if_changed(&root.join("include/taskbell.h"), text.as_bytes());
    write_if_changed(&root.join("include/taskbell.abi.json"), description.as_bytes());
}

fn write_if_changed(path: &Path, text: &[u8]) {
    if fs::read(path).is_ok_and(|present| present == text) {
        return;
    }
    if let Err(error) = fs::write(path, text) {
        println!("cargo:warning={} is out of date and cannot be written: {error}", path.display());
    }
}
