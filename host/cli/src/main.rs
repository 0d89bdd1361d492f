//! `tenon`: one sub-command for each job. What it does is in the crates below; this is the door.
#![forbid(unsafe_code)]

mod api_key;
mod card_argument;
mod cards;
mod commerce;
mod completions;
mod data_folder;
mod decode;
mod demo;
mod documents;
mod emulated_terminal;
mod emulator;
mod engine_file;
mod explain;
mod help;
mod inspect;
mod issuer_keys;
mod keys;
mod kill_at;
mod log;
mod own_file;
mod paragraph;
mod parameters;
mod recordings;
mod replay;
mod vault_file;
mod web_options;
mod webhook_delivery;
mod webhook_listing;
mod webhooks;

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

/// A payment terminal on your desk.
///
/// `tenon emulator` is a whole terminal with its devices and its acquirer in
/// software. Start it in one window and sell from another:
///
///     tenon emulator --card visa-credit
///     tenon sale --amount 2500 --currency NZD --api-key KEY
///
/// `tenon demo` does both in one go and explains what happens.
#[derive(Debug, Parser)]
#[command(name = "tenon", version, verbatim_doc_comment)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,

    /// What is logged to stderr, such as `info` or `terminal_host=debug`
    #[arg(
        long,
        global = true,
        value_name = "FILTER",
        env = "TENON_LOG",
        default_value = "warn"
    )]
    log: String,

    /// Log one JSON object a line
    #[arg(long, global = true)]
    log_json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    Emulator(emulator::Arguments),
    Demo(demo::Arguments),
    #[command(flatten)]
    Commerce(commerce::Command),
    Cards(cards::Arguments),
    Keys(keys::Arguments),
    Webhooks(webhooks::Arguments),
    Parameters(parameters::Arguments),
    Inspect(inspect::Arguments),
    Explain(explain::Arguments),
    Replay(replay::Arguments),
    Decode(decode::Arguments),
    Api(documents::Arguments),
    Completions(completions::Arguments),
}

fn main() -> ExitCode {
    let matches = help::grouped(CommandLine::command()).get_matches();
    let line = CommandLine::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    let done = log::start(&line.log, line.log_json).and_then(|()| match line.command {
        Command::Emulator(arguments) => emulator::run(arguments),
        Command::Demo(arguments) => demo::run(arguments),
        Command::Commerce(command) => commerce::run(&command),
        Command::Cards(arguments) => cards::run(&arguments),
        Command::Keys(arguments) => keys::run(&arguments),
        Command::Webhooks(arguments) => webhooks::run(&arguments),
        Command::Parameters(arguments) => parameters::run(&arguments),
        Command::Inspect(arguments) => inspect::run(&arguments),
        Command::Explain(arguments) => explain::run(&arguments),
        Command::Replay(arguments) => replay::run(&arguments),
        Command::Decode(arguments) => decode::run(&arguments),
        Command::Api(arguments) => documents::run(&arguments),
        Command::Completions(arguments) => completions::run(&arguments),
    });
    match done {
        Ok(code) => code,
        Err(error) => {
            // Nothing is left to be done when stderr is closed too.
            drop(writeln!(io::stderr(), "tenon: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The help of a command and of all that is below it.
    fn helps(command: &mut clap::Command, texts: &mut Vec<String>) {
        texts.push(command.render_long_help().to_string());
        for part in command.get_subcommands_mut() {
            helps(part, texts);
        }
    }

    #[test]
    fn help_fits_a_window_of_80_columns() {
        let mut command = help::grouped(CommandLine::command());
        command.build();
        let mut texts = Vec::new();
        helps(&mut command, &mut texts);
        assert!(texts.len() > 40, "{}", texts.len());
        let lines = texts.iter().flat_map(|text| text.lines());
        let long: Vec<_> = lines.filter(|line| line.chars().count() > 80).collect();
        assert!(long.is_empty(), "{long:#?}");
    }

    #[test]
    fn the_command_line_contradicts_itself_nowhere() {
        help::grouped(CommandLine::command()).debug_assert();
    }
}
