//! The NuGet package: the source of the binding, which the project compiles, and the library for each system.

use super::pack::Built;
use super::tarball::template_text;
use super::tree::Tree;
use crate::tools::root;
use std::process::Command;

pub fn package(all: &[&Built], version: &str) -> Result<Tree, String> {
    let mut tree = Tree::default();
    let packaging = root().join("packaging/nuget");
    let described = template_text("nuget/Taskbell.nuspec.in")?.replace("@VERSION@", version);
    tree.add("Taskbell.nuspec", described.replace("@COMMIT@", &commit()));
    for (path, file) in [
        ("[Content_Types].xml", "content_types.xml"),
        ("_rels/.rels", "rels.xml"),
        ("README.md", "README.md"),
        ("build/Taskbell.targets", "Taskbell.targets"),
        ("buildTransitive/Taskbell.targets", "Taskbell.targets"),
    ] {
        tree.add_file(path, &packaging.join(file))?;
    }
    for file in ["Taskbell.cs", "Native.cs"] {
        tree.add_file(&format!("src/{file}"), &root().join("bindings/csharp").join(file))?;
    }
    for built in all {
        let path = format!("runtimes/{}/native/{}", built.target.rid, built.target.library());
        tree.add_executable(&path, &built.library)?;
    }
    tree.add_file("LICENSE", &root().join("LICENSE"))?;
    for file in all.first().into_iter().flat_map(|built| &built.notices) {
        tree.add_file(&file.file_name().unwrap_or_default().to_string_lossy(), file)?;
    }
    Ok(tree)
}

/// The attribute that names the commit, by which a debugger finds the source; nothing outside a clone.
fn commit() -> String {
    let said = Command::new("git").current_dir(root()).args(["rev-parse", "HEAD"]).output();
    let number = said.map(|said| String::from_utf8_lossy(&said.stdout).trim().to_owned()).unwrap_or_default();
    if number.is_empty() { number } else { format!(" commit=\"{number}\"") }
}
