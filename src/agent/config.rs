//! Arguments → one validated configuration.

use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use netreach_wire::AgentId;
use tide::http::Url;

/// An agent: answers the probes of others and probes what the desk assigns to it.
#[derive(Debug, Clone, clap::Parser)]
#[command(name = "netreach-agent", version)]
pub struct Args {
    /// The desk's URL, e.g. https://netreach-desk.netreach-system.svc
    #[arg(long)]
    desk: Url,
    /// File with the CA certificates that a desk at an https URL must show one of; read anew when it changes
    #[arg(long)]
    desk_ca: Option<PathBuf>,
    /// File with the token that tells the desk who this agent is; read anew for every request, and rather than --token
    #[arg(long)]
    token_file: Option<PathBuf>,
    /// The token itself
    #[arg(long, env = "NETREACH_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// This node's name
    #[arg(long, env = "NODE_NAME")]
    node: String,
    /// This pod's name
    #[arg(long, env = "POD_NAME")]
    pod: String,
    /// Address to answer probes on, with a port or a range of them, of which the first free one is taken; port 0 takes any
    #[arg(long = "listen", required_unless_present = "port", value_name = "IP:PORT[-PORT]")]
    listen: Vec<Listen>,
    /// Answer probes on this port of every address of either IP version that the kernel has
    #[arg(long, conflicts_with = "listen", value_parser = clap::value_parser!(u16).range(1..))]
    port: Option<u16>,
    /// How long an agent that is told to end goes on with the rounds it has, seconds
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u64).range(..=86_400))]
    finish_within: u64,
    /// End when standard input ends: a child does not outlive its parent
    #[arg(long, hide = true)]
    until_stdin_closes: bool,
    /// Say more: -v what happens, -vv every step
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

/// What an agent needs to know, proven to be there.
#[derive(Debug, Clone)]
pub struct Config {
    pub(crate) desk: Url,
    /// None where the desk's URL is http.
    pub(crate) desk_ca: Option<PathBuf>,
    pub(crate) token: Token,
    pub(crate) me: AgentId,
    pub(crate) listen: Listening,
    pub(crate) finish_within: Duration,
    pub(crate) until_stdin_closes: bool,
}

/// Where to answer probes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Listening {
    /// On these addresses.
    On(Vec<Listen>),
    /// On this port of all that there are.
    Everywhere(u16),
}

/// An address to answer probes on: with the first free port of the range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listen {
    pub(crate) ip: IpAddr,
    pub(crate) ports: RangeInclusive<u16>,
}

/// Where the token is.
#[derive(Clone)]
pub enum Token {
    /// In a file, read anew for each call.
    File(PathBuf),
    /// Here.
    Given(String),
}

/// Arguments that do not make a configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// Neither token nor file.
    #[error("no token for the desk (give --token-file, or NETREACH_TOKEN in the environment)")]
    NoToken,
    /// The desk's URL.
    #[error("cannot speak to a desk at {desk} (give http:// or https:// with a host)")]
    Desk {
        /// As given.
        desk: Url,
    },
    /// A desk that nobody vouches for.
    #[error("cannot trust a desk at {desk} (give --desk-ca with the certificates of its CA)")]
    NoCa {
        /// As given.
        desk: Url,
    },
}

impl TryFrom<Args> for Config {
    type Error = ConfigError;

    fn try_from(args: Args) -> Result<Self, ConfigError> {
        let Args {
            desk,
            desk_ca,
            token_file,
            token,
            node,
            pod,
            listen,
            port,
            finish_within,
            until_stdin_closes,
            verbose: _,
        } = args;
        let listen = port.map_or(Listening::On(listen), Listening::Everywhere);
        match desk.scheme() {
            "http" | "https" if desk.host_str().is_none() => return Err(ConfigError::Desk { desk }),
            "https" if desk_ca.is_none() => return Err(ConfigError::NoCa { desk }),
            "http" | "https" => {}
            _ => return Err(ConfigError::Desk { desk }),
        }
        let token = match (token_file, token) {
            (Some(file), _) => Token::File(file),
            (None, Some(token)) => Token::Given(token),
            (None, None) => return Err(ConfigError::NoToken),
        };
        let (me, finish_within) = (AgentId { node, pod }, Duration::from_secs(finish_within));
        Ok(Self { desk, desk_ca, token, me, listen, finish_within, until_stdin_closes })
    }
}

impl FromStr for Listen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // The last port of a range stands behind the address of the first.
        let (first, last) = match text.rsplit_once('-') {
            Some((first, last)) => (first, Some(last)),
            None => (text, None),
        };
        let first: SocketAddr = first.parse().map_err(|_| format!("{first:?} is no address with a port"))?;
        let last = match last {
            Some(last) => last.parse().map_err(|_| format!("{last:?} is no port"))?,
            None => first.port(),
        };
        if first.port() > last {
            return Err(format!("the range {}-{last} runs backwards", first.port()));
        }
        Ok(Self { ip: first.ip(), ports: first.port()..=last })
    }
}

impl Token {
    /// The token now: a projected file changes before it expires.
    pub(crate) fn read(&self) -> std::io::Result<String> {
        match self {
            Self::File(path) => std::fs::read_to_string(path).map(|token| token.trim().to_owned()),
            Self::Given(token) => Ok(token.clone()),
        }
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) => write!(f, "Token::File({})", path.display()),
            Self::Given(_) => f.write_str("Token::Given(…)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_may_have_one_port_or_a_range() {
        let listen = |text: &str| text.parse::<Listen>().map(|listen| (listen.ip.to_string(), listen.ports));
        assert_eq!(listen("127.0.0.1:0"), Ok(("127.0.0.1".to_owned(), 0..=0)));
        assert_eq!(listen("[::1]:80-90"), Ok(("::1".to_owned(), 80..=90)));
        for wrong in ["", "127.0.0.1", "127.0.0.1:2-1", "127.0.0.1:1-99999", "host:1"] {
            assert!(listen(wrong).is_err(), "{wrong}");
        }
    }
}
