//! `netreach report` beside a server that answers as the aggregated API does. What an API server does to such answers on
//! the way is not here.

#![allow(clippy::unwrap_used, reason = "a panic is the answer a test gives")]

#[path = "report/api.rs"]
mod api;
#[path = "report/pieces.rs"]
mod pieces;

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use api::{Api, REPORTS, ROUNDS, json, refused};
use netreach_tests::{Program, ends, most_resident_kib, root};
use pieces::pieces;
use serde_json::{Value, json};
use tide::http::Body;

fn golden() -> String {
    fs::read_to_string(root().join("src/report/tests/data/report.json")).unwrap()
}

fn netreach(args: &str) -> Program {
    Program::at(env!("CARGO_BIN_EXE_netreach")).args(args)
}

fn report(api: &Api, args: &str) -> Program {
    netreach("report").args(args).env("KUBECONFIG", api.kubeconfig())
}

/// A round as the list of rounds tells it.
fn line(number: u64) -> Value {
    json!({
        "RoundNumber": number, "Verdict": "fail", "StartTimeStamp": "2023-08-01T08:36:56Z",
        "EndTimeStamp": "2023-08-01T08:37:07Z", "AgentNumber": 3, "FailedNodeNumber": 1, "MissingAgentNumber": 0,
        "LateAgentNumber": 0, "WorstP99InMs": 1.234, "Uid": "0c5e",
    })
}

fn list(kind: &str, items: &[Value], metadata: Value) -> Value {
    let version = "system.kdoctor.io/v1beta1";
    json!({"kind": kind, "apiVersion": version, "metadata": metadata, "items": items})
}

fn rounds(numbers: &[u64], metadata: Value) -> Value {
    let lines: Vec<Value> = numbers.iter().map(|number| line(*number)).collect();
    list("KdoctorReportRoundList", &lines, metadata)
}

fn names(tasks: &[&str]) -> Value {
    let named = |task: &&str| json!({"metadata": {"name": format!("netreach-{task}")}});
    list("PartialObjectMetadataList", &tasks.iter().map(named).collect::<Vec<_>>(), json!({}))
}

/// A server with reports of these NetReaches, and of `task` with these rounds.
fn kept(tasks: &'static [&'static str], numbers: &'static [u64]) -> Api {
    Api::start(move |asked| match asked.strip_prefix(ROUNDS) {
        Some(path) if path.starts_with('?') && !numbers.is_empty() => json(200, &rounds(numbers, json!({}))),
        None if asked.starts_with(REPORTS) && asked.contains("kdoctorreports?") => json(200, &names(tasks)),
        _ => refused(404, "NotFound", "it is not found", "it"),
    })
}

// === a round ===

#[test]
fn the_last_round_is_told_whatever_its_verdict() {
    let api = Api::start(|_| json(200, &serde_json::from_str(&golden()).unwrap()));
    let finished = report(&api, "task").run();
    ends(&finished, 0, &[]);
    assert_eq!(finished.err, "");
    assert_eq!(api.asked(), [format!("{ROUNDS}/last")]);
    for words in ["Round 1 of 3 of NetReach task: FAIL\n", "\nn-a (agent-a): fail", "timeout-connect: 2"] {
        assert!(finished.out.contains(words), "{}", finished.out);
    }
    let wide = report(&api, "task -o wide").run();
    ends(&wide, 0, &[]);
    assert!(wide.out.contains("CONNECT-P99"), "{}", wide.out);
}

#[test]
fn a_part_of_a_round_is_asked_of_the_cluster() {
    let api = Api::start(|_| json(200, &serde_json::from_str(&golden()).unwrap()));
    let finished = report(&api, "task --round 7 --node n-a --family Multus --failed --uid 0c5e").run();
    ends(&finished, 0, &[]);
    assert_eq!(api.asked(), [format!("{ROUNDS}/7?node=n-a&family=multusIp&failed=true&uid=0c5e")]);
    assert!(finished.out.contains("targets that have failed of family multusIp as seen from node n-a:"));
    assert!(!finished.out.contains("succeed  "), "{}", finished.out);
}

#[test]
fn json_is_what_the_cluster_says_byte_for_byte() {
    let said = "{\"kind\": \"KdoctorReport\",\n \"later\": [1e-7, 2.50], \"spec\":{\"ü\":1}}";
    let api =
        Api::start(move |_| tide::Response::builder(200).body(Body::from_string(said.to_owned())).build());
    let finished = report(&api, "task -o json").run();
    ends(&finished, 0, &[]);
    assert_eq!(finished.out, format!("{said}\n"));
    assert_eq!(api.asked(), [format!("{ROUNDS}/last?pretty=true")]);
}

