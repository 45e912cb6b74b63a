//! A server on loopback, and the kubeconfig that leads to it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use async_std::task::spawn;
use netreach_serve::{Limits, Stop, bind, run};
use serde_json::{Value, json as object};
use tempfile::TempDir;
use tide::http::{Body, mime};
use tide::{Request, Response};

/// Where reports are.
pub(crate) const REPORTS: &str = "/apis/system.kdoctor.io/v1beta1/kdoctorreports";
/// Where the rounds of the NetReach `task` are.
pub(crate) const ROUNDS: &str = "/apis/system.kdoctor.io/v1beta1/kdoctorreports/netreach-task/rounds";

/// A server that answers as the test says; ended when dropped.
pub(crate) struct Api {
    asked: Asked,
    dir: TempDir,
    stop: Stop,
}

type Asked = Arc<Mutex<Vec<String>>>;

impl Api {
    /// `answer` gets path and query of each request.
    pub(crate) fn start(answer: impl Fn(&str) -> Response + Send + Sync + 'static) -> Self {
        let (asked, answer) = (Asked::default(), Arc::new(answer));
        let mut app = tide::new();
        let of_app = Arc::clone(&asked);
        app.at("/*").get(move |request: Request<()>| {
            let (asked, answer) = (Arc::clone(&of_app), Arc::clone(&answer));
            async move {
                let url = request.url();
                let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
                let path = format!("{}{query}", url.path());
                let response = answer(&path);
                asked.lock().unwrap().push(path);
                Ok(response)
            }
        });
        let (listener, stop) = (bind(([127, 0, 0, 1], 0).into()).unwrap(), Stop::new());
        let server = format!("http://{}", listener.local_addr().unwrap());
        spawn(run(listener, app, Limits::default(), stop.clone()));
        let dir = tempfile::tempdir().unwrap();
        kubeconfig(dir.path(), &server);
        Self { asked, dir, stop }
    }

    /// What leads to it.
    pub(crate) fn kubeconfig(&self) -> PathBuf {
        self.dir.path().join("kubeconfig")
    }

    /// What it was asked for since the last time.
    pub(crate) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        self.stop.stop();
    }
}

/// Writes one that leads to this server.
pub(crate) fn kubeconfig(dir: &Path, server: &str) -> PathBuf {
    let config = object!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "here", "cluster": {"server": server}}],
        "users": [{"name": "me", "user": {}}],
        "contexts": [{"name": "here", "context": {"cluster": "here", "user": "me"}}],
        "current-context": "here",
    });
    let path = dir.join("kubeconfig");
    fs::write(&path, config.to_string()).unwrap();
    path
}

/// An answer in JSON.
pub(crate) fn json(code: u16, value: &Value) -> Response {
    Response::builder(code).content_type(mime::JSON).body(Body::from_string(value.to_string())).build()
}

/// A refusal as API servers say it, about what has this name.
pub(crate) fn refused(code: u16, reason: &str, message: &str, name: &str) -> Response {
    let details = if name.is_empty() { object!({}) } else { object!({"name": name}) };
    let status = object!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message,
        "reason": reason, "details": details, "code": code,
    });
    json(code, &status)
}
