//! Parameters, point of sale, acquirer link, journal, trace.

use engine::{
    parameters::{
        Acquirer, Application, CaPublicKey, EllipticCaPublicKey, MagstripeRules, TerminalData,
        Timeouts,
    },
    ports::{
        Account, AcquirerLink, Counter, Entry, Journal, JournalError, LinkError, NoDecision,
        OnlineAnswer, OnlineRequest, Parameters, Phase, PointOfSale, Progress, Trace, TraceEvent,
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

    fn find_elliptic_ca_public_key(
        &mut self,
        rid: &[u8],
        index: u8,
    ) -> Option<EllipticCaPublicKey> {
        parameters::find_elliptic_ca_public_key(rid, index)
            .map(convert::parameters::elliptic_ca_public_key)
    }

    fn is_issuer_certificate_revoked(&mut self, rid: &[u8], index: u8, serial: &[u8]) -> bool {
        parameters::is_issuer_certificate_revoked(rid, index, serial)
    }

    fn is_on_exception_file(&mut self, pan: &[u8], sequence_number: Option<u8>) -> bool {
        parameters::is_on_exception_file(pan, sequence_number)
    }

    fn acquirer_data(&mut self) -> Acquirer {
        convert::parameters::acquirer(parameters::acquirer_data())
    }

    fn magstripe_rules(&mut self) -> Option<MagstripeRules> {
        parameters::magstripe().map(convert::parameters::magstripe_rules)
    }
}

impl PointOfSale for Imports {
    fn report(&mut self, progress: Progress) {
        point_of_sale::report(&convert::people::progress(progress));
    }

    fn proceed(&mut self) -> bool {
        point_of_sale::proceed()
    }

    fn authorise_online(
        &mut self,
        request: &OnlineRequest,
        timeout_ms: u32,
    ) -> Result<OnlineAnswer, NoDecision> {
        point_of_sale::authorise_online(&convert::people::online_request(request), timeout_ms)
            .map(convert::people::online_answer)
            .map_err(convert::people::no_decision)
    }
}

impl AcquirerLink for Imports {
    fn exchange(&mut self, request: &[u8], timeout_ms: u32) -> Result<Vec<u8>, LinkError> {
        acquirer_link::exchange(request, timeout_ms).map_err(convert::errors::acquirer_link)
    }
}

impl Journal for Imports {
    fn append(&mut self, id: &str, phase: Phase, content: &[u8]) -> Result<(), JournalError> {
        journal::append(id, convert::journal::phase(phase), content)
            .map(|_| ())
            .map_err(convert::errors::journal)
    }

    fn append_approval(
        &mut self,
        id: &str,
        phase: Phase,
        content: &[u8],
        account: &Account,
    ) -> Result<(), JournalError> {
        let account = convert::journal::account(account);
        journal::append_approval(id, convert::journal::phase(phase), content, &account)
            .map(|_| ())
            .map_err(convert::errors::journal)
    }

    fn last_payment(&mut self, account: &Account) -> Result<Option<u64>, JournalError> {
        journal::last_payment(&convert::journal::account(account)).map_err(convert::errors::journal)
    }

    fn unsettled(
        &mut self,
        after_sequence: u64,
        count_max: u32,
    ) -> Result<Vec<Entry>, JournalError> {
        journal::unsettled(after_sequence, count_max)
            .map(|entries| entries.into_iter().map(convert::journal::entry).collect())
            .map_err(convert::errors::journal)
    }

    fn batch(&mut self, after_sequence: u64, count_max: u32) -> Result<Vec<Entry>, JournalError> {
        journal::batch(after_sequence, count_max)
            .map(|entries| entries.into_iter().map(convert::journal::entry).collect())
            .map_err(convert::errors::journal)
    }

    fn last_entry(&mut self, id: &str) -> Result<Option<Entry>, JournalError> {
        journal::last_entry(id)
            .map(|last| last.map(convert::journal::entry))
            .map_err(convert::errors::journal)
    }

    fn next(&mut self, counter: Counter) -> Result<u32, JournalError> {
        journal::next(convert::journal::counter(counter)).map_err(convert::errors::journal)
    }
}

impl Trace for Imports {
    fn record_event(&mut self, event: TraceEvent) {
        trace::record_event(&convert::trace::event(event));
    }
}
