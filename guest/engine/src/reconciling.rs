//! Closes a batch with the acquirer: totals, and every transaction where they differ.
//!
//! It may be repeated. An acquirer that has closed the batch already says so again.

use crate::configuration::Configuration;
use crate::delivery::{self, Fault};
use crate::iso8583::fields::number as field;
use crate::iso8583::management::{self, Numbers, Origin, Totals};
use crate::iso8583::{Message, answers};
use crate::moment::Moment;
use crate::outcome::{Agreement, Batch, BatchTotals, Error, Reconciled};
use crate::ports::{Counter, Entry, Terminal};
use crate::record::Record;
use crate::{recovery, trace};

/// How many entries are looked at together.
const PAGE_ENTRY_COUNT: u32 = 32;

/// ISO 8583:1987 field 39: the totals are others.
const TOTALS_DIFFER: &[u8] = b"95";

/// Compares the totals of each currency. What is due must reach the acquirer first: its totals count
/// that too.
pub(crate) fn reconcile<T: Terminal>(
    terminal: &mut T,
    now: Moment,
    batch: &Batch,
) -> Result<Vec<Reconciled>, Error> {
    if !(1..=999_999).contains(&batch.number) {
        return Err(Error::InvalidRequest);
    }
    let configuration = Configuration::load(terminal)?;
    let mut available = recovery::settle_before(terminal, &configuration, now)?;
    let mut reconciled = Vec::with_capacity(batch.totals.len());
    for totals in &batch.totals {
        let agreement = if available {
            let closing = Closing {
                configuration: &configuration,
                batch_number: batch.number,
                now,
                totals: *totals,
            };
            closing.close(terminal)?
        } else {
            Agreement::Unanswered
        };
        trace::note(terminal, rule(agreement));
        // One that does not answer now is not asked about the next currency.
        available &= agreement != Agreement::Unanswered;
        reconciled.push(Reconciled {
            currency: totals.currency,
            agreement,
        });
    }
    Ok(reconciled)
}

const fn rule(agreement: Agreement) -> &'static trace::Rule {
    match agreement {
        Agreement::Agreed => &trace::TOTALS_AGREE,
        Agreement::Uploaded => &trace::BATCH_UPLOADED,
        Agreement::Disputed => &trace::BATCH_DISPUTED,
        Agreement::Unanswered => &trace::BATCH_UNANSWERED,
    }
}

/// One currency of a batch.
struct Closing<'a> {
    configuration: &'a Configuration,
    batch_number: u32,
    now: Moment,
    totals: BatchTotals,
}

impl Closing<'_> {
    fn close<T: Terminal>(&self, terminal: &mut T) -> Result<Agreement, Error> {
        let answer = match self.tell_totals(terminal, Totals::Compare)? {
            Ok(answer) => answer,
            Err(Fault::NotSent | Fault::NoAnswer) => return Ok(Agreement::Unanswered),
        };
        if self.accepts(&answer) {
            return Ok(Agreement::Agreed);
        }
        if answer.field(field::RESPONSE_CODE) != Some(TOTALS_DIFFER) {
            return Ok(Agreement::Disputed);
        }
        trace::note(terminal, &trace::TOTALS_DIFFER);
        match self.upload(terminal)? {
            Ok(true) => {}
            Ok(false) => return Ok(Agreement::Disputed),
            Err(Fault::NotSent | Fault::NoAnswer) => return Ok(Agreement::Unanswered),
        }
        Ok(match self.tell_totals(terminal, Totals::Close)? {
            Ok(answer) if self.accepts(&answer) => Agreement::Uploaded,
            Ok(_) => Agreement::Disputed,
            Err(Fault::NotSent | Fault::NoAnswer) => Agreement::Unanswered,
        })
    }

    /// Whether the acquirer took what it was told.
    fn accepts(&self, answer: &Message) -> bool {
        answers::advised(&self.configuration.codec, answer)
    }

    fn tell_totals<T: Terminal>(
        &self,
        terminal: &mut T,
        kind: Totals,
    ) -> Result<Result<Message, Fault>, Error> {
        let numbers = self.numbers(terminal)?;
        let codec = &self.configuration.codec;
        let origin = origin(self.configuration);
        let message = management::reconciliation(codec, &origin, kind, self.totals, numbers);
        Ok(match message {
            Some(message) => self.exchange(terminal, message),
            None => Err(Fault::NotSent),
        })
    }

    /// Tells every transaction of the currency. Whether the acquirer took each.
    fn upload<T: Terminal>(&self, terminal: &mut T) -> Result<Result<bool, Fault>, Error> {
        let mut after_sequence = 0;
        loop {
            let entries = terminal
                .batch(after_sequence, PAGE_ENTRY_COUNT)
                .map_err(|_| Error::JournalFault)?;
            let Some(last) = entries.last() else {
                return Ok(Ok(true));
            };
            after_sequence = last.sequence;
            for entry in entries {
                let Some((request, code)) = self.told_of(entry) else {
                    continue;
                };
                let numbers = self.numbers(terminal)?;
                let codec = &self.configuration.codec;
                let message = management::upload(codec, &request, &code, numbers);
                match self.exchange(terminal, message) {
                    Ok(answer) if self.accepts(&answer) => {}
                    Ok(_) => return Ok(Ok(false)),
                    Err(fault) => return Ok(Err(fault)),
                }
            }
        }
    }

    /// The request of a transaction in this currency, and field 39 of its answer. Of a damaged entry
    /// nothing can be told; its totals then differ in the end too.
    fn told_of(&self, entry: Entry) -> Option<(Message, String)> {
        let record = Record::decode(&entry.content?).ok()?;
        let request = record.open?.message;
        let currency = format!("{:03}", self.totals.currency);
        let code = record.outcome.answer.map(|answer| answer.response_code);
        (request.field(field::CURRENCY) == Some(currency.as_bytes()))
            .then(|| (request, code.unwrap_or_else(|| "00".to_owned())))
    }

    fn exchange<T: Terminal>(&self, terminal: &mut T, message: Message) -> Result<Message, Fault> {
        let prepared = delivery::prepare(terminal, &self.configuration.codec, message)
            .ok_or(Fault::NotSent)?;
        delivery::exchange(terminal, self.configuration, &prepared)
    }

    fn numbers<T: Terminal>(&self, terminal: &mut T) -> Result<Numbers, Error> {
        let trace_number = terminal
            .next(Counter::TraceNumber)
            .map_err(|_| Error::JournalFault)?;
        Ok(Numbers {
            trace_number,
            batch_number: self.batch_number,
            now: self.now,
        })
    }
}

fn origin(configuration: &Configuration) -> Origin {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Origin {
        terminal_id: text(&configuration.terminal.terminal_id),
        merchant_id: text(&configuration.terminal.merchant_id),
        acquirer_id: configuration.acquirer_id.clone(),
        network_id: configuration.network_id.clone(),
    }
}
