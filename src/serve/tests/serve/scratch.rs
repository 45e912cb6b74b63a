use crate::host::Host;
use crate::peer::Peer;
use netreach_serve::Limits;

fn rss_kb() -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap();
    text.lines().find(|l| l.starts_with("VmRSS")).unwrap().split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn idle_memory() {
    let host =
        Host::new(Limits { connections_max: 20_000, connections_per_peer_max: 20_000, ..Limits::default() });
    Peer::new(host.address).say("GET /ok HTTP/1.1\r\nhost: a\r\n\r\n").hear_one();
    let before = rss_kb();
    let mut all = Vec::new();
    for _ in 0..5_000 {
        all.push(Peer::new(host.address));
    }
    let silent = rss_kb();
    for p in &mut all {
        p.say("GET /ok HTTP/1.1\r\nhost: a\r\nuser-agent: x\r\nnetreach-probe: 0123456789012345678901234567890123456789\r\n\r\n").hear_one();
    }
    let kept = rss_kb();
    println!(
        "rss before {before} silent {silent} kept {kept} kB: {} and {} B each",
        (silent - before) * 1024 / 5000,
        (kept - before) * 1024 / 5000
    );
    let began = std::time::Instant::now();
    let p = &mut all[0];
    for _ in 0..20_000 {
        p.say("GET /ok HTTP/1.1\r\nhost: a\r\n\r\n").hear_one();
    }
    println!("20,000 round trips in {:?}", began.elapsed());
    let pipelined = "GET /ok HTTP/1.1\r\nhost: a\r\nuser-agent: x\r\n\r\n".repeat(1000);
    let cpu = || {
        let t = std::fs::read_to_string("/proc/self/stat").unwrap();
        let f: Vec<&str> = t.rsplit(')').next().unwrap().split_whitespace().collect();
        f[11].parse::<u64>().unwrap() + f[12].parse::<u64>().unwrap()
    };
    let c = cpu();
    let began = std::time::Instant::now();
    for _ in 0..50 {
        use std::io::Read;
        p.say(&pipelined);
        let mut n = 0;
        let mut b = vec![0; 65536];
        let one = 79;
        let _ = one;
        let mut seen = 0;
        while seen < 1000 {
            n = p.0.read(&mut b).unwrap();
            seen += b[..n].windows(8).filter(|w| *w == b"HTTP/1.1").count();
        }
        let _ = n;
    }
    println!("50,000 pipelined in {:?}, cpu {} ms", began.elapsed(), (cpu() - c) * 10);
    drop(all);
    host.end();
}
