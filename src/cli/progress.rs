//! How far a round is: a bar on a terminal, plain lines elsewhere. Goes to standard error.

use std::time::{Duration, Instant};

use crate::ending::tell;
use async_io::Timer;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How often the bar moves.
const REDRAW_EVERY: Duration = Duration::from_millis(100);

/// Tells how far a round is.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
}

impl Progress {
    /// Finds out where standard error leads.
    pub(crate) fn new() -> Self {
        let target = ProgressDrawTarget::stderr();
        let bar = (!target.is_hidden()).then(|| {
            let style = ProgressStyle::with_template("{prefix} [{bar:30}] {percent:>3} % {msg}")
                .expect("a template of known keys");
            ProgressBar::with_draw_target(Some(1), target).with_style(style.progress_chars("=> "))
        });
        Self { bar }
    }

    /// A line that stays.
    pub(crate) fn say(&self, line: &str) {
        self.aside(|| tell(line));
    }

    /// Takes the bar away while something else is written.
    pub(crate) fn aside<T>(&self, write: impl FnOnce() -> T) -> T {
        match &self.bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }

    /// What is being done now: shown on the bar only.
    pub(crate) fn note(&self, round: &str, doing: String) {
        if let Some(bar) = &self.bar {
            bar.set_prefix(round.to_owned());
            bar.set_message(doing);
        }
    }

    /// Moves the bar over the span that begins at the instant, for ever; without one there is nothing to show.
    pub(crate) async fn follow(&self, span: Option<(Instant, Duration)>) {
        let (Some(bar), Some((start, span))) = (&self.bar, span) else { return std::future::pending().await };
        bar.set_length(u64::try_from(span.as_millis()).unwrap_or(u64::MAX).max(1));
        loop {
            let gone = start.elapsed().min(span);
            bar.set_position(u64::try_from(gone.as_millis()).unwrap_or(u64::MAX));
            Timer::after(REDRAW_EVERY).await;
        }
    }

    /// Takes the bar away for good.
    pub(crate) fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
