//! Parts that are whole, checksum and all, and were written by somebody who means ill.

use netreach_report::{AgentReport, Figures, RoundHead, RoundReport, TargetReport, VERSION, Verdict};
use netreach_wire::{AgentId, Connection, Load, RoundId, TargetFamily, Usage};
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, RngSeed};
use serde_json::json;

use super::frame::{Packer, unpack};
use super::names::{NamedTarget, Names};
use super::read::HeadForm;
use super::{GROUP_BYTES_MAX, Part, RecordError, read_all, read_head, row, tail};
use crate::limits::NAMES_BYTES_MAX;

fn agent() -> AgentReport {
    let figures = Some(Figures {
        count: 100,
        sum_us: 120_345,
        min_us: 800,
        max_us: 20_000,
        p50_us: 1_100,
        p90_us: 1_500,
        p95_us: 1_800,
        p99_us: 9_000,
    });
    let began = jiff::Timestamp::from_second(1_690_879_016).unwrap();
    let target = TargetReport {
        name: "t".to_owned(),
        url: "u".to_owned(),
        family: TargetFamily::PodIp,
        via: None,
        began,
        elapsed_us: 10_000_000,
        slots: 101,
        unsent: 1,
        statuses: [(200, 100)].into(),
        failures: [("reset".to_owned(), 1)].into(),
        backends: [("a".to_owned(), 60), ("b".to_owned(), 40)].into(),
        body_bytes: 4_800,
        retransmits: 0,
        latency: figures,
        from_slot: figures,
        lateness: figures,
        connect: None,
        first_byte: figures,
        rtt: None,
    };
    AgentReport {
        agent: AgentId { node: "n".to_owned(), pod: "p".to_owned() },
        late: false,
        interrupted: false,
        started: began,
        elapsed_us: 11_000_000,
        load: Load { rate_qps: 10, duration_s: 10, timeout_ms: 500, connection: Connection::New },
        usage: Usage::default(),
        lateness: figures,
        targets: vec![target.clone(), target],
    }
}

fn report() -> RoundReport {
    let at = agent().started;
    RoundReport {
        version: VERSION,
        id: RoundId { uid: "uid".to_owned(), number: 1 },
        task: "task".to_owned(),
        spec: json!({}),
        due: at,
        start: at,
        deadline: at,
        ended: at,
        agents: vec![agent()],
        missing: Vec::new(),
        gaps: Vec::new(),
        sampling: None,
        interrupted: false,
        results_lost: None,
        not_begun: None,
    }
}

fn names() -> Names<String> {
    let target = NamedTarget { name: "t".to_owned(), url: "u".to_owned(), family: TargetFamily::PodIp };
    Names { targets: vec![target], backends: vec!["a".to_owned(), "b".to_owned()] }
}

fn valid_row() -> Vec<u8> {
    let report = report();
    row::encode(&report.agents[0], &Names::of(&report).places()).unwrap()
}

/// A record of these parts, each in a frame that is sound.
fn record(rows: &[&[u8]], names: &[u8], frames: Option<Vec<(u64, u32)>>) -> Vec<u8> {
    let mut packer = Packer::new().unwrap();
    let lengths = rows.iter().map(|row| u32::try_from(row.len()).unwrap().to_le_bytes());
    let rows: Vec<u8> =
        lengths.zip(rows).flat_map(|(length, row)| [length.as_slice(), row].concat()).collect();
    let group = packer.pack(&rows, Part::Whole, GROUP_BYTES_MAX).unwrap();
    let names = packer.pack(names, Part::Names, NAMES_BYTES_MAX).unwrap();
    let round = RoundHead::of(&report(), &Verdict::Succeeded);
    let frames = frames.unwrap_or_else(|| vec![(group.len() as u64, 1)]);
    let head = serde_json::to_vec(&HeadForm { round, frames }).unwrap();
    let head = packer.pack(&head, Part::Head, usize::MAX).unwrap();
    [tail::opening(), group, names.clone(), head.clone(), tail::tail(names.len(), head.len())].concat()
}

fn check(record: &[u8], why: &str) {
    let error = read_all(record).unwrap_err().to_string();
    assert!(error.contains(why), "{error}");
}

