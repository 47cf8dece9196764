//! Generates `include/taskbell.h` from `src/ffi`, and tells the linker what a guest in a foreign
//! process needs.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=cbindgen.toml");
    println!("cargo:rerun-if-changed=src/ffi");
    println!("cargo:rerun-if-changed=include/taskbell.h");
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
            println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libtaskbell.so");
            if links_with_lld() {
                // Functions that came out the same are kept once; only this linker can.
                println!("cargo:rustc-cdylib-link-arg=-Wl,--icf=all");
            }
        }
        Ok("macos" | "ios") => {
            println!("cargo:rustc-cdylib-link-arg=-Wl,-install_name,@rpath/libtaskbell.dylib");
        }
        _ => {}
    }
}

/// Rust's own toolchain for this target links with the lld it ships; a distribution's does not ship it.
fn links_with_lld() -> bool {
    let target = env::var("TARGET").unwrap_or_default();
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let Ok(output) = Command::new(rustc).args(["--print", "sysroot"]).output() else { return false };
    let sysroot = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    target == "x86_64-unknown-linux-gnu"
        && env::var_os("RUSTC_LINKER").is_none()
        && sysroot.join("lib/rustlib").join(target).join("bin/gcc-ld/ld.lld").exists()
}

/// The header stands in the source tree, because hosts compile against it there; it is written only
/// when it changes, so that a read-only tree with a current header builds too.
fn header() {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets CARGO_MANIFEST_DIR"));
    let config = cbindgen::Config::from_file(root.join("cbindgen.toml")).expect("cbindgen.toml is readable");
    // The modules that `mod.rs` declares are read with it.
    let builder = cbindgen::Builder::new().with_config(config).with_src(root.join("src/ffi/mod.rs"));
    let mut text = Vec::new();
    builder.generate().expect("src/ffi can be read by cbindgen").write(&mut text);
    // What is Rust's heading for the duties of a caller is just these in C.
    let text = String::from_utf8(text).expect("a header is text").replace("# Safety", "Pointers:");
    write_if_changed(&root.join("include/taskbell.h"), text.as_bytes());
}

fn write_if_changed(path: &Path, text: &[u8]) {
    if fs::read(path).is_ok_and(|present| present == text) {
        return;
    }
    if let Err(error) = fs::write(path, text) {
        println!("cargo:warning={} is out of date and cannot be written: {error}", path.display());
    }
}
