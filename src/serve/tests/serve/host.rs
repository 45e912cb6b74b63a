//! A small app on a free port of loopback.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use async_channel::{Receiver, Sender, bounded};
use async_std::future::timeout;
use async_std::net::TcpListener;
use async_std::task::{JoinHandle, block_on, spawn};
use futures_lite::{AsyncBufRead, AsyncRead};
use netreach_serve::{Limits, PeerCertificate, RawHeaders, ServeError, Stop, Tls, bind, run, run_tls};
use tide::{Body, Request, Response, Server};

use crate::peer::PATIENCE;

/// The app, its switch, and a gate that `/wait` stands at.
pub(crate) struct Host {
    pub(crate) address: SocketAddr,
    pub(crate) stop: Stop,
    /// Says something when a request has come to the gate, and when the endless body has been dropped.
    pub(crate) heard: Receiver<&'static str>,
    gate: Sender<()>,
    served: JoinHandle<Result<(), ServeError>>,
}

impl Host {
    pub(crate) fn new(limits: Limits) -> Self {
        Self::serve(limits, |listener, app, limits, stop| spawn(run(listener, app, limits, stop)))
    }

    /// The same over TLS.
    pub(crate) fn behind(tls: &Tls, limits: Limits) -> Self {
        let tls = tls.clone();
        Self::serve(limits, |listener, app, limits, stop| spawn(run_tls(tls, listener, app, limits, stop)))
    }

    fn serve(
        limits: Limits,
        run: impl FnOnce(TcpListener, Server<()>, Limits, Stop) -> JoinHandle<Result<(), ServeError>>,
    ) -> Self {
        let (gate, entered) = bounded(1);
        let (tell, heard) = bounded(1_000);
        let listener = bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = listener.local_addr().unwrap();
        let stop = Stop::new();
        let served = run(listener, app(entered, tell), limits, stop.clone());
        Self { address, stop, heard, gate, served }
    }

    /// Lets everybody through who waits at the gate, now and later.
    pub(crate) fn open_gate(&self) {
        self.gate.close();
    }

    /// The next thing the app has to say.
    pub(crate) fn hear(&self) -> &'static str {
        block_on(timeout(PATIENCE, self.heard.recv())).expect("the app says something").unwrap()
    }

    /// Stops it and waits until it has ended.
    pub(crate) fn end(self) {
        self.stop.stop();
        block_on(self.served).unwrap();
    }
}

fn app(entered: Receiver<()>, tell: Sender<&'static str>) -> Server<()> {
    let mut app = tide::new();
    app.at("/ok").get(|_| async { Ok("ok") });
    app.at("/query").get(|req: Request<()>| async move { Ok(req.url().query().unwrap_or("").to_owned()) });
    app.at("/peer").get(|req: Request<()>| async move { Ok(req.peer_addr().unwrap_or("?").to_owned()) });
    app.at("/certificate").get(|req: Request<()>| async move {
        let shown: Option<&PeerCertificate> = req.ext();
        Ok(shown.map_or("none".to_owned(), |shown| {
            let (name, groups) = (shown.common_name().unwrap_or("nobody"), shown.organizations().join("+"));
            format!("{name} of {groups}, {} bytes", shown.der().len())
        }))
    });
    app.at("/odd").get(|req: Request<()>| async move {
        Ok(req.header("x-odd").map_or("none", |odd| odd.as_str()).to_owned())
    });
    app.at("/raw").get(|req: Request<()>| async move {
        let raw = req.ext::<RawHeaders>().map(|raw| {
            let odd = raw.iter().filter(|(name, _)| name.eq_ignore_ascii_case("x-odd"));
            odd.map(|(_, value)| String::from_utf8_lossy(value)).collect::<Vec<_>>().join("+")
        });
        Ok(raw.unwrap_or("none".to_owned()))
    });
    app.at("/headers").get(|req: Request<()>| async move {
        Ok(req.iter().map(|(_, values)| values.iter().count()).sum::<usize>().to_string())
    });
    app.at("/echo").post(|mut req: Request<()>| async move { req.body_string().await });
    app.at("/deaf").post(|_| async { Ok("deaf") });
    app.at("/bye")
        .get(|_| async { Ok(Response::builder(200).header("connection", "close").body("bye").build()) });
    app.at("/empty").get(|_| async { Ok(Response::new(204)) });
    app.at("/fail").get(|_| async { Err::<&str, _>(tide::Error::from_str(503, "not now")) });
    app.at("/chunks")
        .get(|_| async { Ok(Body::from_reader(futures_lite::io::Cursor::new(b"in chunks".to_vec()), None)) });
    app.at("/long").get(|_| async { Ok("x".repeat(1 << 20)) });
    let told = tell.clone();
    app.at("/endless").get(move |_| {
        let body = Endless { tell: told.clone() };
        async { Ok(Body::from_reader(body, None)) }
    });
    let told = tell.clone();
    app.at("/silent").get(move |_| {
        let body = Silent { tell: told.clone() };
        async { Ok(Body::from_reader(body, None)) }
    });
    app.at("/wait").get(move |_| {
        let (entered, tell) = (entered.clone(), tell.clone());
        async move {
            tell.send("waits").await?;
            let _ = entered.recv().await;
            Ok("through")
        }
    });
    app
}

/// A body that never ends, and tells when somebody has ended it.
struct Endless {
    tell: Sender<&'static str>,
}

impl AsyncRead for Endless {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        buffer.fill(b'x');
        Poll::Ready(Ok(buffer.len()))
    }
}

impl AsyncBufRead for Endless {
    fn poll_fill_buf(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        Poll::Ready(Ok(&[b'x'; 4_096]))
    }

    fn consume(self: Pin<&mut Self>, _: usize) {}
}

impl Drop for Endless {
    fn drop(&mut self) {
        let _ = self.tell.try_send("dropped");
    }
}

/// A body of which nothing comes; tells when it is awaited, and when somebody has ended it.
struct Silent {
    tell: Sender<&'static str>,
}

impl AsyncRead for Silent {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut [u8]) -> Poll<io::Result<usize>> {
        Poll::Pending
    }
}

impl AsyncBufRead for Silent {
    fn poll_fill_buf(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let _ = self.tell.try_send("awaited");
        Poll::Pending
    }

    fn consume(self: Pin<&mut Self>, _: usize) {}
}

impl Drop for Silent {
    fn drop(&mut self) {
        let _ = self.tell.try_send("dropped");
    }
}