#[test]
fn parts_that_contradict_each_other_are_an_error() {
    let names = Names::of(&report()).encode().unwrap();
    let row = valid_row();
    assert_eq!(read_all(record(&[&row], &names, None).as_slice()).unwrap(), report());
    let mut longer = row.clone();
    longer.push(0);
    check(&record(&[&longer], &names, None), "1 bytes follow its targets");
    check(&record(&[&row, &row], &names, None), "its agents do not fill it");
    check(&record(&[], &names, None), "its agents do not fill it");
    check(&record(&[&row], &[0, 0], None), "a target of it is not in the table or the calendar");
    check(&record(&[&row], &[names.clone(), vec![0]].concat(), None), "1 bytes follow them");
    check(&record(&[&row], &[0xFF; 9], None), "could not understand the names of the record");
}

#[test]
fn frames_that_do_not_lie_in_the_record_are_an_error() {
    let names = Names::of(&report()).encode().unwrap();
    for (frames, why) in [
        (vec![], "its frames do not fill the room for them"),
        (vec![(1, 1)], "its frames do not fill the room for them"),
        (vec![(u64::MAX, 1)], "its frames pass the room for them"),
        (vec![(1, 1), (u64::MAX, 1)], "its frames pass the room for them"),
        (vec![(1, 0)], "its frames hold other agents than its lines name"),
        (vec![(1, 2)], "its frames hold other agents than its lines name"),
        (vec![(1, u32::MAX)], "its frames hold other agents than its lines name"),
    ] {
        check(&record(&[&valid_row()], &names, Some(frames)), why);
    }
}

#[test]
fn lengths_that_lie_are_an_error() {
    for (names, head) in
        [(0, 0), (usize::MAX, 1), (1, usize::MAX), (usize::MAX, usize::MAX), (1 << 40, 1 << 40)]
    {
        let record = [tail::opening(), vec![0; 100], tail::tail(names, head)].concat();
        assert!(read_head(record.as_slice()).is_err(), "{names} and {head}");
    }
}

#[test]
fn a_bomb_is_not_unpacked() {
    let blanks = Packer::new().unwrap().pack(&vec![b' '; 64 << 20], Part::Head, usize::MAX).unwrap();
    assert!(blanks.len() < 64 << 10, "{} bytes", blanks.len());
    let error = unpack(&blanks, Part::Head, 1 << 20).unwrap_err();
    assert!(error.to_string().contains("it unpacks to more than 1048576 bytes"), "{error}");
}

#[test]
fn a_frame_without_a_checksum_is_not_believed() {
    let plain = zstd::bulk::compress(b"content", 3).unwrap();
    let error = unpack(&plain, Part::Names, 100).unwrap_err();
    assert!(matches!(error, RecordError::Corrupt { part: Part::Names, .. }), "{error}");
}

#[test]
fn a_name_is_asked_for_once_at_most() {
    // Each step of nothing would be one more copy of the name before.
    let row = valid_row();
    let steps = row.windows(4).position(|bytes| bytes == [1, 60, 1, 40]).unwrap();
    let mut again = row.clone();
    again[steps + 2] = 0;
    assert!(row::decode(&row, &names()).is_ok());
    assert!(row::decode(&again, &names()).is_err());
}

proptest! {
    #![proptest_config(Config {
        cases: 2_000,
        rng_seed: RngSeed::Fixed(17),
        failure_persistence: None,
        ..Config::default()
    })]

    #[test]
    fn any_bytes_are_an_agent_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = row::decode(&bytes, &names());
        let _ = Names::decode(&bytes);
    }

    #[test]
    fn an_altered_agent_is_an_agent_or_an_error(
        changes in prop::collection::vec((any::<Index>(), any::<u8>()), 1..4),
        end in any::<Index>(),
    ) {
        let mut row = valid_row();
        for (at, byte) in changes {
            let at = at.index(row.len());
            row[at] = byte;
        }
        let end = end.index(2 * row.len()).min(row.len());
        if let Ok(agent) = row::decode(&row[..end], &names()) {
            // What was believed can be judged: no sum passes its bounds.
            let report = RoundReport { agents: vec![agent], ..report() };
            let head = RoundHead::of(&report, &Verdict::Succeeded);
            prop_assert!(netreach_report::agent_round(&head, &report.agents[0]).net_reach_task.target_number < 3);
        }
    }
}
