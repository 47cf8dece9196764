//! The picture of the demo in the documents: what its own code prints of a fixed run, as `docs/pictures/demo.svg`.

use super::fixture::{self, tests::receivers};
use super::frame::{self, FRAMES};
use super::progress::Progress;
use super::summary::Summary;
use super::{DemoEnd, RenderedFrame, finish, introduce};
use crate::serve::receiver::{Arrival, tests::arrival};
use crate::terminal::Terminal;
use serde_json::{Value as Json, json};
use std::fmt::Write;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use taskbell_core::config::Config;
use taskbell_core::engine;
use unicode_width::UnicodeWidthStr;

const COLUMNS: usize = 80;

/// Pixels of a column and of a line.
const CELL: (f64, usize) = (7.25, 17);

const SHOWN_FOLDER: &str = "/tmp/taskbell-demo-vZiC7D";
const FAILED: &str = "evt_01a229b689327659aac51a17e19e4033";
const ENDED: &str = "evt_01a229b68bdd7feba85da1d9022ab63f";

/// A request to the chat, as the library makes it for this event.
fn card(config: &Arc<Config>, kind: &str, payload: &Json, status: u16, at: i64) -> Arrival {
    let preview = engine::preview(config, kind, Some(&payload.to_string())).unwrap();
    let request =
        preview["requests"].as_array().unwrap().iter().find(|one| one["endpoint"] == "chat").unwrap();
    let body = [&request["form"]["payload_json"], &request["body"]].into_iter().find(|body| body.is_object());
    arrival(ENDED, 1, status, at, &body.unwrap().to_string())
}

fn printed() -> String {
    let folder = tempfile::tempdir().unwrap();
    let config =
        fixture::write(folder.path(), receivers(), "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=")
            .unwrap();
    let shown = Path::new(SHOWN_FOLDER);
    let (mut terminal, page) = Terminal::screen(COLUMNS);
    introduce(receivers(), &shown.join("taskbell.toml"), &mut terminal).unwrap();
    let config = Arc::new(Config::load(config.to_str().unwrap()).unwrap());
    let mut progress = Progress::without_frames(terminal.clone(), FRAMES);
    let mut summary =
        Summary { tasks: FRAMES as usize, took: Duration::from_millis(4_730), ..Summary::default() };
    for number in 1..=FRAMES {
        let result = if number == 16 { Err(io::Error::other("Zero width not allowed")) } else { Ok(()) };
        // As measured on two cores while the demo renders.
        let call = (Duration::from_nanos(if number == 1 { 31_600 } else { 9_200 }), Ok(()));
        let frame = RenderedFrame { number, took: Duration::from_millis(370), result, call };
        progress.frame(&frame).unwrap();
        summary.add(&frame);
        if number == 16 {
            let body = json!({"type": "task.complete", "text": "Frame 16 failed: Zero width not allowed", "asked_by": "ada", "done_so_far": 15});
            for (attempt, status, at) in [(1, 503, 57_937_763), (2, 200, 57_938_884)] {
                let arrival = arrival(FAILED, attempt, status, at, &body.to_string());
                progress.arrival(&arrival).unwrap();
                summary.arrivals.push(arrival);
            }
        }
    }
    let path = folder.path().join(frame::file_name(FRAMES));
    frame::render(FRAMES, &path).unwrap();
    let last = frame::task(FRAMES, &path, Duration::from_millis(410), &Ok(()));
    let last = card(&config, "task.complete", &last, 200, 57_939_204);
    progress.chat(&last, Some(&shown.join(frame::file_name(FRAMES)))).unwrap();
    let queue = json!({
        "name": "plasma", "total": 24, "succeeded": 23, "failed": 1, "duration_s": 4.4, "users": ["ada", "grace"],
        "task_seconds": {"mean": 0.37, "max": 0.44},
        "failures": [{"name": "Frame 16", "error": {"message": "Zero width not allowed"}}],
    });
    let body = json!({"type": "queue.end", "data": {"queue": queue}});
    let ended = arrival(ENDED, 1, 200, 57_939_756, &body.to_string());
    progress.arrival(&ended).unwrap();
    summary.arrivals.push(ended);
    let end = card(&config, "queue.end", &queue, 200, 57_939_760);
    progress.chat(&end, None).unwrap();
    summary.chat.extend([last, end]);
    summary.reports = vec![json!({"state": "delivered"}); 4];
    assert_eq!(summary.missing(), Vec::<String>::new());
    finish(&summary, Vec::new(), folder.path(), DemoEnd::RemovedAfterEnter, &mut terminal).unwrap();
    let text = String::from_utf8(page.lock().unwrap().clone()).unwrap();
    with_fixed_ids(&text.replace(folder.path().to_str().unwrap(), SHOWN_FOLDER))
}

