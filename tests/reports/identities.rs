//! Who hears what: every kind of caller, at the aggregated server's own port and through the API server.

use std::path::Path;

use async_std::task::block_on;
use http::{HeaderName, HeaderValue, Request};
use k8s_openapi::ByteString;
use kube::client::Body;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use netreach_tests::Authority;
use serde_json::{Value, json};

use super::calls::GROUP;
use super::ground::Ground;
use super::shelf::Shelf;

/// A caller's name, then the code of every answer: in the order of [`ASKED`], and `cut` where the handshake already fails.
const TABLE: &str = "
                                       list get watch rounds round group version openapi healthz readyz create delete
    nobody                              401 401   401    401   401   401     401     401     200    200    401    401
    nobody, forging headers             401 401   401    401   401   401     401     401     200    200    401    401
    nobody, with a token                401 401   401    401   401   401     401     401     200    200    401    401
    an administrator                    cut cut   cut    cut   cut   cut     cut     cut     cut    cut    cut    cut
    a front proxy of another CA         cut cut   cut    cut   cut   cut     cut     cut     cut    cut    cut    cut
    another name of the CA              401 401   401    401   401   401     401     401     200    200    401    401
    the front proxy, for nobody         401 401   401    401   401   401     401     401     200    200    401    401
    the front proxy, for anonymous      403 403   403    403   403   200     200     200     200    200    405    405
    the front proxy, for a stranger     403 403   403    403   403   200     200     200     200    200    405    405
    the front proxy, for a viewer       200 200   200    200   200   200     200     200     200    200    405    405
    API server: anonymous               403 403   403    403   403   403     403     403     200    200    403    403
    API server: anonymous, forging      403 403   403    403   403   403     403     403     200    200    403    403
    API server: another CA's            401 401   401    401   401   401     401     401     401    401    401    401
    API server: a stranger              403 403   403    403   403   200     200     200     200    200    403    403
    API server: a stranger, forging     403 403   403    403   403   200     200     200     200    200    403    403
    API server: a viewer                200 200   200    200   200   200     200     200     200    200    403    403
    API server: a group beyond ASCII    200 200   200    200   200   200     200     200     200    200    403    403
    API server: a group of thousands    200 200   200    200   200   200     200     200     200    200    403    403
    API server: an administrator        200 200   200    200   200   200     200     200     200    200    405    405
";

/// What is asked for: the verb, the path, and as rights have it the resource and whether of one report. A path that begins with no slash
/// is one of the group's version.
const ASKED: [(&str, &str, &str, bool); 12] = [
    ("list", "kdoctorreports", "kdoctorreports", false),
    ("get", "kdoctorreports/netreach-alpha", "kdoctorreports", true),
    ("watch", "kdoctorreports?watch=true&timeoutSeconds=1", "kdoctorreports", false),
    ("get", "kdoctorreports/netreach-alpha/rounds", "kdoctorreports/rounds", true),
    ("get", "kdoctorreports/netreach-alpha/rounds/1", "kdoctorreports/rounds", true),
    ("get", "/apis/system.kdoctor.io", "", false),
    ("get", GROUP, "", false),
    ("get", "/openapi/v3/apis/system.kdoctor.io/v1beta1", "", false),
    ("get", "/healthz", "", false),
    ("get", "/readyz", "", false),
    ("create", "kdoctorreports", "kdoctorreports", false),
    ("delete", "kdoctorreports/netreach-alpha", "kdoctorreports", true),
];

/// What makes of anybody a viewer, if it is believed.
const FORGED: &[(&str, &str)] = &[("x-remote-user", "viewer"), ("x-remote-group", "system:masters")];

/// A group with the rights of a viewer.
const ODD_GROUP: &str = "fr\u{e8}res & s\u{153}urs";
/// Groups that somebody may be in: far more than anybody's head of a request has room for.
const GROUPS: usize = 3_000;

/// One who asks.
struct Caller {
    client: Client,
    headers: Vec<(&'static str, String)>,
    /// By which name they are refused.
    user: &'static str,
}

impl Caller {
    /// At this server, with a certificate and its key (PEM) to show.
    fn at(server: &str, ca: &str, shows: Option<(&str, &str)>) -> Self {
        let base64 = |text: &str| ByteString(text.into());
        let user = shows.map_or(json!({}), |(certificate, key)| {
            json!({"client-certificate-data": base64(certificate), "client-key-data": base64(key)})
        });
        let kubeconfig: Kubeconfig = serde_json::from_value(json!({
            "current-context": "one",
            "clusters": [{"name": "one", "cluster": {"server": server, "certificate-authority-data": base64(ca)}}],
            "users": [{"name": "one", "user": user}],
            "contexts": [{"name": "one", "context": {"cluster": "one", "user": "one"}}],
        }))
        .unwrap();
        let client = block_on(async {
            let options = KubeConfigOptions::default();
            Client::try_from(Config::from_custom_kubeconfig(kubeconfig, &options).await.unwrap()).unwrap()
        });
        Self { client, headers: Vec::new(), user: "system:anonymous" }
    }

