//! The program under test, as a process.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde_json::Value;

/// A call to be made.
#[derive(Debug)]
pub struct Program {
    command: Command,
    input: Option<String>,
    is_listening: bool,
}

/// A call under way; killed when dropped. What it says is taken from it at once, so that it never waits for us.
#[derive(Debug)]
pub struct Running {
    child: Child,
    stdin: Option<ChildStdin>,
    out: Option<JoinHandle<String>>,
    err: Receiver<String>,
    heard: String,
    began: Instant,
}

/// What came of a call.
#[derive(Debug)]
pub struct Finished {
    /// Exit code; -1 when a signal ended it.
    pub code: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
    /// Wall time.
    pub took: Duration,
}

impl Program {
    /// The program at this path.
    #[must_use]
    pub fn at(path: impl AsRef<Path>) -> Self {
        let mut command = Command::new(path.as_ref());
        command.current_dir(crate::root()).env_remove("NO_COLOR").env_remove("RUST_LOG");
        Self { command, input: None, is_listening: false }
    }

    /// Adds arguments, split at spaces.
    #[must_use]
    pub fn args(mut self, args: &str) -> Self {
        self.command.args(args.split_whitespace());
        self
    }

    /// Adds one argument as it is.
    #[must_use]
    pub fn arg(mut self, arg: impl AsRef<Path>) -> Self {
        self.command.arg(arg.as_ref());
        self
    }

    /// Sets a variable of its environment.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl AsRef<Path>) -> Self {
        self.command.env(name, value.as_ref());
        self
    }

    /// Gives it something to read.
    #[must_use]
    pub fn input(mut self, text: impl Into<String>) -> Self {
        self.input = Some(text.into());
        self
    }

    /// Lets it be told more while it runs, by [`Running::tell`].
    #[must_use]
    pub fn listening(mut self) -> Self {
        self.is_listening = true;
        self
    }

    /// Starts it.
    #[must_use]
    pub fn start(mut self) -> Running {
        let began = Instant::now();
        let is_told = self.input.is_some() || self.is_listening;
        let stdin = if is_told { Stdio::piped() } else { Stdio::null() };
        self.command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = self.command.spawn().expect("the program under test can be started");
        let mut stdin = child.stdin.take();
        if let (Some(stdin), Some(input)) = (&mut stdin, self.input) {
            // A program that refuses early may not read it all.
            let _ = stdin.write_all(input.as_bytes());
        }
        let stdin = stdin.filter(|_| self.is_listening);
        let mut stdout = child.stdout.take().expect("it was asked for");
        let out = thread::spawn(move || {
            let mut out = String::new();
            stdout.read_to_string(&mut out).expect("standard output is text");
            out
        });
        let (say, err) = channel();
        let mut stderr = BufReader::new(child.stderr.take().expect("it was asked for"));
        thread::spawn(move || {
            let mut line = String::new();
            while stderr.read_line(&mut line).expect("standard error is text") > 0 {
                // Nobody listens any more once the call was dropped.
                let _ = say.send(std::mem::take(&mut line));
            }
        });
        Running { child, stdin, out: Some(out), err, heard: String::new(), began }
    }

    /// Runs it to its end.
    #[must_use]
    pub fn run(self) -> Finished {
        self.start().finish()
    }
}

impl Running {
    /// Waits until standard error has another line with this text.
    ///
    /// # Panics
    /// When the program ends before.
    pub fn hear(&mut self, text: &str) {
        while let Ok(line) = self.err.recv() {
            self.heard.push_str(&line);
            if line.contains(text) {
                return;
            }
        }
        panic!("the program ended without saying {text:?}, only: {}", self.heard);
    }

    /// Writes a line to its standard input, which ends with [`Self::finish`].
    ///
    /// # Panics
    /// When it does not listen, or no more.
    pub fn tell(&mut self, line: &str) {
        let stdin = self.stdin.as_mut().expect("it was started as one that listens");
        writeln!(stdin, "{line}").expect("it reads what it is told");
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The ids of its child processes.
    #[must_use]
    pub fn children(&self) -> Vec<u32> {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.pid())).expect("it runs").flatten();
        let of_task = |task: PathBuf| fs::read_to_string(task.join("children")).unwrap_or_default();
        let ids = tasks.map(|task| of_task(task.path())).collect::<String>();
        ids.split_whitespace().map(|id| id.parse().expect("ids are numbers")).collect()
    }

    /// Sends a signal, by its name, to it or to one of its children.
    pub fn signal(&self, name: &str, pid: u32) {
        assert!(pid == self.pid() || self.children().contains(&pid), "{pid} is none of ours");
        let sent = Command::new("kill").args(["-s", name, &pid.to_string()]).status();
        assert!(sent.expect("kill is everywhere").success());
    }

    /// Waits for its end.
    #[must_use]
    pub fn finish(mut self) -> Finished {
        drop(self.stdin.take());
        self.heard.extend(self.err.iter());
        let status = self.child.wait().expect("a child can be waited for");
        let took = self.began.elapsed();
        let out = self.out.take().expect("only here").join().expect("reading does not panic");
        Finished { code: status.code().unwrap_or(-1), out, err: std::mem::take(&mut self.heard), took }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It has ended already where finish was called.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sees that a call has ended with this code, and that standard error has each of these words.
///
/// # Panics
/// When it has not.
#[track_caller]
pub fn ends(finished: &Finished, code: i32, words: &[&str]) {
    assert_eq!(finished.code, code, "{}\n{}", finished.out, finished.err);
    for word in words {
        assert!(finished.err.contains(word), "{word:?} is not in:\n{}", finished.err);
    }
}

impl Finished {
    /// Standard output as one JSON document.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}\n{}", self.out, self.err))
    }

    /// Standard output as one YAML document.
    #[must_use]
    pub fn yaml(&self) -> Value {
        serde_saphyr::from_str(&self.out)
            .unwrap_or_else(|error| panic!("{error}: {}\n{}", self.out, self.err))
    }
}
