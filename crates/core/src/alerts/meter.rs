//! Reads gauges.

use super::gauges::{Gauge, GpuQuantity, space};
use super::nvml::Nvml;
use sysinfo::{MemoryRefreshKind, System};

const NOT_TOLD: &str = "the system does not report it";

/// Measures, and keeps what measuring needs: the last reading of the processors, and the library of the
/// graphics driver. For one thread; each call may wait for the system.
#[derive(Default)]
pub struct Meter {
    system: System,
    has_cpu_reading: bool,
    /// Looked for once: `Some(None)` when it is not there.
    nvml: Option<Option<Nvml>>,
}

impl Meter {
    /// The value of a gauge, to three decimals. `None` when there is nothing to measure: the first
    /// reading of the processors, or a graphics card that is not there.
    ///
    /// # Errors
    /// A sentence that tells why it could not be measured.
    pub fn read(&mut self, gauge: &Gauge) -> Result<Option<f64>, String> {
        let value = match gauge {
            Gauge::CpuPercent => self.cpu_percent()?,
            Gauge::MemoryPercent => {
                self.system.refresh_memory_specifics(MemoryRefreshKind::nothing().with_ram());
                let total = self.system.total_memory();
                if total == 0 {
                    return Err(NOT_TOLD.to_owned());
                }
                Some(percent(total.saturating_sub(self.system.available_memory()), total))
            }
            Gauge::SwapPercent => {
                self.system.refresh_memory_specifics(MemoryRefreshKind::nothing().with_swap());
                Some(percent(self.system.used_swap(), self.system.total_swap()))
            }
            Gauge::ProcessRssMb => {
                let memory = memory_stats::memory_stats().ok_or(NOT_TOLD)?;
                Some(memory.physical_mem as f64 / 1e6)
            }
            Gauge::DiskFreeGb(path) => Some(space(path)?.available_space() as f64 / 1e9),
            Gauge::DiskFreePercent(path) => {
                let space = space(path)?;
                let used = space.total_space().saturating_sub(space.free_space());
                let free = space.available_space();
                Some(percent(free, free.saturating_add(used)))
            }
            Gauge::Gpu(card, quantity) => self.gpu(*card, *quantity),
        };
        Ok(value.map(|value| (value * 1e3).round() / 1e3))
    }

    fn cpu_percent(&mut self) -> Result<Option<f64>, String> {
        let has_earlier = std::mem::replace(&mut self.has_cpu_reading, true);
        self.system.refresh_cpu_usage();
        if self.system.cpus().is_empty() {
            return Err(NOT_TOLD.to_owned());
        }
        Ok(has_earlier.then(|| f64::from(self.system.global_cpu_usage())))
    }

    fn gpu(&mut self, card: u32, quantity: GpuQuantity) -> Option<f64> {
        let nvml = self.nvml.get_or_insert_with(Nvml::load).as_ref()?;
        match quantity {
            GpuQuantity::MemoryPercent => nvml.memory(card).map(|(used, total)| percent(used, total)),
            GpuQuantity::Percent => nvml.utilization(card).map(f64::from),
            GpuQuantity::TemperatureC => nvml.temperature(card).map(f64::from),
        }
    }
}

/// A part of a whole; nothing of nothing is 0.
fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 * 100.0 / whole as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_sensible_values() {
        let mut meter = Meter::default();
        let mut read = |gauge: Gauge| meter.read(&gauge).unwrap();
        assert_eq!(read(Gauge::CpuPercent), None, "one reading is no difference");
        let rss = read(Gauge::ProcessRssMb).unwrap();
        assert!((1.0..1e6).contains(&rss), "{rss}");
        for gauge in [Gauge::MemoryPercent, Gauge::SwapPercent, Gauge::DiskFreePercent(".".into())] {
            let value = read(gauge.clone()).unwrap();
            assert!((0.0..=100.0).contains(&value), "{gauge:?}: {value}");
        }
        assert!(read(Gauge::MemoryPercent) > Some(0.0));
        assert!(read(Gauge::DiskFreeGb(".".into())).unwrap() < 1e9);
        let busy = (0..1_000_000).find_map(|_| read(Gauge::CpuPercent)).unwrap();
        assert!((0.0..=100.0).contains(&busy), "{busy}");
    }

    #[test]
    fn a_path_that_is_gone_says_so() {
        let gauge = Gauge::DiskFreeGb("no/such/folder".into());
        let reason = Meter::default().read(&gauge).unwrap_err();
        assert!(reason.contains("no/such/folder"), "{reason}");
        assert_eq!(gauge.check().unwrap_err(), reason);
    }

    #[test]
    fn a_part_of_nothing_is_nothing() {
        assert_eq!((percent(0, 0), percent(1, 4)), (0.0, 25.0));
    }
}
