//! What the tests of every boundary share: the program under test as a process, a control plane
//! and its kubectl, specs by sentence, the house's files.

mod control_plane;
mod house;
mod program;
mod spec;

pub use control_plane::{ControlPlane, Kubectl};
pub use house::{Crate, crates, root};
pub use program::{Finished, Program, Running};
pub use spec::{Spec, net_reach};
