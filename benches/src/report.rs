//! The report: measured, printed, written as JSON, drawn, and put into the documentation.

use crate::parts::PARTS;
use crate::plot;
use crate::row::{Figure, Row, short};
use crate::setting::Setting;
use serde_json::json;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// Lines between which the report stands in the document.
const MARKS: [&str; 2] = ["<!-- report -->\n", "<!-- end of report -->\n"];

pub struct Options {
    quick: bool,
    docs: bool,
    runs: usize,
    only: Vec<String>,
    tools: PathBuf,
}

impl Options {
    /// `--quick`, `--docs`, `--runs N`, `--tools FOLDER`, and the names of parts.
    pub fn read(words: &[String]) -> Result<Options, String> {
        let mut options = Options {
            quick: false,
            docs: false,
            runs: 0,
            only: Vec::new(),
            tools: PathBuf::from("target/bench"),
        };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
            match word.as_str() {
                "--quick" => options.quick = true,
                "--docs" => options.docs = true,
                "--runs" => options.runs = value()?.parse().map_err(|_| "--runs needs a number")?,
                "--tools" => options.tools = PathBuf::from(value()?),
                name if PARTS.iter().any(|(part, _)| *part == name) => options.only.push(name.to_owned()),
                other => {
                    let parts: Vec<&str> = PARTS.iter().map(|(part, _)| *part).collect();
                    return Err(format!(
                        "{other}: no option and no part; the parts are {}",
                        parts.join(", ")
                    ));
                }
            }
        }
        if options.runs == 0 {
            options.runs = if options.quick { 1 } else { 10 };
        }
        Ok(options)
    }
}

/// Measures, and writes `report.json` and `report.svg` into the folder of the tools.
pub fn run(options: &Options) -> Result<(), String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let setting = Setting {
        runs: options.runs,
        quick: options.quick,
        folder: folder.path().to_owned(),
        tools: options.tools.clone(),
    };
    let machine = machine(options);
    println!("{}", machine.join("\n"));
    let start = Instant::now();
    let mut rows = Vec::new();
    for (name, part) in PARTS {
        if !options.only.is_empty() && !options.only.iter().any(|only| only == name) {
            continue;
        }
        println!("\n{name}");
        let of_part = part(&setting).unwrap_or_else(|reason| {
            vec![Row { part: name, what: "all of it".to_owned(), figure: Err(reason), goal: None }]
        });
        for row in &of_part {
            println!("  {}", line(row));
        }
        rows.extend(of_part);
    }
    println!("\n{:.0} s in all", start.elapsed().as_secs_f64());
    let picture = plot::draw(&rows, &machine);
    let data = json!({ "machine": machine, "rows": rows.iter().map(Row::to_json).collect::<Vec<_>>() });
    let data = format!("{data:#}\n");
    fs::create_dir_all(&options.tools).map_err(|error| error.to_string())?;
    let mut files = vec![(options.tools.join("report.json"), data.as_str())];
    files.push((options.tools.join("report.svg"), picture.as_str()));
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let page = root.join("docs/benchmarks.md");
    let text;
    if options.docs {
        text = document(&page, &machine, &rows)?;
        files.push((page, text.as_str()));
        files.push((root.join("docs/pictures/benchmarks.svg"), picture.as_str()));
    }
    for (path, text) in files {
        fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))?;
        println!("{}", path.display());
    }
    Ok(())
}

fn line(row: &Row) -> String {
    let mut text = format!("{:<68}", row.what);
    match &row.figure {
        Ok(Figure { value, unit, against, .. }) => {
            let _ = write!(text, " {:>10} {unit:<3}", short(*value));
            if let Some((name, compared)) = against {
                let _ = write!(text, " {:>8} {name}", short(*compared));
            }
        }
        Err(reason) => {
            let _ = write!(text, " not measured: {reason}");
        }
    }
    let goal = row.goal_text();
    match row.reached() {
        Some(reached) => format!("{text}, goal {goal}{}", if reached { "" } else { ": MISSED" }),
        None => text,
    }
}

/// When, on what, of which commit.
fn machine(options: &Options) -> Vec<String> {
    let said = |program: &str, words: &[&str]| {
        let output = Command::new(program).args(words).output().ok();
        output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
    };
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default();
    let model = model.trim_start_matches(['\t', ' ', ':']);
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or_default().to_owned();
    let changed =
        if said("git", &["status", "--porcelain", "src", "crates"]).is_empty() { "" } else { ", changed" };
    let form = if options.quick { "a quick run, not to be quoted" } else { "a full run" };
    vec![
        format!("{}, {form}, medians of {}", said("date", &["-u", "+%Y-%m-%d"]), options.runs),
        format!("{cores} × {model}, Linux {}, load {load} at the start", said("uname", &["-r"])),
        format!(
            "commit {}{changed}, {}",
            said("git", &["rev-parse", "--short", "HEAD"]),
            said("rustc", &["--version"])
        ),
    ]
}

/// The page with this report in place of the last one.
fn document(page: &Path, machine: &[String], rows: &[Row]) -> Result<String, String> {
    let text = fs::read_to_string(page).map_err(|error| format!("{}: {error}", page.display()))?;
    let place = text.split_once(MARKS[0]).zip(text.split_once(MARKS[1]));
    let ((before, _), (_, after)) = place.ok_or("the document has no place for the report")?;
    Ok(format!("{before}{}{}{}{after}", MARKS[0], table(machine, rows), MARKS[1]))
}

fn table(machine: &[String], rows: &[Row]) -> String {
    let mut text = machine.iter().map(|line| format!("- {line}\n")).collect::<String>();
    let mut part = "";
    for row in rows {
        if row.part != part {
            part = row.part;
            let _ = write!(text, "\n### {part}\n\n| what | median | compared | goal |\n|---|---|---|---|\n");
        }
        let (value, compared) = match &row.figure {
            Ok(Figure { value, unit, against, .. }) => {
                let compared = against.map(|(name, compared)| format!("{} {name}", short(compared)));
                (format!("{} {unit}", short(*value)), compared.unwrap_or_default())
            }
            Err(reason) => (format!("not measured: {reason}"), String::new()),
        };
        let goal = match row.reached() {
            Some(true) => format!("{}, reached", row.goal_text()),
            _ => row.goal_text(),
        };
        let _ = writeln!(text, "| {} | {} | {compared} | {goal} |", row.what, value.trim());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_measured_says_why() {
        let row = Row { part: "peers", what: "a: b".into(), figure: Err("no node".into()), goal: None };
        assert!(line(&row).ends_with("not measured: no node"));
        assert!(table(&[], &[row]).contains("| a: b | not measured: no node |"));
    }

    #[test]
    fn a_word_that_is_no_part_is_refused_with_the_parts() {
        let reason = Options::read(&["thruput".to_owned()]).err().unwrap();
        assert!(reason.contains("throughput"), "{reason}");
    }

    #[test]
    fn the_document_has_a_place_for_the_report() {
        let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/benchmarks.md");
        let text = document(&page, &["once".to_owned()], &[]).unwrap();
        assert!(text.contains("once") && text.starts_with("# "), "{text}");
    }
}
