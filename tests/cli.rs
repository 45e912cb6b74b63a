//! The program as its users meet it: words in, reports, words and exit codes out.

#![allow(clippy::unwrap_used, reason = "a panic is the answer a test gives")]

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::process::Command;
use std::time::Duration;

use netreach_tests::{Program, ends, net_reach};
use serde_json::Value;

fn netreach(args: &str) -> Program {
    Program::at(env!("CARGO_BIN_EXE_netreach")).args(args)
}

fn run_local(args: &str, yaml: String) -> Program {
    netreach("run --local -f -").args(args).input(yaml)
}

fn details(document: &Value) -> Vec<(&str, &Value)> {
    let agents = document["spec"]["Report"].as_array().unwrap();
    let of = |agent: &'_ Value| agent["PodName"].as_str().map(str::to_owned).unwrap();
    assert_eq!(agents.iter().map(of).collect::<BTreeSet<_>>().len(), agents.len());
    let details = agents.iter().flat_map(|agent| {
        let pod = agent["PodName"].as_str().unwrap();
        agent["NetReachTask"]["Detail"].as_array().unwrap().iter().map(move |detail| (pod, detail))
    });
    details.collect()
}

/// The one file of this report, whenever the run began.
fn kept_report(dir: &std::path::Path, task: &str, round: u32) -> String {
    let files = std::fs::read_dir(dir).unwrap().flatten().map(|file| file.path());
    let of_round = |path: &std::path::PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        name.starts_with(&format!("netreach-{task}-2")) && name.ends_with(&format!("Z-round-{round}.yaml"))
    };
    let found: Vec<_> = files.filter(of_round).collect();
    assert_eq!(found.len(), 1, "{found:?}");
    std::fs::read_to_string(&found[0]).unwrap()
}

// === rounds ===

#[test]
fn the_sample_is_probed_in_full_over_both_ip_versions() {
    let finished = netreach("run --local config/samples/netreach-all.yaml -o yaml").run();
    ends(&finished, 0, &["3 agents send 10 requests/s to each of 6 targets for 10 s"]);
    assert!(finished.took < Duration::from_secs(20), "{:?}", finished.took);
    let document = finished.yaml();
    let spec = &document["spec"];
    assert_eq!((spec["Verdict"].as_str(), spec["Status"].as_str()), (Some("succeed"), Some("Finished")));
    let all = details(&document);
    assert_eq!(all.len(), 3 * 6);
    for (pod, detail) in &all {
        let metrics = &detail["Metrics"];
        assert_eq!(metrics["RequestCounts"], 100, "{pod}: {detail}");
        assert_eq!(metrics["SuccessCounts"], 100, "{pod}: {detail}");
        assert_eq!(detail["UnsentCounts"], 0, "{pod}: {detail}");
        let figure = |name: &str| metrics["Latencies"][name].as_f64().unwrap();
        let rising = ["MinInMs", "P50InMs", "P90InMs", "P95InMs", "P99InMs", "MaxInMs"].map(figure);
        assert!(rising[0] > 0.0 && rising.is_sorted(), "{rising:?}");
        assert!((rising[0]..=rising[5]).contains(&figure("MeanInMs")));
        assert!(figure("MaxInMs") < 1000.0);
    }
    let names: BTreeSet<&str> = all.iter().filter_map(|(_, detail)| detail["TargetName"].as_str()).collect();
    for number in 1..=3 {
        let pod = format!("netreach-agent-{number}");
        assert!(names.contains(format!("AgentPodV4IP_{pod}_127.0.0.{number}").as_str()), "{names:?}");
        assert!(names.contains(format!("AgentPodV6IP_{pod}_::1").as_str()), "{names:?}");
    }
    let urls: BTreeSet<&str> = all.iter().filter_map(|(_, detail)| detail["TargetUrl"].as_str()).collect();
    assert_eq!(urls.iter().filter(|url| url.starts_with("http://[::1]:")).count(), 3, "{urls:?}");
    let gaps = spec["Gaps"].as_array().unwrap();
    let asked = ["multusIp", "clusterIp", "nodePort", "loadBalancer", "ingress"];
    assert_eq!(gaps.len(), asked.len() * 2);
    assert!(gaps.iter().all(|gap| gap["Class"] == "not-here"));
}

