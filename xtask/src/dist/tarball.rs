//! The archive for C, C++ and every language that calls C: a tree that works wherever it is unpacked.

use super::pack::Built;
use super::static_library::system_libraries;
use super::tree::{Tree, read};
use crate::tools::root;

/// The number of the ABI, which the name of the shared library carries.
pub const ABI: u32 = 1;

/// Where the library is, seen from the root of the tree.
pub struct Layout<'a> {
    /// `lib`, or `lib/x86_64-linux-gnu` on Debian.
    pub lib: &'a str,
    /// For pkg-config: where the tree is; by default two folders above its file.
    pub prefix: &'a str,
}

pub const PORTABLE: Layout = Layout { lib: "lib", prefix: "${pcfiledir}/../.." };

/// The library with its names, the headers, and what pkg-config and CMake read.
pub fn development(built: &Built, layout: &Layout) -> Result<Tree, String> {
    let mut tree = Tree::default();
    let Layout { lib, prefix } = layout;
    let private: String = system_libraries(built.target).iter().map(|name| format!(" -l{name}")).collect();
    let fill = |template: &str, more: &[(&str, &str)]| -> Result<String, String> {
        let mut text = template_text(template)?;
        let up = "../".repeat(lib.split('/').count());
        let major = built.version.split('.').next().unwrap_or_default();
        let fixed = [
            ("@VERSION@", built.version.as_str()),
            ("@MAJOR@", major),
            ("@TRIPLE@", built.target.triple),
            ("@PREFIX@", prefix),
            ("@LIBDIR@", &format!("${{prefix}}/{lib}")),
            ("@INCLUDE@", &format!("../../{up}include")),
            ("@PRIVATE@", &private),
            ("@SYSTEM_LIBRARIES@", &system_libraries(built.target).join(";")),
        ];
        for (name, value) in fixed.iter().chain(more) {
            text = text.replace(name, value);
        }
        Ok(text)
    };
    let processors = if built.target.machine == "aarch64" { "aarch64|arm64" } else { "x86_64|AMD64|amd64" };
    let (library, link) = if built.target.windows() {
        tree.add_executable("bin/taskbell.dll", &built.library)?;
        let import = built.library.with_file_name("libtaskbell.dll.a");
        tree.add_file("lib/libtaskbell.dll.a", &import)?;
        let import = "IMPORTED_IMPLIB \"${CMAKE_CURRENT_LIST_DIR}/../../libtaskbell.dll.a\"";
        ("../../../bin/taskbell.dll".to_owned(), import.to_owned())
    } else {
        let file = format!("libtaskbell.so.{ABI}");
        tree.add_executable(&format!("{lib}/{file}"), &built.library)?;
        tree.link(&format!("{lib}/libtaskbell.so"), &file);
        (format!("../../{file}"), format!("IMPORTED_SONAME \"{file}\""))
    };
    let cmake = [("@LIBRARY@", library.as_str()), ("@LINK_PROPERTY@", &link), ("@PROCESSORS@", processors)];
    if let Some(library) = &built.static_library {
        tree.add_file(&format!("{lib}/libtaskbell.a"), library)?;
    }
    for file in ["TaskbellConfig.cmake", "TaskbellConfigVersion.cmake"] {
        tree.add(&format!("{lib}/cmake/Taskbell/{file}"), fill(&format!("c/{file}.in"), &cmake)?);
    }
    tree.add(&format!("{lib}/pkgconfig/taskbell.pc"), fill("c/taskbell.pc.in", &[])?);
    for (folder, file) in [
        ("include", "taskbell.h"),
        ("include", "taskbell.abi.json"),
        ("bindings/cpp", "taskbell.hpp"),
        ("bindings/cpp", "taskbell_cpp17.hpp"),
    ] {
        tree.add_file(&format!("include/{file}"), &root().join(folder).join(file))?;
    }
    Ok(tree)
}

/// The command, its pages and completions, and the notices.
pub fn command(built: &Built) -> Result<Tree, String> {
    let mut tree = Tree::default();
    tree.add_executable(&format!("bin/{}", built.target.command()), &built.command)?;
    if !built.target.windows() {
        tree.add_folder("share", &built.pages)?;
        tree.add_folder("share/taskbell/relay", &root().join("packaging/relay"))?;
    }
    tree.add_tree("share/doc/taskbell", &notices(built)?);
    Ok(tree)
}

/// Whose work is in the binaries, under which terms, and what is new.
pub fn notices(built: &Built) -> Result<Tree, String> {
    let mut tree = Tree::default();
    for file in ["LICENSE", "CHANGELOG.md"] {
        tree.add_file(file, &root().join(file))?;
    }
    for file in &built.notices {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        tree.add(&name, read(file)?);
    }
    Ok(tree)
}

/// The whole tree.
pub fn tree(built: &Built) -> Result<Tree, String> {
    let mut all = Tree::default();
    let top = built.archive_name();
    all.add_tree(&top, &development(built, &PORTABLE)?);
    all.add_tree(&top, &command(built)?);
    let mut more = Tree::default();
    more.add_file("CMakeLists.txt", &root().join("packaging/c/CMakeLists.txt"))?;
    more.add_folder("share/taskbell/python/taskbell", &root().join("bindings/python/taskbell"))?;
    for file in ["Taskbell.cs", "Native.cs"] {
        more.add_file(&format!("share/taskbell/csharp/{file}"), &root().join("bindings/csharp").join(file))?;
    }
    all.add_tree(&top, &more);
    Ok(all)
}

/// A file below `packaging`.
pub fn template_text(name: &str) -> Result<String, String> {
    let bytes = read(&root().join("packaging").join(name))?;
    String::from_utf8(bytes).map_err(|_| format!("packaging/{name} is not UTF-8"))
}
