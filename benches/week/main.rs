//! A week of a render farm: `cargo bench --bench week`. How many messages a person would have received
//! when every event is a message and when Taskbell decides; what deciding costs the dispatcher; and what a
//! thousand queues and batches at once hold in memory. Nothing here is asserted.

mod crowd;
mod farm;
mod pace;

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with("--")).collect();
    let parts: [(&str, fn()); 3] = [("farm", farm::run), ("pace", pace::run), ("crowd", crowd::run)];
    match wanted.first().map(String::as_str) {
        Some("queues") => return crowd::queues(),
        Some("batches") => return crowd::batches(),
        _ => {}
    }
    for (name, run) in parts {
        if wanted.is_empty() || wanted.iter().any(|part| part == name) {
            run();
        }
    }
}