#[test]
fn rounds_follow_each_other_and_every_report_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    // Two rounds would be a minute apart; the second one is interrupted while it is awaited.
    let run = run_local("--rounds 2 -o json --report", net_reach("pair").yaml()).arg(dir.path());
    let mut running = run.start();
    running.hear("next round at");
    running.signal("INT", running.pid());
    let finished = running.finish();
    // One of the two rounds it was to have proves nothing of the other.
    ends(&finished, 1, &["round 1/2", "ended after round 1/2"]);
    let document = finished.json();
    assert_eq!(document["metadata"]["name"], "netreach-pair");
    assert_eq!(
        (&document["spec"]["FinishedRoundNumber"], &document["spec"]["RoundNumber"]),
        (&1.into(), &2.into())
    );
    assert_eq!(document["spec"]["Status"], "NotFinished");
    assert_eq!(serde_saphyr::from_str::<Value>(&kept_report(dir.path(), "pair", 1)).unwrap(), document);
}

#[test]
fn a_target_that_answers_as_nobody_expects_fails_the_round() {
    let finished =
        run_local("-o json", net_reach("teapot").with("/spec/expect/statusCode", 418).yaml()).run();
    ends(&finished, 1, &[]);
    let document = finished.json();
    assert_eq!(document["spec"]["Verdict"], "fail");
    assert_eq!(document["spec"]["FailedRoundNumber"], serde_json::json!([1]));
    for (_, detail) in details(&document) {
        assert_eq!(detail["Metrics"]["Errors"], serde_json::json!({"status-200": 20}));
        assert_eq!(detail["SucceedRate"], 0);
    }
}

#[test]
fn an_agent_killed_in_mid_round_is_missing_and_the_others_results_are_kept() {
    let mut running = run_local("-o json", net_reach("orphan").lasting_s(2).yaml()).start();
    running.hear("3 agents send");
    let victim = running.children()[1];
    running.signal("KILL", victim);
    running.hear("is gone: process ended by signal 9");
    let finished = running.finish();
    ends(&finished, 1, &[]);
    let document = finished.json();
    let missing = document["spec"]["AgentsMissing"].as_array().unwrap();
    assert_eq!(missing.len(), 1);
    assert!(missing[0]["Reason"].as_str().unwrap().contains("signal 9"), "{missing:?}");
    let reasons = document["spec"]["FailureReasons"].as_array().unwrap();
    assert!(
        reasons
            .iter()
            .any(|reason| reason["Code"] == "AgentsMissing" && reason["PodName"] == missing[0]["PodName"])
    );
    // Two agents with three targets each; only the dead one's fail, and from its death on.
    let all = details(&document);
    assert_eq!(all.len(), 6);
    let dead = missing[0]["PodName"].as_str().unwrap();
    for (pod, detail) in all {
        let of_dead = detail["TargetName"].as_str().unwrap().contains(dead);
        assert_eq!(detail["Succeed"], !of_dead, "{pod}: {detail}");
        assert_eq!(detail["Metrics"]["RequestCounts"], 40);
    }
    // It did not wait for the deadline, a minute away.
    assert!(finished.took < Duration::from_secs(20), "{:?}", finished.took);
}

#[test]
fn ctrl_c_in_mid_round_stops_the_agents_and_keeps_the_partial_report() {
    let dir = tempfile::tempdir().unwrap();
    let run = run_local("-v -o json --report", net_reach("cut").lasting_s(30).yaml()).arg(dir.path());
    let mut running = run.start();
    // An agent that has not got its part yet would have nothing to hand in.
    (0..3).for_each(|_| running.hear("round begins"));
    let agents = running.children();
    assert_eq!(agents.len(), 3);
    let pressed = std::time::Instant::now();
    running.signal("INT", running.pid());
    let finished = running.finish();
    assert!(pressed.elapsed() < Duration::from_secs(3), "{:?}", pressed.elapsed());
    ends(&finished, 1, &["interrupted"]);
    assert!(agents.iter().all(|agent| !std::path::Path::new(&format!("/proc/{agent}")).exists()));
    let document = finished.json();
    assert_eq!(
        (&document["spec"]["Interrupted"], &document["spec"]["Verdict"]),
        (&true.into(), &"unknown".into())
    );
    assert_eq!(document["spec"]["Report"].as_array().unwrap().len(), 3);
    for (_, detail) in details(&document) {
        let count = |value: &Value| value.as_u64().unwrap();
        assert_eq!(count(&detail["Metrics"]["RequestCounts"]) + count(&detail["UnsentCounts"]), 600);
        assert_eq!(detail["Metrics"]["Errors"], serde_json::json!({}));
    }
    assert!(kept_report(dir.path(), "cut", 1).contains("Interrupted: true"));
}

