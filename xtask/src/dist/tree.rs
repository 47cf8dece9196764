//! The files of an archive, in the order of their paths: the same files make the same bytes.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Files by their path in the archive, with `/` between the parts.
#[derive(Clone, Default)]
pub struct Tree {
    entries: BTreeMap<String, Entry>,
}

#[derive(Clone)]
pub enum Entry {
    File {
        bytes: Vec<u8>,
        executable: bool,
    },
    /// A symbolic link to another file, relative to its own folder.
    Link(String),
}

impl Tree {
    pub fn add(&mut self, path: &str, bytes: impl Into<Vec<u8>>) {
        self.insert(path, bytes.into(), false);
    }

    pub fn insert(&mut self, path: &str, bytes: Vec<u8>, executable: bool) {
        self.entries.insert(path.to_owned(), Entry::File { bytes, executable });
    }

    /// What the system runs or loads.
    pub fn add_executable(&mut self, path: &str, file: &Path) -> Result<(), String> {
        self.insert(path, read(file)?, true);
        Ok(())
    }

    pub fn add_file(&mut self, path: &str, file: &Path) -> Result<(), String> {
        self.add(path, read(file)?);
        Ok(())
    }

    /// Every file below a folder, except what running or checking it leaves there.
    pub fn add_folder(&mut self, path: &str, folder: &Path) -> Result<(), String> {
        let listed = fs::read_dir(folder).map_err(|fault| fault_at("read", folder, &fault))?;
        for entry in listed {
            let from = entry.map_err(|fault| fault_at("read", folder, &fault))?.path();
            let name = from.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let built = name == "__pycache__" || name.starts_with('.') || name == "pyproject.toml";
            let to = if path.is_empty() { name } else { format!("{path}/{name}") };
            match () {
                () if built => {}
                () if from.is_dir() => self.add_folder(&to, &from)?,
                () => self.add_file(&to, &from)?,
            }
        }
        Ok(())
    }

    pub fn link(&mut self, path: &str, to: &str) {
        self.entries.insert(path.to_owned(), Entry::Link(to.to_owned()));
    }

    /// All of another tree, below a folder.
    pub fn add_tree(&mut self, folder: &str, other: &Tree) {
        let entries = other.entries.iter().map(|(path, entry)| (format!("{folder}/{path}"), entry.clone()));
        self.entries.extend(entries);
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.entries.iter().map(|(path, entry)| (path.as_str(), entry))
    }

    /// Every folder that holds something, outer ones first.
    pub fn folders(&self) -> Vec<String> {
        let mut found = std::collections::BTreeSet::new();
        for path in self.entries.keys() {
            found.extend(path.match_indices('/').map(|(at, _)| path[..at].to_owned()));
        }
        found.into_iter().collect()
    }
}

pub fn read(file: &Path) -> Result<Vec<u8>, String> {
    fs::read(file).map_err(|fault| fault_at("read", file, &fault))
}

pub fn write(file: &Path, bytes: &[u8]) -> Result<(), String> {
    fs::write(file, bytes).map_err(|fault| fault_at("write", file, &fault))
}

pub fn make_folder(folder: &Path) -> Result<(), String> {
    fs::create_dir_all(folder).map_err(|fault| fault_at("make", folder, &fault))
}

fn fault_at(what: &str, path: &Path, fault: &std::io::Error) -> String {
    format!("cannot {what} {}: {fault}", path.display())
}
