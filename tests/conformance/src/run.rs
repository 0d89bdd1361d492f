//! One case, driven through the kernel from the first command to the end.

use emv::ports::{CardFault, Interruption, PinPrompt};
use emv::trace::Event;
use emv::{
    CardData, Cause, Completed, Decision, Decliner, Ended, Misbehaviour, NotAccepted, contact,
};
use virtual_card::Issuer;

use crate::bench::Bench;
use crate::case::Case;
use crate::command::{Named, Pattern};
use crate::issuer::cryptogram_right;

/// What came of a case.
#[derive(Clone, Debug)]
pub struct Run {
    pub(crate) ending: String,
    pub(crate) card: CardData,
    pub(crate) reversal_required: bool,
    pub(crate) advice_required: bool,
    pub(crate) sent: Vec<Named>,
    /// The trace.
    pub events: Vec<Event>,
    pub(crate) offers: String,
    pub(crate) prompts: String,
    problems: Vec<String>,
}

/// How a run ended, whatever it was.
struct End {
    ending: String,
    card: CardData,
    reversal_required: bool,
    advice_required: bool,
}

impl From<Completed> for End {
    fn from(completed: Completed) -> Self {
        Self {
            ending: ending(&completed),
            card: completed.card,
            reversal_required: completed.reversal_required,
            advice_required: completed.advice_required,
        }
    }
}

impl From<Ended> for End {
    fn from(ended: Ended) -> Self {
        Self {
            ending: cause(ended.cause),
            card: *ended.card,
            reversal_required: ended.reversal_required,
            advice_required: false,
        }
    }
}

impl Case {
    /// Runs the transaction of the case to its end.
    pub fn run(&self) -> Run {
        let mut bench = Bench::new(self);
        let result = if self.surroundings.only_read {
            self.read(&mut bench)
        } else {
            self.transact(&mut bench).map(End::from)
        };
        bench.finish();
        let prompt = |prompt: &PinPrompt| match prompt {
            PinPrompt::Enter => "enter",
            PinPrompt::Incorrect => "incorrect",
            PinPrompt::LastTry => "last-try",
        };
        let offered: Vec<_> = bench
            .offered
            .iter()
            .map(|text| String::from_utf8_lossy(text))
            .collect();
        let prompts: Vec<_> = bench.prompts.iter().map(prompt).collect();
        let (offers, prompts) = (offered.join(" / "), prompts.join(" "));
        let end = result.unwrap_or_else(End::from);
        Run {
            ending: end.ending,
            card: end.card,
            reversal_required: end.reversal_required,
            advice_required: end.advice_required,
            sent: bench.sent,
            events: bench.events,
            offers,
            prompts,
            problems: bench.problems,
        }
    }

    /// What is wrong with a run: nothing when the kernel did what the case expects.
    pub fn check(&self, run: &Run) -> Vec<String> {
        let expected = self.expectations.iter();
        let mut wrong = run.problems.clone();
        wrong.extend(expected.filter_map(|expectation| expectation.check(run)));
        wrong
    }

    /// Reads the card, and pays nothing with it.
    fn read(&self, bench: &mut Bench<'_>) -> Result<End, Ended> {
        let surroundings = &self.surroundings;
        let card = contact::read(
            bench,
            &surroundings.terminal,
            &surroundings.applications(),
            &surroundings.transaction,
        )?;
        if self.host.may_be_asked() {
            bench.problems.push("the issuer was never asked".to_owned());
        }
        Ok(End {
            ending: "read".to_owned(),
            card,
            reversal_required: false,
            advice_required: false,
        })
    }

    fn transact(&self, bench: &mut Bench<'_>) -> Result<Completed, Ended> {
        let surroundings = &self.surroundings;
        let request = match contact::start(
            bench,
            &surroundings.terminal,
            &surroundings.applications(),
            &surroundings.transaction,
        )? {
            Decision::Approved(completed) | Decision::Declined(completed) => {
                if self.host.may_be_asked() {
                    bench.problems.push("the issuer was never asked".to_owned());
                }
                return Ok(completed);
            }
            Decision::Online(request) => request,
        };
        if !self.host.may_be_asked() {
            bench.problems.push("the issuer was asked".to_owned());
        }
        let Some(issuer) = Issuer::of(&self.card) else {
            bench.problems.push("the card has no issuer".to_owned());
            return request.complete(bench, &emv::HostAnswer::UnableToGoOnline);
        };
        let scripted = |answer: &crate::case::Answer| {
            Pattern::parse("GENERATE AC").is_ok_and(|pattern| answer.to.same_command(&pattern))
        };
        let right = self.answers.iter().any(scripted) || cryptogram_right(&issuer, request.card());
        if !right {
            bench
                .problems
                .push("the issuer does not know the cryptogram".to_owned());
        }
        let answer = self.host.answer(&issuer, request.card());
        request.complete(bench, &answer)
    }
}

fn ending(completed: &Completed) -> String {
    match completed.declined_by {
        None if completed.approved => "approved",
        None => "neither approved nor declined",
        Some(Decliner::Card) => "declined by card",
        Some(Decliner::Terminal) => "declined by terminal",
        Some(Decliner::Issuer) => "declined by issuer",
    }
    .to_owned()
}

fn cause(cause: Cause) -> String {
    let text = match cause {
        Cause::Card(CardFault::Removed) => "card removed",
        Cause::Card(CardFault::Unresponsive) => "card unresponsive",
        Cause::Card(CardFault::Reader) => "reader failed",
        Cause::Interrupted(Interruption::Cancelled) => "cancelled",
        Cause::Interrupted(Interruption::Aborted) => "aborted",
        Cause::Interrupted(Interruption::TimedOut) => "timed out",
        Cause::Interrupted(Interruption::Card(_)) => "removed in dialogue",
        Cause::CardMisbehaved(misbehaviour) => return misbehaved(misbehaviour),
        Cause::NotAccepted(NotAccepted::CardBlocked) => "not accepted card-blocked",
        Cause::NotAccepted(NotAccepted::NoApplication) => "not accepted no-application",
        Cause::NotAccepted(NotAccepted::ApplicationBlocked) => "not accepted application-blocked",
        Cause::NotAccepted(NotAccepted::ApplicationRefused) => "not accepted application-refused",
        Cause::NotAccepted(NotAccepted::ServiceNotAllowed) => "not accepted service-not-allowed",
        Cause::NotAccepted(NotAccepted::AmountOutOfRange) => "not accepted amount-out-of-range",
        Cause::NotAccepted(NotAccepted::DateInvalid) => "not accepted date-invalid",
    };
    text.to_owned()
}

fn misbehaved(misbehaviour: Misbehaviour) -> String {
    let text = match misbehaviour {
        Misbehaviour::StatusWord(status) => return format!("misbehaved status-word {status:04X}"),
        Misbehaviour::ResponseLength => "response-length",
        Misbehaviour::ResponseFormat => "response-format",
        Misbehaviour::ElementFormat => "element-format",
        Misbehaviour::ElementRepeated => "element-repeated",
        Misbehaviour::ElementMissing => "element-missing",
        Misbehaviour::FileLocator => "file-locator",
        Misbehaviour::DataObjectList => "data-object-list",
        Misbehaviour::TooManyCommands => "too-many-commands",
        Misbehaviour::CryptogramTooHigh => "cryptogram-too-high",
    };
    format!("misbehaved {text}")
}
