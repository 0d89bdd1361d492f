//! The program `conformance`.

use std::process::Command;

/// The exit code, and all that was written.
fn conformance(arguments: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_conformance"))
        .args(arguments)
        .output()
        .expect("it runs");
    let texts = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&texts).into_owned();
    (output.status.code(), text)
}

#[test]
fn a_filter_that_nothing_meets_fails() {
    let (code, text) = conformance(&["PR-99"]);
    assert_eq!(code, Some(1), "{text}");
    assert!(
        text.contains("no case has a name that begins with \"PR-99\""),
        "{text}"
    );
}

#[test]
fn a_filter_runs_what_begins_with_it() {
    let (code, text) = conformance(&["PR-04-01"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.ends_with("1 cases passed.\n"), "{text}");
}

#[test]
fn usage_is_shown_when_asked_for_and_when_it_is_not_kept() {
    for (arguments, expected) in [
        (&["--help"][..], 0),
        (&["--all"][..], 1),
        (&["PR", "CV"][..], 1),
        (&[""][..], 1),
    ] {
        let (code, text) = conformance(arguments);
        assert_eq!(code, Some(expected), "{arguments:?}: {text}");
        assert!(text.contains("usage: conformance [CASE]"), "{text}");
    }
}
