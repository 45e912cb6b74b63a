//! `netreach`: checks NetReach files, runs their rounds on this machine or in a cluster, shows the reports.
//!
//! The composition root of the local run: the one place where the stages of the road meet in one process.

mod args;
mod cluster;
mod connect;
mod documents;
mod ending;
mod input;
mod interrupt;
mod local;
mod progress;
mod refusal;
mod report;
mod show;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};
use netreach_agent::log_to_stderr;

use args::{Args, CheckArgs, Command, RunArgs};
use ending::{Ending, Trouble};

fn main() -> ExitCode {
    let outcome = match agent_args() {
        Some(args) => {
            log_to_stderr(args.verbose);
            local::be_an_agent(args)
        }
        None => {
            let Args { verbose, command } = Args::parse();
            log_to_stderr(verbose);
            carry_out(command, verbose)
        }
    };
    match outcome {
        Ok(ending) => ending.code(),
        Err(trouble) => {
            trouble.tell();
            trouble.code()
        }
    }
}

/// The arguments of `netreach agent`, which a local run starts: no command for users, hence not one of [`Command`]s.
fn agent_args() -> Option<netreach_agent::Args> {
    let mut args = std::env::args_os();
    args.nth(1).filter(|word| word == local::AGENT_WORD)?;
    Some(netreach_agent::Args::parse_from(std::iter::once("netreach agent".into()).chain(args)))
}

fn carry_out(command: Command, verbose: u8) -> Result<Ending, Trouble> {
    match command {
        Command::Run(args) => run(&args, verbose),
        Command::Report(args) => report::run(&args, verbose),
        Command::Check(args) => check(&args),
        Command::Crd => show::print(&netreach_api::crd_yaml()),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Args::command(), "netreach", &mut script);
            show::print(&String::from_utf8_lossy(&script))
        }
    }
}

fn run(args: &RunArgs, verbose: u8) -> Result<Ending, Trouble> {
    if !args.local {
        return cluster::run(args);
    }
    let admitted = input::admit(args.file.source())?;
    local::run(args, admitted, verbose)
}

fn check(args: &CheckArgs) -> Result<Ending, Trouble> {
    let source = args.file.source();
    let admitted = input::admit(source)?;
    show::admitted(source, &admitted, args.output)
}