#[test]
fn tables_tell_each_target_the_gaps_and_the_verdict() {
    let spec = net_reach("seen").with("/spec/target/ingress", true).yaml();
    let narrow = run_local("--agents 2", spec.clone()).run();
    ends(&narrow, 0, &[]);
    assert!(narrow.out.starts_with("AGENT "), "{}", narrow.out);
    assert_eq!(narrow.out.lines().filter(|line| line.ends_with("succeed")).count(), 4, "{}", narrow.out);
    for words in ["Not probed: ingress over IPv4 (not-here)", "Round 1 of 1 of NetReach seen: SUCCEED"] {
        assert!(narrow.out.contains(words), "{}", narrow.out);
    }
    assert!(!narrow.out.contains('\u{1b}') && !narrow.err.contains('\u{1b}'));
    let wide = run_local("--agents 1 -o wide", spec).run();
    ends(&wide, 0, &[]);
    assert!(wide.out.lines().next().unwrap().contains("CONNECT-P99"), "{}", wide.out);
}

// === bad input ===

#[test]
fn a_syntax_error_names_line_and_column() {
    let finished = run_local("", "kind: NetReach\nspec: {request: [1\n".to_owned()).run();
    ends(&finished, 2, &["standard input is not YAML", "line 2, column 17: unclosed bracket"]);
}

#[test]
fn fourteen_faults_are_told_at_once_with_their_paths_and_nothing_starts() {
    let faulty = r#"
apiVersion: kdoctor.io/v1beta2
kind: NetReach
metadata: {name: Bad_Name}
spec:
  expect: {meanAccessDelayInMs: 0, successRate: 1.5, statusCode: 99}
  request: {qps: "10", durationInSecond: 0, perRequestTimeoutInMS: -1, connection: sometimes}
  schedule: {roundNumber: 0, roundTimeoutMinute: 0, schedule: "61 * * * *", timeZone: Mars/Olympus}
  target: {endpoint: 1, clusterIp: true}
"#;
    let finished = run_local("", faulty.to_owned()).run();
    let paths = [
        "apiVersion",
        "metadata.name",
        "spec.expect.meanAccessDelayInMs",
        "spec.expect.successRate",
        "spec.expect.statusCode",
        "spec.request.qps",
        "spec.request.durationInSecond",
        "spec.request.perRequestTimeoutInMS",
        "spec.request.connection",
        "spec.schedule.roundNumber",
        "spec.schedule.roundTimeoutMinute",
        "spec.schedule.schedule",
        "spec.schedule.timeZone",
        "spec.target.endpoint",
        "spec.target.clusterIp",
    ];
    ends(&finished, 2, &["has 15 faults", "clusterIP"]);
    for path in paths {
        assert!(finished.err.contains(&format!("\n  {path}: ")), "{path} is not in:\n{}", finished.err);
    }
    assert_eq!(finished.out, "");
}

#[test]
fn each_single_fault_ends_with_2_and_its_path() {
    let families = ["endpoint", "clusterIP", "nodePort", "loadBalancer", "ingress", "multusInterface"];
    let none = families
        .iter()
        .fold(net_reach("none"), |spec, family| spec.with(&format!("/spec/target/{family}"), false));
    let spec = |pointer: &str, value: Value| net_reach("one").with(pointer, value);
    let faults = [
        (spec("/spec/schedule/schedule", "61 * * * *".into()), "spec.schedule.schedule: ", "61"),
        (spec("/spec/schedule/schedule", "0 0 30 2 *".into()), "spec.schedule.schedule: ", "never"),
        (none, "spec.target: ", "at least one"),
        (spec("/spec/request/qps", 0.into()), "spec.request.qps: ", "at least 1"),
        (spec("/spec/request/qps", "10".into()), "spec.request.qps: ", "10"),
        (spec("/spec/request/qps", 1_000_000_000.into()), "spec.request.qps: ", "at most 10000"),
        (spec("/spec/request/qqps", 1.into()), "spec.request.qqps: ", "qps"),
    ];
    for (spec, path, word) in faults {
        let finished = run_local("", spec.yaml()).run();
        ends(&finished, 2, &["has 1 fault", path, word]);
        assert_eq!(finished.out, "", "something started");
    }
}

