//! What the kernel knows of this process: processor time, memory and open files. Silent where there is no `/proc`.

use std::fs;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use super::metrics::{
    number, process_cpu_seconds_total, process_max_fds, process_open_fds, process_resident_bytes,
};

/// Reads the figures and shows them.
pub(super) fn sample() {
    process_cpu_seconds_total().absolute(worked().as_secs());
    if let Some(kib) = fs::read_to_string("/proc/self/status")
        .ok()
        .and_then(|text| figure(&text, "VmRSS:"))
    {
        process_resident_bytes().set(number(kib.saturating_mul(1_024)));
    }
    if let Some(most) = fs::read_to_string("/proc/self/limits")
        .ok()
        .and_then(|text| figure(&text, "Max open files"))
    {
        process_max_fds().set(number(most));
    }
    if let Ok(open) = fs::read_dir("/proc/self/fd") {
        process_open_fds().set(number(u64::try_from(open.count()).unwrap_or(u64::MAX)));
    }
}

/// How long the processors have worked for all threads of this process.
fn worked() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// The first number after a name at the start of a line.
fn figure(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_ascii_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_read_as_the_kernel_writes_them() {
        let status = "Name:\tmesej\nVmHWM:\t   999 kB\nVmRSS:\t   12345 kB\n";
        assert_eq!(figure(status, "VmRSS:"), Some(12_345));
        let limits = "Limit                     Soft Limit           Hard Limit           Units\n\
                      Max open files            20000                20000                files\n";
        assert_eq!(figure(limits, "Max open files"), Some(20_000));
        assert_eq!(figure("Max open files unlimited", "Max open files"), None);
        assert_eq!(figure("", "VmRSS:"), None);
    }
}
