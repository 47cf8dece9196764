//! Pictures of the platforms' cards: what the library says, drawn by a page of our own in Chromium.

use crate::steps::run_within;
use crate::tools::{cargo, find, root, target};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(60);
const BUILD_LIMIT: Duration = Duration::from_secs(15 * 60);
const WIDTH: &str = "600";

/// The largest picture that is checked in.
const LARGEST: u64 = 60 * 1024;

/// The place of the data in the page.
const PLACE: &str = "/*PREVIEW*/null";

/// Takes a picture for each endpoint of `docs/cards/taskbell.toml`, into `docs/cards/NAME.png`.
pub fn cards() -> bool {
    match take() {
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

fn take() -> Result<usize, String> {
    let chromium =
        find("chromium").ok_or("chromium is missing: `apt-get install chromium fonts-noto-cjk`")?;
    run_within(&mut cargo(["build", "--bin", "taskbell"]), BUILD_LIMIT)?;
    let folder = root().join("docs/cards");
    let config = read(&folder.join("taskbell.toml"))?;
    let page = read(&folder.join("render.html"))?;
    let work = target().join("cards");
    fs::create_dir_all(&work).map_err(|fault| format!("{}: {fault}", work.display()))?;
    let english = preview(&work, &config)?;
    let chinese = preview(&work, &config.replace("language = \"en\"", "language = \"zh\""))?;
    let data = format!("{{\"en\": {english}, \"zh\": {chinese}}}");
    // Nothing in the data may end the script.
    let page_path = work.join("cards.html");
    write(&page_path, &page.replace(PLACE, &data.replace('<', "\\u003c")))?;
    let names: Vec<&str> =
        config.lines().filter_map(|line| line.strip_prefix("[endpoints.")?.strip_suffix(']')).collect();
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

/// What `taskbell preview --json` prints for the event of the pictures.
fn preview(work: &Path, config: &str) -> Result<String, String> {
    let path = work.join("taskbell.toml");
    write(&path, config)?;
    let event = format!("@{}", root().join("docs/cards/event.json").display());
    let mut command = Command::new(target().join("debug/taskbell"));
    let output = command.arg("preview").arg(&path).args(["queue.end", &event, "--json"]).output();
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
