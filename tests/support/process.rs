//! What the kernel says of a process.

use std::fs;

/// The most memory that it has had, KiB (proc(5), VmHWM).
///
/// # Panics
/// When there is no such process.
#[must_use]
pub fn most_resident_kib(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("the process runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
    kib.and_then(|kib| kib.parse().ok()).expect("every process has memory")
}
