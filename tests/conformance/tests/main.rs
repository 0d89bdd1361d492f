//! Every case runs, covers what it says, and stands in the document.

#[cfg(test)]
mod command_line;
#[expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a set that cannot be read fails the test"
)]
mod scheme_sets;

use std::collections::BTreeSet;

use std::sync::OnceLock;

use conformance::{Case, Claimed, Run, configurations, document, folder, load, rules};

/// Every case and its run: cards are issued and cases run once for all tests.
#[expect(
    clippy::expect_used,
    reason = "a suite that cannot be read fails every test"
)]
fn suite() -> &'static [(Case, Run)] {
    static SUITE: OnceLock<Vec<(Case, Run)>> = OnceLock::new();
    SUITE.get_or_init(|| {
        let cases = load().expect("the suite").into_iter();
        cases
            .map(|case| {
                let run = case.run();
                (case, run)
            })
            .collect()
    })
}

#[test]
fn every_case_comes_out_as_it_says() {
    let mut wrong = Vec::new();
    for (case, run) in suite() {
        let found = case.check(run);
        wrong.extend(found.iter().map(|what| format!("{}: {what}", case.name)));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[expect(
    clippy::expect_used,
    reason = "terminals that cannot be read fail every test"
)]
fn terminals() -> &'static [Claimed] {
    static TERMINALS: OnceLock<Vec<Claimed>> = OnceLock::new();
    TERMINALS.get_or_init(|| configurations().expect("the terminals"))
}

#[test]
fn every_terminal_does_what_is_right_for_it() {
    let mut wrong = Vec::new();
    let mut kinds = BTreeSet::new();
    for terminal in terminals() {
        let (kind, methods) = (terminal.configuration.kind, terminal.configuration.methods);
        kinds.insert(kind);
        for case in &terminal.cases {
            let found = case.check(&case.run());
            let name = &case.name;
            let found = found.iter();
            wrong.extend(found.map(|what| format!("{name} at {kind:02X}, {methods:02X}: {what}")));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    // EMV 4.4 Book 4, Annex A1: a cardholder's own terminal has no attendant.
    let every = (0x11..=0x16).chain(0x21..=0x26).chain(0x34..=0x36);
    assert!(kinds.into_iter().eq(every));
}

#[test]
fn every_conclusion_of_the_kernel_is_traced_by_a_case() {
    let mut seen = BTreeSet::new();
    for (_, run) in suite() {
        seen.extend(run.events.iter().map(|event| event.statement));
    }
    let missing: Vec<String> = emv::trace::every_event()
        .filter(|event| !seen.contains(event.statement))
        .map(|event| format!("{} {:?}: {}", event.rule, event.finding, event.statement))
        .collect();
    assert!(missing.is_empty(), "no case traces: {missing:#?}");
}

#[test]
fn every_rule_has_both_sides_or_a_reason() {
    let rules = rules().expect("the rules");
    let cases: Vec<&Case> = suite().iter().map(|(case, _)| case).collect();
    let mut wrong = Vec::new();
    for rule in &rules {
        for (passing, hole) in [(true, &rule.passing_hole), (false, &rule.failing_hole)] {
            let covered = cases.iter().any(|case| {
                case.passing == passing && case.name.starts_with(&format!("{}-", rule.id))
            });
            if covered == (hole.is_some() || rule.other.is_some()) {
                wrong.push(format!("{} {passing}: {covered} {hole:?}", rule.id));
            }
        }
    }
    let known: BTreeSet<&str> = rules.iter().map(|rule| rule.id.as_str()).collect();
    let ruleless = cases.iter().filter(|case| {
        let rule = case.name.rsplit_once('-').map_or("", |(rule, _)| rule);
        !known.contains(rule)
    });
    wrong.extend(ruleless.map(|case| format!("{} has no rule", case.name)));
    wrong.extend(
        emv::trace::every_event()
            .filter(|event| !known.contains(event.rule))
            .map(|event| format!("{} is no rule of the list", event.rule)),
    );
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_document_is_current() {
    let path = folder().join("../../docs/conformance.md");
    let written = std::fs::read_to_string(path).expect("docs/conformance.md");
    let cases: Vec<Case> = suite().iter().map(|(case, _)| case.clone()).collect();
    let now = document(&rules().expect("the rules"), &cases, terminals());
    assert!(written == now, "run `make conformance`");
}

#[test]
fn what_is_not_understood_is_refused_with_its_line() {
    let good = "card visa-credit\n+ CV-01-01 Title\nends approved\ntvr 0000000000";
    assert!(Case::parse_file("CV-01", good).is_ok());
    for (text, line) in [
        (
            "card visa-credit\n+ CV-01-01 Title\ncolour red\nends approved",
            3,
        ),
        ("card visa-credit\n+ CV-01-01 Title\ntvr 0000000000", 2),
        ("card visa-credit\n+ CV-01-01 Title\nends approved", 2),
        (
            "card visa-credit\n+ CV-01-01 Title\nends well\ntvr 0000000000",
            3,
        ),
        (
            "card visa-credit\n+ CV-01-01 Title\nends approved\namount ten",
            4,
        ),
        (
            "card visa-credit\n+ CV-01-01 Title\nends approved\namount 1\namount 2",
            5,
        ),
        (
            "card visa-credit\n+ CV-01-01 Title\nrecord 99.1 5A\nends approved",
            3,
        ),
        (
            "card visa-gold\n+ CV-01-01 Title\nends approved\ntvr 0000000000",
            1,
        ),
        ("+ CV-01-01 Title\nends approved\ntvr 0000000000", 1),
        (
            "card visa-credit\n+ CV-02-01 Title\nends approved\ntvr 0000000000",
            2,
        ),
        (
            "card visa-credit\n+ CV-01-01 Title\nends approved\ntrace CV-99 failed",
            4,
        ),
        ("card visa-credit", 1),
        (
            &format!("{good}\n+ CV-01-01 Again\nends approved\ntsi 0000"),
            5,
        ),
    ] {
        let fault = Case::parse_file("CV-01", text).expect_err(text);
        assert_eq!(fault.line, line, "{text}: {fault}");
    }
}
