//! Files that go with a message: read when it is sent, and only below the folders in `[files] roots`.

use crate::platform::Attachment;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// The largest file that is read, in bytes; platforms take less.
pub(super) const LARGEST: u64 = 64 * 1024 * 1024;

/// The longest file name that is sent on, in characters.
const LONGEST_NAME: usize = 80;

/// Reads the file that a host named. A relative path starts at a root, or at a root's parent folder. An error
/// is the end of a sentence that begins with the file's name, and contains no path.
pub(super) fn read(path: &str, roots: &[PathBuf], most: u64) -> Result<Attachment, String> {
    let found = locate(Path::new(path), roots)?;
    let cannot = |error: io::Error| format!("cannot be read: {}", error.kind());
    // Before it is opened, too: opening a device may have an effect.
    let look = fs::metadata(&found).map_err(cannot)?;
    let file = if look.is_file() { Some(open(&found).map_err(cannot)?) } else { None };
    let regular = file.and_then(|file| file.metadata().ok().filter(fs::Metadata::is_file).zip(Some(file)));
    let Some((meta, file)) = regular else { return Err("is not a regular file".to_owned()) };
    if !lies_at(&file, &found) {
        return Err("changed while it was opened".to_owned());
    }
    let too_large = || format!("is larger than the {most} bytes that are read at most");
    if meta.len() > most {
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    file.take(most.saturating_add(1)).read_to_end(&mut bytes).map_err(cannot)?;
    if bytes.len() as u64 > most {
        return Err(too_large());
    }
    let image = image(&bytes);
    let name = image.map_or_else(|| file_name(path, &bytes), |media| image_name(path, media));
    let media = image.unwrap_or_else(|| media_of(&name));
    Ok(Attachment { name, media, bytes })
}

pub(super) fn shown_name(path: &str) -> String {
    base_name(path).chars().filter(|character| !character.is_control()).take(LONGEST_NAME).collect()
}

fn base_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or_default()
}

/// The real path of a file below a root, with all links followed.
fn locate(path: &Path, roots: &[PathBuf]) -> Result<PathBuf, String> {
    let mut error = "does not exist";
    for root in roots.iter().filter_map(|root| fs::canonicalize(root).ok()) {
        // An absolute path replaces the root.
        let starts = [Some(root.as_path()), root.parent()];
        for candidate in starts.into_iter().flatten().map(|start| start.join(path)) {
            let Ok(real) = fs::canonicalize(candidate) else { continue };
            if real.starts_with(&root) {
                return Ok(real);
            }
            error = "lies outside of the folders in `[files] roots`";
        }
    }
    Err(error.to_owned())
}

/// Opens a path without links. A link that replaced the file since then is not followed, and a pipe does not
/// block the lane.
fn open(found: &Path) -> io::Result<File> {
    let mut options = File::options();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, libc::O_NOFOLLOW | libc::O_NONBLOCK);
    options.read(true).open(found)
}

/// Whether the file is the one at that path: a folder on the way may have been a link when it was opened.
fn lies_at(file: &File, found: &Path) -> bool {
    #[cfg(target_os = "linux")]
    {
        use std::os::fd::AsRawFd;
        use std::os::unix::ffi::OsStrExt;
        // The system knows where it found the file. One that was replaced since then is still whole.
        if let Ok(opened) = fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd())) {
            let opened = opened.as_os_str().as_bytes();
            let wanted = found.as_os_str().as_bytes();
            return opened.strip_prefix(wanted).is_some_and(|rest| matches!(rest, b"" | b" (deleted)"));
        }
    }
    #[cfg(all(unix, not(target_os = "linux")))]
    {
        use std::os::unix::fs::MetadataExt;
        let identity = |meta: fs::Metadata| (meta.dev(), meta.ino());
        let there = fs::symlink_metadata(found).map(identity).ok();
        if there.is_none() || there != file.metadata().map(identity).ok() {
            return false;
        }
    }
    let _ = file;
    fs::canonicalize(found).is_ok_and(|real| real == found)
}

