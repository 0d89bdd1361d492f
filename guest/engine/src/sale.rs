//! One sale, from the request to the receipt.

use emv::ports::{CardFault, Interruption};
use emv::{Cause, Completed, Decision, Decliner, Ended, HostAnswer, OnlineRequest, contact};
use zeroize::Zeroizing;

use crate::card::{CardFacts, Dialogue};
use crate::configuration::Configuration;
use crate::delivery::{self, Fault, Prepared};
use crate::iso8583::Message;
use crate::iso8583::answers::{self, Verdict};
use crate::iso8583::dialect::PinBlockFormat;
use crate::iso8583::requests::{self, Payment, ReversalReason};
use crate::money::{Amount, Currency};
use crate::outcome::{
    CancelReason, DeclineReason, Ending, Error, Failure, Outcome, ReversalState, TransactionRequest,
};
use crate::ports::{
    CardReaderError, Counter, DisplayMessage, Phase, PresentedCard, Progress, Terminal,
};
use crate::receipt;
use crate::record::{Open, Record};
use crate::recovery;
use crate::reversal::{self, Delivery, Sending};

/// What does not change during one sale.
struct Sale<'a> {
    request: &'a TransactionRequest,
    configuration: &'a Configuration,
    currency: &'a Currency,
    payment: Payment,
    /// Whether everything that must go out first has gone out.
    acquirer_available: bool,
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
    begin(terminal, request)?;
    let acquirer_available = recovery::settle_before(
        terminal,
        &configuration,
        request.began,
        &request.transaction_id,
    )?;
    let configuration = &configuration;
    let sale = Sale {
        request,
        configuration,
        currency,
        payment,
        acquirer_available,
    };
    let outcome = match present(terminal, &sale) {
        Ok(card) => with_card(terminal, &sale, card)?,
        Err(ending) => sale.close(terminal, Outcome::without_card(ending))?,
    };
    show_end(terminal, &sale, &outcome);
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
    if request.amount_minor == 0 || !named || !request.accepted.contact {
        return Err(Error::InvalidRequest);
    }
    Ok(Payment {
        total,
        cashback,
        currency: request.currency,
    })
}

/// Takes up what the host began, or begins it. A transaction runs once.
fn begin<T: Terminal>(terminal: &mut T, request: &TransactionRequest) -> Result<(), Error> {
    let id = &request.transaction_id;
    match terminal
        .last_entry(id)
        .map_err(|_| Error::JournalFault)?
        .map(|entry| entry.phase)
    {
        None => terminal
            .append(id, Phase::Begun, &[])
            .map_err(|_| Error::JournalFault),
        Some(Phase::Begun) => Ok(()),
        Some(
            Phase::Sent
            | Phase::ReversalDue
            | Phase::AdviceDue
            | Phase::Approved
            | Phase::Closed
            | Phase::Reversed,
        ) => Err(Error::InvalidRequest),
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
) -> Result<Outcome, Error> {
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
        Ok(Decision::Online(online)) if sale.acquirer_available => {
            go_online(&mut dialogue, sale, online)
        }
        Ok(Decision::Online(online)) => {
            let completed = online.complete(&mut dialogue, &HostAnswer::UnableToGoOnline);
            offline_end(&mut dialogue, sale, completed, Offline::UnableToGoOnline)
        }
        Ok(Decision::Approved(completed) | Decision::Declined(completed)) => {
            offline_end(&mut dialogue, sale, Ok(completed), Offline::Decided)
        }
        Err(ended) => offline_end(&mut dialogue, sale, Err(ended), Offline::Decided),
    }
}

