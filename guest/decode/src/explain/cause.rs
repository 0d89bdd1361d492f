//! The decision that made the difference, in one sentence.

use emv::bits::Tvr;
use emv::tag::{self, Tag};
use emv::trace::{TAC_DEFAULT, TAC_DENIAL, TAC_ONLINE, bits_set_with};

use super::{Decision, Verdict};

/// A pair of action codes: what the issuer and what the acquirer said of the same question.
struct Codes {
    issuer: Tag,
    terminal: Tag,
    name: &'static str,
    /// What an absent code of the issuer's stands for (EMV 4.4 Book 3, 10.7).
    absent: Tvr,
}

const CODES: [Codes; 3] = [
    Codes {
        issuer: tag::IAC_DENIAL,
        terminal: TAC_DENIAL,
        name: "denial",
        absent: Tvr::empty(),
    },
    Codes {
        issuer: tag::IAC_ONLINE,
        terminal: TAC_ONLINE,
        name: "online",
        absent: Tvr::from_bits_retain(0xFF_FFFF_FFFF),
    },
    Codes {
        issuer: tag::IAC_DEFAULT,
        terminal: TAC_DEFAULT,
        name: "default",
        absent: Tvr::from_bits_retain(0xFF_FFFF_FFFF),
    },
];

/// What the trace's own tags are called.
pub(super) fn action_code_name(tag: Tag) -> Option<&'static str> {
    match tag {
        TAC_DEFAULT => Some("Terminal Action Code, default"),
        TAC_DENIAL => Some("Terminal Action Code, denial"),
        TAC_ONLINE => Some("Terminal Action Code, online"),
        _ => None,
    }
}

/// Why it ended so. `None` when no decision says it.
pub(super) fn of(verdict: Verdict, trace: &[Decision]) -> Option<String> {
    match verdict {
        Verdict::Approved => approval(trace),
        Verdict::Declined => decline(trace).or_else(|| undecided(trace).map(in_words)),
        Verdict::Undecided => undecided(trace).map(in_words),
    }
}

fn approval(trace: &[Decision]) -> Option<String> {
    let issuer = trace
        .iter()
        .rev()
        .find(|it| it.rule == "ONL-02" && it.passed());
    if let Some(issuer) = issuer {
        let asked = analysis(trace).map(|(place, it)| reasons(trace, place, it));
        return Some(match asked.filter(|reasons| !reasons.is_empty()) {
            Some(reasons) => format!("{}, asked because {reasons}", in_words(issuer)),
            None => in_words(issuer),
        });
    }
    let (_, analysis) = analysis(trace)?;
    Some(format!("offline. {}", in_words(analysis)))
}

fn decline(trace: &[Decision]) -> Option<String> {
    let issuer = |it: &&Decision| {
        it.rule == "ONL-02" && it.failed() && it.element(tag::AUTHORISATION_RESPONSE_CODE).is_some()
    };
    if let Some(issuer) = trace.iter().rev().find(issuer) {
        return Some(in_words(issuer));
    }
    let (place, analysis) = analysis(trace)?;
    if !analysis.failed() {
        let card = trace
            .iter()
            .rev()
            .find(|it| it.rule == "CAA-01" && it.failed())?;
        return Some(format!(
            "the card's own decision; the terminal's was: {} {}",
            analysis.statement,
            in_words(card)
        ));
    }
    let reasons = reasons(trace, place, analysis);
    if reasons.is_empty() {
        return Some(in_words(analysis));
    }
    let offline = trace
        .get(..place)?
        .iter()
        .rev()
        .find(|it| it.rule.starts_with("TX-2") && it.failed());
    Some(match offline {
        Some(offline) => format!("{reasons}. {}", in_words(offline)),
        None => reasons,
    })
}

/// The first thing that went wrong with the acquirer, else the last that went wrong at all.
fn undecided(trace: &[Decision]) -> Option<&Decision> {
    let failed = |it: &&Decision| it.failed();
    let acquirer = |it: &&Decision| {
        let about = ["TX-1", "TX-2", "TX-3", "TX-4"];
        about.iter().any(|rules| it.rule.starts_with(rules))
    };
    trace
        .iter()
        .filter(failed)
        .find(acquirer)
        .or_else(|| trace.iter().rev().find(failed))
}

/// The last terminal action analysis.
fn analysis(trace: &[Decision]) -> Option<(usize, &Decision)> {
    let place = trace
        .iter()
        .rposition(|it| it.rule.starts_with("TAA-0") && it.element(tag::TVR).is_some())?;
    Some((place, trace.get(place)?))
}

/// Each TVR bit that an action code has too, with the decision that set it.
fn reasons(trace: &[Decision], place: usize, analysis: &Decision) -> String {
    let Some(tvr) = code(analysis, tag::TVR) else {
        return String::new();
    };
    let mut reasons = Vec::new();
    for codes in &CODES {
        let Some(terminal) = code(analysis, codes.terminal) else {
            continue;
        };
        let issuer = code(analysis, codes.issuer).unwrap_or(codes.absent);
        for bit in Tvr::ROWS.bits {
            let one = Tvr::from_bits_retain(bit.mask);
            let who = match (terminal.intersects(one), issuer.intersects(one)) {
                (true, true) => "TAC and IAC",
                (true, false) => "TAC",
                (false, true) => "IAC",
                (false, false) => continue,
            };
            if tvr.intersects(one) {
                let setter = trace.iter().take(place).find(|it| sets(it, one));
                let setter = setter.map(|it| format!(" ({})", evidence(it)));
                reasons.push(format!(
                    "TVR {} `{}`{} is in {who} {}",
                    byte_and_bit(bit.mask),
                    bit.words,
                    setter.unwrap_or_default(),
                    codes.name
                ));
            }
        }
    }
    reasons.join("; ")
}

/// Whether this decision set the bit.
fn sets(decision: &Decision, bit: Tvr) -> bool {
    bits_set_with(&decision.statement).is_some_and(|set| set.intersects(bit))
}

fn code(decision: &Decision, tag: Tag) -> Option<Tvr> {
    let bytes: [u8; 5] = decision.element(tag)?.try_into().ok()?;
    Some(Tvr::from_bytes(bytes))
}

/// `byte 2 bit 7`.
fn byte_and_bit(mask: u64) -> String {
    let place = mask.trailing_zeros();
    let byte = u32::from(Tvr::ROWS.length).saturating_sub(place / 8);
    format!("byte {byte} bit {}", (place % 8).saturating_add(1))
}

/// What a decision looked at, and where the standard has it.
fn evidence(decision: &Decision) -> String {
    [decision.elements_in_words(), decision.section.clone()]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join("; ")
}

/// A decision as a sentence with what it looked at and where the standard has it.
fn in_words(decision: &Decision) -> String {
    let sentence = decision.statement.trim_end_matches('.');
    match evidence(decision).as_str() {
        "" => format!("{sentence} [{}]", decision.rule),
        evidence => format!("{sentence} ({evidence})"),
    }
}
