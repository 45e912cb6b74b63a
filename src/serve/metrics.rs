//! Counts as a page for Prometheus (OpenMetrics text).

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::TypedMetric;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;
use tide::{Response, Server};

use crate::Tls;
use crate::meter::Handshake;
use crate::phase::Phase;

const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Adds `/metrics`, which shows what the registry holds.
pub fn add_metrics<S>(app: &mut Server<S>, registry: Registry)
where
    S: Clone + Send + Sync + 'static,
{
    let registry = Arc::new(registry);
    app.at("/metrics").get(move |_| {
        let mut page = String::new();
        let encoded = encode(&mut page, &registry);
        async move {
            encoded?;
            Ok(Response::builder(200).content_type(MEDIA_TYPE).body(page).build())
        }
    });
}

/// Registers what has come of the connections of these servers, each under its name.
pub fn register_servers(registry: &mut Registry, servers: impl IntoIterator<Item = (&'static str, Tls)>) {
    registry.register_collector(Box::new(Servers(servers.into_iter().collect())));
}

/// All servers of a process at once, for a family of metrics may be described only once.
#[derive(Debug)]
struct Servers(Vec<(&'static str, Tls)>);

/// What tells a value from its siblings, and the value.
type Line<M> = (Vec<(&'static str, String)>, M);

impl Collector for Servers {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let to = &mut encoder;
        self.family(to, "netreach_serve_connections", "Connections by what they are doing", |tls| {
            let (phases, _) = tls.meter().connections();
            Phase::ALL
                .into_iter()
                .zip(phases)
                .map(|(phase, count)| (by("phase", phase), ConstGauge::new(count)))
                .collect()
        })?;
        self.family(to, "netreach_serve_connections_max", "Connections there may be", |tls| {
            vec![(vec![], ConstGauge::new(tls.meter().connections().1))]
        })?;
        self.family(to, "netreach_serve_connections_cut", "Connections ended for want of room", |tls| {
            let meter = tls.meter();
            vec![
                (by("bound", "all"), ConstCounter::new(meter.made_room.get())),
                (by("bound", "peer"), ConstCounter::new(meter.over_peer_bound.get())),
                (by("bound", "memory"), ConstCounter::new(meter.shed.get())),
            ]
        })?;
        self.family(to, "netreach_serve_handshakes", "TLS handshakes by how they ended", |tls| {
            let ends = tls.meter().handshakes();
            ends.map(|(end, count)| (by("end", end), ConstCounter::new(count))).collect()
        })?;
        self.family(to, "netreach_serve_answers", "Answers by status code, refusals included", |tls| {
            let answers = tls.meter().answers();
            answers.map(|(code, count)| (by("code", code), ConstCounter::new(count))).collect()
        })?;
        self.family(to, "netreach_serve_certificate", "The certificate that is shown", |tls| {
            vec![(vec![], Info::new(vec![("sha256", tls.fingerprint())]))]
        })?;
        let not_after = "netreach_serve_certificate_not_after_timestamp_seconds";
        self.family(to, not_after, "Until when the certificate that is shown is valid", |tls| {
            vec![(vec![], ConstGauge::new(tls.not_after_s()))]
        })?;
        let failures = "netreach_serve_certificate_reload_failures";
        self.family(to, failures, "Certificates and CA bundles that were of no use", |tls| {
            vec![(vec![], ConstCounter::new(tls.meter().reload_failures.get()))]
        })
    }
}

impl Servers {
    fn family<M: EncodeMetric + TypedMetric>(
        &self,
        encoder: &mut DescriptorEncoder<'_>,
        name: &str,
        help: &str,
        lines: impl Fn(&Tls) -> Vec<Line<M>>,
    ) -> fmt::Result {
        let mut family = encoder.encode_descriptor(name, help, None, M::TYPE)?;
        for (server, tls) in &self.0 {
            for (labels, value) in lines(tls) {
                value.encode(family.encode_family(&([("server", *server)], labels))?)?;
            }
        }
        Ok(())
    }
}

fn by(label: &'static str, value: impl fmt::Display) -> Vec<(&'static str, String)> {
    vec![(label, value.to_string())]
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Waiting => "waiting",
            Self::Handshake => "handshake",
            Self::Head => "head",
            Self::Body => "body",
            Self::Answering => "answering",
            Self::Writing => "writing",
            Self::Lingering => "lingering",
        })
    }
}

impl fmt::Display for Handshake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Done => "done",
            Self::Left => "left",
            Self::Late => "late",
            Self::Garbage => "garbage",
            Self::Incompatible => "incompatible",
            Self::Certificate => "certificate",
            Self::Refused => "refused",
            Self::Other => "other",
        })
    }
}
