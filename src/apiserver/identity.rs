//! Who is asking. The API server says so in headers, and only its own certificate makes them true. Pure.

use std::collections::BTreeMap;

use netreach_serve::RawHeaders;
use tide::http::Request;

/// What the cluster says of the front proxy: ConfigMap `extension-apiserver-authentication` in kube-system.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FrontProxy {
    /// Common names its certificate may have; any when there is none.
    pub allowed_names: Vec<String>,
    /// Headers with the user's name: the first that has a value counts.
    pub username_headers: Vec<String>,
    /// Headers with the user's uid: the first that has a value counts.
    pub uid_headers: Vec<String>,
    /// Headers with groups: all values of all of them count.
    pub group_headers: Vec<String>,
    /// How headers begin that say more of the user; the rest of the header's name is what it is about.
    pub extra_prefixes: Vec<String>,
}

/// A user, as an API server has authenticated them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Caller {
    /// Their name.
    pub user: String,
    /// Their uid; often empty.
    pub uid: String,
    /// Their groups.
    pub groups: Vec<String>,
    /// What else is known of them.
    pub extra: BTreeMap<String, Vec<String>>,
}

/// A certificate that the TLS server has verified against the front proxy's CA.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Vouched<'a> {
    pub(crate) common_name: Option<&'a str>,
}

/// Why somebody is not believed. For the log: they themselves hear no more than that they are not.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum Stranger {
    #[error("it is not known yet whom to believe")]
    NobodyBelieved,
    #[error("showed no certificate by the front proxy's CA")]
    NoCertificate,
    #[error("the certificate's common name is {0:?}, which is not among the front proxy's")]
    OtherName(String),
    #[error("no header says who the user is")]
    NoUser,
    #[error("header {0} of the user is not in UTF-8")]
    NotUtf8(String),
}

const ANONYMOUS: &str = "system:anonymous";
const AUTHENTICATED: &str = "system:authenticated";
const UNAUTHENTICATED: &str = "system:unauthenticated";

/// Headers as they came, a line each.
pub(crate) struct Lines<'a>(Vec<(&'a str, &'a [u8])>);

impl<'a> Lines<'a> {
    pub(crate) fn of(request: &'a Request) -> Self {
        Self(match request.ext().get::<RawHeaders>() {
            Some(raw) => raw.iter().collect(),
            None => {
                let all =
                    request.iter().flat_map(|(name, values)| values.iter().map(move |value| (name, value)));
                all.map(|(name, value)| (name.as_str(), value.as_str().as_bytes())).collect()
            }
        })
    }

    /// What a header says, without what says nothing.
    fn values(&self, name: &str) -> impl Iterator<Item = Result<&'a str, Stranger>> {
        let name = name.trim();
        let of_name = self.0.iter().filter(move |(other, _)| other.eq_ignore_ascii_case(name));
        of_name.filter(|(_, value)| !value.is_empty()).map(|(name, value)| text(name, value))
    }

    /// The first that has something to say.
    fn first(&self, names: &[String]) -> Result<Option<&'a str>, Stranger> {
        names.iter().find_map(|name| self.values(name).next()).transpose()
    }
}

/// The user whom the caller speaks for, if it may speak for users.
pub(crate) fn identify(
    vouched: Option<Vouched<'_>>,
    headers: &Lines<'_>,
    front_proxy: Option<&FrontProxy>,
) -> Result<Caller, Stranger> {
    let front_proxy = front_proxy.ok_or(Stranger::NobodyBelieved)?;
    let common_name = vouched.ok_or(Stranger::NoCertificate)?.common_name.unwrap_or_default();
    let allowed = &front_proxy.allowed_names;
    if !allowed.is_empty() && !allowed.iter().any(|name| name == common_name) {
        return Err(Stranger::OtherName(common_name.to_owned()));
    }
    let user = headers.first(&front_proxy.username_headers)?.ok_or(Stranger::NoUser)?;
    let uid = headers.first(&front_proxy.uid_headers)?.unwrap_or_default();
    let groups = front_proxy.group_headers.iter().flat_map(|name| headers.values(name));
    let caller = Caller {
        user: user.to_owned(),
        uid: uid.to_owned(),
        groups: groups.map(|group| group.map(str::to_owned)).collect::<Result<_, _>>()?,
        extra: extra(headers, &front_proxy.extra_prefixes)?,
    };
    Ok(caller.grouped())
}

