//! What the tests of every boundary share: the program under test as a process, a control plane
//! and its kubectl, a MinIO, what a node gives a pod (mounts, Services), certificates, specs by sentence, nearly right inputs, the house's files.

mod certificates;
mod control_plane;
mod house;
mod kubectl;
mod mangled;
mod minio;
mod mount;
mod process;
mod program;
mod service;
mod settle;
mod spec;

pub use certificates::{Authority, Leaf};
pub use control_plane::ControlPlane;
pub use house::{Crate, crates, root};
pub use kubectl::Kubectl;
pub use mangled::mangled;
pub use minio::Minio;
pub use mount::Mount;
pub use process::most_resident_kib;
pub use program::{Finished, Program, Running, ends};
pub use service::Service;
pub use settle::{has_strace, not_run, settle, wait_until};
pub use spec::{Spec, net_reach};