/// Journal, ask, and finish with the card.
fn go_online<T: Terminal>(
    dialogue: &mut Dialogue<'_, T>,
    sale: &Sale<'_>,
    online: OnlineRequest,
) -> Result<Outcome, Error> {
    let facts = CardFacts::of_contact(online.card(), sale.configuration);
    let mut record = Record::closed(sale.outcome(&facts, Ending::Failed(Failure::AnswerLost)));
    let trace_number = next_trace_number(dialogue.terminal)?;
    record.outcome.trace_number = Some(trace_number);
    let message = sale.message(&facts, trace_number);
    let open = Open {
        message: requests::storable(&message),
        reason: ReversalReason::NoAnswer,
    };
    let Some(prepared) = prepare(dialogue, sale, &facts, message) else {
        return sale.ended(
            dialogue.terminal,
            record,
            Ending::Failed(Failure::DeviceFault),
        );
    };
    if !dialogue.terminal.proceed() {
        return sale.ended(
            dialogue.terminal,
            record,
            Ending::Cancelled(CancelReason::PointOfSale),
        );
    }
    dialogue.terminal.show(DisplayMessage::PleaseWait);
    dialogue.terminal.report(Progress::Authorising);
    record.outcome.reversal = ReversalState::Pending;
    record.open = Some(open.clone());
    sale.append(dialogue.terminal, Phase::Sent, &record)?;
    record.open = None;
    let answer =
        delivery::exchange(dialogue.terminal, sale.configuration, &prepared).and_then(|answer| {
            answers::verdict(&sale.configuration.codec, &answer).ok_or(Fault::NoAnswer)
        });
    match answer {
        Err(Fault::NotSent) => {
            let completed = online.complete(dialogue, &HostAnswer::UnableToGoOnline);
            offline_end(dialogue, sale, completed, Offline::NotSent(trace_number))
        }
        Err(Fault::NoAnswer) => sale.reverse(
            dialogue.terminal,
            record,
            open,
            Ending::Failed(Failure::AnswerLost),
        ),
        Ok(verdict) => apply(dialogue, sale, online, verdict, (record, open)),
    }
}

/// Takes the acquirer's answer to the card and ends the transaction.
fn apply<T: Terminal>(
    dialogue: &mut Dialogue<'_, T>,
    sale: &Sale<'_>,
    online: OnlineRequest,
    verdict: Verdict,
    (mut record, mut open): (Record, Open),
) -> Result<Outcome, Error> {
    record.outcome.answer = Some(verdict.answer.clone());
    for (number, text) in [
        (38, &verdict.answer.authorisation_code),
        (37, &verdict.answer.retrieval_reference),
    ] {
        if let Some(text) = text {
            open.message.set(number, text);
        }
    }
    let answer = HostAnswer::Answered {
        approved: verdict.approved,
        response_code: verdict.code,
        issuer_authentication_data: verdict.issuer.authentication_data,
        scripts: verdict.issuer.scripts,
    };
    let completed = online.complete(dialogue, &answer);
    let card = match &completed {
        Ok(completed) => &completed.card,
        Err(ended) => &*ended.card,
    };
    record.outcome.card = CardFacts::of_contact(card, sale.configuration).details;
    let terminal = &mut *dialogue.terminal;
    if verdict.partial {
        // This point of sale did not say that it takes less than it asked for.
        open.reason = ReversalReason::PartialRefused;
        return sale.reverse(
            terminal,
            record,
            open,
            Ending::Declined(DeclineReason::Acquirer),
        );
    }
    if !verdict.approved {
        return sale.ended(terminal, record, Ending::Declined(DeclineReason::Acquirer));
    }
    open.reason = ReversalReason::NotCompleted;
    match completed {
        Ok(completed) if completed.approved && !completed.reversal_required => {
            record.outcome.ending = Ending::Approved;
            record.outcome.reversal = ReversalState::None;
            record.outcome.approved_minor = sale.payment.total.minor();
            sale.append(terminal, Phase::Approved, &record)?;
            Ok(record.outcome)
        }
        Ok(completed) => sale.reverse(terminal, record, open, declined(completed.declined_by)),
        Err(ended) => sale.reverse(terminal, record, open, ended_by(&ended)),
    }
}

/// How a transaction came to end without an answer.
#[derive(Clone, Copy)]
enum Offline {
    /// Card and terminal decided alone.
    Decided,
    /// Something older could not be delivered, so the acquirer was not asked.
    UnableToGoOnline,
    /// The journal says `sent`, and the host guarantees that nothing left.
    NotSent(u32),
}

