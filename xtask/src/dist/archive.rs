//! The formats of archives: tar with gzip, zip, and the `ar` of Debian's packages. Times, owners and order are
//! fixed, so that the same files make the same bytes.

use super::tree::{Entry, Tree};
use flate2::write::{DeflateEncoder, GzEncoder};
use flate2::{Compression, Crc, GzBuilder};
use std::io::Write;

/// 1980-01-01, where the time of zip begins.
const EARLIEST: u64 = 315_532_800;

/// When every file was made, in Unix seconds: `SOURCE_DATE_EPOCH`, else 1980.
pub fn moment() -> u64 {
    let given = std::env::var("SOURCE_DATE_EPOCH").ok().and_then(|text| text.parse().ok());
    given.unwrap_or(EARLIEST).max(EARLIEST)
}

/// A `.tar.gz`.
pub fn tar_gz(tree: &Tree) -> Result<Vec<u8>, String> {
    let mut gz: GzEncoder<Vec<u8>> = GzBuilder::new().mtime(0).write(Vec::new(), Compression::best());
    gz.write_all(&tar(tree)?).and_then(|()| gz.finish()).map_err(|fault| fault.to_string())
}

fn tar(tree: &Tree) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    for folder in tree.folders() {
        out.extend(tar_header(&format!("{folder}/"), 0o755, 0, b'5', "")?);
    }
    for (path, entry) in tree.iter() {
        match entry {
            Entry::Link(to) => out.extend(tar_header(path, 0o777, 0, b'2', to)?),
            Entry::File { bytes, executable } => {
                let mode = if *executable { 0o755 } else { 0o644 };
                out.extend(tar_header(path, mode, bytes.len(), b'0', "")?);
                out.extend(bytes);
                out.resize(out.len().next_multiple_of(512), 0);
            }
        }
    }
    out.resize(out.len() + 1024, 0);
    Ok(out)
}

/// A header of POSIX ustar.
fn tar_header(path: &str, mode: u32, size: usize, kind: u8, link: &str) -> Result<[u8; 512], String> {
    let (prefix, name) = if path.len() <= 100 {
        ("", path)
    } else {
        let cut =
            path.match_indices('/').map(|(at, _)| at).find(|at| path.len() - at - 1 <= 100 && *at <= 155);
        cut.map(|at| (&path[..at], &path[at + 1..])).ok_or_else(|| format!("{path} is too long for tar"))?
    };
    let mut header = [0; 512];
    let mut put = |at: usize, text: &str| header[at..at + text.len()].copy_from_slice(text.as_bytes());
    put(0, name);
    put(100, &format!("{mode:07o}"));
    put(108, "0000000");
    put(116, "0000000");
    put(124, &format!("{size:011o}"));
    put(136, &format!("{:011o}", moment()));
    put(148, "        ");
    put(157, link);
    put(257, "ustar\x0000root");
    put(297, "root");
    put(345, prefix);
    header[156] = kind;
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    Ok(header)
}

/// A zip file. It has no links: its readers on Windows make none.
pub fn zip(tree: &Tree) -> Result<Vec<u8>, String> {
    let (mut out, mut directory, mut count) = (Vec::new(), Vec::new(), 0_u16);
    for (path, entry) in tree.iter() {
        let Entry::File { bytes, executable } = entry else { continue };
        let mut deflate = DeflateEncoder::new(Vec::new(), Compression::best());
        let packed =
            deflate.write_all(bytes).and_then(|()| deflate.finish()).map_err(|fault| fault.to_string())?;
        let mut crc = Crc::new();
        crc.update(bytes);
        let at = size(out.len())?;
        // Version 2.0, names in UTF-8, deflated.
        let mut fields = vec![20, 0, 0, 8, 8, 0];
        fields.extend(dos_time().to_le_bytes());
        for number in [crc.sum(), size(packed.len())?, size(bytes.len())?] {
            fields.extend(number.to_le_bytes());
        }
        fields.extend((path.len() as u16).to_le_bytes());
        fields.extend([0, 0]);
        out.extend(b"PK\x03\x04");
        out.extend(&fields);
        out.extend(path.as_bytes());
        out.extend(&packed);
        let mode: u32 = if *executable { 0o100_755 } else { 0o100_644 };
        // Made on Unix, so that the mode counts.
        directory.extend(b"PK\x01\x02\x14\x03");
        directory.extend(&fields);
        directory.extend([0; 6]);
        directory.extend((mode << 16).to_le_bytes());
        directory.extend(at.to_le_bytes());
        directory.extend(path.as_bytes());
        count += 1;
    }
    let at = size(out.len())?;
    let length = size(directory.len())?;
    out.extend(directory);
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend(count.to_le_bytes());
    out.extend(count.to_le_bytes());
    out.extend(length.to_le_bytes());
    out.extend(at.to_le_bytes());
    out.extend([0, 0]);
    Ok(out)
}