#[test]
fn more_load_than_is_allowed_is_refused_with_its_numbers() {
    let spec =
        net_reach("flood").with("/spec/request/qps", 10_000).with("/spec/request/durationInSecond", 3_600);
    let spec = spec.with("/spec/schedule/roundTimeoutMinute", 120);
    let finished = run_local("", spec.yaml()).run();
    ends(&finished, 2, &["spec.request.qps"]);
    assert_eq!(finished.out, "");
}

#[test]
fn unreadable_files_and_wrong_usage_end_with_2() {
    ends(&netreach("run --local /nowhere/at/all.yaml").run(), 2, &["could not read /nowhere/at/all.yaml"]);
    ends(&run_local("", String::new()).run(), 2, &["it is empty"]);
    ends(&netreach("run --local").run(), 2, &["FILE"]);
    ends(&netreach("run --local --agents 0 -f -").run(), 2, &["--agents"]);
    ends(&netreach("run --local --ports 9-1 -f -").run(), 2, &["two ports from 1 to 65535"]);
    ends(&netreach("check config/samples/netreach.yaml config").run(), 2, &["Usage"]);
    for only_here in ["--agents 2", "--ports 24000"] {
        ends(&netreach("run -f -").args(only_here).run(), 2, &["--local"]);
    }
    for only_there in ["--context there", "--name other", "--keep"] {
        ends(&netreach("run --local -f -").args(only_there).run(), 2, &["--local", "cannot be used with"]);
    }
    let twice = "apiVersion: kdoctor.io/v1beta1\nkind: NetReach\n---\nkind: NetReach\n";
    ends(&run_local("", twice.to_owned()).run(), 2, &["holds 2 documents"]);
}

#[test]
fn a_load_that_leaves_the_round_no_time_to_end_is_refused() {
    let full = net_reach("full").with("/spec/request/durationInSecond", 59);
    let finished = run_local("", full.yaml()).run();
    ends(&finished, 2, &["spec.request.durationInSecond: ", "2000 ms to end in", "raise"]);
}

#[test]
fn a_reader_that_goes_away_does_not_end_the_run() {
    let program = env!("CARGO_BIN_EXE_netreach");
    let script = format!("{program} run --local -f - 2>&1 >/dev/null | true; exit ${{PIPESTATUS[0]}}");
    let finished = Program::at("bash").args("-c").arg(script).input(net_reach("unheard").yaml()).run();
    ends(&finished, 0, &[]);
}

// === what this machine lacks ===

#[test]
fn a_report_directory_that_cannot_be_written_is_told_before_anything_starts() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let below = file.path().join("reports");
    let finished = run_local("--report", net_reach("kept").yaml()).arg(&below).run();
    ends(&finished, 3, &["could not keep reports in", &below.display().to_string()]);
    assert!(!finished.err.contains("agents send"));
}

#[test]
fn a_port_range_that_is_used_up_is_told() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let finished = run_local(&format!("--ports {port}"), net_reach("ports").yaml()).run();
    ends(&finished, 3, &["could not listen on 127.0.0.1", &format!("every port of {port}-{port} is taken")]);
}

#[test]
fn agents_keep_to_the_ports_they_may_take() {
    let spec = net_reach("ports").with("/spec/target/ipv6", true).yaml();
    // Desk and three agents on both IP versions: ::1 is one address for all of them.
    let finished = run_local("--ports 27400-27450 -o json", spec.clone()).run();
    ends(&finished, 0, &[]);
    for (_, detail) in details(&finished.json()) {
        let port: u16 = detail["TargetUrl"].as_str().unwrap().rsplit_once(':').unwrap().1.parse().unwrap();
        assert!((27400..=27450).contains(&port), "{port}");
    }
    let finished = run_local("--ports 27460-27461", spec).run();
    ends(&finished, 3, &["could not listen on ::1", "27460-27461 is taken"]);
}

#[test]
fn a_machine_without_ipv6_is_told_apart_from_a_broken_network() {
    // A network namespace of its own, in which loopback has no ::1.
    let script = "ip link set lo up && sysctl -qw net.ipv6.conf.lo.disable_ipv6=1 && exec \"$@\"";
    let unshare = ["unshare", "--user", "--map-root-user", "--net", "sh", "-c"];
    let possible = Command::new(unshare[0]).args(&unshare[1..]).args([script, "sh", "true"]).status();
    if !possible.is_ok_and(|status| status.success()) {
        return netreach_tests::not_run("no network namespace can be made here");
    }
    let spec = net_reach("four").with("/spec/target/ipv6", true).yaml();
    let inside = Program::at(unshare[0]).args(&unshare[1..].join(" ")).arg(script).arg("sh");
    let finished = inside.arg(env!("CARGO_BIN_EXE_netreach")).args("run --local -f -").input(spec).run();
    ends(&finished, 3, &["could not listen on [::1]", "this machine has no such address", "leave out IPv6"]);
}

