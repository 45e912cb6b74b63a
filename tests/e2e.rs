//! On a real cluster: the ground that it stands on, and NetReach installed as users install it. `hack/e2e.sh` brings both.

#![allow(clippy::unwrap_used, reason = "a panic is the answer a test gives")]

#[path = "e2e/around.rs"]
mod around;
#[path = "e2e/cluster.rs"]
mod cluster;
#[path = "e2e/cost.rs"]
mod cost;
#[path = "e2e/faults.rs"]
mod faults;
#[path = "e2e/ground.rs"]
mod ground;
#[path = "e2e/install.rs"]
mod install;
#[path = "e2e/kept.rs"]
mod kept;
#[allow(dead_code, reason = "shared with tests/reports.rs")]
#[path = "reports/log.rs"]
mod log;
#[path = "e2e/long.rs"]
mod long;
#[path = "e2e/nodes.rs"]
mod nodes;
#[path = "e2e/reports.rs"]
mod reports;
#[path = "e2e/rights.rs"]
mod rights;
#[path = "e2e/shapes.rs"]
mod shapes;
#[path = "e2e/walk.rs"]
mod walk;
