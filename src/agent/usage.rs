//! What this process itself uses, from the kernel's own books.

use std::fs;
use std::time::{Duration, Instant};

use netreach_wire::Usage;
use rustix::time::{ClockId, clock_gettime};

use crate::micros;

/// How often the meter should look while a round runs: the maximum is the highest share over one such span.
pub(crate) const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Spans shorter than this say nothing about a share of CPU.
const SPAN_MIN: Duration = Duration::from_millis(100);

/// Measures this process from [`Meter::start`] on.
#[derive(Debug)]
pub(crate) struct Meter {
    began: Reading,
    last: Reading,
    cpu_max_percent: f64,
    memory_max_bytes: u64,
}

#[derive(Debug, Clone, Copy)]
struct Reading {
    at: Instant,
    cpu: Duration,
    run_delay: Duration,
    throttled: Option<Duration>,
}

impl Meter {
    /// Begins to measure.
    #[must_use]
    pub(crate) fn start() -> Self {
        let began = Reading::take();
        Self { began, last: began, cpu_max_percent: 0.0, memory_max_bytes: resident_bytes() }
    }

    /// Takes a reading; to be called every [`LOOK_EVERY`].
    pub(crate) fn look(&mut self) {
        let now = Reading::take();
        if now.at - self.last.at >= SPAN_MIN {
            self.cpu_max_percent = self.cpu_max_percent.max(now.cpu_percent_since(&self.last));
            self.last = now;
        }
        self.memory_max_bytes = self.memory_max_bytes.max(resident_bytes());
    }

    /// The cost from start to now.
    #[must_use]
    pub(crate) fn finish(mut self) -> Usage {
        self.look();
        let Self { began, last: _, cpu_max_percent, memory_max_bytes } = self;
        let now = Reading::take();
        let cpu_mean_percent = now.cpu_percent_since(&began);
        let throttled =
            now.throttled.zip(began.throttled).map(|(now, began)| micros(now.saturating_sub(began)));
        Usage {
            cpu_max_percent: cpu_max_percent.max(cpu_mean_percent),
            cpu_mean_percent,
            memory_max_bytes,
            run_delay_us: micros(now.run_delay.saturating_sub(began.run_delay)),
            throttled_us: throttled,
        }
    }
}

impl Reading {
    fn take() -> Self {
        let cpu = clock_gettime(ClockId::ProcessCPUTime);
        let cpu = Duration::try_from(cpu).unwrap_or_default();
        Self { at: Instant::now(), cpu, run_delay: run_delay(), throttled: throttled() }
    }

    fn cpu_percent_since(&self, before: &Self) -> f64 {
        let span = (self.at - before.at).as_secs_f64();
        if span > 0.0 { (self.cpu.saturating_sub(before.cpu)).as_secs_f64() / span * 100.0 } else { 0.0 }
    }
}

/// Second field of /proc/self/statm, in pages (proc(5)).
fn resident_bytes() -> u64 {
    let statm = fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: u64 = statm.split_whitespace().nth(1).and_then(|pages| pages.parse().ok()).unwrap_or_default();
    pages * rustix::param::page_size() as u64
}

/// Time all threads were ready to run and were not let: second field of schedstat, nanoseconds.
fn run_delay() -> Duration {
    let Ok(threads) = fs::read_dir("/proc/self/task") else { return Duration::ZERO };
    let of_thread = |thread: fs::DirEntry| {
        let schedstat = fs::read_to_string(thread.path().join("schedstat")).ok()?;
        schedstat.split_whitespace().nth(1)?.parse().ok().map(Duration::from_nanos)
    };
    threads.flatten().filter_map(of_thread).sum()
}

/// Time the control group was held back by its CPU quota: cpu.stat of cgroup v2 (microseconds), else v1 (nanoseconds).
fn throttled() -> Option<Duration> {
    let value = |path: &str, key: &str| {
        let stat = fs::read_to_string(path).ok()?;
        let line = stat.lines().find_map(|line| line.strip_prefix(key))?;
        line.trim().parse().ok()
    };
    value("/sys/fs/cgroup/cpu.stat", "throttled_usec ")
        .map(Duration::from_micros)
        .or_else(|| value("/sys/fs/cgroup/cpu/cpu.stat", "throttled_time ").map(Duration::from_nanos))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_process_sees_its_own_cpu_and_memory() {
        let meter = Meter::start();
        let until = Instant::now() + Duration::from_millis(150);
        let mut work = 0_u64;
        while Instant::now() < until {
            work = std::hint::black_box(work.wrapping_mul(31) + 1);
        }
        let usage = meter.finish();
        assert!(usage.cpu_mean_percent > 5.0, "{usage:?}");
        assert!(usage.cpu_max_percent >= usage.cpu_mean_percent, "{usage:?}");
        assert!(usage.memory_max_bytes > 1 << 20, "{usage:?}");
    }
}
