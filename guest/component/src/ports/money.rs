//! Parameters, point of sale, acquirer link, journal, trace.

use engine::{
    parameters::{Acquirer, Application, CaPublicKey, TerminalData, Timeouts},
    ports::{
        AcquirerLink, Counter, Entry, Journal, JournalError, LinkError, Parameters, Phase,
        PointOfSale, Progress, Trace, TraceEvent,
    },
};

use super::Imports;
use crate::{
    bindings::terminal::{
        acquirer_link::acquirer_link, journal::journal, parameters::parameters,
        point_of_sale::point_of_sale, trace::trace,
    },
    convert,
};

impl Parameters for Imports {
    fn terminal_data(&mut self) -> TerminalData {
        convert::parameters::terminal(parameters::terminal_data())
    }

    fn time_limits(&mut self) -> Timeouts {
        convert::parameters::timeouts(parameters::time_limits())
    }

    fn applications(&mut self) -> Vec<Application> {
        parameters::applications()
            .into_iter()
            .map(convert::parameters::application)
            .collect()
    }

    fn find_ca_public_key(&mut self, rid: &[u8], index: u8) -> Option<CaPublicKey> {
        parameters::find_ca_public_key(rid, index).map(convert::parameters::ca_public_key)
    }

    fn acquirer_data(&mut self) -> Acquirer {
        convert::parameters::acquirer(parameters::acquirer_data())
    }
}

impl PointOfSale for Imports {
    fn report(&mut self, progress: Progress) {
        point_of_sale::report(&match progress {
            Progress::WaitingForCard => point_of_sale::Progress::WaitingForCard,
            Progress::CardDetected(card) => {
                point_of_sale::Progress::CardDetected(point_of_sale::DetectedCard {
                    entry_mode: convert::transactions::entry_mode(card.entry_mode),
                    scheme: convert::transactions::scheme(card.scheme),
                    masked_pan: card.masked_pan,
                })
            }
            Progress::EnteringPin => point_of_sale::Progress::EnteringPin,
            Progress::Authorising => point_of_sale::Progress::Authorising,
            Progress::Reversing => point_of_sale::Progress::Reversing,
        });
    }

    fn proceed(&mut self) -> bool {
        point_of_sale::proceed()
    }
}

impl AcquirerLink for Imports {
    fn exchange(&mut self, request: &[u8], timeout_ms: u32) -> Result<Vec<u8>, LinkError> {
        acquirer_link::exchange(request, timeout_ms).map_err(|error| match error {
            acquirer_link::ErrorCode::Unreachable => LinkError::Unreachable,
            acquirer_link::ErrorCode::PeerRefused => LinkError::PeerRefused,
            acquirer_link::ErrorCode::AnswerLost => LinkError::AnswerLost,
            acquirer_link::ErrorCode::AnswerTooLong => LinkError::AnswerTooLong,
        })
    }
}

impl Journal for Imports {
    fn append(&mut self, id: &str, phase: Phase, content: &[u8]) -> Result<(), JournalError> {
        journal::append(id, to_wit(phase), content)
            .map(|_| ())
            .map_err(failed)
    }

    fn unsettled(&mut self, count_max: u32) -> Result<Vec<Entry>, JournalError> {
        journal::unsettled(count_max)
            .map(|entries| entries.into_iter().map(entry).collect())
            .map_err(failed)
    }

    fn last_entry(&mut self, id: &str) -> Result<Option<Entry>, JournalError> {
        journal::last_entry(id)
            .map(|last| last.map(entry))
            .map_err(failed)
    }

    fn next(&mut self, counter: Counter) -> Result<u32, JournalError> {
        journal::next(match counter {
            Counter::TraceNumber => journal::Counter::TraceNumber,
            Counter::TransactionSequence => journal::Counter::TransactionSequence,
        })
        .map_err(failed)
    }
}

fn entry(entry: journal::Entry) -> Entry {
    Entry {
        transaction_id: entry.transaction_id,
        phase: from_wit(entry.phase),
        content: entry.content.into(),
    }
}

fn to_wit(phase: Phase) -> journal::Phase {
    match phase {
        Phase::Begun => journal::Phase::Begun,
        Phase::Sent => journal::Phase::Sent,
        Phase::ReversalDue => journal::Phase::ReversalDue,
        Phase::AdviceDue => journal::Phase::AdviceDue,
        Phase::Approved => journal::Phase::Approved,
        Phase::Closed => journal::Phase::Closed,
        Phase::Reversed => journal::Phase::Reversed,
    }
}

fn from_wit(phase: journal::Phase) -> Phase {
    match phase {
        journal::Phase::Begun => Phase::Begun,
        journal::Phase::Sent => Phase::Sent,
        journal::Phase::ReversalDue => Phase::ReversalDue,
        journal::Phase::AdviceDue => Phase::AdviceDue,
        journal::Phase::Approved => Phase::Approved,
        journal::Phase::Closed => Phase::Closed,
        journal::Phase::Reversed => Phase::Reversed,
    }
}

/// Both cases mean the same to the engine: nothing was written.
fn failed(error: journal::ErrorCode) -> JournalError {
    match error {
        journal::ErrorCode::Full | journal::ErrorCode::StorageFault => JournalError,
    }
}

impl Trace for Imports {
    fn record_event(&mut self, event: TraceEvent) {
        trace::record_event(&convert::trace::event(event));
    }
}
