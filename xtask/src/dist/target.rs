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
    /// Zig's linker, against this version of the C library; none for musl.
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
        triple: "x86_64-unknown-linux-musl",
        rid: "linux-musl-x64",
        machine: "x86_64",
        debian: None,
        builder: Builder::Zig(""),
    },
    Target {
        triple: "aarch64-unknown-linux-gnu",
        rid: "linux-arm64",
        machine: "aarch64",
        debian: Some("arm64"),
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

    /// Whether this machine runs its programs as its own.
    pub fn runs_here(&self) -> bool {
        Self::here().is_some_and(|here| here.triple == self.triple)
    }

    pub fn windows(&self) -> bool {
        self.triple.contains("windows")
    }

    pub fn musl(&self) -> bool {
        self.triple.ends_with("musl")
    }

    /// The library as cargo names it, and as hosts load it.
    pub fn library(&self) -> &'static str {
        if self.windows() { "taskbell.dll" } else { "libtaskbell.so" }
    }

    pub fn command(&self) -> &'static str {
        if self.windows() { "taskbell.exe" } else { "taskbell" }
    }
}
