//! Whose work is in the binaries: the licences of every crate as text, and a parts list in the format of CycloneDX.

use super::tree::write;
use crate::tools::cargo;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// What a crate is called, from where it comes, and under which terms.
struct Part {
    name: String,
    version: String,
    terms: String,
    repository: String,
    /// The texts of its licences, in the order of their files.
    texts: Vec<String>,
}

/// Writes both lists for a target into the folder, and returns their paths.
pub fn write_lists(triple: &str, version: &str, folder: &Path) -> Result<Vec<PathBuf>, String> {
    let parts = parts(triple)?;
    let licences = folder.join("THIRD-PARTY.md");
    write(&licences, licence_list(&parts).as_bytes())?;
    let components = folder.join("taskbell.cdx.json");
    let list = serde_json::to_vec_pretty(&cyclone_dx(&parts, triple, version));
    write(&components, &list.map_err(|fault| fault.to_string())?)?;
    Ok(vec![licences, components])
}

/// The crates that are linked into the library or the command, by name.
fn parts(triple: &str) -> Result<Vec<Part>, String> {
    let words = ["metadata", "--format-version", "1", "--locked", "--filter-platform", triple];
    let done = cargo(words).output().map_err(|fault| format!("cannot start cargo: {fault}"))?;
    if !done.status.success() {
        return Err(format!("cargo metadata: {}", String::from_utf8_lossy(&done.stderr).trim()));
    }
    let known: Value = serde_json::from_slice(&done.stdout).map_err(|fault| fault.to_string())?;
    let packages: BTreeMap<&str, &Value> =
        list(&known["packages"]).map(|package| (text(&package["id"]), package)).collect();
    let nodes: BTreeMap<&str, &Value> =
        list(&known["resolve"]["nodes"]).map(|node| (text(&node["id"]), node)).collect();
    let ours = ["taskbell", "taskbell-ffi"];
    let mut waiting: Vec<&str> = packages
        .iter()
        .filter(|(_, package)| ours.contains(&text(&package["name"])))
        .map(|(id, _)| *id)
        .collect();
    let mut linked = BTreeSet::new();
    while let Some(id) = waiting.pop() {
        if !linked.insert(id) {
            continue;
        }
        let Some(node) = nodes.get(id) else { continue };
        let used = list(&node["deps"])
            .filter(|dependency| list(&dependency["dep_kinds"]).any(|kind| kind["kind"].is_null()))
            .map(|dependency| text(&dependency["pkg"]));
        // A procedural macro runs in the compiler.
        waiting.extend(used.filter(|id| packages.get(id).is_some_and(|package| !is_macro(package))));
    }
    let mut parts: Vec<Part> = linked
        .iter()
        .filter_map(|id| packages.get(id))
        .filter(|package| package["source"].is_string())
        .map(|package| part(package))
        .collect();
    parts.sort_by(|a, b| (&a.name, &a.version).cmp(&(&b.name, &b.version)));
    Ok(parts)
}

fn part(package: &Value) -> Part {
    let folder = Path::new(text(&package["manifest_path"])).parent().unwrap_or(Path::new("."));
    Part {
        name: text(&package["name"]).to_owned(),
        version: text(&package["version"]).to_owned(),
        terms: text(&package["license"]).replace('/', " OR "),
        repository: text(&package["repository"]).to_owned(),
        texts: licence_texts(folder),
    }
}

fn licence_texts(folder: &Path) -> Vec<String> {
    let names = ["LICENSE", "LICENCE", "COPYING", "NOTICE", "UNLICENSE"];
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    files.retain(|file| {
        let name = file.file_name().unwrap_or_default().to_string_lossy().to_uppercase();
        names.iter().any(|start| name.starts_with(start)) && file.is_file()
    });
    files.sort();
    files
        .iter()
        .filter_map(|file| fs::read_to_string(file).ok())
        .map(|text| text.trim().replace("\r\n", "\n"))
        .collect()
}

/// Each text once, below the crates that it is of.
fn licence_list(parts: &[Part]) -> String {
    let mut out = String::from(
        "# Licences of what is in Taskbell\n\nTaskbell itself is under the MIT licence (LICENSE). SQLite is in the \
         public domain. The library and the command have these crates in them:\n\n",
    );
    let mut of_text: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for part in parts {
        let Part { name, version, terms, .. } = part;
        out.push_str(&format!("- {name} {version}: {terms}\n"));
        for text in &part.texts {
            of_text.entry(text).or_default().push(format!("{name} {version}"));
        }
    }
    let mut texts: Vec<(Vec<String>, &str)> =
        of_text.into_iter().map(|(text, names)| (names, text)).collect();
    texts.sort();
    for (names, text) in texts {
        out.push_str(&format!("\n## {}\n\n```\n{text}\n```\n", names.join(", ")));
    }
    out
}

fn cyclone_dx(parts: &[Part], triple: &str, version: &str) -> Value {
    let components: Vec<Value> = parts
        .iter()
        .map(|part| {
            let purl = format!("pkg:cargo/{}@{}", part.name, part.version);
            json!({
                "type": "library",
                "bom-ref": purl,
                "name": part.name,
                "version": part.version,
                "purl": purl,
                "licenses": [{ "expression": part.terms }],
                "externalReferences": [{ "type": "vcs", "url": part.repository }],
            })
        })
        .collect();
    let own = format!("pkg:cargo/taskbell@{version}");
    let uses: Vec<&Value> = components.iter().map(|component| &component["bom-ref"]).collect();
    json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "component": {
                "type": "library",
                "bom-ref": own,
                "name": "taskbell",
                "version": version,
                "purl": own,
                "licenses": [{ "expression": "MIT" }],
                "properties": [{ "name": "target", "value": triple }],
            },
        },
        "components": components,
        "dependencies": [{ "ref": own, "dependsOn": uses }],
    })
}

fn is_macro(package: &Value) -> bool {
    list(&package["targets"]).any(|target| list(&target["kind"]).any(|kind| kind == "proc-macro"))
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
