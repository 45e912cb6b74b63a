//! Calls of kubectl, and word for word what they say.

use netreach_tests::{Finished, Kubectl};

/// Compares what calls say with what they should, and tells all differences at once.
pub(crate) struct Said<'a> {
    kubectl: &'a Kubectl,
    /// What stands in the place of what no test can know.
    known: Vec<(String, String)>,
    calls: usize,
    differing: Vec<String>,
}

impl<'a> Said<'a> {
    pub(crate) fn by(kubectl: &'a Kubectl) -> Self {
        Self { kubectl, known: Vec::new(), calls: 0, differing: Vec::new() }
    }

    /// From now on this text is written as that.
    pub(crate) fn known(&mut self, text: &str, as_that: &str) {
        assert!(!text.is_empty(), "{as_that}");
        self.known.push((text.to_owned(), as_that.to_owned()));
    }

    /// A call that succeeds says this.
    pub(crate) fn says(&mut self, call: &str, lines: &str) {
        let finished = self.run(call);
        self.compare(call, 0, &finished, lines);
    }

    /// A call that is refused says this.
    pub(crate) fn refuses(&mut self, call: &str, lines: &str) {
        let finished = self.run(call);
        self.compare(call, 1, &finished, lines);
    }

    /// A call that is given something to read.
    pub(crate) fn refuses_given(&mut self, call: &str, input: &str, lines: &str) {
        let finished =
            words(call).fold(self.kubectl.call(""), |program, word| program.arg(word)).input(input).run();
        self.compare(call, 1, &finished, lines);
    }

    /// How many calls said what they should.
    ///
    /// # Panics
    /// When one did not.
    pub(crate) fn all_well(self) -> usize {
        let Self { calls, differing, .. } = self;
        assert!(
            differing.is_empty(),
            "{} of {calls} calls differ:\n{}",
            differing.len(),
            differing.join("\n")
        );
        calls
    }

    fn run(&self, call: &str) -> Finished {
        words(call).fold(self.kubectl.call(""), |program, word| program.arg(word)).run()
    }

    fn compare(&mut self, call: &str, code: i32, finished: &Finished, expected: &str) {
        self.calls += 1;
        let mut said = format!("{}{}", finished.out, finished.err);
        for (text, as_that) in &self.known {
            said = said.replace(text, as_that);
        }
        let said = plain(&said);
        if finished.code != code || said != plain(expected) {
            self.differing.push(format!("$ kubectl {call}   [{}, not {code}]\n{said}", finished.code));
        }
    }
}

/// Lines without what stands around them: that is the test's own layout.
fn plain(text: &str) -> String {
    let indent = |line: &&str| line.len() - line.trim_start().len();
    let lines: Vec<&str> = text.lines().map(str::trim_end).skip_while(|line| line.is_empty()).collect();
    let least = lines.iter().filter(|line| !line.is_empty()).map(indent).min().unwrap_or_default();
    let lines: Vec<&str> = lines.iter().map(|line| line.get(least..).unwrap_or_default()).collect();
    lines.join("\n").trim_end().to_owned()
}

/// Words are split at spaces, but not between apostrophes.
fn words(call: &str) -> impl Iterator<Item = String> {
    let parts = call.split('\'').enumerate();
    let words = parts.flat_map(|(nth, part)| match nth % 2 {
        0 => part.split_whitespace().map(str::to_owned).collect::<Vec<_>>(),
        _ => vec![part.to_owned()],
    });
    words.collect::<Vec<_>>().into_iter()
}
