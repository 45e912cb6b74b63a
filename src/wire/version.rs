//! Which versions of these words understand each other.

/// The version this build speaks. Raised when a field changes its meaning; a new optional field does not raise it.
pub const VERSION: u16 = 1;

/// A peer speaks a version we do not know.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "the peer speaks version {theirs} of the agent protocol, this build speaks {VERSION}; install the same release of manager and agents"
)]
pub struct VersionError {
    /// What the peer said.
    pub theirs: u16,
}

/// Checks that a peer's words can be understood.
///
/// # Errors
/// When its version is not ours.
pub fn understood(theirs: u16) -> Result<(), VersionError> {
    if theirs == VERSION { Ok(()) } else { Err(VersionError { theirs }) }
}