fn size(length: usize) -> Result<u32, String> {
    u32::try_from(length).map_err(|_| "an archive is larger than zip can hold".to_owned())
}

/// The time and the date of zip, packed into one number.
fn dos_time() -> u32 {
    let (mut days, seconds) = (moment() / 86_400, moment() % 86_400);
    let leap = |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let mut year = 1970;
    while days >= 365 + u64::from(leap(year)) {
        days -= 365 + u64::from(leap(year));
        year += 1;
    }
    let lengths = [31, 28 + u64::from(leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 1;
    for length in lengths {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    let date = (year - 1980) << 9 | month << 5 | (days + 1);
    let time = (seconds / 3600) << 11 | (seconds / 60 % 60) << 5 | (seconds % 60 / 2);
    u32::try_from(date << 16 | time).unwrap_or(0)
}

/// The format of `.deb`: the members in their order.
pub fn ar(members: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut out = b"!<arch>\n".to_vec();
    for (name, bytes) in members {
        let header =
            format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n", moment(), 0, 0, "100644", bytes.len());
        out.extend(header.as_bytes());
        out.extend(bytes);
        if bytes.len() % 2 == 1 {
            out.push(b'\n');
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    fn tree() -> Tree {
        let mut tree = Tree::default();
        tree.add("top/b.txt", "text");
        tree.add(&format!("top/{}/{}.txt", "long".repeat(20), "name".repeat(15)), "deep");
        tree.link("top/a", "b.txt");
        tree
    }

    fn output(program: &str, words: &[&str], archive: &[u8]) -> String {
        let folder = std::env::temp_dir().join(format!("xtask-{}-{program}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join("archive");
        std::fs::write(&file, archive).unwrap();
        let done = Command::new(program).args(words).arg(&file).output().unwrap();
        std::fs::remove_dir_all(&folder).unwrap();
        assert!(done.status.success(), "{program}");
        String::from_utf8(done.stdout).unwrap()
    }

    #[test]
    fn tar_reads_what_is_written() {
        let listed = output("tar", &["--utc", "-tvzf"], &tar_gz(&tree()).unwrap());
        assert!(listed.contains("-rw-r--r-- root/root"), "{listed}");
        assert!(listed.contains("top/a -> b.txt\n"), "{listed}");
        assert!(listed.contains("1980-01-01 00:00"), "{listed}");
        assert_eq!(listed.lines().count(), 5, "{listed}");
    }

    #[test]
    fn python_reads_the_zip_that_is_written() {
        let code = "import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); \
                    print(z.testzip(), [(i.filename[-8:], z.read(i), i.date_time) for i in z.infolist()])";
        let listed = output("python3", &["-c", code], &zip(&tree()).unwrap());
        let date = "(1980, 1, 1, 0, 0, 0)";
        assert_eq!(
            listed.trim(),
            format!("None [('op/b.txt', b'text', {date}), ('name.txt', b'deep', {date})]")
        );
    }

    #[test]
    fn the_same_files_make_the_same_bytes() {
        assert_eq!(tar_gz(&tree()), tar_gz(&tree()));
        assert_eq!(zip(&tree()), zip(&tree()));
        let members = [("one", vec![1, 2, 3]), ("two", vec![4])];
        assert_eq!(ar(&members).len(), 8 + 2 * 60 + 4 + 2);
    }
}
