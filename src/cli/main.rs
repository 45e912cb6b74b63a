//! `netreach`: checks NetReach files, runs their rounds on this machine, shows the reports.
//!
//! The composition root of the local run: the one place where the stages of the road meet in one process.

mod args;
mod ending;
mod input;
mod local;
mod show;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};
use netreach_agent::log_to_stderr;

use args::{Args, CheckArgs, Command, RunArgs};
use ending::{Ending, Trouble};

fn main() -> ExitCode {
    let args = Args::parse();
    log_to_stderr(args.verbose);
    match carry_out(args.command, args.verbose) {
        Ok(ending) => ending.code(),
        Err(trouble) => {
            trouble.tell();
            trouble.code()
        }
    }
}

fn carry_out(command: Command, verbose: u8) -> Result<Ending, Trouble> {
    match command {
        Command::Run(args) => run(&args, verbose),
        Command::Check(args) => check(&args),
        Command::Crd => show::print(&netreach_api::crd_yaml()),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Args::command(), "netreach", &mut script);
            show::print(&String::from_utf8_lossy(&script))
        }
        Command::Agent(args) => local::be_an_agent(args),
    }
}

fn run(args: &RunArgs, verbose: u8) -> Result<Ending, Trouble> {
    let source = args.source()?;
    if !args.local {
        return Err(Trouble::NoCluster);
    }
    let admitted = input::admit(&source)?;
    local::run(args, admitted, verbose)
}

fn check(args: &CheckArgs) -> Result<Ending, Trouble> {
    let source = args.source()?;
    let admitted = input::admit(&source)?;
    show::admitted(&source, &admitted, args.output)
}