/// The media type of a picture by its first bytes; its name may claim anything.
fn image(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some("image/png"),
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some("image/gif"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
        _ => None,
    }
}

fn image_name(path: &str, media: &str) -> String {
    let ending = match media {
        "image/jpeg" => "jpg",
        other => other.rsplit('/').next().unwrap_or("bin"),
    };
    format!("{}.{ending}", plain_stem(path, "image"))
}

/// The media types of files that are sent on as they are, by their endings.
const MEDIA_TYPES: [(&str, &str); 34] = [
    ("avif", "image/avif"),
    ("bmp", "image/bmp"),
    ("exr", "image/x-exr"),
    ("hdr", "image/vnd.radiance"),
    ("heic", "image/heic"),
    ("psd", "image/vnd.adobe.photoshop"),
    ("tif", "image/tiff"),
    ("tiff", "image/tiff"),
    ("mkv", "video/x-matroska"),
    ("mov", "video/quicktime"),
    ("mp4", "video/mp4"),
    ("webm", "video/webm"),
    ("flac", "audio/flac"),
    ("m4a", "audio/mp4"),
    ("mp3", "audio/mpeg"),
    ("ogg", "audio/ogg"),
    ("wav", "audio/wav"),
    ("glb", "model/gltf-binary"),
    ("gltf", "model/gltf+json"),
    ("obj", "model/obj"),
    ("stl", "model/stl"),
    ("csv", "text/csv"),
    ("htm", "text/html"),
    ("html", "text/html"),
    ("log", "text/plain"),
    ("md", "text/markdown"),
    ("txt", "text/plain"),
    ("gz", "application/gzip"),
    ("json", "application/json"),
    ("pdf", "application/pdf"),
    ("toml", "application/toml"),
    ("yaml", "application/yaml"),
    ("yml", "application/yaml"),
    ("zip", "application/zip"),
];

fn media_of(name: &str) -> &'static str {
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    let known = MEDIA_TYPES.iter().find(|(known, _)| *known == ending);
    known.map_or("application/octet-stream", |(_, media)| media)
}

/// The name of any other file, with its own ending unless that is one of a picture that it is not: a receiver would
/// try to show it.
fn file_name(path: &str, bytes: &[u8]) -> String {
    const SHOWN: [&str; 5] = ["png", "jpg", "jpeg", "gif", "webp"];
    let is_box = bytes.get(4..8) == Some(b"ftyp");
    let is_its_own = |ending: &str| match ending {
        "bmp" => bytes.starts_with(b"BM"),
        "avif" | "heic" => is_box,
        _ => !SHOWN.contains(&ending),
    };
    let stem = shown_stem(path, "file");
    let ending = base_name(path).rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
    let is_ending = |ending: &String| {
        (1..=12).contains(&ending.len())
            && ending.bytes().all(|byte| byte.is_ascii_alphanumeric())
            && is_its_own(ending)
    };
    format!("{stem}.{}", ending.filter(is_ending).as_deref().unwrap_or("bin"))
}

/// Letters and digits of any script, `_` and `-`: a file that is no picture is shown by its name, and nothing of this
/// needs quoting.
fn shown_stem(path: &str, otherwise: &str) -> String {
    let is_shown = |c: char| {
        let is_format = matches!(c, '\u{2000}'..='\u{206f}' | '\u{fff0}'..='\u{ffff}' | '\u{feff}');
        let is_letter = c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        is_letter || !(c.is_ascii() || c.is_control() || c.is_whitespace() || is_format)
    };
    stem_of(path, otherwise, is_shown)
}

