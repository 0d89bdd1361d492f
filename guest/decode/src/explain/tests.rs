use super::*;
use crate::Colours;

/// A line is rule, finding, section, statement and elements: `PR-04|failed|...|...|5F24=201231`.
fn trace(lines: &[&str]) -> Vec<Decision> {
    lines
        .iter()
        .map(|line| {
            let parts: Vec<&str> = line.split('|').collect();
            let part = |place: usize| parts.get(place).copied().unwrap_or_default().to_owned();
            let elements = part(4);
            Decision {
                rule: part(0),
                finding: part(1),
                section: part(2),
                statement: part(3),
                elements: elements
                    .split_whitespace()
                    .filter_map(|element| element.split_once('='))
                    .map(|(tag, value)| (tag.to_owned(), value.to_owned()))
                    .collect(),
            }
        })
        .collect()
}

fn summary(verdict: Verdict, lines: &[&str]) -> String {
    let decoded = explain("txn", "ENDED", verdict, &trace(lines));
    decoded.value.expect("a summary")
}

const EXPIRED: &str =
    "PR-04|failed|EMV 4.4 Book 3, 10.4.3|The card has expired.|5F24=251231 9A=261121";
const NEW_CARD: &str =
    "TRM-04|failed|EMV 4.4 Book 3, 10.6.3|The card has never been online.|9F13=0000";
const DENIED: &str = "TAA-01|failed|EMV 4.4 Book 3, 10.7|The action codes deny the transaction; \
                      an AAC is requested.|95=0048000000 9F0E=0000000000 DF8121=0040000000";
const CARD_DECLINED: &str = "CAA-01|failed|EMV 4.4 Book 3, 10.8|The transaction was declined \
                             offline.|9F27=00 9F36=0001";

#[test]
fn a_decline_by_the_terminal_names_bit_evidence_and_code() {
    assert_eq!(
        summary(
            Verdict::Declined,
            &[EXPIRED, NEW_CARD, DENIED, CARD_DECLINED]
        ),
        "ENDED: TVR byte 2 bit 7 `Expired application` (5F24 = 2025-12-31, 9A = 2026-11-21; \
         EMV 4.4 Book 3, 10.4.3) is in TAC denial"
    );
}

#[test]
fn an_absent_issuer_code_counts_as_the_book_says() {
    let denied = "TAA-04|failed|EMV 4.4 Book 3, 10.7|Without the issuer the default action codes \
                  deny; an AAC is requested.|95=0008000000 DF8120=0000000000";
    let offline = "TX-20|failed||The acquirer could not be reached; nothing was sent|";
    assert_eq!(
        summary(Verdict::Declined, &[NEW_CARD, offline, denied]),
        "ENDED: TVR byte 2 bit 4 `New card` (9F13 = 0; EMV 4.4 Book 3, 10.6.3) is in IAC default. \
         The acquirer could not be reached; nothing was sent [TX-20]"
    );
    // The same bit, and the issuer's code says nothing of it.
    let denied = denied.replace("95=", "9F0D=0000000000 95=");
    assert_eq!(
        summary(Verdict::Declined, &[NEW_CARD, &denied]),
        "ENDED: Without the issuer the default action codes deny; an AAC is requested (9F0D = \
         0000000000, 95 = 0008000000, DF8120 = 0000000000; EMV 4.4 Book 3, 10.7)"
    );
}

#[test]
fn a_decline_by_the_issuer_gives_its_code_in_words() {
    let declined = "ONL-02|failed|EMV 4.4 Book 4, 6.3.7|The issuer declined.|8A=3531";
    assert_eq!(
        summary(Verdict::Declined, &[declined, CARD_DECLINED]),
        "ENDED: The issuer declined (8A = 51: not sufficient funds; EMV 4.4 Book 4, 6.3.7)"
    );
}

#[test]
fn a_decline_by_the_card_says_what_was_asked_of_it() {
    let allowed = "TAA-01|passed|EMV 4.4 Book 3, 10.7|No action code is met; a TC is requested.|\
                   95=0000000000";
    let summary = summary(Verdict::Declined, &[allowed, CARD_DECLINED]);
    assert!(
        summary.starts_with("ENDED: the card's own decision"),
        "{summary}"
    );
    assert!(summary.contains("a TC is requested"), "{summary}");
}

