//! What the library costs its host, as ratios against something else in the same run:
//! `cargo xtask bench --bench host`. Nothing here is asserted; a shared machine's figures are read, not tested.

mod calls;
mod footprint;
mod guest;
mod sink;
mod throughput;

fn main() {
    // Cargo passes `--bench`; a name after it runs one part.
    let wanted: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with("--")).collect();
    let parts: [(&str, fn()); 3] =
        [("footprint", footprint::run), ("calls", calls::run), ("throughput", throughput::run)];
    for (name, run) in parts {
        if wanted.is_empty() || wanted.iter().any(|part| part == name) {
            run();
        }
    }
}
