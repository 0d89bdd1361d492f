//! `tenon help`: the sub-commands, in groups.

use clap::Command;

/// The groups, in the order in which somebody new needs them.
const GROUPS: &[(&str, &[&str])] = &[
    ("A terminal in software", &["emulator", "demo", "cards"]),
    (
        "Transactions at a running terminal",
        &[
            "sale",
            "refund",
            "void",
            "pre-auth",
            "complete",
            "card-read",
            "balance",
        ],
    ),
    (
        "Transactions that your own acquirer decides",
        &["initiate", "decide"],
    ),
    (
        "What became of them",
        &["transaction", "transactions", "abort"],
    ),
    (
        "The end of the day",
        &["totals", "reconcile", "settlements", "settlement", "export"],
    ),
    ("The device", &["health", "display", "input", "print"]),
    (
        "Running a terminal, on its data folder",
        &["keys", "webhooks", "parameters"],
    ),
    (
        "Understanding one",
        &["explain", "replay", "decode", "inspect"],
    ),
    ("This command", &["api", "completions", "help"]),
];

/// The command with its sub-commands in groups where its help lists them.
pub(crate) fn grouped(command: Command) -> Command {
    let list = list(&command);
    command.help_template(format!(
        "{{about-with-newline}}\n{{usage-heading}} {{usage}}\n\n{list}\nOptions:\n{{options}}"
    ))
}

fn list(command: &Command) -> String {
    let names = GROUPS.iter().flat_map(|(_, names)| names.iter());
    let width = names.map(|name| name.len()).max().unwrap_or_default();
    let about = |name: &str| {
        let about = command.find_subcommand(name).and_then(Command::get_about);
        about.map_or_else(
            || "Print this, or the help of a command".to_owned(),
            ToString::to_string,
        )
    };
    let groups = GROUPS.iter().map(|(heading, names)| {
        let lines = names
            .iter()
            .map(|name| format!("  {name:<width$}  {}\n", about(name)));
        format!("{heading}:\n{}", lines.collect::<String>())
    });
    groups.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use clap::CommandFactory;

    use super::*;
    use crate::CommandLine;

    #[test]
    fn every_command_is_in_one_group() {
        let mut command = CommandLine::command();
        command.build();
        let all: BTreeSet<_> = command.get_subcommands().map(Command::get_name).collect();
        let mut grouped = BTreeSet::new();
        for name in GROUPS.iter().flat_map(|(_, names)| names.iter()) {
            assert!(grouped.insert(*name), "{name} is there twice");
        }
        assert_eq!(grouped, all);
    }
}
