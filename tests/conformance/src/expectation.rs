//! What must come of a case, and whether it did.

use emv::trace::{Event, Finding};
use emv::{CardData, Method, Tag, tag};

use crate::command::Sequence;
use crate::run::Run;
use crate::values::{bytes, hex, shown};

/// One thing that must be true at the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Expectation {
    /// How the transaction ends: see [`ENDS`].
    Ends(String),
    /// The value of an element; `None` when the card data must not hold it.
    Value(Tag, Option<Vec<u8>>),
    Commands(String, Sequence),
    Traced(Traced),
    Untraced(Traced),
    Reversal(bool),
    Advice(bool),
    /// What the cardholder was offered, each time.
    Offers(String),
    /// How the cardholder was asked for an offline PIN, each time.
    Prompts(String),
    Language(String),
    /// The method of verification, and whether a PIN for the issuer was taken.
    Verified(String),
}

/// A line of the trace, as far as the case tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Traced {
    rule: String,
    finding: Option<Finding>,
    /// The beginning of the statement.
    statement: String,
}

/// The ways a transaction can end; a status word may follow some.
const ENDS: [&str; 28] = [
    "read",
    "approved",
    "declined by card",
    "declined by terminal",
    "declined by issuer",
    "card removed",
    "card unresponsive",
    "reader failed",
    "cancelled",
    "aborted",
    "timed out",
    "removed in dialogue",
    "misbehaved response-length",
    "misbehaved response-format",
    "misbehaved element-format",
    "misbehaved element-repeated",
    "misbehaved element-missing",
    "misbehaved file-locator",
    "misbehaved data-object-list",
    "misbehaved too-many-commands",
    "misbehaved cryptogram-too-high",
    "not accepted card-blocked",
    "not accepted no-application",
    "not accepted application-blocked",
    "not accepted application-refused",
    "not accepted service-not-allowed",
    "not accepted amount-out-of-range",
    "not accepted date-invalid",
];

impl Expectation {
    /// Reads a line. `None` when the keyword is of another kind.
    pub(crate) fn parse(keyword: &str, value: &str) -> Result<Option<Self>, String> {
        let element = |tag: Tag, value: Vec<u8>| Self::Value(tag, Some(value));
        Ok(Some(match keyword {
            "ends" => {
                let known = ENDS.contains(&value) || value.starts_with("misbehaved status-word ");
                if !known {
                    return Err(format!("{value:?} is no end"));
                }
                Self::Ends(value.to_owned())
            }
            "tvr" => element(tag::TVR, bytes::<5>(value)?.to_vec()),
            "tsi" => element(tag::TSI, bytes::<2>(value)?.to_vec()),
            "cvm" => element(tag::CVM_RESULTS, bytes::<3>(value)?.to_vec()),
            "cid" => element(
                tag::CRYPTOGRAM_INFORMATION_DATA,
                bytes::<1>(value)?.to_vec(),
            ),
            "arc" => element(tag::AUTHORISATION_RESPONSE_CODE, value.as_bytes().to_vec()),
            "script-results" => element(tag::ISSUER_SCRIPT_RESULTS, hex(value)?),
            "value" => {
                let (tag, value) = value.split_once('=').ok_or("a value needs a tag and `=`")?;
                let value = match value.trim() {
                    "absent" => None,
                    value => Some(hex(value)?),
                };
                Self::Value(number(tag)?, value)
            }
            "commands" => Self::Commands(value.to_owned(), Sequence::parse(value)?),
            "trace" => Self::Traced(Traced::parse(value)?),
            "untraced" => Self::Untraced(Traced::parse(value)?),
            "reversal" => Self::Reversal(yes(value)?),
            "advice" => Self::Advice(yes(value)?),
            "offers" => Self::Offers(value.to_owned()),
            "prompts" => Self::Prompts(value.to_owned()),
            "language" => Self::Language(value.to_owned()),
            "verified" => Self::Verified(value.to_owned()),
            _ => return Ok(None),
        }))
    }

    /// Adds to the others; what can be true once only takes the place of what was said before.
    pub(crate) fn place(self, others: &mut Vec<Self>) {
        others.retain(|other| match (&self, other) {
            (Self::Value(new, _), Self::Value(old, _)) => new != old,
            (Self::Commands(..) | Self::Traced(_) | Self::Untraced(_), _) => true,
            _ => core::mem::discriminant(&self) != core::mem::discriminant(other),
        });
        others.push(self);
    }

