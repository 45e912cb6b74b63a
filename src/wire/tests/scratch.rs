use netreach_measure::*;
use netreach_wire::*;
fn norm() -> f64 {
    (-2.0 * (1.0 - fastrand::f64()).ln()).sqrt() * (std::f64::consts::TAU * fastrand::f64()).cos()
}
#[test]
fn m() {
    for (n, digits, targets) in [
        (100, Digits::Three, 1usize),
        (3600, Digits::Two, 2000),
        (60, Digits::Two, 2000),
        (28125, Digits::Three, 256),
        (28125, Digits::Two, 257),
        (1_000_000, Digits::Three, 1),
        (36_000_000, Digits::Three, 1),
    ] {
        for sigma in [0.3, 0.7, 1.2] {
            fastrand::seed(1);
            let mut t = Tally::new(digits);
            let scale = if n > 1_000_000 { n / 1_000_000 } else { 1 };
            for _ in 0..n / scale {
                let us = |m: f64| (m * (sigma * norm()).exp()) as u64;
                let l = us(800.);
                t.record(&Sample {
                    outcome: Outcome::Answered(200),
                    latency_us: l,
                    lateness_us: us(80.),
                    phases: Phases {
                        connect_us: Some(us(200.)),
                        first_byte_us: Some(l.saturating_sub(us(20.))),
                        rtt_us: Some(us(150.)),
                        retransmits: 0,
                    },
                    body_bytes: 90,
                    backend: Some("netreach-agent-x"),
                });
            }
            let w = WireTally::from(&t);
            let s = serde_json::to_vec(&w).unwrap().len();
            let p = t.parts();
            let alt = |s: &Spread| {
                let mut last = 0;
                let mut b = 0;
                for (us, c) in s.buckets() {
                    b += format!("{},{},", us - last, c as usize * scale).len();
                    last = us;
                }
                b
            };
            let all = [&p.latency, &p.from_slot, &p.lateness, &p.connect, &p.first_byte, &p.rtt];
            println!(
                "n {n} sigma {sigma} {digits:?}: now {s} B x{targets}={:.1} MiB; buckets {:?}; flat {} x = {:.1} MiB",
                (s * targets) as f64 / 1048576.,
                all.map(|s| s.buckets().count()),
                all.map(alt).iter().sum::<usize>(),
                (all.map(alt).iter().sum::<usize>() * targets) as f64 / 1048576.
            );
        }
    }
}
