//! `tenon explain`: why a transaction went as it did. The reasoning is in `guest/decode`.

use std::{
    io::{self, IsTerminal, Write},
    process::ExitCode,
};

use anyhow::Result;
use decode::{Decision, Verdict};
use terminal_host::{
    trace::TraceEvent,
    transaction::{CancelReason, DeclineReason, Ending, Failure, Outcome, ReversalState},
};

use crate::{decode::colours, recordings};

/// Explain why a transaction went as it did
///
/// The first line says what made the difference, the lines below every decision
/// of the kernel with the data it looked at. Card numbers are masked.
///
///     tenon explain
///     tenon explain txn_01M8C9ZVR5V2Y9TG5HZD47E0JN --data tenon-data
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    #[command(flatten)]
    which: recordings::Which,

    /// Print JSON instead of text
    #[arg(long, conflicts_with = "brief")]
    json: bool,

    /// Print the first line only
    #[arg(long)]
    brief: bool,
}

/// Prints the explanation.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let recording = arguments.which.find()?.recording;
    let trace: Vec<Decision> = recording.trace().into_iter().map(decision).collect();
    let (ending, verdict) = ending(recording.outcome().as_ref());
    let explained = decode::explain(recording.transaction(), &ending, verdict, &trace);
    let mut out = io::stdout().lock();
    let text = if arguments.json {
        explained.to_json()
    } else if arguments.brief {
        explained.value.unwrap_or_default() + "\n"
    } else {
        explained.to_text(colours(out.is_terminal()))
    };
    out.write_all(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

/// A trace's event as the explanation takes it.
pub(crate) fn decision(event: TraceEvent) -> Decision {
    Decision {
        rule: event.rule,
        section: event.section,
        finding: event.finding.to_owned(),
        statement: event.statement,
        elements: event.elements,
    }
}

/// How it ended, in words.
pub(crate) fn ending(outcome: Option<&Outcome>) -> (String, Verdict) {
    let Some(outcome) = outcome else {
        let words = "NO ANSWER of the engine; the terminal's record says how it was settled";
        return (words.to_owned(), Verdict::Undecided);
    };
    let (words, verdict) = match outcome.ending {
        Ending::Approved => ("APPROVED", Verdict::Approved),
        Ending::Completed => ("DONE, no money moved", Verdict::Undecided),
        Ending::Declined(DeclineReason::Card) => ("DECLINED by the card", Verdict::Declined),
        Ending::Declined(DeclineReason::Terminal) => {
            ("DECLINED by the terminal", Verdict::Declined)
        }
        Ending::Declined(DeclineReason::Acquirer) => ("DECLINED by the issuer", Verdict::Declined),
        Ending::Cancelled(CancelReason::Cardholder) => {
            ("CANCELLED by the cardholder", Verdict::Undecided)
        }
        Ending::Cancelled(CancelReason::PointOfSale) => {
            ("CANCELLED by the point of sale", Verdict::Undecided)
        }
        Ending::Cancelled(CancelReason::NoCard) => {
            ("CANCELLED, no card was presented", Verdict::Undecided)
        }
        Ending::Cancelled(CancelReason::Interrupted) => {
            ("CANCELLED, the terminal stopped", Verdict::Undecided)
        }
        Ending::Cancelled(CancelReason::NoDecision) => (
            "CANCELLED, the point of sale did not decide in time",
            Verdict::Undecided,
        ),
        Ending::Failed(failure) => (failed(failure), Verdict::Undecided),
    };
    let reversal = match outcome.reversal {
        ReversalState::None => "",
        ReversalState::Pending => ", and a reversal was due when it ended",
        ReversalState::Confirmed => ", reversed",
        ReversalState::ByHand => ", to be settled by hand",
    };
    (format!("{words}{reversal}"), verdict)
}

fn failed(failure: Failure) -> &'static str {
    match failure {
        Failure::CardUnreadable => "FAILED, the card could not be read",
        Failure::CardNotAccepted => "FAILED, the card is not accepted here",
        Failure::OtherCard => "FAILED, the card is not the one that paid",
        Failure::AcquirerUnreachable => "FAILED, the acquirer could not be reached",
        Failure::AnswerLost => "FAILED, the acquirer's answer was lost",
        Failure::DeviceFault => "FAILED, a device of the terminal does not work",
        Failure::NotSupported => "FAILED, the engine does not do this kind of transaction",
        Failure::EngineFault => "FAILED, the engine failed",
    }
}