    /// What is wrong with a run, if anything.
    pub(crate) fn check(&self, run: &Run) -> Option<String> {
        let differ = |what: &str, expected: &str, actual: &str| {
            (expected != actual).then(|| format!("{what} is {actual:?}, not {expected:?}"))
        };
        match self {
            Self::Ends(ending) => differ("the end", ending, &run.ending),
            Self::Value(tag, value) => {
                let show = |value: Option<&[u8]>| value.map_or("absent".to_owned(), shown);
                let (expected, actual) = (show(value.as_deref()), show(run.card.value(*tag)));
                differ(&format!("tag {tag}"), &expected, &actual)
            }
            Self::Commands(text, sequence) => {
                let sent: Vec<String> = run
                    .sent
                    .iter()
                    .map(|command| format!("{} {}", command.name, command.detail))
                    .collect();
                (!sequence.fits(&run.sent))
                    .then(|| format!("the commands are not {text}, but {}", sent.join(", ")))
            }
            Self::Traced(traced) => (!run.events.iter().any(|event| traced.fits(event)))
                .then(|| format!("no {traced:?} in the trace")),
            Self::Untraced(traced) => run
                .events
                .iter()
                .any(|event| traced.fits(event))
                .then(|| format!("{traced:?} in the trace")),
            Self::Reversal(due) => differ("reversal", word(*due), word(run.reversal_required)),
            Self::Advice(due) => differ("advice", word(*due), word(run.advice_required)),
            Self::Offers(offers) => differ("the offer", offers, &run.offers),
            Self::Prompts(prompts) => differ("the prompts", prompts, &run.prompts),
            Self::Language(language) => {
                let actual = run.card.language().map(|code| code.map(char::from));
                let actual = actual.map_or("none".to_owned(), String::from_iter);
                differ("the language", language, &actual)
            }
            Self::Verified(method) => differ("verification", method, &verification(&run.card)),
        }
    }
}

impl Traced {
    /// Reads `CV-05 failed: No PIN try`, the finding and the statement being optional.
    fn parse(text: &str) -> Result<Self, String> {
        let (head, statement) = text.split_once(':').unwrap_or((text, ""));
        let (rule, finding) = head.trim().split_once(' ').unwrap_or((head.trim(), ""));
        let finding = match finding.trim() {
            "" => None,
            "passed" => Some(Finding::Passed),
            "failed" => Some(Finding::Failed),
            "not-applicable" => Some(Finding::NotApplicable),
            "done" => Some(Finding::Done),
            other => return Err(format!("{other:?} is no finding")),
        };
        let traced = Self {
            rule: rule.to_owned(),
            finding,
            statement: statement.trim().to_owned(),
        };
        if emv::trace::every_event().any(|event| traced.fits(&event)) {
            Ok(traced)
        } else {
            Err(format!("the kernel has no such line as {text:?}"))
        }
    }

    fn fits(&self, event: &Event) -> bool {
        event.rule == self.rule
            && self.finding.is_none_or(|finding| finding == event.finding)
            && event.statement.starts_with(&self.statement)
    }
}

/// How the cardholder was verified.
fn verification(card: &CardData) -> String {
    let Some(verification) = card.verification() else {
        return "not".to_owned();
    };
    let method = match verification.method {
        Method::Failed => "failed",
        Method::NoCvm => "no-cvm",
        Method::OnlinePin => "online-pin",
        Method::OfflinePin => "offline-pin",
        Method::OfflinePinAndSignature => "offline-pin-and-signature",
        Method::Signature => "signature",
    };
    method.to_owned()
}

fn number(text: &str) -> Result<Tag, String> {
    u32::from_str_radix(text.trim(), 16)
        .map(Tag::new)
        .map_err(|_| format!("{text:?} is no tag"))
}

fn yes(text: &str) -> Result<bool, String> {
    match text {
        "yes" => Ok(true),
        "no" => Ok(false),
        _ => Err(format!("{text:?} is neither yes nor no")),
    }
}

const fn word(yes: bool) -> &'static str {
    if yes { "yes" } else { "no" }
}
