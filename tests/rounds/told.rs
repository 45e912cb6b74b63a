//! What users see of a round.

use netreach_tests::{Program, net_reach};
use serde_json::{Value, json};

use super::ground::{Ground, condition};

/// Hears every write of a NetReach for so many seconds.
fn writes(ground: &Ground, name: &str, seconds: u32) -> netreach_tests::Running {
    let path = format!(
        "/apis/kdoctor.io/v1beta1/netreaches?watch=true&fieldSelector=metadata.name={name}&timeoutSeconds={seconds}"
    );
    let watch: Program = ground.kubectl.call("get --raw");
    watch.arg(path).start()
}

#[test]
fn a_round_is_told_from_its_beginning_to_its_end_in_three_writes() {
    let ground = Ground::new();
    let _manager = ground.manager();
    let watch = writes(&ground, "task", 15);
    ground.apply(&net_reach("task").lasting_s(2));
    let ongoing = ground.await_status("task", |status| status["history"][0]["status"] == "ongoing");
    assert_eq!(ongoing["history"][0]["expectedActorNumber"], 2);
    assert_eq!(condition(&ongoing, "Progressing"), ("True", "RoundOngoing"));
    let status = ground.await_finish("task");
    assert_eq!((&status["expectedRound"], &status["doneRound"]), (&json!(1), &json!(1)));
    assert_eq!((&status["lastRoundStatus"], &status["observedGeneration"]), (&json!("succeed"), &json!(1)));
    let round = &status["history"][0];
    assert_eq!(round["succeedAgentNodeList"], json!(["node-1", "node-2"]), "{status}");
    for (kind, expected) in [
        ("Complete", ("True", "RoundsDone")),
        ("Healthy", ("True", "Succeeded")),
        ("Progressing", ("False", "Finished")),
        ("Ready", ("True", "Prepared")),
    ] {
        assert_eq!(condition(&status, kind), expected, "{kind}");
    }
    ground.kubectl.ok("wait --for=condition=Complete nr/task --timeout=1s");
    assert_eq!(ground.events("task"), ["RoundStarted", "RoundSucceeded"]);
    let heard = watch.finish().out;
    let modified = heard.lines().filter(|line| line.contains(r#""type":"MODIFIED""#)).count();
    println!("rounds: {modified} writes of a NetReach with one round");
    assert!(modified <= 3, "{heard}");
}

#[test]
fn a_round_that_cannot_be_says_why() {
    let ground = Ground::new();
    let _manager = ground.manager();
    ground.apply(&net_reach("greedy").with("/spec/request/qps", 9_000));
    let never = json!("0 0 30 2 *");
    ground.apply(&net_reach("never").with("/spec/schedule/schedule", never));
    ground.apply(&net_reach("asleep").with("/spec/suspend", true));
    ground.apply(&net_reach("unreached").with("/spec/target/ipv6", true));

    let greedy = ground.await_finish("greedy");
    let reason = greedy["history"][0]["failureReason"].as_str().unwrap();
    assert!(reason.starts_with("OverBudget: ") && reason.contains("9000 qps"), "{reason}");
    assert_eq!(condition(&greedy, "Healthy"), ("False", "OverBudget"));

    let never = ground.await_status("never", |status| status.is_object());
    assert_eq!(condition(&never, "Ready"), ("False", "InvalidSpec"));

    let asleep = ground.await_status("asleep", |status| status.is_object());
    assert_eq!(condition(&asleep, "Progressing"), ("False", "Suspended"));
    assert_eq!((&asleep["doneRound"], &asleep["nextRoundTime"]), (&json!(0), &Value::Null));
    ground.apply(&net_reach("asleep"));
    assert_eq!(ground.await_finish("asleep")["lastRoundStatus"], "succeed");
}