fn extra(headers: &Lines<'_>, prefixes: &[String]) -> Result<BTreeMap<String, Vec<String>>, Stranger> {
    let mut extra: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for prefix in prefixes.iter().map(|prefix| prefix.trim()) {
        for (name, value) in &headers.0 {
            let Some((begin, key)) = name.split_at_checked(prefix.len()) else { continue };
            if begin.eq_ignore_ascii_case(prefix) {
                let value = text(name, value)?.to_owned();
                extra.entry(unescape(&key.to_ascii_lowercase())).or_default().push(value);
            }
        }
    }
    Ok(extra)
}

/// What an API server knows of its users is text, and it sends it as it is.
fn text<'a>(name: &str, value: &'a [u8]) -> Result<&'a str, Stranger> {
    std::str::from_utf8(value).map_err(|_| Stranger::NotUtf8(name.to_owned()))
}

/// Undoes %-escapes: an API server escapes what no header's name can hold. What is escaped badly stays as it is.
fn unescape(key: &str) -> String {
    let mut bytes = Vec::with_capacity(key.len());
    let mut rest = key.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let digits = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        let Some(byte) = digits
            .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
            .and_then(|digits| u8::from_str_radix(digits, 16).ok())
        else {
            return key.to_owned();
        };
        bytes.push(byte);
        rest = &after[2..];
    }
    String::from_utf8(bytes).unwrap_or_else(|_| key.to_owned())
}

