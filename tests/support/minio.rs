//! A real MinIO on loopback.

use std::path::PathBuf;
use std::process::Command;

use crate::{Leaf, root};

/// An S3-compatible store of a test's own; ended with the test's process, or when dropped.
#[derive(Debug)]
pub struct Minio {
    dir: PathBuf,
    variables: Vec<(String, String)>,
}

impl Minio {
    /// The bucket that it has.
    pub const BUCKET: &'static str = "netreach";

    /// Starts one; any number run side by side.
    ///
    /// # Panics
    /// When it does not become ready, with what the script said.
    #[must_use]
    pub fn start() -> Self {
        Self::of(up(&[]))
    }

    /// Starts one that speaks TLS, as that server.
    ///
    /// # Panics
    /// As [`Self::start`].
    #[must_use]
    pub fn start_encrypted(server: &Leaf) -> Self {
        let certs = tempfile::tempdir().expect("there is a temporary folder");
        for (file, pem) in [("public.crt", &server.certificate), ("private.key", &server.key)] {
            std::fs::write(certs.path().join(file), pem).expect("the disk is not full");
        }
        Self::of(up(&["--certs", &certs.path().display().to_string()]))
    }

    fn of(said: Vec<(String, String)>) -> Self {
        let dir = said.iter().find(|(name, _)| name == "NETREACH_MINIO").map(|(_, dir)| PathBuf::from(dir));
        let variables = said.into_iter().filter(|(name, _)| name.starts_with("AWS_")).collect();
        Self { dir: dir.expect("the script says where it is"), variables }
    }

    /// The variables by which it is found, `AWS_…`.
    #[must_use]
    pub fn variables(&self) -> &[(String, String)] {
        &self.variables
    }

    /// Ends it; what it keeps stays.
    ///
    /// # Panics
    /// When it does not end.
    pub fn stop(&self) {
        let said = self.down(&["--keep"]);
        assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    }

    /// Starts it again where it was, with what it kept.
    ///
    /// # Panics
    /// When it does not become ready.
    pub fn start_again(&self) {
        let port = std::fs::read_to_string(self.dir.join("port")).expect("it ran");
        up(&["--dir", &self.dir.display().to_string(), "--port", port.trim()]);
    }

    /// Lets it hang: it takes connections, and answers nobody.
    pub fn pause(&self) {
        self.signal("-STOP");
    }

    /// Lets it go on after [`Self::pause`].
    pub fn go_on(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let pid = std::fs::read_to_string(self.dir.join("pid")).expect("it runs");
        let sent = Command::new("kill").args([signal, pid.trim()]).status().expect("kill can be run");
        assert!(sent.success(), "it runs");
    }

    fn down(&self, more: &[&str]) -> std::process::Output {
        let down = script().arg("down").args(more).env("NETREACH_MINIO", &self.dir).output();
        down.expect("the script can be run")
    }
}

impl Drop for Minio {
    fn drop(&mut self) {
        self.down(&[]);
    }
}

/// What the script says, by name.
fn up(more: &[&str]) -> Vec<(String, String)> {
    let pid = std::process::id().to_string();
    let said = script().args(["up", "--until-exit-of", &pid]).args(more).output();
    let said = said.expect("the script can be run");
    assert!(said.status.success(), "no MinIO: {}", String::from_utf8_lossy(&said.stderr));
    let out = String::from_utf8_lossy(&said.stdout);
    let pairs = out.split_whitespace().filter_map(|word| word.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn script() -> Command {
    Command::new(root().join("hack/minio.sh"))
}
