//! A label selector → its words. Pure.

use std::fmt;

/// One word of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Word<'a> {
    /// A key or a value; `in` and `notin` are words of this kind, too, and mean what their place says.
    Name(&'a str),
    Open,
    Close,
    Comma,
    Not,
    Equal,
    NotEqual,
    Above,
    Below,
    End,
}

/// The words of a text, and after the last one the end, as often as somebody asks.
pub(super) struct Words<'a> {
    rest: &'a str,
}

impl<'a> Words<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { rest: text }
    }

    /// Takes the next one.
    pub(super) fn take(&mut self) -> Word<'a> {
        let (word, rest) = split(self.rest);
        self.rest = rest;
        word
    }

    /// Shows the next one.
    pub(super) fn peek(&self) -> Word<'a> {
        split(self.rest).0
    }
}

/// The first word, and what is after it.
fn split(text: &str) -> (Word<'_>, &str) {
    const SIGNS: [(&str, Word<'_>); 9] = [
        // The longer ones first.
        ("==", Word::Equal),
        ("!=", Word::NotEqual),
        ("=", Word::Equal),
        ("!", Word::Not),
        ("(", Word::Open),
        (")", Word::Close),
        (",", Word::Comma),
        (">", Word::Above),
        ("<", Word::Below),
    ];
    let text = text.trim_start_matches(is_blank);
    if text.is_empty() {
        return (Word::End, text);
    }
    for (sign, word) in SIGNS {
        if let Some(rest) = text.strip_prefix(sign) {
            return (word, rest);
        }
    }
    let end = text.find(|char: char| is_blank(char) || "=!(),<>".contains(char)).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    (Word::Name(name), rest)
}

fn is_blank(char: char) -> bool {
    matches!(char, ' ' | '\t' | '\r' | '\n')
}

impl fmt::Display for Word<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Name(name) => return write!(f, "{name:?}"),
            Self::Open => "\"(\"",
            Self::Close => "\")\"",
            Self::Comma => "\",\"",
            Self::Not => "\"!\"",
            Self::Equal => "\"=\"",
            Self::NotEqual => "\"!=\"",
            Self::Above => "\">\"",
            Self::Below => "\"<\"",
            Self::End => "the end",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_falls_into_words() {
        let words = |text: &str| {
            let mut words = Words::new(text);
            let mut told = Vec::new();
            loop {
                assert_eq!(words.peek(), words.peek());
                match words.take() {
                    Word::End => return told.join(" "),
                    word => told.push(word.to_string().replace('"', "")),
                }
            }
        };
        assert_eq!(words("a==b, c!=d"), "a = b , c != d");
        assert_eq!(words(" x in(a,,b) \n"), "x in ( a , , b )");
        assert_eq!(words("!x,y>1,z<2"), "! x , y > 1 , z < 2");
        assert_eq!(words("a=!b"), "a = ! b");
        assert_eq!(words(""), "");
    }
}
