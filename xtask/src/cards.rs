//! Pictures of the platforms' cards: what the library says, drawn by a page of our own in Chromium.

use crate::steps::run_within;
use crate::tools::{cargo, find, root, target};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(60);
const BUILD_LIMIT: Duration = Duration::from_secs(15 * 60);
const WIDTH: &str = "600";

/// The largest picture that is checked in.
const LARGEST: u64 = 60 * 1024;

/// The place of the data in the page.
const PLACE: &str = "/*PREVIEW*/null";

/// What the page with all cards shows: a name, the type of an event, and its payload; without one the sample.
const EVENTS: [(&str, &str, &str); 9] = [
    ("image", "task.complete", "@docs/cards/events/image.json"),
    ("failure", "task.complete", "@docs/cards/events/failure.json"),
    ("training", "task.complete", "@docs/cards/events/training.json"),
    ("queue", "queue.end", "@docs/cards/event.json"),
    ("progress", "queue.progress", ""),
    ("stalled", "batch.stalled", ""),
    ("alert", "alert.firing", ""),
    ("resolved", "alert.resolved", ""),
    ("own", "upload.done", "@docs/cards/events/own.json"),
];

/// Takes a picture for each endpoint of `docs/cards/taskbell.toml`, into `docs/cards/NAME.png`, and shows it next to the
/// one of this revision.
pub fn cards(before: &str) -> bool {
    match take(before) {
        Ok(count) => {
            println!("{count} pictures taken");
            true
        }
        Err(reason) => {
            eprintln!("error: {reason}");
            false
        }
    }
}

fn take(before: &str) -> Result<usize, String> {
    run_within(&mut cargo(["build", "--bin", "taskbell"]), BUILD_LIMIT)?;
    let folder = root().join("docs/cards");
    let config = read(&folder.join("taskbell.toml"))?;
    let page = read(&folder.join("render.html"))?;
    let work = target().join("cards");
    fs::create_dir_all(&work).map_err(|fault| format!("{}: {fault}", work.display()))?;
    let names: Vec<&str> =
        config.lines().filter_map(|line| line.strip_prefix("[endpoints.")?.strip_suffix(']')).collect();
    write_pages(&work, &config, &page)?;
    let page_path = work.join("queue.html");
    let chromium =
        find("chromium").ok_or("chromium is missing: `apt-get install chromium fonts-noto-cjk`")?;
    for name in &names {
        let url = format!("file://{}#{name}", page_path.display());
        let height = height(&chromium, &work, &url).map_err(|fault| format!("{name}: {fault}"))?;
        let picture = folder.join(format!("{name}.png"));
        let mut command = browser(&chromium, &work);
        command.arg(format!("--screenshot={}", picture.display()));
        command.arg(format!("--window-size={WIDTH},{height}")).arg(&url);
        run_within(&mut command, LIMIT)?;
        let size = fs::metadata(&picture).map_err(|fault| format!("{}: {fault}", picture.display()))?.len();
        if size > LARGEST {
            return Err(format!("{name}.png has {size} bytes, more than {LARGEST}"));
        }
    }
    println!("all cards side by side: {}", overview(&work, &names, before)?.display());
    // A test says when the pictures show no longer what the library says.
    let mut note = cargo(["test", "--test", "it", "the_pictures_show"]);
    run_within(note.env("TASKBELL_UPDATE_DOCS", "1"), BUILD_LIMIT)?;
    Ok(names.len())
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|fault| format!("{}: {fault}", path.display()))
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    fs::write(path, text).map_err(|fault| format!("{}: {fault}", path.display()))
}

/// Writes a page for each event.
fn write_pages(work: &Path, config: &str, page: &str) -> Result<(), String> {
    let all = config.replace("on = [\"queue.end\"]", "on = [\"*\"]");
    for (name, kind, payload) in EVENTS {
        let english = preview(work, &all, kind, payload)?;
        let chinese = preview(work, &all.replace("language = \"en\"", "language = \"zh\""), kind, payload)?;
        let data = format!("{{\"en\": {english}, \"zh\": {chinese}}}");
        // Nothing in the data may end the script.
        write(&work.join(format!("{name}.html")), &page.replace(PLACE, &data.replace('<', "\\u003c")))?;
    }
    Ok(())
}

