//! The systems that Taskbell is shipped for.

use std::env::consts;

pub struct Target {
    pub triple: &'static str,
    /// How .NET names it: the folder `runtimes/RID` of a package.
    pub rid: &'static str,
    /// How Python names the processor.
    pub machine: &'static str,
    /// How Debian names the processor, where a package for it is made.
    pub debian: Option<&'static str>,
    pub builder: Builder,
}

/// What compiles and links for a target.
pub enum Builder {
    /// Zig's linker, against this glibc; the standard library is that of rustup.
    Zig(&'static str),
    /// The compiler of MinGW; the standard library is built from Debian's source of it.
    Mingw,
}

/// The cheapest to build and most used first.
pub const TARGETS: &[Target] = &[
    Target {
        triple: "x86_64-unknown-linux-gnu",
        rid: "linux-x64",
        machine: "x86_64",
        debian: Some("amd64"),
        builder: Builder::Zig(".2.17"),
    },
    Target {
        triple: "x86_64-pc-windows-gnu",
        rid: "win-x64",
        machine: "amd64",
        debian: None,
        builder: Builder::Mingw,
    },
];

impl Target {
    /// The one that this program runs on.
    pub fn here() -> Option<&'static Target> {
        let gnu = cfg!(target_env = "gnu");
        TARGETS.iter().find(|target| {
            let mut parts = target.triple.split('-');
            parts.next() == Some(consts::ARCH)
                && target.triple.contains(consts::OS)
                && target.triple.ends_with("gnu") == gnu
        })
    }

    pub fn named(triple: &str) -> Option<&'static Target> {
        TARGETS.iter().find(|target| target.triple == triple)
    }

    pub fn windows(&self) -> bool {
        self.triple.contains("windows")
    }

    /// The library as cargo names it, and as hosts load it.
    pub fn library(&self) -> &'static str {
        if self.windows() { "taskbell.dll" } else { "libtaskbell.so" }
    }

    pub fn command(&self) -> &'static str {
        if self.windows() { "taskbell.exe" } else { "taskbell" }
    }
}
