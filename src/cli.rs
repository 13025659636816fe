//! The command line: one file per command, each a struct of arguments and a function.
//!
//! Help texts are the doc comments below. What a command finds goes to standard output, what it says
//! about itself to standard error; exit codes are in [`exit`].

pub mod exit;
pub mod load;
pub mod output;
pub mod session;

mod adopt;
mod apply;
mod approve;
mod audit;
mod ci;
mod codeowners;
mod completions;
mod controller;
mod delete;
mod diff;
mod docs;
mod doctor;
mod explain;
mod fmt;
mod history;
mod hold;
mod home;
mod images;
mod import;
mod install;
mod new;
mod plan;
mod promote;
mod propose;
mod render;
mod rollback;
mod schema;
mod show;
mod status;
mod syncs;
mod test;
mod traced;
mod validate;
mod worker;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub use self::exit::{Exit, Failure};
use crate::adapters::sync::Ask;

/// Describes a whole platform in KDL files in Git, plans, applies, and keeps it that way.
#[derive(Debug, Parser)]
#[command(
    name = "kubemate",
    version,
    max_term_width = 100,
    disable_help_subcommand = true
)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Validate(validate::Arguments),
    Fmt(fmt::Arguments),
    Test(test::Arguments),
    Explain(explain::Arguments),
    New(new::Arguments),
    Show(show::Arguments),
    Render(render::Arguments),
    Images(images::Arguments),
    Import(import::Arguments),
    Plan(plan::Arguments),
    Apply(apply::Arguments),
    Adopt(adopt::Arguments),
    Ci(ci::Arguments),
    Status(status::Arguments),
    Diff(diff::Arguments),
    Delete(delete::Arguments),
    Install(install::Arguments),
    Doctor(doctor::Arguments),
    Controller(controller::Arguments),
    Syncs(syncs::Arguments),
    /// Say what of a Sync is not ready, since when, and whose turn it is
    Why(syncs::One),
    /// Stop a Sync without forgetting anything
    Suspend(syncs::One),
    /// Let a suspended Sync go on
    Resume(syncs::One),
    /// Look at a Sync now instead of when its interval ends
    Reconcile(syncs::One),
    Promote(promote::Arguments),
    Rollback(rollback::Arguments),
    History(history::Arguments),
    Approve(approve::Arguments),
    Hold(hold::Arguments),
    Holds(hold::List),
    Audit(audit::Arguments),
    Schema(schema::Arguments),
    Codeowners(codeowners::Arguments),
    Completions(completions::Arguments),
    #[command(hide = true)]
    Docs(docs::Arguments),
    #[command(hide = true)]
    Worker,
}

/// Runs the program with the arguments of this process.
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return output::usage(&error),
    };
    if let Command::Worker = arguments.command {
        return worker::run();
    }
    match run(arguments.command) {
        Ok(exit) => exit.into(),
        Err(failure) => output::failure(&failure),
    }
}

fn run(command: Command) -> Result<Exit, Failure> {
    match command {
        Command::Validate(arguments) => validate::run(&arguments),
        Command::Fmt(arguments) => fmt::run(&arguments),
        Command::Test(arguments) => test::run(&arguments),
        Command::Explain(arguments) => explain::run(&arguments),
        Command::New(arguments) => new::run(&arguments),
        Command::Show(arguments) => show::run(&arguments),
        Command::Render(arguments) => render::run(&arguments),
        Command::Images(arguments) => images::run(&arguments),
        Command::Import(arguments) => import::run(&arguments),
        Command::Plan(arguments) => traced::run("kubemate plan", || plan::run(&arguments)),
        Command::Apply(arguments) => traced::run("kubemate apply", || apply::run(&arguments)),
        Command::Adopt(arguments) => adopt::run(&arguments),
        Command::Ci(arguments) => traced::run("kubemate ci", || ci::run(&arguments)),
        Command::Status(arguments) => status::run(&arguments),
        Command::Diff(arguments) => diff::run(&arguments),
        Command::Delete(arguments) => delete::run(&arguments),
        Command::Install(arguments) => install::run(&arguments),
        Command::Doctor(arguments) => doctor::run(&arguments),
        Command::Controller(arguments) => controller::run(&arguments),
        Command::Syncs(arguments) => syncs::run(&arguments),
        Command::Why(one) => syncs::why(&one),
        Command::Suspend(one) => syncs::ask(&one, Ask::Suspend),
        Command::Resume(one) => syncs::ask(&one, Ask::Resume),
        Command::Reconcile(one) => syncs::ask(&one, Ask::Reconcile),
        Command::Promote(arguments) => promote::run(&arguments),
        Command::Rollback(arguments) => rollback::run(&arguments),
        Command::History(arguments) => history::run(&arguments),
        Command::Approve(arguments) => approve::run(&arguments),
        Command::Hold(arguments) => hold::run(&arguments),
        Command::Holds(arguments) => hold::list(&arguments),
        Command::Audit(arguments) => audit::run(&arguments),
        Command::Schema(arguments) => schema::run(&arguments),
        Command::Codeowners(arguments) => codeowners::run(&arguments),
        Command::Docs(arguments) => docs::run(&arguments),
        Command::Completions(arguments) => completions::run(&arguments),
        Command::Worker => Ok(Exit::Ok),
    }
}