#[test]
fn yaml_is_the_same_document_with_its_fields_in_their_order() {
    let api = Api::start(|_| tide::Response::builder(200).body(Body::from_string(golden())).build());
    let finished = report(&api, "task -o yaml").run();
    ends(&finished, 0, &[]);
    assert_eq!(finished.yaml(), serde_json::from_str::<Value>(&golden()).unwrap());
    let places = ["TaskName:", "RoundNumber:", "Verdict:", "FailureReasons:", "Report:"];
    let places = places.map(|word| finished.out.find(word).unwrap());
    assert!(places.is_sorted(), "{places:?}");
}

#[test]
fn a_large_document_is_passed_on_as_it_comes() {
    const PIECE: usize = 64 << 10;
    let (send, body) = pieces();
    let api = Api::start(move |_| tide::Response::builder(200).body(body.take()).build());
    let running = report(&api, "task -o json").start();
    for _ in 0..1_024 {
        send.send_blocking(vec![b'a'; PIECE]).unwrap();
    }
    // All but what sockets hold has passed through.
    let peak_kb = most_resident_kib(running.pid());
    drop(send);
    let finished = running.finish();
    ends(&finished, 0, &[]);
    assert_eq!(finished.out.len(), 1_024 * PIECE + 1);
    assert!(peak_kb < 40 << 10, "{peak_kb} kB were held");
}

#[test]
fn a_reader_that_goes_away_is_no_trouble() {
    let api =
        Api::start(|_| tide::Response::builder(200).body(Body::from_string("a".repeat(4 << 20))).build());
    let program = env!("CARGO_BIN_EXE_netreach");
    let script = format!("{program} report task -o json | head -c 10; exit ${{PIPESTATUS[0]}}");
    let finished = Program::at("bash").args("-c").arg(script).env("KUBECONFIG", api.kubeconfig()).run();
    ends(&finished, 0, &[]);
    assert_eq!((finished.out.as_str(), finished.err.as_str()), ("aaaaaaaaaa", ""));
}

#[test]
fn a_document_that_is_cut_off_is_none() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut caller in listener.incoming().map_while(Result::ok) {
            let _ = caller.read(&mut [0; 4_096]);
            let _ = caller.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{\"kind\": ");
        }
    });
    let dir = tempfile::tempdir().unwrap();
    let kubeconfig = api::kubeconfig(dir.path(), &format!("http://{address}"));
    for form in ["json", "yaml", "table"] {
        let finished = netreach("report task -o").args(form).env("KUBECONFIG", &kubeconfig).run();
        ends(&finished, 3, &["could not read the last round of NetReach task", "cut off after 9 bytes"]);
    }
}

#[test]
fn a_document_of_another_time_is_not_shown_as_a_table() {
    let api = Api::start(|_| json(200, &json!({"kind": "KdoctorReport", "spec": {}})));
    ends(&report(&api, "task").run(), 3, &["could not understand the last round", "-o json"]);
    ends(&report(&api, "task -o json").run(), 0, &[]);
}

// === rounds ===

#[test]
fn rounds_are_listed_newest_first() {
    let api =
        Api::start(|_| json(200, &rounds(&[9, 8, 6], json!({"continue": "6", "remainingItemCount": 4}))));
    let finished = report(&api, "task --last 3 --uid 0c5e").run();
    ends(&finished, 0, &[]);
    assert_eq!(api.asked(), [format!("{ROUNDS}?uid=0c5e&limit=3")]);
    let firsts: Vec<&str> =
        finished.out.lines().map(|line| line.split_whitespace().next().unwrap()).collect();
    assert_eq!(firsts, ["ROUND", "9", "8", "6"]);
    let wide = report(&api, "task --last 3 -o wide").run();
    assert!(wide.out.contains("0c5e"), "{}", wide.out);
}