#[test]
fn without_a_cluster_the_way_to_run_here_is_told() {
    let home = tempfile::tempdir().unwrap();
    let missing = home.path().join("no-such-kubeconfig");
    let here = |args: &str| netreach(args).env("HOME", home.path()).env("KUBECONFIG", &missing);
    let words = ["could not find a cluster", "no-such-kubeconfig", "KUBECONFIG", "--local"];
    ends(&here("run config/samples/netreach.yaml").run(), 3, &words);
    ends(
        &here("run config/samples/netreach.yaml").env("KUBECONFIG", "").run(),
        3,
        &["KUBECONFIG", "--local"],
    );
    let context = here("run config/samples/netreach.yaml --context there").run();
    ends(&context, 3, &["could not use context \"there\"", "no-such-kubeconfig"]);
    let wrong = here("run -f -").input(net_reach("wrong").with("/spec/request/qps", 0).yaml()).run();
    // Told before any cluster is looked for.
    ends(&wrong, 2, &["spec.request.qps: must be at least 1"]);
    let renamed = here("run config/samples/netreach.yaml --name Bad_Name").run();
    ends(&renamed, 2, &["metadata.name: "]);
}

#[test]
fn a_kubeconfig_that_leads_nowhere_is_told() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("kubeconfig");
    let mut config = serde_json::json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "gone", "cluster": {"server": "http://127.0.0.1:1"}}],
        "users": [{"name": "me", "user": {}}],
        "contexts": [{"name": "gone", "context": {"cluster": "gone", "user": "me"}}],
    });
    let run = |config: &Value, args: &str| {
        std::fs::write(&file, config.to_string()).unwrap();
        netreach("run config/samples/netreach.yaml").args(args).env("KUBECONFIG", &file).run()
    };
    ends(&run(&config, ""), 3, &["no current context", "--context"]);
    let refused = run(&config, "--context gone");
    ends(&refused, 3, &["in context gone (http://127.0.0.1:1/)", "could not create", "Connection refused"]);
    config["current-context"] = "other".into();
    ends(&run(&config, ""), 3, &["could not use context \"other\": there is no such context"]);
    ends(&run(&config, "--report /proc/none"), 3, &["could not keep reports in /proc/none"]);
}

// === the other commands ===

#[test]
fn check_tells_that_a_file_is_valid_and_prints_its_defaults() {
    let plain = netreach("check config/samples/netreach.yaml").run();
    ends(&plain, 0, &[]);
    assert_eq!(plain.out, "config/samples/netreach.yaml: NetReach task is valid\n");
    let minimal = "apiVersion: kdoctor.io/v1beta1\nkind: NetReach\nmetadata: {name: bare}\nspec: {}\n";
    let defaulted = netreach("check - -o yaml").input(minimal).run();
    ends(&defaulted, 0, &[]);
    let object = defaulted.yaml();
    assert_eq!(object["spec"]["request"]["perRequestTimeoutInMS"], 500);
    assert_eq!(object["spec"]["schedule"]["schedule"], "0 60");
    assert_eq!(object["spec"]["target"]["ipv4"], true);
    // What it prints is what it takes, and nothing is left to fill in.
    let again = netreach("check - -o yaml").input(defaulted.out.clone()).run();
    assert_eq!(again.out, defaulted.out);
    let json = netreach("check - -o json").input(minimal).run();
    assert_eq!(json.json(), object);
}

#[test]
fn crd_completions_and_version_are_printed() {
    let crd = netreach("crd").run();
    ends(&crd, 0, &[]);
    let committed = netreach_tests::root().join("config/crd/bases/kdoctor.io_netreaches.yaml");
    assert_eq!(crd.out, std::fs::read_to_string(committed).unwrap(), "stale: see the file's first line");
    for shell in ["bash", "zsh", "fish"] {
        let script = netreach(&format!("completions {shell}")).run();
        ends(&script, 0, &[]);
        assert!(script.out.contains("netreach") && !script.out.contains("until-stdin-closes"), "{shell}");
    }
    assert!(netreach("--version").run().out.starts_with("netreach 0."));
    assert!(netreach("run --help").run().out.contains("--report"));
}
