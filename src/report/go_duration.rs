//! Durations as Go prints them, for that is how users of kdoctor know them (the rules of Go's `Duration.String`).

use std::time::Duration;

const NANOS_PER_SECOND: u128 = 1_000_000_000;

/// `duration` in Go's form: hours, minutes and seconds from a second on (`1m0.5s`), one smaller unit below (`350ms`),
/// fractions without trailing zeros.
#[must_use]
pub fn go_duration(duration: Duration) -> String {
    let nanos = duration.as_nanos();
    match nanos {
        0 => "0s".to_owned(),
        1..1_000 => format!("{nanos}ns"),
        1_000..1_000_000 => decimal(nanos, 3) + "µs",
        1_000_000..NANOS_PER_SECOND => decimal(nanos, 6) + "ms",
        _ => clock(nanos),
    }
}

fn clock(nanos: u128) -> String {
    let minutes = nanos / (60 * NANOS_PER_SECOND);
    let seconds = decimal(nanos % (60 * NANOS_PER_SECOND), 9);
    match (minutes / 60, minutes % 60) {
        (0, 0) => format!("{seconds}s"),
        (0, minutes) => format!("{minutes}m{seconds}s"),
        (hours, minutes) => format!("{hours}h{minutes}m{seconds}s"),
    }
}

/// `value` with its decimal point moved `places` to the left.
fn decimal(value: u128, places: u32) -> String {
    let unit = 10u128.pow(places);
    let text = format!("{}.{:0width$}", value / unit, value % unit, width = places as usize);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_print_as_gos_do() {
        for (nanos, printed) in [
            (0, "0s"),
            (1, "1ns"),
            (999, "999ns"),
            (1_000, "1µs"),
            (1_100, "1.1µs"),
            (1_500, "1.5µs"),
            (999_999, "999.999µs"),
            (1_000_000, "1ms"),
            (2_200_000, "2.2ms"),
            (350_000_000, "350ms"),
            (999_999_999, "999.999999ms"),
            (1_000_000_000, "1s"),
            (10_000_000_000, "10s"),
            (10_032_286_878, "10.032286878s"),
            (11_178_657_432, "11.178657432s"),
            (60_000_000_000, "1m0s"),
            (60_500_000_000, "1m0.5s"),
            (245_000_000_000, "4m5s"),
            (3_600_000_000_000, "1h0m0s"),
            (18_367_001_000_000, "5h6m7.001s"),
            (360_000_000_000_000, "100h0m0s"),
        ] {
            assert_eq!(go_duration(Duration::from_nanos(nanos)), printed);
        }
    }

    #[test]
    fn the_longest_time_a_record_can_claim_prints() {
        assert_eq!(go_duration(Duration::from_micros(u64::MAX)), "5124095576h1m49.551615s");
    }
}