#[test]
fn an_approval_says_why_the_issuer_was_asked() {
    let asked = "TAA-01|done|EMV 4.4 Book 3, 10.7|The action codes ask for the issuer; an ARQC is \
                 requested.|95=0008000000 9F0F=0000000000 DF8122=0008000000";
    let approved = "ONL-02|passed|EMV 4.4 Book 4, 6.3.7|The issuer approved.|8A=3030";
    assert_eq!(
        summary(Verdict::Approved, &[NEW_CARD, asked, approved]),
        "ENDED: The issuer approved (8A = 00: approved; EMV 4.4 Book 4, 6.3.7), asked because TVR \
         byte 2 bit 4 `New card` (9F13 = 0; EMV 4.4 Book 3, 10.6.3) is in TAC online"
    );
}

#[test]
fn what_ended_before_a_decision_names_the_acquirer_first() {
    let lost = "TX-22|failed||No whole answer came; the acquirer may have acted|";
    let unable = "ONL-02|failed|EMV 4.4 Book 3, 10.9|The issuer could not be asked.|";
    assert_eq!(
        summary(Verdict::Undecided, &[NEW_CARD, lost, unable]),
        "ENDED: No whole answer came; the acquirer may have acted [TX-22]"
    );
    assert_eq!(summary(Verdict::Undecided, &[]), "ENDED");
}

#[test]
fn a_card_that_was_presented_again_is_not_why_it_ended() {
    let again = "TX-72|failed||The chip cannot be read; it may be inserted again|";
    let unreachable = "TX-20|failed||The acquirer could not be reached; nothing was sent|";
    let last = "TX-77|failed||The stripe cannot be read|";
    assert_eq!(summary(Verdict::Approved, &[again]), "ENDED");
    for (lines, why) in [
        (
            &[again, unreachable][..],
            "The acquirer could not be reached; nothing was sent [TX-20]",
        ),
        (&[again, last], "The stripe cannot be read [TX-77]"),
    ] {
        assert_eq!(summary(Verdict::Undecided, lines), format!("ENDED: {why}"));
    }
}

#[test]
fn a_trace_of_another_engine_is_told_in_its_own_words() {
    let foreign = "XX-01|failed||Something this version does not know|FFFF=zz 5A=";
    let decoded = explain("txn", "ENDED", Verdict::Declined, &trace(&[foreign]));
    assert_eq!(
        decoded.value.as_deref(),
        Some("ENDED: Something this version does not know [XX-01]")
    );
    assert!(
        decoded
            .to_text(Colours::Off)
            .contains("Something this version")
    );
    assert!(!decoded.is_faulty());
}

#[test]
fn the_tree_has_each_decision_with_its_elements() {
    let decoded = explain(
        "txn",
        "DECLINED",
        Verdict::Declined,
        &trace(&[EXPIRED, DENIED]),
    );
    let text = decoded.to_text(Colours::Off);
    for part in [
        "PR-04  The card has expired.  (EMV 4.4 Book 3, 10.4.3)  failed",
        "5F24  Application Expiration Date  251231  2025-12-31",
        "DF8121  Terminal Action Code, denial",
        "[x] byte 2 bit 7  Expired application",
    ] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
}

#[test]
fn what_the_kernel_masked_stays_masked_and_the_rest_is_in_clear() {
    let selected = "SEL-11|passed|EMV 4.4 Book 1, 12.4|The application was selected.|\
                    50=5649534120435245444954 5A=FFFFFFFFFFFF1111";
    let text =
        explain("txn", "ENDED", Verdict::Undecided, &trace(&[selected])).to_text(Colours::Off);
    assert!(text.contains("\"VISA CREDIT\""), "{text}");
    assert!(text.contains("************1111"), "{text}");
    // An engine that masked nothing is masked here.
    let careless = selected.replace("FFFFFFFFFFFF1111", "4111111111111111");
    let text =
        explain("txn", "ENDED", Verdict::Undecided, &trace(&[&careless])).to_text(Colours::Off);
    assert!(!text.contains("41111111"), "{text}");
}

#[test]
fn every_statement_of_the_kernel_is_known_by_its_words() {
    for event in emv::trace::every_event() {
        assert!(
            emv::trace::bits_set_with(event.statement).is_some(),
            "{}",
            event.statement
        );
    }
}
