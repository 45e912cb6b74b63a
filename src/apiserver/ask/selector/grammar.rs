//! The grammar of label selectors. Pure.
//!
//! ```text
//! selector  = "" | condition { "," condition }
//! condition = "!" key | key [ sign value | ( "in" | "notin" ) "(" values ")" ]
//! sign      = "=" | "==" | "!=" | ">" | "<"
//! values    = value { "," value }
//! ```
//! A value may be empty.

use super::labels::{Condition, Test};
use super::words::{Word, Words};

/// Why a text is no selector.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoSelector {
    #[error("could not read labelSelector (found {found}, expected {expected})")]
    Found { found: String, expected: &'static str },
    #[error("could not read labelSelector ({0:?} is no label's key)")]
    Key(String),
    #[error("could not read labelSelector ({value:?} is no value that the label {key:?} could have)")]
    Value { key: String, value: String },
    #[error("could not read labelSelector ({0:?} is no whole number)")]
    Number(String),
}

/// The conditions that it names.
pub(super) fn parse(text: &str) -> Result<Vec<Condition>, NoSelector> {
    let mut words = Words::new(text);
    let mut conditions = Vec::new();
    if words.peek() == Word::End {
        return Ok(conditions);
    }
    loop {
        conditions.push(condition(&mut words)?);
        match words.take() {
            Word::End => return Ok(conditions),
            Word::Comma => {}
            found => return Err(unexpected(found, "a comma or the end")),
        }
    }
}

fn condition(words: &mut Words<'_>) -> Result<Condition, NoSelector> {
    let is_absent = words.peek() == Word::Not;
    if is_absent {
        words.take();
    }
    let key = match words.take() {
        Word::Name(key) if is_key(key) => key,
        Word::Name(key) => return Err(NoSelector::Key(key.to_owned())),
        found => return Err(unexpected(found, "a key")),
    };
    let test = if is_absent { Test::Absent } else { test(words, key)? };
    Ok(Condition { key: key.to_owned(), test })
}

fn test(words: &mut Words<'_>, key: &str) -> Result<Test, NoSelector> {
    let one = |words: &mut Words<'_>| value(words, key).map(|value| vec![value]);
    let number = |words: &mut Words<'_>| {
        let text = value(words, key)?;
        text.parse::<i64>().map_err(|_| NoSelector::Number(text))
    };
    if matches!(words.peek(), Word::End | Word::Comma) {
        return Ok(Test::Exists);
    }
    match words.take() {
        Word::Equal => one(words).map(Test::In),
        Word::NotEqual => one(words).map(Test::NotIn),
        Word::Above => number(words).map(Test::Above),
        Word::Below => number(words).map(Test::Below),
        Word::Name("in") => values(words, key).map(Test::In),
        Word::Name("notin") => values(words, key).map(Test::NotIn),
        found => Err(unexpected(found, "=, ==, !=, <, >, in or notin")),
    }
}

fn values(words: &mut Words<'_>, key: &str) -> Result<Vec<String>, NoSelector> {
    match words.take() {
        Word::Open => {}
        found => return Err(unexpected(found, "an opening bracket")),
    }
    let mut values = Vec::new();
    loop {
        let value = value(words, key)?;
        if !values.contains(&value) {
            values.push(value);
        }
        match words.take() {
            Word::Close => return Ok(values),
            Word::Comma => {}
            found => return Err(unexpected(found, "a comma or a closing bracket")),
        }
    }
}

/// A value; the empty one where none stands.
fn value(words: &mut Words<'_>, key: &str) -> Result<String, NoSelector> {
    match words.peek() {
        Word::End | Word::Comma | Word::Close => Ok(String::new()),
        Word::Name(value) if is_value(value) => {
            words.take();
            Ok(value.to_owned())
        }
        Word::Name(value) => Err(NoSelector::Value { key: key.to_owned(), value: value.to_owned() }),
        found => Err(unexpected(found, "a value")),
    }
}

fn unexpected(found: Word<'_>, expected: &'static str) -> NoSelector {
    NoSelector::Found { found: found.to_string(), expected }
}

/// Whether a label can have this key: a name, before it perhaps a DNS name and a slash.
fn is_key(key: &str) -> bool {
    let (prefix, name) = key.split_once('/').map_or((None, key), |(prefix, name)| (Some(prefix), name));
    prefix.is_none_or(is_dns_name) && !name.is_empty() && is_value(name)
}

/// Whether a label can have this value.
fn is_value(value: &str) -> bool {
    let is_inner = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let is_edge = |byte: Option<&u8>| byte.is_none_or(u8::is_ascii_alphanumeric);
    let bytes = value.as_bytes();
    bytes.len() <= 63
        && bytes.iter().all(|byte| is_inner(*byte))
        && is_edge(bytes.first())
        && is_edge(bytes.last())
}

