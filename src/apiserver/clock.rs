//! What time it is, as an argument.

use std::pin::Pin;
use std::time::Instant;

use async_io::Timer;

/// Tells the API the time, and lets it wait.
pub trait Clock: Send + Sync {
    /// For durations: never goes back.
    fn now(&self) -> Instant;
    /// Ends at that instant, at once if it is over.
    fn until(&self, at: Instant) -> Pin<Box<dyn Future<Output = ()> + Send>>;
}

/// The machine's own clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn until(&self, at: Instant) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(async move {
            Timer::at(at).await;
        })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use event_listener::Event;

    use super::*;

    /// A clock that goes on when it is told to. Clones are the same.
    #[derive(Clone)]
    pub(crate) struct Told(Arc<(Mutex<Instant>, Event)>);

    impl Told {
        pub(crate) fn new() -> Self {
            Self(Arc::new((Mutex::new(Instant::now()), Event::new())))
        }

        pub(crate) fn go_on(&self, by: Duration) {
            *self.0.0.lock().unwrap() += by;
            self.0.1.notify(usize::MAX);
        }
    }

    impl Clock for Told {
        fn now(&self) -> Instant {
            *self.0.0.lock().unwrap()
        }

        fn until(&self, at: Instant) -> Pin<Box<dyn Future<Output = ()> + Send>> {
            let clock = self.clone();
            Box::pin(async move {
                loop {
                    let went_on = clock.0.1.listen();
                    if clock.now() >= at {
                        return;
                    }
                    went_on.await;
                }
            })
        }
    }
}
