//! NVIDIA graphics cards, by the driver's own library (NVML), which is loaded at run time where it is
//! installed. Names and layouts are those of `nvml.h`; the functions used have been there unchanged
//! since driver 270. By hand, because a wrapper of all of NVML's four hundred functions costs 170 KB of the
//! library for these three values, and its reading of memory needs driver 510.

#![allow(unsafe_code)]

use libloading::Library;
use std::ffi::{c_int, c_uint, c_void};
use std::ptr;

/// `NVML_SUCCESS`.
const SUCCESS: c_int = 0;

/// `NVML_TEMPERATURE_GPU`: the sensor on the chip.
const ON_THE_CHIP: c_uint = 0;

/// `nvmlDevice_t`.
type Device = *mut c_void;

/// `nvmlMemory_t`, in bytes.
#[repr(C)]
#[derive(Default)]
struct MemoryInfo {
    total: u64,
    free: u64,
    used: u64,
}

/// `nvmlUtilization_t`, in percent of the last sample period.
#[repr(C)]
#[derive(Default)]
struct Utilization {
    gpu: c_uint,
    memory: c_uint,
}

/// The library, initialised. For one thread.
pub(super) struct Nvml {
    device: unsafe extern "C" fn(c_uint, *mut Device) -> c_int,
    memory: unsafe extern "C" fn(Device, *mut MemoryInfo) -> c_int,
    utilization: unsafe extern "C" fn(Device, *mut Utilization) -> c_int,
    temperature: unsafe extern "C" fn(Device, c_uint, *mut c_uint) -> c_int,
    shutdown: unsafe extern "C" fn() -> c_int,
    /// Keeps the functions above where they are.
    _library: Library,
}

impl Nvml {
    /// The driver's library; `None` where there is none or it does not start.
    pub fn load() -> Option<Nvml> {
        Nvml::start(open_installed()?)
    }

    fn start(library: Library) -> Option<Nvml> {
        // SAFETY: the signatures are those of `nvml.h`, and the library outlives the pointers: it moves
        // into the value that holds them, and is dropped after their last call.
        unsafe {
            let init = *library.get::<unsafe extern "C" fn() -> c_int>(b"nvmlInit_v2\0").ok()?;
            let device = *library.get(b"nvmlDeviceGetHandleByIndex_v2\0").ok()?;
            let memory = *library.get(b"nvmlDeviceGetMemoryInfo\0").ok()?;
            let utilization = *library.get(b"nvmlDeviceGetUtilizationRates\0").ok()?;
            let temperature = *library.get(b"nvmlDeviceGetTemperature\0").ok()?;
            let shutdown = *library.get(b"nvmlShutdown\0").ok()?;
            (init() == SUCCESS).then_some(Nvml {
                device,
                memory,
                utilization,
                temperature,
                shutdown,
                _library: library,
            })
        }
    }

    /// Bytes in use and bytes in all.
    pub fn memory(&self, card: u32) -> Option<(u64, u64)> {
        let device = self.device(card)?;
        let mut info = MemoryInfo::default();
        // SAFETY: NVML gave the device, and `info` is writable and laid out as it expects.
        let status = unsafe { (self.memory)(device, &mut info) };
        (status == SUCCESS).then_some((info.used, info.total))
    }

    /// Percent of the time in which it computed.
    pub fn utilization(&self, card: u32) -> Option<u32> {
        let device = self.device(card)?;
        let mut rates = Utilization::default();
        // SAFETY: NVML gave the device, and `rates` is writable and laid out as it expects.
        let status = unsafe { (self.utilization)(device, &mut rates) };
        (status == SUCCESS).then_some(rates.gpu)
    }

    /// Degrees Celsius.
    pub fn temperature(&self, card: u32) -> Option<u32> {
        let device = self.device(card)?;
        let mut degrees: c_uint = 0;
        // SAFETY: NVML gave the device, and `degrees` is writable.
        let status = unsafe { (self.temperature)(device, ON_THE_CHIP, &mut degrees) };
        (status == SUCCESS).then_some(degrees)
    }

    /// A card that fell off the bus and came back has another handle, so it is asked for each time.
    fn device(&self, card: u32) -> Option<Device> {
        let mut device = ptr::null_mut();
        // SAFETY: NVML is initialised, and `device` is writable.
        let status = unsafe { (self.device)(card, &mut device) };
        (status == SUCCESS && !device.is_null()).then_some(device)
    }
}

impl Drop for Nvml {
    fn drop(&mut self) {
        // SAFETY: NVML counts its starts, and this is the end of ours; the library is still loaded.
        unsafe { (self.shutdown)() };
    }
}

#[cfg(unix)]
fn open_installed() -> Option<Library> {
    // SAFETY: what a driver's library does when it is loaded is the driver's word.
    unsafe { Library::new("libnvidia-ml.so.1") }.ok()
}

/// Only the system's own folder counts, where the driver puts it: a file of this name in the working
/// directory is not the driver's.
#[cfg(windows)]
fn open_installed() -> Option<Library> {
    use libloading::os::windows::{LOAD_LIBRARY_SEARCH_SYSTEM32, Library as WindowsLibrary};
    // SAFETY: what a driver's library does when it is loaded is the driver's word.
    let library =
        unsafe { WindowsLibrary::load_with_flags("nvml.dll", LOAD_LIBRARY_SEARCH_SYSTEM32) }.ok()?;
    Some(library.into())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::path::Path;
    use std::process::Command;

    /// The library that `tests/c/nvml.c` imitates.
    fn imitation(folder: &Path) -> Library {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/c/nvml.c");
        let built = folder.join("libnvidia-ml.so.1");
        let flags = ["-std=c11", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC"];
        let status = Command::new("cc").args(flags).arg(&source).arg("-o").arg(&built).status().unwrap();
        assert!(status.success());
        // SAFETY: the imitation does nothing when it is loaded.
        unsafe { Library::new(&built) }.unwrap()
    }

    fn count(library: &Library, name: &[u8]) -> c_int {
        // SAFETY: the imitation has this function.
        unsafe { (*library.get::<unsafe extern "C" fn() -> c_int>(name).unwrap())() }
    }

    #[test]
    fn the_drivers_library_is_asked_as_it_expects_and_left_as_it_was_found() {
        let folder = tempfile::tempdir().unwrap();
        let beside = imitation(folder.path());
        let nvml = Nvml::start(imitation(folder.path())).unwrap();
        assert_eq!(count(&beside, b"imitation_starts\0"), 1);
        assert_eq!(nvml.memory(0), Some((6 << 30, 24 << 30)));
        assert_eq!((nvml.utilization(0), nvml.temperature(0)), (Some(37), Some(66)));
        assert_eq!(nvml.utilization(1), None, "not supported by this card");
        assert_eq!(nvml.temperature(1), Some(41));
        assert_eq!((nvml.memory(2), nvml.utilization(2), nvml.temperature(2)), (None, None, None));
        drop(nvml);
        assert_eq!(count(&beside, b"imitation_starts\0"), 0);
        assert_eq!(count(&beside, b"imitation_faults\0"), 0);
    }

    #[test]
    fn a_library_without_the_functions_is_none() {
        // SAFETY: it is loaded already.
        let other = unsafe { Library::new("libc.so.6") }.unwrap();
        assert!(Nvml::start(other).is_none());
    }
}
