//! The adapters of host programs, each in one zip with everything that it needs: unpack it, restart the host.

use super::pack::Built;
use super::tree::{Tree, read};
use crate::tools::root;

/// `taskbell-swarmui-VERSION.zip`: unpacked in SwarmUI's `src/Extensions`.
pub fn swarmui(all: &[&Built]) -> Result<Tree, String> {
    let mut tree = Tree::default();
    let folder = "TaskbellExtension";
    tree.add_folder(folder, &root().join("bindings/hosts/swarmui"))?;
    for file in ["Taskbell.cs", "Native.cs"] {
        tree.add_file(&format!("{folder}/{file}"), &root().join("bindings/csharp").join(file))?;
    }
    for built in all {
        let path = format!("{folder}/native/{}/{}", built.target.rid, built.target.library());
        tree.add_executable(&path, &built.library)?;
    }
    with_licence(tree, folder, all)
}

/// `taskbell-comfyui-VERSION.zip`: unpacked in ComfyUI's `custom_nodes`.
pub fn comfyui(all: &[&Built]) -> Result<Tree, String> {
    let mut tree = python_adapter("taskbell", "comfyui", all)?;
    if let Some(built) = all.first() {
        let described = read(&root().join("packaging/comfyui/pyproject.toml.in"))?;
        let described = String::from_utf8_lossy(&described).replace("@VERSION@", &built.version);
        tree.add("taskbell/pyproject.toml", described);
    }
    Ok(tree)
}

/// `taskbell-blender-VERSION.zip`: what Blender's preferences install from a file.
pub fn blender(all: &[&Built]) -> Result<Tree, String> {
    python_adapter("taskbell_blender", "blender", all)
}

/// The hosts whose zip is of their own.
const ZIPPED: &[&str] = &["blender", "comfyui", "swarmui"];

/// `taskbell-managers-VERSION.zip`: the scripts of every other host, a folder for each. They use the Python package, so
/// no library is inside.
pub fn managers(all: &[&Built]) -> Result<Tree, String> {
    let hosts = root().join("bindings/hosts");
    let entries = std::fs::read_dir(&hosts).map_err(|fault| format!("{}: {fault}", hosts.display()))?;
    let mut tree = Tree::default();
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.path().is_dir() && !ZIPPED.contains(&name.as_str()) {
            tree.add_folder(&format!("taskbell-managers/{name}"), &entry.path())?;
        }
    }
    with_licence(tree, "taskbell-managers", all)
}

/// An adapter in Python, with the binding and the libraries of all systems inside.
fn python_adapter(folder: &str, host: &str, all: &[&Built]) -> Result<Tree, String> {
    let mut tree = Tree::default();
    tree.add_folder(folder, &root().join("bindings/hosts").join(host))?;
    tree.add_folder(&format!("{folder}/taskbell"), &root().join("bindings/python/taskbell"))?;
    for built in all {
        let path = format!("{folder}/taskbell/native/{}/{}", built.target.rid, built.target.library());
        tree.add_executable(&path, &built.library)?;
    }
    with_licence(tree, folder, all)
}

fn with_licence(mut tree: Tree, folder: &str, all: &[&Built]) -> Result<Tree, String> {
    tree.add_file(&format!("{folder}/LICENSE"), &root().join("LICENSE"))?;
    for file in all.first().into_iter().flat_map(|built| &built.notices) {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        tree.add_file(&format!("{folder}/{name}"), file)?;
    }
    Ok(tree)
}