#[test]
fn a_list_that_comes_in_parts_is_one() {
    let api = Api::start(|asked| match asked.strip_prefix(ROUNDS) {
        Some("?limit=500") => json(200, &rounds(&[9, 8], json!({"continue": "a b"}))),
        Some("?limit=500&continue=a+b") => json(200, &rounds(&[7], json!({"continue": ""}))),
        _ => refused(500, "InternalError", asked, ""),
    });
    let finished = report(&api, "task --last 600 -o json").run();
    ends(&finished, 0, &[]);
    assert_eq!(finished.json(), rounds(&[9, 8, 7], json!({"continue": ""})));
    let yaml = report(&api, "task --last 600 -o yaml").run();
    assert_eq!(yaml.yaml(), finished.json());
    assert!(yaml.out.starts_with("kind: KdoctorReportRoundList\n"), "{}", yaml.out);
}

#[test]
fn no_more_parts_are_asked_for_than_are_wanted() {
    let all: Vec<u64> = (1..=500).rev().collect();
    let api = Api::start(move |asked| match asked.strip_prefix(ROUNDS) {
        Some("?limit=500") => json(200, &rounds(&all, json!({"continue": "1"}))),
        Some("?limit=1&continue=1") => json(200, &rounds(&[0], json!({"continue": "0"}))),
        _ => refused(500, "InternalError", asked, ""),
    });
    let finished = report(&api, "task --last 501").run();
    ends(&finished, 0, &[]);
    assert_eq!(finished.out.lines().count(), 502);
}

#[test]
fn a_netreach_without_rounds_has_an_empty_list() {
    let api = Api::start(|_| json(200, &rounds(&[], json!({"continue": "0"}))));
    let finished = report(&api, "task --last 3").run();
    ends(&finished, 0, &[]);
    assert_eq!(finished.out, "No round is kept of NetReach task.\n");
    api.asked();
    let failed = report(&api, "task --last 3 --failed").run();
    assert_eq!(api.asked(), [format!("{ROUNDS}?failed=true&limit=3")]);
    assert!(failed.out.starts_with("No round that did not succeed"), "{}", failed.out);
}

// === what is not there ===

#[test]
fn a_round_that_is_not_kept_is_told_with_those_that_are() {
    let api = kept(&["task"], &[40, 39, 38, 7]);
    let finished = report(&api, "task --round 3").run();
    ends(&finished, 3, &["there is no round 3 of NetReach task: rounds 38 to 40 and 7 can be shown"]);
    assert_eq!(finished.out, "");
    let json = report(&api, "task --round 3 -o json").run();
    assert_eq!((json.code, json.out.as_str()), (3, ""));
}

#[test]
fn a_name_that_is_wrong_is_told_with_what_may_be_meant() {
    let api = kept(&["tusk", "mesh"], &[]);
    for args in ["task", "task --round 3", "task --last 4", "task -o yaml"] {
        ends(
            &report(&api, args).run(),
            3,
            &["no report of a NetReach task, and no such", "did you mean tusk?"],
        );
    }
    let elsewhere = kept(&["a.b", "mesh"], &[]);
    ends(&report(&elsewhere, "task").run(), 3, &["there are reports of a.b, mesh"]);
    ends(&report(&kept(&[], &[]), "task").run(), 3, &["there are no reports at all"]);
    let half_blind = Api::start(|asked| match asked {
        asked if asked.contains("/netreaches/") => refused(403, "Forbidden", "no", "task"),
        asked if asked.contains("kdoctorreports?") => json(200, &names(&["tusk"])),
        _ => refused(404, "NotFound", "it is not found", "netreach-task"),
    });
    let words = ["there is no report of a NetReach task: did you mean tusk?"];
    ends(&report(&half_blind, "task").run(), 3, &words);
    ends(&report(&api, "task --uid 0c5e").run(), 3, &["nothing is kept of a NetReach task with uid 0c5e"]);
}

#[test]
fn a_netreach_whose_first_round_is_on_its_way_is_told() {
    let api = Api::start(|asked| match asked {
        "/apis/kdoctor.io/v1beta1/netreaches/task" => json(200, &json!({})),
        asked if asked.contains("kdoctorreports?") => json(200, &names(&[])),
        _ => refused(404, "NotFound", "it is not found", "netreach-task"),
    });
    ends(&report(&api, "task").run(), 3, &["NetReach task has no report yet", "kubectl get netreach task"]);
}

#[test]
fn a_manager_of_before_is_told_apart_from_none() {
    let before = Api::start(|asked| match asked.contains("kdoctorreports?") {
        true => json(200, &names(&["task"])),
        false => refused(404, "NotFound", "the server could not find the requested resource", ""),
    });
    ends(&report(&before, "task").run(), 3, &["last round alone", "kubectl get kdoctorreport netreach-task"]);
    let none = Api::start(|_| {
        tide::Response::builder(404).body(Body::from_string("404 page not found\n".to_owned())).build()
    });
    ends(&report(&none, "task").run(), 3, &["is not installed", "kubectl apply -k config/default"]);
}