    fn saying(mut self, headers: &[(&'static str, &str)]) -> Self {
        self.headers.extend(headers.iter().map(|(name, value)| (*name, (*value).to_owned())));
        self
    }

    fn refused_as(self, user: &'static str) -> Self {
        Self { user, ..self }
    }

    /// The answer's code and body; none when there is no answer at all.
    fn ask(&self, verb: &str, path: &str) -> Option<(u16, String)> {
        let (method, body) = match verb {
            "create" => ("POST", b"{}".to_vec()),
            "delete" => ("DELETE", Vec::new()),
            _ => ("GET", Vec::new()),
        };
        let mut request = Request::builder().method(method).uri(path).body(Body::from(body)).unwrap();
        for (name, value) in &self.headers {
            let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
            request.headers_mut().append(HeaderName::from_static(name), value);
        }
        block_on(async {
            let response = self.client.send(request).await.ok()?;
            let code = response.status().as_u16();
            let body = response.into_body().collect_bytes().await.unwrap();
            Some((code, String::from_utf8(body.to_vec()).unwrap()))
        })
    }
}

/// Who the table speaks of.
struct Callers<'a> {
    ground: &'a Ground,
    another_ca: Authority,
}

impl Callers<'_> {
    fn named(&self, name: &str) -> Caller {
        let user = |name: &str, headers: &[(&'static str, &str)]| {
            self.direct(Some(&self.of_plane("front-proxy")))
                .saying(&[("x-remote-user", name)])
                .saying(headers)
        };
        let another = || self.another_ca.sign_caller("front-proxy-client");
        match name {
            "nobody" => self.direct(None),
            "nobody, forging headers" => self.direct(None).saying(FORGED),
            "nobody, with a token" => {
                let token = self.ground.plane().agent_token("netreach-system", "netreach-manager", None);
                self.direct(None).saying(&[("authorization", &format!("Bearer {token}"))])
            }
            "an administrator" => self.direct(Some(&self.of_plane("admin"))).saying(FORGED),
            "a front proxy of another CA" => {
                let leaf = another();
                self.direct(Some(&(leaf.certificate, leaf.key))).saying(FORGED)
            }
            "another name of the CA" => {
                let key = self.read("front-proxy-ca.key");
                let leaf = Authority::with_key("netreach-test-front-proxy-ca", &key).sign_caller("kubelet");
                self.direct(Some(&(leaf.certificate, leaf.key))).saying(FORGED)
            }
            "the front proxy, for nobody" => self.direct(Some(&self.of_plane("front-proxy"))),
            "the front proxy, for anonymous" => {
                user("system:anonymous", &[("x-remote-group", "system:unauthenticated")])
            }
            "the front proxy, for a stranger" => user("stranger", &[]).refused_as("stranger"),
            "the front proxy, for a viewer" => user("viewer", &[]),
            "API server: anonymous" => self.through(None),
            "API server: anonymous, forging" => self.through(None).saying(FORGED),
            "API server: another CA's" => {
                let leaf = another();
                self.through(Some(&(leaf.certificate, leaf.key)))
            }
            "API server: a stranger" => self.through(Some(&self.of_user("stranger"))).refused_as("stranger"),
            "API server: a stranger, forging" => {
                self.through(Some(&self.of_user("stranger"))).saying(FORGED).refused_as("stranger")
            }
            "API server: a viewer" => self.through(Some(&self.of_user("viewer"))).refused_as("viewer"),
            "API server: a group beyond ASCII" => self.member(&[ODD_GROUP]),
            "API server: a group of thousands" => {
                let others: Vec<_> =
                    (0..GROUPS).map(|nth| format!("a-group-as-directories-have-them-{nth}")).collect();
                let groups: Vec<_> = others.iter().map(String::as_str).chain([ODD_GROUP]).collect();
                self.member(&groups)
            }
            "API server: an administrator" => self.through(Some(&self.of_plane("admin"))),
            _ => panic!("nobody is called {name:?}"),
        }
    }

    /// At the aggregated server's own port.
    fn direct(&self, shows: Option<&(String, String)>) -> Caller {
        let (address, ca) = self.ground.served_at();
        caller(&format!("https://{address}"), &ca, shows)
    }

    fn through(&self, shows: Option<&(String, String)>) -> Caller {
        caller(&format!("https://{}", self.ground.api_server()), &self.read("ca.crt"), shows)
    }

    /// Somebody without any right but those of the groups, by the word of an administrator.
    fn member(&self, groups: &[&str]) -> Caller {
        let groups: Vec<_> = groups.iter().map(|group| ("impersonate-group", *group)).collect();
        let member = self.through(Some(&self.of_plane("admin"))).saying(&[("impersonate-user", "member")]);
        member.saying(&groups).refused_as("member")
    }

    fn of_user(&self, name: &str) -> (String, String) {
        let beside = self.ground.plane().user_kubeconfig(name, &[]);
        let read = |extension| std::fs::read_to_string(beside.with_extension(extension)).unwrap();
        (read("crt"), read("key"))
    }

    fn of_plane(&self, name: &str) -> (String, String) {
        (self.read(format!("{name}.crt")), self.read(format!("{name}.key")))
    }

    fn read(&self, file: impl AsRef<Path>) -> String {
        std::fs::read_to_string(self.ground.plane().dir().join(file)).unwrap()
    }
}

fn caller(server: &str, ca: &str, shows: Option<&(String, String)>) -> Caller {
    Caller::at(server, ca, shows.map(|(certificate, key)| (certificate.as_str(), key.as_str())))
}

/// What a refusal with this code says, word for word.
fn refusal(code: &str, user: &str, (verb, path, resource, is_one): (&str, &str, &str, bool)) -> Value {
    let (reason, message, details) = match (code, resource) {
        ("401", _) => ("Unauthorized", "Unauthorized".to_owned(), None),
        ("405", _) => {
            let message = "the server does not allow this method on the requested resource";
            ("MethodNotAllowed", message.to_owned(), Some(json!({})))
        }
        ("403", "") => {
            ("Forbidden", format!("forbidden: User {user:?} cannot {verb} path {path:?}"), Some(json!({})))
        }
        ("403", _) => {
            let which = if is_one { " \"netreach-alpha\"" } else { "" };
            let message = format!(
                "kdoctorreports.system.kdoctor.io{which} is forbidden: User {user:?} cannot {verb} resource {resource:?} in API group \
                 \"system.kdoctor.io\" at the cluster scope"
            );
            let mut details = json!({"group": "system.kdoctor.io", "kind": "kdoctorreports"});
            if is_one {
                details["name"] = json!("netreach-alpha");
            }
            ("Forbidden", message, Some(details))
        }
        _ => panic!("nobody is refused by {code}"),
    };
    let mut status = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message, "reason": reason,
        "code": code.parse::<u16>().unwrap(),
    });
    if let Some(details) = details {
        status["details"] = details;
    }
    status
}

