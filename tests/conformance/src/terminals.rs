//! The part of the document about the cases that are run at every terminal.

use std::collections::BTreeMap;

use crate::configuration::Claimed;
use crate::matrix::line;

const HEAD: &str = "
## Terminals

The cases below are run at every terminal of [terminals.txt](../tests/conformance/configurations/terminals.txt), each
with what is right for it ([ICS-01](../tests/conformance/configurations/ICS-01.txt)). An end stands with the result of
verification (tag 9F34) and the number of terminals.

";

/// The terminals, and how each case ends at them.
pub(crate) fn document(claimed: &[Claimed]) -> String {
    let mut text = String::from(HEAD);
    text.push_str("| type (9F35) | how it decides | methods (9F33 byte 2) |\n|---|---|---|\n");
    let mut methods: BTreeMap<(u8, &str), Vec<String>> = BTreeMap::new();
    for terminal in claimed {
        let configuration = &terminal.configuration;
        let of_type = methods.entry((configuration.kind, configuration.connection()));
        let method = format!("{:02X}", configuration.methods);
        of_type.or_default().push(method);
    }
    for ((kind, connection), mut methods) in methods {
        methods.sort();
        methods.dedup();
        let methods = methods.join(" ");
        line(
            &mut text,
            &format!("| {kind:02X} | {connection} | {methods} |"),
        );
    }
    let runs: usize = claimed.iter().map(|terminal| terminal.cases.len()).sum();
    let head = "| case | online only | offline with online | offline only |";
    let count = claimed.len();
    line(
        &mut text,
        &format!("\n{count} terminals, {runs} runs.\n\n{head}\n|---|---|---|---|"),
    );
    let Some(first) = claimed.first() else {
        return text;
    };
    for (position, case) in first.cases.iter().enumerate() {
        let cells = ["online only", "offline with online", "offline only"].map(|connection| {
            let mut ends: BTreeMap<String, usize> = BTreeMap::new();
            for terminal in claimed {
                let case = terminal.cases.get(position);
                if let Some(case) =
                    case.filter(|_| terminal.configuration.connection() == connection)
                {
                    let (end, results) = case.end();
                    let results = results.unwrap_or_default();
                    let seen = ends.entry(format!("{end} {results}")).or_default();
                    *seen = seen.saturating_add(1);
                }
            }
            let ends: Vec<String> = ends
                .iter()
                .map(|(end, seen)| format!("{end} ({seen})"))
                .collect();
            ends.join(", ")
        });
        let [always, both, never] = cells;
        let (name, title) = (&case.name, &case.title);
        line(
            &mut text,
            &format!("| {name} {title} | {always} | {both} | {never} |"),
        );
    }
    text
}
