//! What is said of a round as a whole, a line each.

use netreach_report::{FailureReason, NamedGap, ReportSpec};

/// Which round of which NetReach, and what it came to.
pub(super) fn headline(spec: &ReportSpec) -> String {
    let (number, of) = (spec.report_round_number, spec.round_number);
    let of = if of < 0 { "for ever".to_owned() } else { format!("of {of}") };
    let interrupted = if spec.interrupted { ", interrupted: the report is partial" } else { "" };
    let verdict = spec.verdict.to_uppercase();
    format!("Round {number} {of} of NetReach {}: {verdict}{interrupted}", spec.task_name)
}

/// Why it is no success: one of the reasons.
pub(super) fn reason(reason: &FailureReason) -> String {
    format!("  {}: {}", reason.code, reason.message)
}

/// Which part of all pairs was probed.
pub(super) fn sampled(spec: &ReportSpec) -> Option<String> {
    spec.sampling.as_ref().map(|sampling| format!("Sampled: {sampling}"))
}

/// What a success proves.
pub(super) fn power(spec: &ReportSpec) -> Option<String> {
    let power = spec.detection_power.filter(|_| spec.verdict == "succeed")?;
    let (loss, confidence) = (power.loss.0 * 100.0, power.confidence.0 * 100.0);
    Some(format!(
        "Loss of {loss:.2} % or more of the connections to any one target would have shown with {confidence:.0} % certainty \
         ({} fresh connections each).",
        power.fresh_connections
    ))
}

/// A line per family, class and reason, in their order, with the IP versions that share them.
pub(super) fn not_probed(gaps: &[NamedGap]) -> Vec<String> {
    let mut said: Vec<(&NamedGap, Vec<&str>)> = Vec::new();
    for gap in gaps {
        let alike = |one: &NamedGap| {
            (one.family, one.class, one.reason.as_str()) == (gap.family, gap.class, gap.reason.as_str())
        };
        match said.iter_mut().find(|(one, _)| alike(one)) {
            Some((_, over)) => over.push(&gap.ip_family),
            None => said.push((gap, vec![&gap.ip_family])),
        }
    }
    let line = |(gap, over): (&NamedGap, Vec<&str>)| {
        format!("Not probed: {} over {} ({}): {}", gap.family, over.join(" and "), gap.class, gap.reason)
    };
    said.into_iter().map(line).collect()
}
