//! Defaults that depend on the machine: its name and the folder for state.

use super::load_context::LoadContext;
use std::path::PathBuf;

/// The system's host name, else `localhost`.
pub(super) fn host_name(context: &LoadContext<'_>) -> String {
    let variable = if cfg!(windows) { "COMPUTERNAME" } else { "HOSTNAME" };
    let from_file = || if cfg!(unix) { std::fs::read_to_string("/etc/hostname").ok() } else { None };
    let from_variable = || context.variable(variable)?.into_string().ok();
    let name = from_file().map(first_line).filter(|name| !name.is_empty());
    name.or_else(|| from_variable().map(first_line).filter(|name| !name.is_empty()))
        .unwrap_or_else(|| "localhost".to_owned())
}

fn first_line(text: String) -> String {
    text.lines()
        .map(str::trim)
        .find(|line| !line.is_empty() && !line.starts_with('#'))
        .unwrap_or("")
        .to_owned()
}

/// The folder for persistent state: by the XDG base directory specification on Unix, the local application data
/// on Windows; `None` where no variable names it.
pub(super) fn state_folder(context: &LoadContext<'_>) -> Option<PathBuf> {
    let absolute = |name: &str| context.variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
    if cfg!(windows) {
        absolute("LOCALAPPDATA")
    } else {
        absolute("XDG_STATE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".local").join("state")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsString;

    #[cfg(unix)]
    #[test]
    fn state_goes_to_the_folder_of_the_system() {
        let cases = [
            (vec![("XDG_STATE_HOME", "/s"), ("HOME", "/h")], Some(PathBuf::from("/s"))),
            (vec![("XDG_STATE_HOME", "relative"), ("HOME", "/h")], Some(PathBuf::from("/h/.local/state"))),
            (vec![("HOME", "")], None),
        ];
        for (variables, expected) in cases {
            let look_up = move |name: &str| {
                variables.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value))
            };
            assert_eq!(state_folder(&LoadContext::new(PathBuf::new(), &look_up)), expected);
        }
    }

    #[test]
    fn the_host_name_is_never_empty() {
        assert!(!host_name(&LoadContext::new(PathBuf::new(), &|_| None)).is_empty());
        assert_eq!(first_line("# note\n\n render-07 \n".to_owned()), "render-07");
    }
}
