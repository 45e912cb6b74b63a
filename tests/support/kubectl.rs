//! The real kubectl.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::{Finished, Program};

/// How long what follows from an object may take to be published: longer than a cluster takes to send nobody any more to a node that is
/// silent, of whose pods every call may try one in vain meanwhile.
const PUBLISHED_WITHIN: Duration = Duration::from_secs(90);

/// kubectl as somebody.
#[derive(Debug, Clone)]
pub struct Kubectl {
    program: PathBuf,
    kubeconfig: PathBuf,
    cache: PathBuf,
}

impl Kubectl {
    /// As whoever this kubeconfig says, with the kubectl in PATH.
    #[must_use]
    pub fn of(kubeconfig: impl Into<PathBuf>) -> Self {
        let kubeconfig = kubeconfig.into();
        let cache = kubeconfig.with_extension("cache");
        Self { program: PathBuf::from("kubectl"), kubeconfig, cache }
    }

    pub(crate) fn at(program: PathBuf, kubeconfig: PathBuf, cache: PathBuf) -> Self {
        Self { program, kubeconfig, cache }
    }

    /// A call to be made; arguments are split at spaces.
    #[must_use]
    pub fn call(&self, args: &str) -> Program {
        Program::at(&self.program)
            .arg("--kubeconfig")
            .arg(&self.kubeconfig)
            .arg("--cache-dir")
            .arg(&self.cache)
            .args(args)
    }

    /// Runs it to its end.
    #[must_use]
    pub fn run(&self, args: &str) -> Finished {
        self.call(args).run()
    }

    /// Applies a manifest.
    #[must_use]
    pub fn apply(&self, manifest: &str) -> Finished {
        self.call("apply -f -").input(manifest).run()
    }

    /// What a call that succeeds prints.
    ///
    /// # Panics
    /// When it fails.
    #[allow(clippy::must_use_candidate, reason = "that it succeeds may be all that matters")]
    pub fn ok(&self, args: &str) -> String {
        let Finished { code, out, err, .. } = self.run(args);
        assert_eq!(code, 0, "kubectl {args}: {err}");
        out
    }

    /// An object, or a list of them, by the words after `get`.
    ///
    /// # Panics
    /// When it is not there.
    #[must_use]
    pub fn get(&self, what: &str) -> Value {
        self.call("get -o json").args(what).run().json()
    }

    /// Waits until a call succeeds: some of what an API server publishes follows later, and nothing tells when.
    ///
    /// # Panics
    /// When it still fails after a minute and a half.
    pub fn await_ok(&self, args: &str) {
        until(|| self.run(args), |finished| finished.code == 0);
    }

    /// What a call says, once it says what is wanted: waits as [`Self::await_ok`] does.
    ///
    /// # Panics
    /// When it still does not after a minute and a half.
    #[allow(clippy::must_use_candidate, reason = "that it comes to that may be all that matters")]
    pub fn await_that(&self, args: &str, wanted: impl Fn(&Finished) -> bool) -> String {
        until(|| self.run(args), wanted).out
    }

    /// An object, once it is there and as wanted: waits as [`Self::await_ok`] does.
    ///
    /// # Panics
    /// When it still is not after a minute and a half.
    pub fn await_object(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let call = format!("get -o json {what}");
        until(|| self.run(&call), |finished| finished.code == 0 && wanted(&finished.json())).json()
    }

    /// Applies a manifest again and again until the answer is as wanted, for the same reason; `how` are further
    /// words for `apply`.
    ///
    /// # Panics
    /// When it still is not after a minute and a half.
    pub fn await_answer(&self, how: &str, manifest: &str, wanted: impl Fn(&Finished) -> bool) {
        until(|| self.call("apply -f -").args(how).input(manifest).run(), wanted);
    }
}

fn until(run: impl Fn() -> Finished, wanted: impl Fn(&Finished) -> bool) -> Finished {
    let deadline = Instant::now() + PUBLISHED_WITHIN;
    loop {
        let finished = run();
        if wanted(&finished) {
            return finished;
        }
        assert!(Instant::now() < deadline, "not as wanted, still: {finished:?}");
    }
}
