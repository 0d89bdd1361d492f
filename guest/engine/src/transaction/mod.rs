//! One transaction, from the request to the receipt.
//!
//! The order is the safety: `sent` is durable before a request leaves, every end is durable
//! before anyone is shown it, and an answer that is not beyond doubt is reversed.

mod attempts;
mod ending;
mod granular;
mod offline;
mod online;
mod presenting;
mod reading;
mod referring;
mod swiped;

use emv::parameters::Connection;

use crate::card::CardFacts;
use crate::configuration::Configuration;
use crate::iso8583::Message;
use crate::iso8583::requests::{self, Asked, Payment, Purpose};
use crate::money::{Amount, Currency};
use crate::outcome::{
    CancelReason, Ending, Error, OnlineDecision, Original, Outcome, ReversalState, TransactionKind,
    TransactionRequest,
};
use crate::ports::{Counter, DisplayMessage, Phase, Terminal};
use crate::record::{Open, Record};
use crate::recovery;
use crate::reversal::{self, Due, Sending};
use crate::trace;
use presenting::{Served, Whereabouts};

/// What is done in a transaction.
#[derive(Debug, Clone, Copy)]
enum Service<'a> {
    /// A card and its issuer decide.
    Authorise(Purpose),
    /// A card says whom to pay, and the acquirer decides.
    Refund(&'a Original),
    /// A card is read, and nothing else.
    Read,
    /// The acquirer decides about an earlier transaction; no card is presented.
    Refer(Purpose, &'a Original),
}

impl<'a> Service<'a> {
    /// `None` when an original is missing, or named where none belongs.
    fn of(request: &'a TransactionRequest) -> Option<Self> {
        match (request.kind, &request.original) {
            (TransactionKind::Sale, None) => Some(Self::Authorise(Purpose::Sale)),
            (TransactionKind::PreAuth, None) => Some(Self::Authorise(Purpose::PreAuth)),
            (TransactionKind::BalanceInquiry, None) => {
                Some(Self::Authorise(Purpose::BalanceInquiry))
            }
            (TransactionKind::CardRead, None) => Some(Self::Read),
            (TransactionKind::Refund, Some(original)) => Some(Self::Refund(original)),
            (TransactionKind::Void, Some(original)) => Some(Self::Refer(Purpose::Void, original)),
            (TransactionKind::PreAuthComplete, Some(original)) => {
                Some(Self::Refer(Purpose::PreAuthComplete, original))
            }
            _ => None,
        }
    }

    /// Whether nobody but the issuer may approve.
    const fn only_issuer_approves(self) -> bool {
        matches!(
            self,
            Self::Authorise(Purpose::PreAuth | Purpose::BalanceInquiry)
        )
    }

    /// Whether the point of sale may decide: a card is read for it, and it moves money.
    const fn may_be_granular(self) -> bool {
        matches!(
            self,
            Self::Authorise(Purpose::Sale | Purpose::PreAuth) | Self::Refund(_)
        )
    }

    /// Whether money is asked for or given.
    const fn moves_money(self) -> bool {
        !matches!(self, Self::Read | Self::Authorise(Purpose::BalanceInquiry))
    }
}

/// What does not change during one transaction.
struct Running<'a> {
    request: &'a TransactionRequest,
    service: Service<'a>,
    configuration: &'a Configuration,
    currency: &'a Currency,
    payment: Payment,
    /// Whether everything that must go out first has gone out, or nothing goes out.
    acquirer_available: bool,
}

/// How a transaction ended; the journal says so.
struct Concluded {
    outcome: Outcome,
    /// The record of an offline approval whose advice can be sent now.
    advice: Option<Record>,
}

impl From<Outcome> for Concluded {
    fn from(outcome: Outcome) -> Self {
        Self {
            outcome,
            advice: None,
        }
    }
}

