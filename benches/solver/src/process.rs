//! What Linux counts about this process.

use rustix::time::{ClockId, clock_gettime};
use std::fs;

/// Bytes resident now; 0 where the system does not say.
pub(crate) fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:"));
    line.and_then(|l| l.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()).map_or(0, |kb| kb * 1024)
}

/// Seconds that this process has run on all its threads. Waiting for a processor is not counted, so that this can be compared on a machine that
/// others use too.
pub(crate) fn busy_seconds() -> f64 {
    let ran = clock_gettime(ClockId::ProcessCPUTime);
    ran.tv_sec as f64 + ran.tv_nsec as f64 * 1e-9
}