/// Ends a transaction no answer belongs to: approved offline, declined, or broken off.
fn offline_end<T: Terminal>(
    dialogue: &mut Dialogue<'_, T>,
    sale: &Sale<'_>,
    completed: Result<Completed, Ended>,
    offline: Offline,
) -> Result<Outcome, Error> {
    let (card, ending) = match &completed {
        Ok(completed) if completed.approved => (&completed.card, Ending::Approved),
        Ok(completed) => (
            &completed.card,
            match offline {
                Offline::Decided => declined(completed.declined_by),
                Offline::UnableToGoOnline | Offline::NotSent(_) => {
                    Ending::Failed(Failure::AcquirerUnreachable)
                }
            },
        ),
        Err(ended) => (&*ended.card, ended_by(ended)),
    };
    let facts = CardFacts::of_contact(card, sale.configuration);
    let mut record = Record::closed(sale.outcome(&facts, ending));
    let terminal = &mut *dialogue.terminal;
    if let Offline::NotSent(number) = offline {
        record.outcome.trace_number = Some(number);
    }
    if ending != Ending::Approved {
        return sale.ended(terminal, record, ending);
    }
    // After a request was made ready, the point of sale has been asked already.
    if !matches!(offline, Offline::NotSent(_)) && !terminal.proceed() {
        return sale.ended(
            terminal,
            record,
            Ending::Cancelled(CancelReason::PointOfSale),
        );
    }
    let number = match offline {
        Offline::NotSent(number) => number,
        Offline::Decided | Offline::UnableToGoOnline => next_trace_number(terminal)?,
    };
    let code = if matches!(offline, Offline::Decided) {
        "Y1"
    } else {
        "Y3"
    };
    let codec = &sale.configuration.codec;
    let request = sale.message(&facts, number);
    let message = requests::offline_advice(request, codec, &facts.chip_data, code);
    record.open = Some(Open {
        message,
        reason: ReversalReason::NotCompleted,
    });
    record.outcome.trace_number = Some(number);
    record.outcome.approved_minor = sale.payment.total.minor();
    sale.append(terminal, Phase::AdviceDue, &record)?;
    if sale.acquirer_available && matches!(offline, Offline::Decided) {
        let sending = Sending {
            now: sale.request.began,
            repeated: false,
        };
        let id = &sale.request.transaction_id;
        // The approval stands whether or not the advice arrives now.
        reversal::advise(terminal, sale.configuration, id, &mut record, sending)?;
    }
    Ok(record.outcome)
}

fn next_trace_number<T: Terminal>(terminal: &mut T) -> Result<u32, Error> {
    terminal
        .next(Counter::TraceNumber)
        .map_err(|_| Error::JournalFault)
}

/// Spends the PIN, when there is one, and authenticates the request.
fn prepare<T: Terminal>(
    dialogue: &mut Dialogue<'_, T>,
    sale: &Sale<'_>,
    facts: &CardFacts,
    mut message: Message,
) -> Option<Prepared> {
    let codec = &sale.configuration.codec;
    if let Some(pin) = dialogue.pin.take() {
        let format = match codec.dialect().pin?.block_format {
            0 => PinBlockFormat::Iso0,
            1 => PinBlockFormat::Iso1,
            3 => PinBlockFormat::Iso3,
            4 => PinBlockFormat::Iso4,
            _ => return None,
        };
        let pan = compressed(facts.identity.as_ref()?.pan.digits());
        let block = dialogue.terminal.encrypt_pin(pin, &pan, format).ok()?;
        requests::set_pin(&mut message, codec, &block);
    }
    delivery::prepare(dialogue.terminal, codec, message)
}

/// Digits as tag 5A writes them: two a byte, filled with F.
fn compressed(digits: &[u8]) -> Zeroizing<Vec<u8>> {
    let pair = |pair: &[u8]| match pair {
        [high, low] => ((high & 0x0F) << 4) | (low & 0x0F),
        [high] => ((high & 0x0F) << 4) | 0x0F,
        _ => 0xFF,
    };
    Zeroizing::new(digits.chunks(2).map(pair).collect())
}

