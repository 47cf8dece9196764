//! The parts of the report: each measures, and gives rows.

mod calls;
mod flat;
mod footprint;
mod latency;
mod peers;
mod throughput;

use crate::row::Row;
use crate::setting::Setting;

type Part = fn(&Setting) -> Result<Vec<Row>, String>;

/// The parts by name, in the order of the report.
pub const PARTS: [(&str, Part); 7] = [
    ("throughput", throughput::run),
    ("peers", peers::run),
    ("instructions", footprint::instructions),
    ("calls", calls::run),
    ("latency", latency::run),
    ("footprint", footprint::run),
    ("flat", flat::run),
];
