//! Parameters, point of sale, acquirer link, journal, trace.

use wasmtime::Result;

use super::{Answer, Asked, Boundary, RECORD_EVENT, cross, kept};
use crate::bindings::terminal::{
    acquirer_link::acquirer_link, journal::journal, parameters::parameters,
    point_of_sale::point_of_sale, trace::trace,
};

impl parameters::Host for Boundary {
    async fn terminal_data(&mut self) -> Result<parameters::Terminal> {
        cross!(
            self,
            "parameters.terminal-data",
            (),
            parameters::Host::terminal_data,
        )
    }

    async fn time_limits(&mut self) -> Result<parameters::Timeouts> {
        cross!(
            self,
            "parameters.time-limits",
            (),
            parameters::Host::time_limits,
        )
    }

    async fn applications(&mut self) -> Result<Vec<parameters::Application>> {
        cross!(
            self,
            "parameters.applications",
            (),
            parameters::Host::applications,
        )
    }

    async fn find_ca_public_key(
        &mut self,
        rid: Vec<u8>,
        index: u8,
    ) -> Result<Option<parameters::CaPublicKey>> {
        cross!(
            self,
            "parameters.find-ca-public-key",
            (rid, index),
            parameters::Host::find_ca_public_key,
            rid,
            index
        )
    }

    async fn find_elliptic_ca_public_key(
        &mut self,
        rid: Vec<u8>,
        index: u8,
    ) -> Result<Option<parameters::EllipticCaPublicKey>> {
        cross!(
            self,
            "parameters.find-elliptic-ca-public-key",
            (rid, index),
            parameters::Host::find_elliptic_ca_public_key,
            rid,
            index
        )
    }

    async fn is_issuer_certificate_revoked(
        &mut self,
        rid: Vec<u8>,
        index: u8,
        serial_number: Vec<u8>,
    ) -> Result<bool> {
        cross!(
            self,
            "parameters.is-issuer-certificate-revoked",
            (rid, index, serial_number),
            parameters::Host::is_issuer_certificate_revoked,
            rid,
            index,
            serial_number
        )
    }

    async fn is_on_exception_file(
        &mut self,
        pan: Vec<u8>,
        sequence_number: Option<u8>,
    ) -> Result<bool> {
        cross!(
            self,
            "parameters.is-on-exception-file",
            (pan, sequence_number),
            parameters::Host::is_on_exception_file,
            pan,
            sequence_number
        )
    }

    async fn acquirer_data(&mut self) -> Result<parameters::Acquirer> {
        cross!(
            self,
            "parameters.acquirer-data",
            (),
            parameters::Host::acquirer_data,
        )
    }

    async fn magstripe(&mut self) -> Result<Option<parameters::MagstripeRules>> {
        cross!(
            self,
            "parameters.magstripe",
            (),
            parameters::Host::magstripe,
        )
    }
}

impl point_of_sale::Host for Boundary {
    async fn report(&mut self, progress: point_of_sale::Progress) -> Result<()> {
        cross!(
            self,
            "point-of-sale.report",
            (progress),
            point_of_sale::Host::report,
            progress
        )
    }

    async fn proceed(&mut self) -> Result<bool> {
        cross!(
            self,
            "point-of-sale.proceed",
            (),
            point_of_sale::Host::proceed,
        )
    }

    async fn authorise_online(
        &mut self,
        request: point_of_sale::OnlineRequest,
        timeout_ms: u32,
    ) -> Answer<point_of_sale::OnlineAnswer, point_of_sale::ErrorCode> {
        cross!(
            self,
            "point-of-sale.authorise-online",
            (request, timeout_ms),
            point_of_sale::Host::authorise_online,
            request,
            timeout_ms
        )
    }

    async fn accept_signature(
        &mut self,
        timeout_ms: u32,
    ) -> Answer<bool, point_of_sale::ErrorCode> {
        cross!(
            self,
            "point-of-sale.accept-signature",
            (timeout_ms),
            point_of_sale::Host::accept_signature,
            timeout_ms
        )
    }
}

impl acquirer_link::Host for Boundary {
    async fn exchange(
        &mut self,
        request: Vec<u8>,
        timeout_ms: u32,
    ) -> Answer<Vec<u8>, acquirer_link::ErrorCode> {
        cross!(
            self,
            "acquirer-link.exchange",
            (request, timeout_ms),
            acquirer_link::Host::exchange,
            request,
            timeout_ms
        )
    }
}

impl journal::Host for Boundary {
    async fn append(
        &mut self,
        transaction_id: String,
        phase: journal::Phase,
        content: Vec<u8>,
    ) -> Answer<u64, journal::ErrorCode> {
        cross!(
            self,
            "journal.append",
            (transaction_id, phase, content),
            journal::Host::append,
            transaction_id,
            phase,
            content
        )
    }

    async fn append_approval(
        &mut self,
        transaction_id: String,
        phase: journal::Phase,
        content: Vec<u8>,
        account: journal::Account,
    ) -> Answer<u64, journal::ErrorCode> {
        cross!(
            self,
            "journal.append-approval",
            (transaction_id, phase, content, account),
            journal::Host::append_approval,
            transaction_id,
            phase,
            content,
            account
        )
    }

    async fn last_payment(
        &mut self,
        account: journal::Account,
    ) -> Answer<Option<u64>, journal::ErrorCode> {
        cross!(
            self,
            "journal.last-payment",
            (account),
            journal::Host::last_payment,
            account
        )
    }

    async fn unsettled(
        &mut self,
        after_sequence: u64,
        count_max: u32,
    ) -> Answer<Vec<journal::Entry>, journal::ErrorCode> {
        cross!(
            self,
            "journal.unsettled",
            (after_sequence, count_max),
            journal::Host::unsettled,
            after_sequence,
            count_max
        )
    }

    async fn batch(
        &mut self,
        after_sequence: u64,
        count_max: u32,
    ) -> Answer<Vec<journal::Entry>, journal::ErrorCode> {
        cross!(
            self,
            "journal.batch",
            (after_sequence, count_max),
            journal::Host::batch,
            after_sequence,
            count_max
        )
    }

    async fn last_entry(
        &mut self,
        transaction_id: String,
    ) -> Answer<Option<journal::Entry>, journal::ErrorCode> {
        cross!(
            self,
            "journal.last-entry",
            (transaction_id),
            journal::Host::last_entry,
            transaction_id
        )
    }

    async fn next(&mut self, counter: journal::Counter) -> Answer<u32, journal::ErrorCode> {
        cross!(
            self,
            "journal.next",
            (counter),
            journal::Host::next,
            counter
        )
    }
}

impl trace::Host for Boundary {
    async fn record_event(&mut self, event: trace::Event) -> Result<()> {
        cross!(
            self,
            RECORD_EVENT,
            (event),
            trace::Host::record_event,
            event
        )
    }
}