/// Runs a transaction to its end.
pub(crate) fn run<T: Terminal>(
    terminal: &mut T,
    request: &TransactionRequest,
) -> Result<Outcome, Error> {
    let configuration = Configuration::load(terminal)?;
    let currency = configuration
        .currency(request.currency)
        .ok_or(Error::InvalidRequest)?;
    let service = Service::of(request).ok_or(Error::InvalidRequest)?;
    let payment = payment(request, service)?;
    let granular = request.online_decision == OnlineDecision::PointOfSale;
    if granular && !service.may_be_granular() {
        return Err(Error::InvalidRequest);
    }
    let alone = configuration.terminal.kind.connection == Connection::OfflineOnly;
    let without_acquirer = matches!(service, Service::Authorise(Purpose::Sale) | Service::Read);
    if alone && (granular || !without_acquirer) {
        return Err(Error::NotSupported);
    }
    take_up(terminal, request)?;
    // Where nothing is asked of the acquirer, nothing that is due to it keeps the cardholder waiting.
    let acquirer_available =
        granular || recovery::settle_before(terminal, &configuration, request.began)?;
    let running = Running {
        request,
        service,
        configuration: &configuration,
        currency,
        payment,
        acquirer_available,
    };
    let Served { concluded, card } = match service {
        Service::Refer(purpose, original) => Served {
            concluded: referring::ask(terminal, &running, purpose, original),
            card: Whereabouts::InTheHand,
        },
        Service::Authorise(_) | Service::Refund(_) | Service::Read => {
            presenting::serve(terminal, &running)
        }
    };
    match &concluded {
        Ok(concluded) => ending::show(terminal, &running, &concluded.outcome, card),
        Err(_) => terminal.show(DisplayMessage::ProcessingError),
    }
    if card == Whereabouts::InTheSlot {
        terminal.show(DisplayMessage::RemoveCard);
    }
    let Concluded { outcome, advice } = concluded?;
    if let Some(record) = advice {
        running.advise(terminal, record);
    }
    Ok(outcome)
}

/// The amounts, checked (tag 9F02 and field 4 hold twelve digits).
fn payment(request: &TransactionRequest, service: Service<'_>) -> Result<Payment, Error> {
    let amount = |minor| Amount::from_minor(minor).ok_or(Error::InvalidRequest);
    let cashback = amount(request.cashback_minor)?;
    let total = amount(request.amount_minor)?
        .checked_add(amount(request.tip_minor)?)
        .and_then(|sum| sum.checked_add(cashback))
        .ok_or(Error::InvalidRequest)?;
    let named = (1..=64).contains(&request.transaction_id.len());
    let with_cashback = matches!(service, Service::Authorise(Purpose::Sale));
    let with_tip = with_cashback || matches!(service, Service::Refer(Purpose::PreAuthComplete, _));
    let amounts_fit = (request.amount_minor > 0) == service.moves_money()
        && (request.cashback_minor == 0 || with_cashback)
        && (request.tip_minor == 0 || with_tip);
    if !amounts_fit || !named {
        return Err(Error::InvalidRequest);
    }
    // The engine reads contact chips, and stripes where there is no chip to read.
    if !request.accepted.contact && !matches!(service, Service::Refer(..)) {
        return Err(Error::NotSupported);
    }
    Ok(Payment {
        total,
        cashback,
        currency: request.currency,
    })
}

/// Takes up what the host began. A transaction runs once.
fn take_up<T: Terminal>(terminal: &mut T, request: &TransactionRequest) -> Result<(), Error> {
    let last = terminal
        .last_entry(&request.transaction_id)
        .map_err(|_| Error::JournalFault)?;
    match last {
        Some(entry) if entry.phase == Phase::Begun => Ok(()),
        Some(_) | None => Err(Error::InvalidRequest),
    }
}

fn next_trace_number<T: Terminal>(terminal: &mut T) -> Result<u32, Error> {
    terminal
        .next(Counter::TraceNumber)
        .map_err(|_| Error::JournalFault)
}

