//! Arguments → one validated configuration.

use std::net::SocketAddr;
use std::path::PathBuf;

use netreach_wire::AgentId;
use tide::http::Url;

/// An agent: answers the probes of others and probes what the desk assigns to it.
#[derive(Debug, Clone, clap::Parser)]
#[command(name = "netreach-agent", version)]
pub struct Args {
    /// The desk's URL, e.g. http://netreach-desk:8080
    #[arg(long)]
    desk: Url,
    /// File with the token that tells the desk who this agent is; read anew for every request
    #[arg(long, conflicts_with = "token")]
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
    /// Address to answer probes on; may be given several times, port 0 takes a free one
    #[arg(long = "listen", required = true)]
    listen: Vec<SocketAddr>,
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
    pub(crate) token: Token,
    pub(crate) me: AgentId,
    pub(crate) listen: Vec<SocketAddr>,
    pub(crate) until_stdin_closes: bool,
}

/// Where the token is.
#[derive(Clone)]
pub(crate) enum Token {
    File(PathBuf),
    Given(String),
}

/// Arguments that do not make a configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// Neither token nor file.
    #[error("no token for the desk (give --token-file, or NETREACH_TOKEN in the environment)")]
    NoToken,
    /// The desk's URL.
    #[error("desk {desk} cannot be reached by this build (only http:// with a host)")]
    Desk {
        /// As given.
        desk: Url,
    },
}

impl TryFrom<Args> for Config {
    type Error = ConfigError;

    fn try_from(args: Args) -> Result<Self, ConfigError> {
        let Args { desk, token_file, token, node, pod, listen, until_stdin_closes, verbose: _ } = args;
        if desk.scheme() != "http" || desk.host_str().is_none() {
            return Err(ConfigError::Desk { desk });
        }
        let token = match (token_file, token) {
            (Some(file), _) => Token::File(file),
            (None, Some(token)) => Token::Given(token),
            (None, None) => return Err(ConfigError::NoToken),
        };
        Ok(Self { desk, token, me: AgentId { node, pod }, listen, until_stdin_closes })
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
