//! Processors and memory on Linux, from the proc file system (proc_stat(5), proc_meminfo(5),
//! proc_pid_status(5)).

use super::meter::{CpuTimes, Memory};
use std::fs;

/// Whether this system tells.
pub(super) const MEASURES: bool = true;

/// Of all processors together.
pub(super) fn cpu_times() -> Result<CpuTimes, String> {
    read("/proc/stat", parse_stat)
}

/// Of the machine.
pub(super) fn memory() -> Result<Memory, String> {
    read("/proc/meminfo", parse_meminfo)
}

/// Of this process.
pub(super) fn resident_bytes() -> Result<u64, String> {
    read("/proc/self/status", |text| kilobytes(text, "VmRSS"))
}

fn read<T>(path: &str, parse: impl Fn(&str) -> Option<T>) -> Result<T, String> {
    let text = fs::read_to_string(path).map_err(|error| format!("{path} cannot be read: {error}"))?;
    parse(&text).ok_or_else(|| format!("{path} does not say what was looked for"))
}

/// The line `cpu` has user, nice, system, idle, iowait, irq, softirq and steal; what follows is part of
/// user and nice already.
fn parse_stat(text: &str) -> Option<CpuTimes> {
    let line = text.lines().find_map(|line| line.strip_prefix("cpu "))?;
    let times: Vec<u64> = line.split_ascii_whitespace().take(8).map_while(|word| word.parse().ok()).collect();
    let all: u64 = times.iter().sum();
    let idle = times.get(3)? + times.get(4).unwrap_or(&0);
    Some(CpuTimes { busy: all - idle, all })
}

fn parse_meminfo(text: &str) -> Option<Memory> {
    Some(Memory {
        total: kilobytes(text, "MemTotal")?,
        available: kilobytes(text, "MemAvailable")?,
        swap_total: kilobytes(text, "SwapTotal").unwrap_or(0),
        swap_free: kilobytes(text, "SwapFree").unwrap_or(0),
    })
}

/// A line such as `MemTotal:  16384 kB`, in bytes.
fn kilobytes(text: &str, name: &str) -> Option<u64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    rest.split_ascii_whitespace().next()?.parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_words_are_understood() {
        let stat = "cpu  100 20 30 800 50 1 2 3 7 0\ncpu0 1 1 1 1\nintr 5\n";
        assert_eq!(parse_stat(stat), Some(CpuTimes { busy: 156, all: 1006 }));
        let meminfo = "MemTotal:       1000 kB\nMemFree: 1 kB\nMemAvailable:    250 kB\nSwapTotal: 8 kB\n\
                       SwapFree: 6 kB\n";
        let expected = Memory { total: 1_024_000, available: 256_000, swap_total: 8192, swap_free: 6144 };
        assert_eq!(parse_meminfo(meminfo), Some(expected));
        assert_eq!(kilobytes("VmRSS:\t  12 kB\n", "VmRSS"), Some(12_288));
    }

    #[test]
    fn broken_words_are_none() {
        for text in
            ["", "cpu ", "cpu  1 2 3\n", "MemTotal: x kB\n", "MemTotal\n", "VmRSS: 99999999999999999999"]
        {
            assert_eq!(parse_stat(text), None, "{text}");
            assert_eq!(parse_meminfo(text), None, "{text}");
            assert_eq!(kilobytes(text, "VmRSS"), None, "{text}");
        }
    }
}
