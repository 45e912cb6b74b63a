//! What the tests of every boundary share: the program under test as a process, specs by sentence, the house's files.

mod house;
mod program;
mod spec;

pub use house::{Crate, crates, root};
pub use program::{Finished, Program, Running};
pub use spec::{Spec, net_reach};
