//! The built-in metrics by name.

use fs4::FsStats;
use std::path::{Path, PathBuf};

/// The built-in metrics that have no free part in their name.
pub(crate) const BUILT_IN: &[&str] = &["cpu.percent", "memory.percent", "swap.percent", "process.rss_mb"];

/// The most graphics cards a machine is thought to have.
const MAX_GPUS: u32 = 256;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Gauge {
    /// `cpu.percent`: how busy all processors together were since the last measurement.
    CpuPercent,
    /// `memory.percent`: memory that is not available to programs.
    MemoryPercent,
    /// `swap.percent`: swap in use; 0 where there is none.
    SwapPercent,
    /// `process.rss_mb`: resident memory of the host's process, in units of 10^6 bytes.
    ProcessRssMb,
    /// `disk.free_gb:PATH`: what this user may still write there, in units of 10^9 bytes.
    DiskFreeGb(PathBuf),
    /// `disk.free_percent:PATH`: the same, as a part of what users can have.
    DiskFreePercent(PathBuf),
    /// `gpu.N.…`: of the NVIDIA card with this number, as its driver counts.
    Gpu(u32, GpuQuantity),
}

/// What is measured of a graphics card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GpuQuantity {
    /// `memory_percent`: memory in use.
    MemoryPercent,
    /// `percent`: the part of the time in which it computed.
    Percent,
    /// `temperature_c`: of the chip, in degrees Celsius.
    TemperatureC,
}

impl Gauge {
    /// The gauge of this name; `None` for a name that is the host's to feed. `place` makes a path of a
    /// disk absolute.
    ///
    /// # Errors
    /// A sentence, for a name that can only be meant as a built-in one and is none.
    pub fn parse(name: &str, place: &dyn Fn(&str) -> PathBuf) -> Result<Option<Gauge>, String> {
        if let Some((quantity, path)) = name.strip_prefix("disk.").and_then(|rest| rest.split_once(':')) {
            return match quantity {
                "free_gb" | "free_percent" if path.is_empty() => Err(format!("`{name}` names no path")),
                "free_gb" => Ok(Some(Gauge::DiskFreeGb(place(path)))),
                "free_percent" => Ok(Some(Gauge::DiskFreePercent(place(path)))),
                _ => Err(format!(
                    "`{}` is not built in; metrics of a path are `disk.free_gb:PATH` and `disk.free_percent:PATH`",
                    name.escape_debug()
                )),
            };
        }
        if let Some((card, quantity)) = name.strip_prefix("gpu.").and_then(|rest| rest.split_once('.')) {
            let quantity = match quantity {
                "memory_percent" => GpuQuantity::MemoryPercent,
                "percent" => GpuQuantity::Percent,
                "temperature_c" => GpuQuantity::TemperatureC,
                _ => return Ok(None),
            };
            let digits = card.bytes().all(|byte| byte.is_ascii_digit());
            let number = card.parse().ok().filter(|number| digits && *number < MAX_GPUS);
            return match number {
                Some(number) => Ok(Some(Gauge::Gpu(number, quantity))),
                None => Err(format!(
                    "`{}` names no graphics card: the first is `gpu.0`, the last can be `gpu.{}`",
                    name.escape_debug(),
                    MAX_GPUS - 1
                )),
            };
        }
        Ok(match name {
            "cpu.percent" => Some(Gauge::CpuPercent),
            "memory.percent" => Some(Gauge::MemoryPercent),
            "swap.percent" => Some(Gauge::SwapPercent),
            "process.rss_mb" => Some(Gauge::ProcessRssMb),
            _ => None,
        })
    }

    /// Whether Taskbell measures this name, so that no host can feed it.
    pub fn is_built_in(name: &str) -> bool {
        !matches!(Gauge::parse(name, &|path| PathBuf::from(path)), Ok(None))
    }

    /// Whether it can be measured on this machine. A graphics card can always be asked for: its driver
    /// may be absent without anything being wrong. May wait for the file system.
    ///
    /// # Errors
    /// The reason, to be said after "cannot be measured here: ".
    pub fn check(&self) -> Result<(), String> {
        match self {
            Gauge::DiskFreeGb(path) | Gauge::DiskFreePercent(path) => space(path).map(drop),
            Gauge::Gpu(..) => Ok(()),
            _ if sysinfo::IS_SUPPORTED_SYSTEM => Ok(()),
            _ => Err("it is not available on this system".to_owned()),
        }
    }
}

/// The space of the file system that holds a path, or a sentence that tells why it is not known. Waits as long
/// as the file system does.
pub(super) fn space(path: &Path) -> Result<FsStats, String> {
    fs4::statvfs(path)
        .map_err(|error| format!("the free space of {} cannot be read: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_mean_what_they_say() {
        let parse = |name: &str| Gauge::parse(name, &|path| PathBuf::from("/base").join(path));
        assert_eq!(parse("cpu.percent"), Ok(Some(Gauge::CpuPercent)));
        assert_eq!(parse("disk.free_gb:/a:b"), Ok(Some(Gauge::DiskFreeGb("/a:b".into()))));
        assert_eq!(parse("disk.free_percent:out"), Ok(Some(Gauge::DiskFreePercent("/base/out".into()))));
        let temperature = Gauge::Gpu(3, GpuQuantity::TemperatureC);
        assert_eq!(parse("gpu.3.temperature_c"), Ok(Some(temperature)));
        for fed in ["disk.free_gb", "gpu.0.fan", "gpu.0", "loss", "cpu.percents"] {
            assert_eq!(parse(fed), Ok(None), "{fed}");
            assert!(!Gauge::is_built_in(fed), "{fed}");
        }
        for bad in ["disk.free_gb:", "disk.size:/", "gpu..percent", "gpu.+1.percent", "gpu.256.percent"] {
            assert!(parse(bad).is_err() && Gauge::is_built_in(bad), "{bad}");
        }
    }
}
