//! What stands behind the `?` of a path, as Kubernetes reads it. Pure.

use std::collections::HashMap;
use std::time::Duration;

use jiff::SignedDuration;

use super::Unfit;

/// Names and values. Of what is said twice the first counts.
pub(super) struct Pairs<'a>(HashMap<&'a str, &'a str>);

impl<'a> Pairs<'a> {
    pub(super) fn new(pairs: &'a [(String, String)]) -> Self {
        let mut read = HashMap::new();
        for (name, value) in pairs {
            read.entry(name.as_str()).or_insert(value.as_str());
        }
        Self(read)
    }

    /// The value; empty when there is none.
    pub(super) fn text(&self, name: &str) -> &'a str {
        self.0.get(name).copied().unwrap_or_default()
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &'a str> {
        self.0.keys().copied()
    }

    /// A flag, where it is set or unset: whatever is not no is yes.
    pub(super) fn choice(&self, name: &str) -> Option<bool> {
        self.0.get(name).map(|value| *value != "0" && !value.eq_ignore_ascii_case("false"))
    }

    pub(super) fn flag(&self, name: &str) -> bool {
        self.choice(name).unwrap_or_default()
    }

    /// A number from 0; none when it is 0 or not there.
    pub(super) fn number(&self, name: &str) -> Result<Option<u64>, Unfit> {
        match self.text(name) {
            "" => Ok(None),
            value => value
                .parse()
                .map(|number| Some(number).filter(|number| *number > 0))
                .map_err(|_| Unfit::malformed(name, value, "a number from 0 is")),
        }
    }

    /// Whether a person will read the answer as it is.
    pub(super) fn pretty(&self) -> bool {
        matches!(self.text("pretty"), "1" | "t" | "T" | "true" | "TRUE" | "True")
    }

    /// `timeout`, as Go writes durations; none where it sets no bound.
    pub(super) fn timeout(&self) -> Result<Option<Duration>, Unfit> {
        match self.text("timeout") {
            "" | "0" => Ok(None),
            value => value
                .parse::<SignedDuration>()
                .map(|timeout| Duration::try_from(timeout).ok().filter(|timeout| !timeout.is_zero()))
                .map_err(|_| Unfit::malformed("timeout", value, "a duration such as 30s is")),
        }
    }

    /// `timeoutSeconds`; none where it sets no bound.
    pub(super) fn timeout_seconds(&self) -> Result<Option<Duration>, Unfit> {
        match self.text("timeoutSeconds") {
            "" => Ok(None),
            value => value
                .parse::<i64>()
                .map(|seconds| u64::try_from(seconds).ok().filter(|seconds| *seconds > 0))
                .map(|seconds| seconds.map(Duration::from_secs))
                .map_err(|_| Unfit::malformed("timeoutSeconds", value, "a number of seconds is")),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use tide::http::Url;

    use super::*;

    /// The names and values of a query.
    pub(in crate::ask) fn pairs(text: &str) -> Vec<(String, String)> {
        let url = Url::parse(&format!("http://localhost/?{text}")).unwrap();
        url.query_pairs().into_owned().collect()
    }

    #[test]
    fn values_are_read_as_kubernetes_reads_them() {
        let read = |text: &str, name: &str| Pairs::new(&pairs(text)).choice(name);
        for (text, expected) in [
            ("", None),
            ("watch", Some(true)),
            ("watch=1", Some(true)),
            ("watch=yes", Some(true)),
            ("watch=0", Some(false)),
            ("watch=False&watch=true", Some(false)),
        ] {
            assert_eq!(read(text, "watch"), expected, "{text}");
        }
        let number = |text: &str| Pairs::new(&pairs(text)).number("limit").map_err(|unfit| unfit.to_string());
        assert_eq!(number("limit=500"), Ok(Some(500)));
        assert_eq!(number("limit=0"), Ok(None));
        assert_eq!(number("limit="), Ok(None));
        let told = "limit=\"-1\" cannot be understood (a number from 0 is)";
        assert_eq!(number("limit=-1"), Err(told.to_owned()));
    }

    #[test]
    fn durations_are_those_of_go() {
        let timeout = |text: &str| Pairs::new(&pairs(text)).timeout();
        for (text, expected_ms) in [
            ("timeout=32s", Some(32_000)),
            ("timeout=1m30s", Some(90_000)),
            ("timeout=1.5s", Some(1_500)),
            ("timeout=500ms", Some(500)),
            ("timeout=0", None),
            ("timeout=0s", None),
            ("timeout=-5s", None),
            ("timeout=", None),
            ("", None),
        ] {
            assert_eq!(timeout(text), Ok(expected_ms.map(Duration::from_millis)), "{text}");
        }
        for text in ["timeout=5", "timeout=soon", "timeout=1y"] {
            assert!(timeout(text).is_err(), "{text}");
        }
        let seconds = |text: &str| Pairs::new(&pairs(text)).timeout_seconds();
        assert_eq!(seconds("timeoutSeconds=5"), Ok(Some(Duration::from_secs(5))));
        assert_eq!(seconds("timeoutSeconds=-5"), Ok(None));
        assert_eq!(seconds("timeoutSeconds=0"), Ok(None));
        assert!(seconds("timeoutSeconds=5s").is_err());
    }
}