// === what is not let ===

#[test]
fn without_the_right_the_right_is_named() {
    let said = "kdoctorreports.system.kdoctor.io \"netreach-task\" is forbidden: User \"x\" cannot get";
    let api = Api::start(move |_| refused(403, "Forbidden", said, "netreach-task"));
    for args in ["task", "task -o json", "task --last 4"] {
        let words = [said, "get kdoctorreports/rounds in system.kdoctor.io", "netreach-viewer"];
        ends(&report(&api, args).run(), 3, &words);
    }
    // Who may not see which reports there are hears what was said first.
    let blind = Api::start(|asked| match asked.contains("/rounds") {
        true => refused(404, "NotFound", "it is not found", "netreach-task"),
        false => refused(403, "Forbidden", "no", ""),
    });
    ends(
        &report(&blind, "task").run(),
        3,
        &["could not read the last round of NetReach task", "it is not found"],
    );
    let stranger = Api::start(|_| refused(401, "Unauthorized", "Unauthorized", ""));
    ends(&report(&stranger, "task").run(), 3, &["Unauthorized; the credentials"]);
}

#[test]
fn an_api_that_is_away_is_told_with_where_to_look() {
    let api = Api::start(|_| {
        tide::Response::builder(503).body(Body::from_string("service unavailable\n".to_owned())).build()
    });
    let words = [
        "in context here (http://127.0.0.1:",
        "does not answer: service unavailable",
        "kubectl get apiservice v1beta1.system.kdoctor.io",
        "kubectl -n netreach-system get pods",
    ];
    let finished = report(&api, "task").run();
    ends(&finished, 3, &words);
    // Asked once, and told once.
    assert_eq!((api.asked().len(), finished.err.lines().count()), (1, 1), "{}", finished.err);
    ends(&report(&api, "task --last 2").run(), 3, &words);
    let unfit = Api::start(|_| refused(422, "Invalid", "family=\"podIp\" is not supported", ""));
    ends(&report(&unfit, "task --family pod").run(), 3, &["refuses what is asked of it: family="]);
}

#[test]
fn a_cluster_that_is_not_there_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let nowhere = api::kubeconfig(dir.path(), "http://127.0.0.1:1");
    let gone = netreach("report task").env("KUBECONFIG", &nowhere).run();
    ends(&gone, 3, &["in context here (http://127.0.0.1:1/)", "Connection refused"]);
    let other = netreach("report task --context there").env("KUBECONFIG", &nowhere).run();
    ends(&other, 3, &["could not use context \"there\": there is no such context"]);
    let missing = netreach("report task").env("KUBECONFIG", dir.path().join("none")).run();
    ends(&missing, 3, &["could not find a cluster", "KUBECONFIG"]);
    assert!(!missing.err.contains("--local"), "{}", missing.err);
}

// === usage ===

#[test]
fn wrong_usage_ends_with_2() {
    for (args, word) in [
        ("", "TASK"),
        ("Task", "lower case"),
        ("a/b", "lower case"),
        ("..", "lower case"),
        ("task --round 0", "--round"),
        ("task --round last", "--round"),
        ("task --last 0", "--last"),
        ("task --last 10001", "--last"),
        ("task --last 2 --round 3", "cannot be used with"),
        ("task --last 2 --family pod", "cannot be used with"),
        ("task --last 2 --node n", "cannot be used with"),
        ("task --node a?b", "lower case"),
        ("task --family service", "nodePort"),
        ("task -o text", "table"),
    ] {
        ends(&netreach("report").args(args).run(), 2, &[word]);
    }
}

#[test]
fn help_and_completions_know_of_it() {
    let help = netreach("report --help").run();
    ends(&help, 0, &[]);
    let text = help.out.split_whitespace().collect::<Vec<_>>().join(" ");
    for words in ["<TASK>", "--last <K>", "Exit codes", "0 it is, 2 bad usage, 3 it could not be read"] {
        assert!(text.contains(words), "{words} is not in:\n{}", help.out);
    }
    for shell in ["bash", "zsh", "fish"] {
        let script = netreach(&format!("completions {shell}")).run();
        assert!(script.out.contains("loadBalancer") && script.out.contains("failed"), "{shell}");
    }
}
