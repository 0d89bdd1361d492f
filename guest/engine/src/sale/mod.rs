//! One sale, from the request to the receipt.
//!
//! The order is the safety: `sent` is durable before a request leaves, every end is durable
//! before anyone is shown it, and an answer that is not beyond doubt is reversed.

mod ending;
mod offline;
mod online;

use emv::{Decision, HostAnswer, contact};

use crate::card::{CardFacts, Dialogue};
use crate::configuration::Configuration;
use crate::iso8583::Message;
use crate::iso8583::requests::{self, Payment};
use crate::money::{Amount, Currency};
use crate::outcome::{
    CancelReason, Ending, Error, Failure, Outcome, ReversalState, TransactionRequest,
};
use crate::ports::{
    CardReaderError, Counter, DisplayMessage, Phase, PresentedCard, Progress, Terminal,
};
use crate::record::{Open, Record};
use crate::recovery;
use crate::reversal::{self, Due, Sending};
use crate::trace;
use offline::Unanswered;

/// What does not change during one sale.
struct Sale<'a> {
    request: &'a TransactionRequest,
    configuration: &'a Configuration,
    currency: &'a Currency,
    payment: Payment,
    /// Whether everything that must go out first has gone out.
    acquirer_available: bool,
}

/// How a sale ended; the journal says so.
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

/// Runs a sale to its end.
pub(crate) fn run<T: Terminal>(
    terminal: &mut T,
    request: &TransactionRequest,
) -> Result<Outcome, Error> {
    let configuration = Configuration::load(terminal)?;
    let currency = configuration
        .currency(request.currency)
        .ok_or(Error::InvalidRequest)?;
    let payment = payment(request)?;
    take_up(terminal, request)?;
    let acquirer_available = recovery::settle_before(terminal, &configuration, request.began)?;
    let sale = Sale {
        request,
        configuration: &configuration,
        currency,
        payment,
        acquirer_available,
    };
    let (concluded, inserted) = match present(terminal, &sale) {
        Ok(card) => (with_card(terminal, &sale, card), true),
        Err(ending) => {
            let record = Record::closed(Outcome::without_card(ending));
            (sale.ended(terminal, record, ending), false)
        }
    };
    match &concluded {
        Ok(concluded) => ending::show(terminal, &sale, &concluded.outcome),
        Err(_) => terminal.show(DisplayMessage::ProcessingError),
    }
    if inserted {
        terminal.show(DisplayMessage::RemoveCard);
    }
    let Concluded { outcome, advice } = concluded?;
    if let Some(record) = advice {
        sale.advise(terminal, record);
    }
    Ok(outcome)
}

