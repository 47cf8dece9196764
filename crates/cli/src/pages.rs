//! The manual pages and the completions of shells, from the arguments of the command. They are no part of the
//! command: packages have them as files, which this test writes where `TASKBELL_PAGES` says.

use crate::Cli;
use clap::CommandFactory;
use clap_complete::{Shell, generate_to};
use std::fs;
use std::path::{Path, PathBuf};

/// Where a package has them, below its `share`.
fn write_all(share: &Path) {
    let man = share.join("man/man1");
    fs::create_dir_all(&man).unwrap();
    clap_mangen::generate_to(Cli::command().disable_help_subcommand(true), &man).unwrap();
    for (shell, folder, name) in [
        (Shell::Bash, "bash-completion/completions", "taskbell"),
        (Shell::Zsh, "zsh/site-functions", "_taskbell"),
        (Shell::Fish, "fish/vendor_completions.d", "taskbell.fish"),
    ] {
        let folder = share.join(folder);
        fs::create_dir_all(&folder).unwrap();
        let written = generate_to(shell, &mut Cli::command(), "taskbell", &folder).unwrap();
        if written != folder.join(name) {
            fs::rename(written, folder.join(name)).unwrap();
        }
    }
}

#[test]
fn every_command_has_a_manual_page_and_is_completed_in_every_shell() {
    let folder = tempfile::tempdir().unwrap();
    let share = std::env::var_os("TASKBELL_PAGES").map_or_else(|| folder.path().to_owned(), PathBuf::from);
    write_all(&share);
    let completions = [
        "bash-completion/completions/taskbell",
        "zsh/site-functions/_taskbell",
        "fish/vendor_completions.d/taskbell.fish",
    ]
    .map(|file| fs::read_to_string(share.join(file)).unwrap());
    for command in Cli::command().get_subcommands().map(|command| command.get_name().to_owned()) {
        let page = fs::read_to_string(share.join(format!("man/man1/taskbell-{command}.1"))).unwrap();
        assert!(page.contains(".SH SYNOPSIS"), "{command}");
        for text in &completions {
            assert!(text.contains(&command), "{command}");
        }
    }
}
