//! The ground: every way to reach a pod works, tables stay whole over what comes and goes, and each fault is one.

use std::collections::BTreeSet;

use super::cluster::{Cluster, script};

/// Width of the table's first column, and of each other.
const WIDTHS: (usize, usize) = (24, 16);

/// The cells that are red, as `row column`, and how many cells were asked in all.
fn cells(table: &str) -> (BTreeSet<String>, usize) {
    let (first, other) = WIDTHS;
    let mut rows = table.lines().map(|line| {
        let (row, cells) = line.split_at(first);
        let cells =
            cells.as_bytes().chunks(other).map(|cell| String::from_utf8_lossy(cell).trim().to_owned());
        (row.trim().to_owned(), cells.collect::<Vec<_>>())
    });
    let (_, columns) = rows.next().expect("a table has a head");
    let each = rows.flat_map(|(row, cells)| {
        let of_row = columns.iter().zip(cells).map(|(column, cell)| (format!("{row} {column}"), cell));
        of_row.collect::<Vec<_>>()
    });
    let asked: Vec<_> = each.filter(|(_, cell)| cell != ".").collect();
    let red = asked.iter().filter(|(_, cell)| cell.ends_with("RED")).map(|(name, _)| name.clone());
    (red.collect(), asked.len())
}

#[test]
fn the_tables_stay_whole_while_ten_load_balancer_services_come_and_go() {
    let _cluster = Cluster::take();
    let verified = script("cluster.sh", "verify --churn 10");
    assert_eq!(verified.code, 0, "{}\n{}", verified.out, verified.err);
    let (red, asked) = cells(&verified.out);
    println!("e2e: {asked} cells after ten Services came and went, {} red", red.len());
    assert!(red.is_empty(), "{}", verified.out);
    // Three nodes × six columns × two families, and three columns from outside.
    assert_eq!(asked, 3 * 12 + 6, "{}", verified.out);
}

#[test]
fn without_the_speaker_exactly_what_only_it_announces_is_red() {
    let cluster = Cluster::take();
    let away = r#"{"spec": {"template": {"spec": {"nodeSelector": {"netreach/nowhere": "true"}}}}}"#;
    let back = r#"{"spec": {"template": {"spec": {"nodeSelector": {"netreach/nowhere": null}}}}}"#;
    let patch = |patch: &str| {
        let patched = cluster
            .kubectl
            .call("-n metallb-system patch daemonset speaker --type=strategic -p")
            .arg(patch)
            .run();
        assert_eq!(patched.code, 0, "{}", patched.err);
    };
    patch(away);
    cluster.kubectl.ok("-n metallb-system wait pod -l component=speaker --for=delete --timeout=60s");
    let verified = script("cluster.sh", "verify");
    patch(back);
    cluster.kubectl.ok("-n metallb-system rollout status daemonset speaker --timeout=120s");
    let (red, asked) = cells(&verified.out);
    println!("e2e: {asked} cells without the speaker, red: {red:?}");
    assert_eq!(verified.code, 1, "{}", verified.out);
    let announced = ["LoadBalancer v4", "LoadBalancer v6", "Ingress v4", "Ingress v6"];
    assert_eq!(red, announced.iter().map(|column| format!("outside {column}")).collect(), "{}", verified.out);
}

#[test]
fn each_kind_of_fault_bites_and_heals() {
    let _cluster = Cluster::take();
    let checked = script("fault.sh", "check");
    println!("{}", checked.out);
    assert_eq!(checked.code, 0, "{}\n{}", checked.out, checked.err);
    let kinds = checked.out.lines().skip(1).count();
    println!("e2e: {kinds} kinds of fault");
    assert_eq!(kinds, 11, "{}", checked.out);
}