/// The same in ASCII for a picture: a card names it, and no platform changes these names.
fn plain_stem(path: &str, otherwise: &str) -> String {
    stem_of(path, otherwise, |c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
}

fn stem_of(path: &str, otherwise: &str, keeps: impl Fn(char) -> bool) -> String {
    let name = base_name(path);
    let stem = shown_name(name.rsplit_once('.').map_or(name, |(stem, _)| stem));
    let stem: String = stem.chars().map(|c| if keeps(c) { c } else { '_' }).collect();
    let stem = stem.trim_matches('_');
    if stem.is_empty() { otherwise.to_owned() } else { stem.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n....";

    fn folder() -> (tempfile::TempDir, Vec<PathBuf>) {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("outputs/day")).unwrap();
        fs::write(folder.path().join("outputs/day/渲染 (1).png"), PNG).unwrap();
        fs::write(folder.path().join("secret.png"), PNG).unwrap();
        fs::write(folder.path().join("outputs/not.png"), b"MZ").unwrap();
        let roots = vec![folder.path().join("outputs")];
        (folder, roots)
    }

    #[test]
    fn a_file_is_found_from_the_root_from_its_parent_and_by_its_whole_path() {
        let (folder, roots) = folder();
        let whole = folder.path().join("outputs/day/渲染 (1).png");
        for path in ["day/渲染 (1).png", "outputs/day/渲染 (1).png", whole.to_str().unwrap()] {
            let file = read(path, &roots, 100).unwrap();
            assert_eq!((file.name.as_str(), file.media, file.bytes.as_slice()), ("1.png", "image/png", PNG));
        }
    }

    #[test]
    fn nothing_outside_of_the_roots_is_read() {
        let (folder, roots) = folder();
        let secret = folder.path().join("secret.png");
        for path in
            ["../secret.png", "outputs/../secret.png", "day/../../secret.png", secret.to_str().unwrap()]
        {
            assert!(read(path, &roots, 100).unwrap_err().contains("outside"), "{path}");
        }
        assert!(read("day/渲染 (1).png", &[], 100).is_err());
        let longer = vec![folder.path().join("out")];
        assert!(read("outputs/day/渲染 (1).png", &longer, 100).is_err(), "a root is a whole folder name");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_out_of_a_root_is_refused_and_one_within_is_followed() {
        let (folder, roots) = folder();
        let link = |target: &str, name: &str| {
            std::os::unix::fs::symlink(folder.path().join(target), folder.path().join(name)).unwrap();
        };
        link("secret.png", "outputs/link.png");
        link("", "outputs/up");
        link("outputs/day", "outputs/today");
        assert!(read("link.png", &roots, 100).unwrap_err().contains("outside"));
        assert!(read("up/secret.png", &roots, 100).unwrap_err().contains("outside"));
        assert!(read("today/渲染 (1).png", &roots, 100).is_ok());
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_that_becomes_a_link_at_any_time_is_not_followed() {
        use std::sync::atomic::{AtomicBool, Ordering};
        let (folder, roots) = folder();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("private")).unwrap();
        fs::write(at("private/a.png"), b"\x89PNG\r\n\x1a\nsecret").unwrap();
        fs::write(at("outputs/day/a.png"), PNG).unwrap();
        let is_over = AtomicBool::new(false);
        let swap = || {
            while !is_over.load(Ordering::Relaxed) {
                fs::rename(at("outputs/day"), at("outputs/night")).unwrap();
                std::os::unix::fs::symlink(at("private"), at("outputs/day")).unwrap();
                fs::remove_file(at("outputs/day")).unwrap();
                fs::rename(at("outputs/night"), at("outputs/day")).unwrap();
            }
        };
        std::thread::scope(|scope| {
            scope.spawn(swap);
            let reads: Vec<_> = (0..5000).map(|_| read("day/a.png", &roots, 100)).collect();
            is_over.store(true, Ordering::Relaxed);
            assert!(reads.iter().flatten().all(|file| file.bytes == PNG));
        });
        assert!(read("day/a.png", &roots, 100).is_ok());
    }

    #[cfg(unix)]
    #[test]
    fn a_replacement_of_a_file_is_not_taken_for_it() {
        let (folder, roots) = folder();
        let found = fs::canonicalize(&roots[0]).unwrap().join("not.png");
        let elsewhere = File::open(folder.path().join("secret.png")).unwrap();
        assert!(!lies_at(&elsewhere, &found));
        let file = open(&found).unwrap();
        assert!(lies_at(&file, &found));
        fs::remove_file(&found).unwrap();
        std::os::unix::fs::symlink(folder.path().join("secret.png"), &found).unwrap();
        assert!(open(&found).is_err(), "a link at the end is not followed");
        fs::remove_file(&found).unwrap();
        let made = std::process::Command::new("mkfifo").arg(&found).status().unwrap();
        assert!(made.success());
        let pipe = open(&found).unwrap();
        assert!(!pipe.metadata().unwrap().is_file(), "a pipe without a writer is opened at once");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_file_that_is_replaced_while_it_is_read_is_read_as_it_was() {
        let (folder, roots) = folder();
        let found = fs::canonicalize(&roots[0]).unwrap().join("not.png");
        let file = open(&found).unwrap();
        fs::rename(folder.path().join("secret.png"), &found).unwrap();
        assert!(lies_at(&file, &found));
    }

    #[test]
    fn the_error_names_what_is_missing_too_large_or_a_folder() {
        let (_folder, roots) = folder();
        let fault = |path: &str, most| read(path, &roots, most).unwrap_err();
        assert_eq!(fault("day/none.png", 100), "does not exist");
        assert_eq!(fault("day", 100), "is not a regular file");
        assert!(fault("day/渲染 (1).png", 11).contains("larger than the 11 bytes"));
        assert!(read("day/\0.png", &roots, 100).is_err() && read("", &roots, 100).is_err());
    }

    #[test]
    fn names_are_plain_whatever_the_host_calls_its_files() {
        for (path, name) in [
            ("a/b.c/portrait-07.png", "portrait-07.png"),
            ("C:\\out\\x \"y\".PNG", "x__y.png"),
            ("渲染.png", "image.png"),
            ("..", "image.png"),
        ] {
            assert_eq!(image_name(path, "image/png"), name);
        }
        for (path, name) in [
            ("a/run 7.LOG", "run_7.log"),
            ("模型 7.safetensors", "模型_7.safetensors"),
            ("größe.exr", "größe.exr"),
            ("a\u{202e}\u{200b}b.txt", "a__b.txt"),
            ("weights", "weights.bin"),
            (".env", "file.env"),
            ("x.tar.gz", "x_tar.gz"),
            ("x.a\"b", "x.bin"),
        ] {
            assert_eq!(file_name(path, b"MZ"), name);
        }
        let prompt = "a portrait of a lighthouse keeper, ".repeat(6);
        let long = file_name(&format!("out/{prompt}.exr"), b"MZ");
        assert!(long.ends_with(".exr") && long.chars().count() <= LONGEST_NAME + 4, "{long}");
    }

    #[test]
    fn a_file_has_the_media_type_and_the_ending_of_its_kind() {
        let (folder, roots) = folder();
        for (name, bytes, media) in [
            ("depth.exr", &b"\x76\x2f\x31\x01"[..], "image/x-exr"),
            ("clip.mp4", b"\0\0\0\x18ftypisom", "video/mp4"),
            ("a.bmp", b"BM....", "image/bmp"),
            ("a.avif", b"\0\0\0\x18ftypavif", "image/avif"),
            ("run.log", b"epoch 1", "text/plain"),
            ("model.safetensors", b"{}", "application/octet-stream"),
        ] {
            fs::write(folder.path().join("outputs").join(name), bytes).unwrap();
            let file = read(name, &roots, 100).unwrap();
            assert_eq!((file.name.as_str(), file.media), (name, media));
        }
    }

    #[test]
    fn a_file_that_is_not_the_picture_its_name_says_is_a_plain_file() {
        let (_folder, roots) = folder();
        let file = read("not.png", &roots, 100).unwrap();
        assert_eq!((file.name.as_str(), file.media), ("not.bin", "application/octet-stream"));
    }

    #[test]
    fn a_file_of_gigabytes_is_refused_before_it_is_read() {
        let (folder, roots) = folder();
        let sparse = File::create(folder.path().join("outputs/model.bin")).unwrap();
        sparse.set_len(3 << 30).unwrap();
        assert!(read("model.bin", &roots, LARGEST).unwrap_err().contains("larger than"));
    }
}
