use async_trait::async_trait;
use netreach_apiserver::*;
use netreach_serve::{Callers, IdentityFiles, Stop, bind, run_tls};
use serde_json::json;
use std::collections::BTreeMap;
use std::io::BufRead;
use std::path::Path;
use std::sync::{Arc, Mutex};

#[derive(Clone, Default)]
struct Shelf(Arc<Mutex<BTreeMap<(String, u64), String>>>);

fn spec(name: &str, round: u64) -> serde_json::Value {
    let lat = json!({"MaxInMs": 3.2, "MeanInMs": 1.1, "MinInMs": 0.4, "P50InMs": 1, "P90InMs": 2, "P95InMs": 2.2, "P99InMs": 3});
    json!({"spec": {"TaskName": name.trim_start_matches("netreach-"), "TaskType": "NetReach", "RoundNumber": -1, "ReportRoundNumber": round,
      "FinishedRoundNumber": round, "FailedRoundNumber": null, "Status": "NotFinished", "Verdict": "succeed",
      "Report": [{"NodeName": "n1", "PodName": "p1", "NetReachTask": {"Succeed": true, "Detail": [{"TargetName": "t", "Metrics": {"Latencies": lat}}]}}]}})
}

#[async_trait]
impl Reports for Shelf {
    async fn open(&self, head: &Head) -> Result<Option<Contents>, Trouble> {
        let there = self.0.lock().unwrap().contains_key(&(head.uid.clone(), head.round));
        Ok(there.then(|| Contents::written(spec(&head.name, head.round))))
    }
    async fn rounds(&self, name: &str, uid: Option<&str>) -> Result<Option<Vec<RoundSummary>>, Trouble> {
        let uid = uid.map_or_else(|| format!("uid-{name}"), str::to_owned);
        let found: Vec<_> = self
            .0
            .lock()
            .unwrap()
            .keys()
            .filter(|(of, _)| *of == uid)
            .map(|(uid, number)| RoundSummary {
                number: *number,
                uid: uid.clone(),
                verdict: "succeed".into(),
                started: jiff::Timestamp::now(),
                ended: jiff::Timestamp::now(),
                agents: 3,
                failed_nodes: 0,
                missing_agents: 0,
                late_agents: 0,
                worst_p99_us: Some(1234),
            })
            .collect();
        Ok(Some(found).filter(|found| !found.is_empty()))
    }
    async fn round(&self, name: &str, which: Which, filter: &Filter) -> Result<Option<Round>, Trouble> {
        let uid = filter.uid.clone().unwrap_or_else(|| format!("uid-{name}"));
        let rounds: Vec<u64> =
            self.0.lock().unwrap().keys().filter(|(of, _)| *of == uid).map(|(_, n)| *n).collect();
        let n = match which {
            Which::Last => rounds.last().copied(),
            Which::Number(n) => Some(n).filter(|n| rounds.contains(n)),
        };
        Ok(n.map(|n| Round {
            uid,
            created: jiff::Timestamp::now(),
            contents: Contents::written(spec(name, n)),
        }))
    }
}

struct All;
#[async_trait]
impl Authorizer for All {
    async fn rule(&self, _: &Caller, _: &Access) -> Result<Ruling, Trouble> {
        Ok(Ruling::Allowed)
    }
}

fn head(name: &str, round: u64) -> Head {
    let task = name.trim_start_matches("netreach-").to_owned();
    Head {
        name: name.to_owned(),
        uid: format!("uid-{name}"),
        created: "2023-08-01T08:37:07Z".parse().unwrap(),
        labels: [("team".to_owned(), "net".to_owned()), ("odd".to_owned(), (round % 2).to_string())].into(),
        task,
        rounds_wanted: -1,
        round,
        is_finished: false,
        verdict: "succeed".into(),
        failed_nodes: 0,
        worst_p99_us: Some(1234),
    }
}

fn main() {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let args: Vec<String> = std::env::args().collect();
    let (folder, ca, port, epoch, file) =
        (&args[1], &args[2], &args[3], args[4].parse::<u32>().unwrap(), &args[5]);
    let (log, shelf) = (Log::new(epoch), Shelf::default());
    let put = {
        let (log, shelf) = (log.clone(), shelf.clone());
        move |name: &str, round: u64| {
            for n in round.saturating_sub(3).max(1)..=round {
                shelf.0.lock().unwrap().insert((format!("uid-{name}"), n), name.to_owned());
            }
            log.put(head(name, round))
        }
    };
    for line in std::fs::read_to_string(file).unwrap_or_default().lines() {
        let (name, round) = line.split_once(' ').unwrap();
        put(name, round.parse().unwrap());
    }
    log.begin();
    let state = State::new(log.clone(), shelf.clone(), All);
    let all = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
    state.set_front_proxy(FrontProxy {
        allowed_names: vec![],
        username_headers: all(&["X-Remote-User"]),
        uid_headers: vec![],
        group_headers: all(&["X-Remote-Group"]),
        extra_prefixes: all(&["X-Remote-Extra-"]),
    });
    let stop = Stop::new();
    stop.throw_on_signals().unwrap();
    let tls = IdentityFiles::in_folder(Path::new(folder)).load_and_follow(&stop).unwrap();
    tls.set_callers(&Callers::Asked(std::fs::read(ca).unwrap())).unwrap();
    let listener = bind(format!("127.0.0.1:{port}").parse().unwrap()).unwrap();
    let ending = state.clone();
    let stopped = stop.clone();
    async_std::task::spawn(async move {
        stopped.stopped().await;
        ending.end();
    });
    let serving = async_std::task::spawn(run_tls(
        tls,
        listener,
        app(state.clone()),
        netreach_apiserver::limits::server_limits(),
        stop.clone(),
    ));
    let file = file.clone();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            let words: Vec<&str> = line.split_whitespace().collect();
            match words[..] {
                ["put", name, round] => println!("{}", put(name, round.parse().unwrap())),
                ["remove", name] => {
                    shelf.0.lock().unwrap().retain(|(uid, _), _| *uid != format!("uid-{name}"));
                    println!("{:?}", log.remove(name));
                }
                _ => println!("?"),
            }
            let _ = &file;
        }
    });
    async_std::task::block_on(serving).unwrap();
}