/// The ids of a preview are other ones each time.
fn with_fixed_ids(text: &str) -> String {
    let mut fixed = String::new();
    for (index, piece) in text.split("evt_").enumerate() {
        let own =
            [FAILED, ENDED].iter().any(|id| id.strip_prefix("evt_").is_some_and(|id| piece.starts_with(id)));
        match (index, own) {
            (0, _) => fixed.push_str(piece),
            (_, true) => fixed.push_str(&format!("evt_{piece}")),
            (_, false) => fixed.push_str(&format!("{ENDED}{}", &piece[32..])),
        }
    }
    fixed
}

fn colour(code: &str) -> Option<&'static str> {
    match code {
        "31" => Some("#ff7b72"),
        "32" => Some("#7ee787"),
        "33" => Some("#f2a65a"),
        "36" => Some("#79c0ff"),
        "1" => Some("#ffffff"),
        "2" => Some("#8b949e"),
        _ => None,
    }
}

fn svg(text: &str) -> String {
    let lines: Vec<&str> =
        ["$ cargo run --release -- demo", ""].into_iter().chain(text.trim_end().lines()).collect();
    let (width, height) = ((COLUMNS as f64 * CELL.0) as usize + 32, lines.len() * CELL.1 + 52);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
         role=\"img\" aria-label=\"Output of taskbell demo\">\n<rect width=\"{width}\" height=\"{height}\" rx=\"8\" fill=\"#0d1117\"/>\n\
         <circle cx=\"18\" cy=\"17\" r=\"5\" fill=\"#ff5f57\"/><circle cx=\"35\" cy=\"17\" r=\"5\" fill=\"#febc2e\"/>\
         <circle cx=\"52\" cy=\"17\" r=\"5\" fill=\"#28c840\"/>\n<g font-family=\"ui-monospace,SFMono-Regular,Menlo,Consolas,\
         'DejaVu Sans Mono',monospace\" font-size=\"12\" fill=\"#c9d1d9\" xml:space=\"preserve\">\n"
    );
    for (row, line) in lines.iter().enumerate() {
        let y = 48 + row * CELL.1;
        let mut column = 0;
        for (index, piece) in line.split('\u{1b}').enumerate() {
            let (code, shown) = match piece.strip_prefix('[').and_then(|piece| piece.split_once('m')) {
                Some(styled) if index > 0 => styled,
                _ => ("", piece),
            };
            let (words, before) = (shown.trim(), shown.len() - shown.trim_start().len());
            if !words.is_empty() {
                let x = 16.0 + (column + before) as f64 * CELL.0;
                let fill = colour(code).map(|fill| format!(" fill=\"{fill}\"")).unwrap_or_default();
                let words = words.replace('&', "&amp;").replace('<', "&lt;");
                let length = words.width() as f64 * CELL.0;
                writeln!(svg, "<text x=\"{x}\" y=\"{y}\"{fill} textLength=\"{length}\">{words}</text>")
                    .unwrap();
            }
            column += shown.width();
        }
    }
    svg + "</g>\n</svg>\n"
}

#[test]
fn the_picture_of_the_demo_is_what_the_demo_prints() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/pictures/demo.svg");
    let drawn = svg(&printed());
    if std::env::var_os("TASKBELL_UPDATE_DOCS").is_some() {
        fs::write(&path, &drawn).unwrap();
    }
    let kept = fs::read_to_string(&path).unwrap();
    assert!(kept == drawn, "TASKBELL_UPDATE_DOCS=1 draws docs/pictures/demo.svg again:\n{drawn}");
}