/// What differs from the table in an answer.
fn difference(caller: &Caller, asked: (&str, &str, &str, bool), code: &str) -> Option<String> {
    let (verb, path, resource, _) = asked;
    let path = if path.starts_with('/') { path.to_owned() } else { format!("{GROUP}/{path}") };
    let heard = caller.ask(verb, &path);
    let is_as_wanted = match (code, &heard) {
        ("cut", None) => true,
        ("200", Some((200, body))) => {
            !body.is_empty()
                && (resource.is_empty() || body.contains("netreach-alpha") || body.contains("RoundNumber"))
        }
        (_, Some((other, body))) if *code == other.to_string() => {
            serde_json::from_str::<Value>(body).is_ok_and(|body| body == refusal(code, caller.user, asked))
        }
        _ => false,
    };
    (!is_as_wanted).then(|| format!("{verb} {path}: {heard:?}, not {code}"))
}

#[test]
fn every_caller_hears_what_is_theirs_and_nobody_else_reads_a_report() {
    let shelf = Shelf::new();
    shelf.ground.user("viewer", Some("netreach-viewer"));
    let bind = "create clusterrolebinding odd --clusterrole=netreach-viewer --group";
    assert_eq!(shelf.ground.kubectl.call(bind).arg(ODD_GROUP).run().code, 0);
    let callers = Callers { ground: &shelf.ground, another_ca: Authority::new("netreach-test-another-ca") };
    let rows: Vec<_> = TABLE.lines().map(str::trim).filter(|line| !line.is_empty()).skip(1).collect();
    let mut differing = Vec::new();
    for row in &rows {
        let (name, codes) = row.split_once("  ").unwrap();
        let codes: Vec<_> = codes.split_whitespace().collect();
        assert_eq!(codes.len(), ASKED.len(), "{row}");
        let caller = callers.named(name);
        let different = ASKED.iter().zip(codes).filter_map(|(asked, code)| difference(&caller, *asked, code));
        differing.extend(different.map(|difference| format!("{name}: {difference}")));
    }
    assert!(differing.is_empty(), "{} answers differ:\n{}", differing.len(), differing.join("\n"));
    println!("reports: {} callers hear {} answers as they should", rows.len(), rows.len() * ASKED.len());
}
