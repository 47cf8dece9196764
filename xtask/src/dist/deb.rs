//! The Debian package: library, headers, command, manual pages, completions.

use super::archive::{ar, tar_gz};
use super::pack::Built;
use super::tarball::{Layout, command, development, template_text};
use super::tree::{Entry, Tree};

/// The package, and its name; none for a target that Debian has not.
pub fn package(built: &Built) -> Result<Option<(String, Vec<u8>)>, String> {
    let Some(architecture) = built.target.debian else { return Ok(None) };
    let Some(glibc) = built.glibc()? else { return Ok(None) };
    let multiarch = format!("lib/{}-linux-gnu", built.target.machine);
    let mut usr = Tree::default();
    usr.add_tree("./usr", &development(built, &Layout { lib: &multiarch, prefix: "/usr" })?);
    usr.add_tree("./usr", &command(built)?);
    let data = debian_names(&usr);
    let mut control = Tree::default();
    control.add("./control", control_file(built, architecture, &glibc, &data)?);
    control.add("./triggers", "activate-noawait ldconfig\n");
    control.add("./shlibs", format!("libtaskbell {} taskbell (>= {})\n", super::tarball::ABI, built.version));
    let members = [
        ("debian-binary", b"2.0\n".to_vec()),
        ("control.tar.gz", tar_gz(&control)?),
        ("data.tar.gz", tar_gz(&data)?),
    ];
    Ok(Some((format!("taskbell_{}_{architecture}.deb", built.version), ar(&members))))
}

/// Debian's own names for a few places.
fn debian_names(usr: &Tree) -> Tree {
    let mut data = Tree::default();
    for (path, entry) in usr.iter() {
        let path = path
            .replace("/zsh/site-functions/", "/zsh/vendor-completions/")
            .replace("/doc/taskbell/LICENSE", "/doc/taskbell/copyright")
            .replace(
                "/share/taskbell/relay/taskbell-relay.service",
                "/lib/systemd/system/taskbell-relay.service",
            );
        match entry {
            Entry::Link(to) => data.link(&path, to),
            Entry::File { bytes, executable } => data.insert(&path, bytes.clone(), *executable),
        }
    }
    data
}

fn control_file(built: &Built, architecture: &str, glibc: &str, data: &Tree) -> Result<String, String> {
    let bytes: usize = data
        .iter()
        .map(|(_, entry)| if let Entry::File { bytes, .. } = entry { bytes.len() } else { 0 })
        .sum();
    let library = super::tree::read(&built.library)?;
    let needs_gcc = library.windows(13).any(|found| found == b"libgcc_s.so.1");
    let text = template_text("debian/control.in")?
        .replace("@VERSION@", &built.version)
        .replace("@ARCHITECTURE@", architecture)
        .replace("@GLIBC@", glibc)
        .replace("@DEPENDS@", if needs_gcc { ", libgcc-s1" } else { "" })
        .replace("@KIB@", &bytes.div_ceil(1024).to_string());
    Ok(text)
}