fn is_dns_name(name: &str) -> bool {
    let is_inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let is_part = |part: &str| {
        !part.is_empty() && part.bytes().all(is_inner) && !part.starts_with('-') && !part.ends_with('-')
    };
    name.len() <= 253 && name.split('.').all(is_part)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn told(text: &str) -> String {
        let one = |Condition { key, test }: &Condition| format!("{key} {test:?}");
        match parse(text) {
            Ok(conditions) => conditions.iter().map(one).collect::<Vec<_>>().join("; "),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn what_is_no_selector_says_where_it_ends_to_be_one() {
        for (text, expected) in [
            ("a=b=c", "found \"=\", expected a comma or the end"),
            ("a,", "found the end, expected a key"),
            (",a", "found \",\", expected a key"),
            ("a,,b", "found \",\", expected a key"),
            ("a b", "found \"b\", expected =, ==, !=, <, >, in or notin"),
            ("a in b", "found \"b\", expected an opening bracket"),
            ("a in (b", "found the end, expected a comma or a closing bracket"),
            ("a in (b))", "found \")\", expected a comma or the end"),
            ("a in (b c)", "found \"c\", expected a comma or a closing bracket"),
            ("a=(b)", "found \"(\", expected a value"),
            ("!a=b", "found \"=\", expected a comma or the end"),
            ("!", "found the end, expected a key"),
            ("!!a", "found \"!\", expected a key"),
            ("a/b/c", "\"a/b/c\" is no label's key"),
            ("A.b/c", "\"A.b/c\" is no label's key"),
            ("-a", "\"-a\" is no label's key"),
            ("a=b/c", "\"b/c\" is no value that the label \"a\" could have"),
            ("a=é", "\"é\" is no value that the label \"a\" could have"),
            ("a>b", "\"b\" is no whole number"),
            ("a>", "\"\" is no whole number"),
        ] {
            assert_eq!(told(text), format!("could not read labelSelector ({expected})"), "{text}");
        }
        assert!(parse(&"a".repeat(63)).is_ok());
        assert!(parse(&"a".repeat(64)).is_err());
    }

    #[test]
    fn empty_values_are_values() {
        for (text, expected) in [
            ("a=", r#"a In([""])"#),
            ("a=,b", r#"a In([""]); b Exists"#),
            ("a in ()", r#"a In([""])"#),
            ("a in (,)", r#"a In([""])"#),
            ("a in (,b,)", r#"a In(["", "b"])"#),
            ("a notin (b,,b)", r#"a NotIn(["b", ""])"#),
            ("x.y/a in (in,notin)", r#"x.y/a In(["in", "notin"])"#),
            ("notin notin (in)", r#"notin NotIn(["in"])"#),
        ] {
            assert_eq!(told(text), expected, "{text}");
        }
    }

    fn conditions() -> impl Strategy<Value = Vec<Condition>> {
        let value =
            || prop_oneof![Just(String::new()), "[a-z0-9]([-_.a-z]{0,3}[a-z0-9])?", Just("in".to_owned())];
        let values = || {
            prop::collection::vec(value(), 1..4).prop_map(|values| {
                let mut unique: Vec<String> = Vec::new();
                values.into_iter().for_each(|value| {
                    if !unique.contains(&value) {
                        unique.push(value);
                    }
                });
                unique
            })
        };
        let test = prop_oneof![
            Just(Test::Exists),
            Just(Test::Absent),
            values().prop_map(Test::In),
            values().prop_map(Test::NotIn),
            (0..i64::MAX).prop_map(Test::Above),
            (0..i64::MAX).prop_map(Test::Below),
        ];
        let key = "([a-z]{1,3}\\.[a-z]{1,3}/)?[A-Za-z]([-_.a-z]{0,3}[a-z])?|in|notin";
        prop::collection::vec((key, test).prop_map(|(key, test)| Condition { key, test }), 0..5)
    }

    /// It in words, with so many blanks wherever some may stand.
    fn written(conditions: &[Condition], blanks: usize, is_double: bool) -> String {
        let (gap, equal) = (" ".repeat(blanks), if is_double { "==" } else { "=" });
        let bracketed = |values: &[String]| format!("({gap}{})", values.join(&format!("{gap},{gap}")));
        let one = |Condition { key, test }: &Condition| match test {
            Test::Exists => key.clone(),
            Test::Absent => format!("!{gap}{key}"),
            Test::In(values) if values.len() == 1 => format!("{key}{gap}{equal}{gap}{}", values[0]),
            Test::NotIn(values) if values.len() == 1 => format!("{key}{gap}!={gap}{}", values[0]),
            Test::In(values) => format!("{key} {gap}in{gap}{}", bracketed(values)),
            Test::NotIn(values) => format!("{key} {gap}notin{gap}{}", bracketed(values)),
            Test::Above(bound) => format!("{key}{gap}>{gap}{bound}"),
            Test::Below(bound) => format!("{key}{gap}<{gap}{bound}"),
        };
        conditions.iter().map(one).collect::<Vec<_>>().join(&format!("{gap},{gap}"))
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn whatever_is_written_is_read(conditions in conditions(), blanks in 0_usize..3, is_double: bool) {
            prop_assert_eq!(parse(&written(&conditions, blanks, is_double)), Ok(conditions));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[a-c=!(),<> /.in]{0,20}|\\PC{0,20}") {
            let _ = parse(&text);
        }
    }
}