impl Running<'_> {
    /// Whether the point of sale decides.
    fn granular(&self) -> bool {
        self.request.online_decision == OnlineDecision::PointOfSale
    }

    fn kernel_transaction(&self, sequence: u32) -> emv::Transaction {
        let cashback = self.payment.cashback.minor();
        emv::Transaction {
            amount: self.payment.total.minor(),
            amount_other: cashback,
            currency: self.payment.currency,
            currency_exponent: self.currency.exponent,
            kind: match self.service {
                Service::Authorise(Purpose::BalanceInquiry) => emv::TransactionType::BalanceInquiry,
                Service::Refund(_) => emv::TransactionType::Refund,
                Service::Authorise(_) if cashback > 0 => emv::TransactionType::GoodsWithCashback,
                Service::Authorise(_) | Service::Read | Service::Refer(..) => {
                    emv::TransactionType::GoodsAndServices
                }
            },
            date: self.request.began.date_bcd(),
            time: self.request.began.time_bcd(),
            sequence,
            merchant_forced_online: false,
            only_issuer_approves: self.granular() || self.service.only_issuer_approves(),
        }
    }

    /// What a message asks for.
    fn asked(&self, purpose: Purpose, trace_number: u32) -> Asked {
        Asked {
            purpose,
            payment: self.payment,
            trace_number,
            batch_number: self.request.batch_number,
            now: self.request.began,
        }
    }

    /// The message that asks what is to be done with a card.
    fn message(&self, purpose: Purpose, facts: &CardFacts, trace_number: u32) -> Message {
        let asked = self.asked(purpose, trace_number);
        requests::of_card(self.configuration, &asked, facts)
    }

    fn append<T: Terminal>(
        &self,
        terminal: &mut T,
        phase: Phase,
        record: &Record,
    ) -> Result<(), Error> {
        reversal::append(terminal, &self.request.transaction_id, phase, record)
    }

    /// Records an approval, and of a sale what the card paid with it.
    fn approve<T: Terminal>(
        &self,
        terminal: &mut T,
        phase: Phase,
        record: &Record,
        facts: &CardFacts,
    ) -> Result<(), Error> {
        let sells = matches!(self.service, Service::Authorise(Purpose::Sale));
        let Some(payer) = facts.payer.as_ref().filter(|_| sells) else {
            return self.append(terminal, phase, record);
        };
        let id = &self.request.transaction_id;
        reversal::append_approval(terminal, id, (phase, record), &payer.account())
    }

    /// Ends without an approval and with nothing to reverse. Where the point of sale was told that
    /// its abort is accepted, that is how it ends, whatever card or device did meanwhile.
    fn ended<T: Terminal>(
        &self,
        terminal: &mut T,
        mut record: Record,
        ending: Ending,
    ) -> Result<Concluded, Error> {
        record.outcome.ending = if terminal.proceed() {
            ending
        } else {
            trace::note(terminal, &trace::ABORTED);
            Ending::Cancelled(CancelReason::PointOfSale)
        };
        record.outcome.reversal = ReversalState::None;
        let record = Record::closed(record.outcome);
        self.append(terminal, Phase::Closed, &record)?;
        Ok(record.outcome.into())
    }

    /// Ends without an approval where money may have moved: records that it must be reversed,
    /// then tries at once.
    fn reverse<T: Terminal>(
        &self,
        terminal: &mut T,
        record: Record,
        open: Open,
        ending: Ending,
    ) -> Result<Outcome, Error> {
        let id = &self.request.transaction_id;
        let mut record = reversal::make_due(terminal, id, ending, record, open)?;
        // From here on the journal holds the end. If it takes nothing more, the reversal is due
        // still, and `record` says so.
        let _: Result<_, Error> = reversal::send(
            terminal,
            self.configuration,
            id,
            &mut record,
            self.sending(reversal::REVERSAL),
        );
        Ok(record.outcome)
    }

    /// Sends the advice of an offline approval. The approval stands whatever comes of it.
    fn advise<T: Terminal>(&self, terminal: &mut T, mut record: Record) {
        let id = &self.request.transaction_id;
        let _: Result<_, Error> = reversal::send(
            terminal,
            self.configuration,
            id,
            &mut record,
            self.sending(reversal::ADVICE),
        );
    }

    const fn sending(&self, due: &'static Due) -> Sending {
        Sending {
            due,
            now: self.request.began,
            repeated: false,
        }
    }
}