/// Writes the page that shows, for every platform, its picture before and after, and all events in both languages.
fn overview(work: &Path, names: &[&str], before: &str) -> Result<PathBuf, String> {
    let mut body = String::new();
    for platform in names {
        let (pictures, note) = before_and_after(work, platform, before)?;
        body += &format!("<h2>{platform}{note}</h2>\n<div>{pictures}</div>\n");
        for language in ["en", "zh"] {
            let frames = EVENTS.map(|(name, kind, _)| {
                let source = format!("{name}.html#{platform}.{language}");
                format!("<figure><figcaption>{name}: {kind}</figcaption><iframe loading=lazy src=\"{source}\"></iframe></figure>")
            });
            body += &format!("<div>{}</div>\n", frames.concat());
        }
    }
    let path = work.join("index.html");
    write(&path, &format!("{OVERVIEW}{body}"))?;
    Ok(path)
}

/// The picture of a revision and the one just taken, and whether they differ.
fn before_and_after(work: &Path, platform: &str, revision: &str) -> Result<(String, &'static str), String> {
    let file = format!("docs/cards/{platform}.png");
    let mut git = Command::new("git");
    git.current_dir(root()).args(["show", &format!("{revision}:{file}")]);
    let old = git.output().map_err(|fault| format!("cannot start git: {fault}"))?;
    let new = fs::read(root().join(&file)).map_err(|fault| format!("{file}: {fault}"))?;
    let note = match old.status.success() {
        false => " (new)",
        true if old.stdout == new => "",
        true => " <mark>changed</mark>",
    };
    let figure = |(name, bytes): (&str, &[u8])| {
        let picture = format!("{platform}.{name}.png");
        let path = work.join(&picture);
        fs::write(&path, bytes).map_err(|fault| format!("{}: {fault}", path.display()))?;
        Ok(format!("<figure><figcaption>{name}</figcaption><img src=\"{picture}\"></figure>"))
    };
    let shown = [("before", &*old.stdout), ("after", &*new)].map(figure);
    Ok((shown.into_iter().collect::<Result<String, String>>()?, note))
}

/// Each frame is as high as its page says.
const OVERVIEW: &str = "<!doctype html>\n<meta charset=utf-8>\n<title>All cards</title>\n<style>\n\
    body { font: 14px sans-serif; margin: 16px } div { display: flex; gap: 12px; overflow-x: auto; align-items: start }\n\
    figure { margin: 0 0 12px } iframe { width: 600px; height: 300px; border: 1px solid #ccc }\n\
    </style>\n<script>addEventListener('message', (event) => {\n\
    for (const frame of document.querySelectorAll('iframe'))\n\
    if (frame.contentWindow === event.source) frame.style.height = `${Number(event.data)}px`;\n});</script>\n";

/// What `taskbell preview --json` prints for an event.
fn preview(work: &Path, config: &str, kind: &str, payload: &str) -> Result<String, String> {
    let path = work.join("taskbell.toml");
    write(&path, config)?;
    let mut command = Command::new(target().join("debug/taskbell"));
    command.current_dir(root()).arg("preview").arg(&path).arg(kind);
    let output = command.args(Some(payload).filter(|payload| !payload.is_empty())).arg("--json").output();
    let output = output.map_err(|fault| format!("cannot start taskbell: {fault}"))?;
    if !output.status.success() {
        return Err(format!("taskbell preview failed: {}", String::from_utf8_lossy(&output.stderr)));
    }
    String::from_utf8(output.stdout).map_err(|fault| fault.to_string())
}

fn browser(chromium: &Path, work: &Path) -> Command {
    let mut command = Command::new(chromium);
    command.args([
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--hide-scrollbars",
        "--log-level=3",
        "--disable-lcd-text",
    ]);
    command.arg(format!("--user-data-dir={}", work.join("profile").display()));
    command
}

/// The height that the page says its card has.
fn height(chromium: &Path, work: &Path, url: &str) -> Result<u32, String> {
    let mut command = browser(chromium, work);
    let output = command.arg(format!("--window-size={WIDTH},400")).args(["--dump-dom", url]).output();
    let output = output.map_err(|fault| format!("cannot start chromium: {fault}"))?;
    let page = String::from_utf8_lossy(&output.stdout);
    let height = page.split("data-height=\"").nth(1).and_then(|rest| rest.split('"').next());
    height.and_then(|height| height.parse().ok()).ok_or_else(|| "the page drew no card".to_owned())
}
