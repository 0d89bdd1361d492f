//! What the acquirer says of a terminal's batches.

use super::{
    authorise::Verdict,
    behaviour::Behaviour,
    codec::Message,
    fields::number as field,
    host::{Host, entry, original_of},
    kind::Kind,
    ledger::{Batch, State, Totals},
};

impl Host {
    /// 0320: a transaction of a batch. One that the books lack is added to them.
    pub(super) fn take_up(&mut self, message: &Message, answer: &mut Message) {
        let terminal_id = message.text(field::TERMINAL_ID).unwrap_or_default();
        let accepted = original_of(message, terminal_id).is_some_and(|original| {
            if let Some(known) = self.ledger.entry_mut(&original) {
                known.uploaded = true;
                return true;
            }
            let verdict = Verdict {
                code: "00".to_owned(),
                authorisation_code: message.text(field::AUTHORISATION_CODE).map(str::to_owned),
            };
            let mut told = entry(message, State::Advised, &verdict);
            told.trace_number.clone_from(&original.trace_number);
            told.transmitted.clone_from(&original.transmitted);
            told.uploaded = true;
            self.ledger.record(original, told)
        });
        answer.set(field::RESPONSE_CODE, if accepted { "00" } else { "96" });
    }

    /// 0500: 00 and field 66 = 1 close the batch; 95 and 2 say that the totals differ. 0520: the same,
    /// and what was uploaded is counted. A batch that was closed is not opened again.
    pub(super) fn reconcile(
        &mut self,
        kind: Kind,
        message: &Message,
        answer: &mut Message,
        set: Behaviour,
    ) {
        let number = |field| message.number(field).unwrap_or_default();
        let text = |field| message.text(field).unwrap_or_default().to_owned();
        let told = Totals {
            credits: number(field::CREDITS),
            debits: number(field::DEBITS),
            credits_amount: number(field::CREDITS_AMOUNT),
            debits_amount: number(field::DEBITS_AMOUNT),
        };
        let batch = Batch {
            terminal_id: text(field::TERMINAL_ID),
            number: text(field::BATCH),
            currency: text(field::CURRENCY),
        };
        let closing = kind == Kind::Closing;
        let balanced = match self.ledger.closed_with(&batch) {
            Some(closed) if !batch.number.is_empty() => closed == told,
            Some(_) | None => {
                let agrees = self.ledger.totals(&batch, closing) == told;
                agrees && (closing || set != Behaviour::OtherTotals)
            }
        };
        if balanced {
            self.ledger.close(batch, told);
        }
        answer.set(field::SETTLEMENT_CODE, if balanced { "1" } else { "2" });
        answer.set(field::RESPONSE_CODE, if balanced { "00" } else { "95" });
    }
}