const fn declined(by: Option<Decliner>) -> Ending {
    Ending::Declined(match by {
        Some(Decliner::Card) | None => DeclineReason::Card,
        Some(Decliner::Terminal) => DeclineReason::Terminal,
        Some(Decliner::Issuer) => DeclineReason::Acquirer,
    })
}

const fn ended_by(ended: &Ended) -> Ending {
    match ended.cause {
        Cause::Card(CardFault::Reader)
        | Cause::Interrupted(Interruption::Card(CardFault::Reader)) => {
            Ending::Failed(Failure::DeviceFault)
        }
        Cause::Card(CardFault::Removed | CardFault::Unresponsive)
        | Cause::Interrupted(Interruption::Card(CardFault::Removed | CardFault::Unresponsive))
        | Cause::CardMisbehaved(_) => Ending::Failed(Failure::CardUnreadable),
        Cause::Interrupted(Interruption::Aborted) => Ending::Cancelled(CancelReason::PointOfSale),
        Cause::Interrupted(Interruption::Cancelled | Interruption::TimedOut) => {
            Ending::Cancelled(CancelReason::Cardholder)
        }
        Cause::NotAccepted(_) => Ending::Failed(Failure::CardNotAccepted),
    }
}

/// Shows how it ended and prints both copies. Everything shown here is durable.
fn show_end<T: Terminal>(terminal: &mut T, sale: &Sale<'_>, outcome: &Outcome) {
    terminal.show(match outcome.ending {
        Ending::Approved => DisplayMessage::Approved,
        Ending::Declined(_) => DisplayMessage::Declined,
        Ending::Cancelled(_) => DisplayMessage::Cancelled,
        Ending::Failed(Failure::CardUnreadable) => DisplayMessage::CardError,
        Ending::Failed(Failure::CardNotAccepted) => DisplayMessage::NotAccepted,
        Ending::Failed(Failure::AcquirerUnreachable) => DisplayMessage::NoConnection,
        Ending::Failed(Failure::AnswerLost | Failure::DeviceFault) => {
            DisplayMessage::ProcessingError
        }
    });
    if !matches!(outcome.ending, Ending::Approved | Ending::Declined(_)) {
        return;
    }
    for copy in [receipt::Copy::Merchant, receipt::Copy::Cardholder] {
        let lines = receipt::lines(
            sale.configuration,
            sale.currency,
            sale.request,
            outcome,
            copy,
        );
        // A printer that fails changes nothing; one without paper prints no second copy either.
        if lines.is_some_and(|lines| terminal.print(&lines).is_err()) {
            break;
        }
    }
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

    fn outcome(&self, facts: &CardFacts, ending: Ending) -> Outcome {
        Outcome {
            card: facts.details.clone(),
            ..Outcome::without_card(ending)
        }
    }

    fn append<T: Terminal>(
        &self,
        terminal: &mut T,
        phase: Phase,
        record: &Record,
    ) -> Result<(), Error> {
        reversal::append(terminal, &self.request.transaction_id, phase, record)
    }

    /// Ends without an approval and with nothing to reverse.
    fn ended<T: Terminal>(
        &self,
        terminal: &mut T,
        mut record: Record,
        ending: Ending,
    ) -> Result<Outcome, Error> {
        record.outcome.ending = ending;
        record.outcome.reversal = ReversalState::None;
        self.close(terminal, record.outcome)
    }

    fn close<T: Terminal>(&self, terminal: &mut T, outcome: Outcome) -> Result<Outcome, Error> {
        let record = Record::closed(outcome);
        self.append(terminal, Phase::Closed, &record)?;
        Ok(record.outcome)
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
        let sending = Sending {
            now: self.request.began,
            repeated: false,
        };
        let _: Delivery =
            reversal::reverse(terminal, self.configuration, id, &mut record, sending)?;
        Ok(record.outcome)
    }
}