impl Caller {
    /// With the group of everybody who is known, as any API server would have it: the aggregator's own user comes without.
    fn grouped(mut self) -> Self {
        let is_told = self.groups.iter().any(|group| group == AUTHENTICATED || group == UNAUTHENTICATED);
        if self.user != ANONYMOUS && !is_told {
            self.groups.push(AUTHENTICATED.to_owned());
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use tide::http::{Method, Request};

    use super::*;

    fn front_proxy(allowed_names: &[&str]) -> FrontProxy {
        let all = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        FrontProxy {
            allowed_names: all(allowed_names),
            username_headers: all(&["X-Remote-User", "X-Other-User"]),
            uid_headers: all(&["X-Remote-Uid"]),
            group_headers: all(&["X-Remote-Group", " X-Other-Group"]),
            extra_prefixes: all(&["X-Remote-Extra-"]),
        }
    }

    fn asked(
        common_name: Option<Option<&str>>,
        headers: &[(&str, &str)],
        front_proxy: Option<&FrontProxy>,
    ) -> Result<Caller, Stranger> {
        let mut request = Request::new(Method::Get, "http://localhost/");
        for (name, value) in headers {
            request.append_header(*name, *value);
        }
        identify(common_name.map(|common_name| Vouched { common_name }), &Lines::of(&request), front_proxy)
    }

    #[test]
    fn headers_count_only_with_the_front_proxys_certificate() {
        let alice = [("X-Remote-User", "alice")];
        let named = front_proxy(&["aggregator", "front-proxy"]);
        let user =
            |common_name, front_proxy| asked(common_name, &alice, front_proxy).map(|caller| caller.user);
        assert_eq!(user(Some(Some("front-proxy")), Some(&named)), Ok("alice".to_owned()));
        assert_eq!(user(None, Some(&named)), Err(Stranger::NoCertificate));
        assert_eq!(user(Some(Some("front-proxy")), None), Err(Stranger::NobodyBelieved));
        assert_eq!(user(None, None), Err(Stranger::NobodyBelieved));
        for other in ["kubelet", "", "Front-Proxy", "front-proxy "] {
            let refused = user(Some(Some(other)), Some(&named));
            assert_eq!(refused, Err(Stranger::OtherName(other.to_owned())));
        }
        assert_eq!(user(Some(None), Some(&named)), Err(Stranger::OtherName(String::new())));
        let any = front_proxy(&[]);
        assert_eq!(user(Some(None), Some(&any)), Ok("alice".to_owned()));
        assert_eq!(user(Some(Some("kubelet")), Some(&any)), Ok("alice".to_owned()));
        assert_eq!(user(None, Some(&any)), Err(Stranger::NoCertificate));
    }

    #[test]
    fn a_user_is_what_the_headers_say() {
        let known = front_proxy(&[]);
        let caller = |headers: &[(&str, &str)]| asked(Some(None), headers, Some(&known));
        let alice = caller(&[
            ("x-other-user", "bob"),
            ("X-REMOTE-USER", "alice"),
            ("X-Remote-User", "carol"),
            ("X-Remote-Uid", "7"),
            ("X-Remote-Group", "readers"),
            ("X-Remote-Group", ""),
            ("X-Remote-Group", "writers"),
            ("X-Other-Group", "system:authenticated"),
            ("X-Remote-Extra-Scopes", "a"),
            ("X-Remote-Extra-Scopes", "b"),
            ("X-Remote-Extra-Example.com%2fPod", "c"),
            ("X-Remote-Extra-bad%2", "d"),
        ])
        .unwrap();
        let extra = [("bad%2", &["d"][..]), ("example.com/pod", &["c"]), ("scopes", &["a", "b"])];
        let extra =
            extra.map(|(key, values)| (key.to_owned(), values.iter().map(ToString::to_string).collect()));
        assert_eq!(
            alice,
            Caller {
                user: "alice".to_owned(),
                uid: "7".to_owned(),
                groups: ["readers", "writers", "system:authenticated"].map(str::to_owned).to_vec(),
                extra: extra.into_iter().collect(),
            }
        );
        assert_eq!(caller(&[("X-Remote-User", ""), ("X-Other-User", "bob")]).unwrap().user, "bob");
        assert_eq!(caller(&[("X-Remote-Group", "system:masters")]), Err(Stranger::NoUser));
        assert_eq!(caller(&[]), Err(Stranger::NoUser));
    }

    #[test]
    fn whoever_is_known_is_in_the_group_of_those() {
        let known = front_proxy(&[]);
        let groups = |user: &str, group: &str| {
            let headers = [("X-Remote-User", user), ("X-Remote-Group", group)];
            asked(Some(None), &headers, Some(&known)).unwrap().groups
        };
        assert_eq!(groups("system:aggregator", ""), [AUTHENTICATED]);
        assert_eq!(groups("alice", "readers"), ["readers", AUTHENTICATED]);
        assert_eq!(groups("alice", AUTHENTICATED), [AUTHENTICATED]);
        assert_eq!(groups(ANONYMOUS, UNAUTHENTICATED), [UNAUTHENTICATED]);
        assert!(groups(ANONYMOUS, "").is_empty());
    }

    #[test]
    fn a_name_may_hold_any_character() {
        let known = front_proxy(&[]);
        let lines = |value: &'static [u8]| {
            let name = ("x-remote-user", "jos\u{e9}?".as_bytes());
            Lines(vec![name, ("X-Remote-Group", value), ("x-remote-extra-a%2f%c3%a9", value)])
        };
        let vouched = Some(Vouched { common_name: None });
        let caller = identify(vouched, &lines("fr\u{e8}res".as_bytes()), Some(&known)).unwrap();
        assert_eq!((caller.user.as_str(), caller.groups[0].as_str()), ("jos\u{e9}?", "fr\u{e8}res"));
        assert_eq!(caller.extra["a/\u{e9}"], ["fr\u{e8}res"]);
        // Two that differ would otherwise have one name.
        let refused = identify(vouched, &lines(b"fr\xe8res"), Some(&known));
        assert_eq!(refused, Err(Stranger::NotUtf8("X-Remote-Group".to_owned())));
    }

    #[test]
    fn escapes_are_undone_or_left() {
        for (key, expected) in
            [("a%2fb", "a/b"), ("%61", "a"), ("a%", "a%"), ("%+1", "%+1"), ("%ff", "%ff"), ("", "")]
        {
            assert_eq!(unescape(key), expected, "{key}");
        }
    }
}