/// The amounts, checked (tag 9F02 and field 4 hold twelve digits).
fn payment(request: &TransactionRequest) -> Result<Payment, Error> {
    let amount = |minor| Amount::from_minor(minor).ok_or(Error::InvalidRequest);
    let cashback = amount(request.cashback_minor)?;
    let total = amount(request.amount_minor)?
        .checked_add(amount(request.tip_minor)?)
        .and_then(|sum| sum.checked_add(cashback))
        .ok_or(Error::InvalidRequest)?;
    let named = (1..=64).contains(&request.transaction_id.len());
    if request.amount_minor == 0 || !named {
        return Err(Error::InvalidRequest);
    }
    // The engine reads contact chips.
    if !request.accepted.contact {
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

/// Asks for a card and waits for it. The engine reads contact chips only.
fn present<T: Terminal>(terminal: &mut T, sale: &Sale<'_>) -> Result<T::Card, Ending> {
    terminal.present_card(sale.payment.total, sale.payment.currency);
    terminal.report(Progress::WaitingForCard);
    let mut accepted = sale.request.accepted;
    (accepted.contactless, accepted.magstripe) = (false, false);
    match terminal.wait_for_card(accepted, sale.configuration.timeouts.card_ms) {
        Ok(PresentedCard::Contact(card)) => Ok(card),
        Ok(PresentedCard::Contactless(_) | PresentedCard::Magstripe) => {
            Err(Ending::Failed(Failure::CardNotAccepted))
        }
        Err(CardReaderError::TimedOut) => Err(Ending::Cancelled(CancelReason::NoCard)),
        Err(CardReaderError::Cancelled) => Err(Ending::Cancelled(CancelReason::Cardholder)),
        Err(CardReaderError::Aborted) => Err(Ending::Cancelled(CancelReason::PointOfSale)),
        Err(
            CardReaderError::CardRemoved
            | CardReaderError::CardUnresponsive
            | CardReaderError::CardCollision,
        ) => Err(Ending::Failed(Failure::CardUnreadable)),
        Err(CardReaderError::ReaderFault) => Err(Ending::Failed(Failure::DeviceFault)),
    }
}

/// The kernel's part and what follows from its decision. The card is powered down at the end.
fn with_card<T: Terminal>(
    terminal: &mut T,
    sale: &Sale<'_>,
    card: T::Card,
) -> Result<Concluded, Error> {
    let sequence = terminal
        .next(Counter::TransactionSequence)
        .map_err(|_| Error::JournalFault)?;
    let configuration = sale.configuration;
    let mut dialogue = Dialogue {
        terminal,
        configuration,
        card,
        amount: sale.payment.total,
        currency: sale.payment.currency,
        pin: None,
    };
    let transaction = sale.kernel_transaction(sequence);
    let started = contact::start(
        &mut dialogue,
        &configuration.terminal,
        &configuration.applications,
        &transaction,
    );
    match started {
        Ok(Decision::Online(request)) if sale.acquirer_available => {
            online::ask(&mut dialogue, sale, request)
        }
        Ok(Decision::Online(request)) => {
            let completed = request.complete(&mut dialogue, &HostAnswer::UnableToGoOnline);
            offline::conclude(&mut dialogue, sale, &completed, Unanswered::Blocked)
        }
        Ok(Decision::Approved(completed) | Decision::Declined(completed)) => offline::conclude(
            &mut dialogue,
            sale,
            &Ok(completed),
            Unanswered::DecidedAlone,
        ),
        Err(ended) => offline::conclude(&mut dialogue, sale, &Err(ended), Unanswered::DecidedAlone),
    }
}

fn next_trace_number<T: Terminal>(terminal: &mut T) -> Result<u32, Error> {
    terminal
        .next(Counter::TraceNumber)
        .map_err(|_| Error::JournalFault)
}

impl Sale<'_> {
    fn kernel_transaction(&self, sequence: u32) -> emv::Transaction {
        let cashback = self.payment.cashback.minor();
        emv::Transaction {
            amount: self.payment.total.minor(),
            amount_other: cashback,
            currency: self.payment.currency,
            currency_exponent: self.currency.exponent,
            kind: if cashback > 0 {
                emv::TransactionType::GoodsWithCashback
            } else {
                emv::TransactionType::GoodsAndServices
            },
            date: self.request.began.date_bcd(),
            time: self.request.began.time_bcd(),
            sequence,
            merchant_forced_online: false,
        }
    }

    fn message(&self, facts: &CardFacts, trace_number: u32) -> Message {
        requests::financial_request(
            self.configuration,
            self.payment,
            facts,
            trace_number,
            &self.request.began,
        )
    }

    fn append<T: Terminal>(
        &self,
        terminal: &mut T,
        phase: Phase,
        record: &Record,
    ) -> Result<(), Error> {
        reversal::append(terminal, &self.request.transaction_id, phase, record)
    }

    /// Records an approval, and what the card paid with it.
    fn approve<T: Terminal>(
        &self,
        terminal: &mut T,
        phase: Phase,
        record: &Record,
        facts: &CardFacts,
    ) -> Result<(), Error> {
        let Some(account) = facts.account() else {
            return self.append(terminal, phase, record);
        };
        let id = &self.request.transaction_id;
        reversal::append_approval(terminal, id, (phase, record), &account)
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
