//! The two questions a kubelet asks.

use http_types::StatusCode;
use tide::{Response, Server};

/// Adds `/healthz` (the process answers) and `/readyz` (`ready` says that it may be sent work, else 503).
pub fn add_health<S>(app: &mut Server<S>, ready: impl Fn() -> bool + Send + Sync + Clone + 'static)
where
    S: Clone + Send + Sync + 'static,
{
    app.at("/healthz").get(|_| async { Ok("ok\n") });
    app.at("/readyz").get(move |_| {
        let ready = ready();
        async move {
            Ok(if ready {
                Response::from("ok\n")
            } else {
                Response::builder(StatusCode::ServiceUnavailable).body("not ready\n").build()
            })
        }
    });
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use futures_lite::future::block_on;
    use http_types::{Method, Request, Response, Url};

    use super::*;

    fn status(app: &Server<()>, path: &str) -> StatusCode {
        let url = Url::parse("http://localhost").unwrap().join(path).unwrap();
        block_on(app.respond::<_, Response>(Request::new(Method::Get, url))).unwrap().status()
    }

    #[test]
    fn readiness_follows_the_app_and_health_does_not() {
        let ready = Arc::new(AtomicBool::new(false));
        let mut app = tide::new();
        let asked = Arc::clone(&ready);
        add_health(&mut app, move || asked.load(Ordering::Relaxed));
        assert_eq!(status(&app, "/healthz"), 200);
        assert_eq!(status(&app, "/readyz"), 503);
        ready.store(true, Ordering::Relaxed);
        assert_eq!(status(&app, "/readyz"), 200);
    }
}
