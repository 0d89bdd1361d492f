//! What the engine records of itself: one table of rules with fixed sentences.
//!
//! Nothing that a card or an acquirer sent is in them.

use emv::trace::Finding::{self, Done, Failed, Passed};

use crate::iso8583::answers::Mismatch;
use crate::iso8583::fields::number as field;
use crate::ports::{LinkError, Phase, Trace, TraceEvent};

/// One rule of the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rule(&'static str, Finding, &'static str);

const BEGUN: Rule = Rule("TX-01", Done, "The transaction is in the journal");
const SENT: Rule = Rule(
    "TX-02",
    Done,
    "The journal says that the request may have left",
);
const REVERSAL_DUE: Rule = Rule("TX-03", Done, "The journal says that a reversal is due");
const ADVICE_DUE: Rule = Rule(
    "TX-04",
    Done,
    "Approved offline; the journal says that an advice is due",
);
const APPROVED: Rule = Rule("TX-05", Done, "The journal says approved");
const CLOSED: Rule = Rule("TX-06", Done, "The journal says closed without an approval");
const REVERSED: Rule = Rule("TX-07", Done, "The journal says reversed");
const JOURNAL_FAULT: Rule = Rule("TX-08", Failed, "The journal could not be written");

/// Nothing may leave.
pub(crate) const OLDER_UNDELIVERED: Rule = Rule(
    "TX-10",
    Failed,
    "Unable to go online: an older message must reach the acquirer first",
);
pub(crate) const NOT_PREPARED: Rule = Rule(
    "TX-11",
    Failed,
    "The message could not be made: a key cannot be used or a field does not fit",
);
pub(crate) const ABORTED: Rule = Rule(
    "TX-12",
    Failed,
    "The point of sale asked for an abort before anything was sent; it has the last word",
);
pub(crate) const NO_PIN_BLOCK: Rule = Rule(
    "TX-13",
    Failed,
    "The PIN could not be enciphered for the acquirer",
);

const UNREACHABLE: Rule = Rule(
    "TX-20",
    Failed,
    "The acquirer could not be reached; nothing was sent",
);
const PEER_REFUSED: Rule = Rule(
    "TX-21",
    Failed,
    "The acquirer's certificate was refused; nothing was sent",
);
const ANSWER_LOST: Rule = Rule(
    "TX-22",
    Failed,
    "No whole answer came; the acquirer may have acted",
);
const ANSWER_TOO_LONG: Rule = Rule(
    "TX-23",
    Failed,
    "The answer was too long; the acquirer may have acted",
);
pub(crate) const ANSWER_ACCEPTED: Rule = Rule(
    "TX-24",
    Passed,
    "The answer belongs to the request and its authentication code is right",
);

const REFUSED_HEADER: Rule = Rule(
    "TX-30",
    Failed,
    "Answer refused: its header belongs to another request",
);
const REFUSED_FORMAT: Rule = Rule("TX-31", Failed, "Answer refused: it cannot be read");
const REFUSED_TYPE: Rule = Rule(
    "TX-32",
    Failed,
    "Answer refused: its message type does not answer the request",
);
const REFUSED_TERMINAL: Rule = Rule("TX-33", Failed, "Answer refused: it names another terminal");
const REFUSED_TRACE_NUMBER: Rule = Rule(
    "TX-34",
    Failed,
    "Answer refused: it names another trace number",
);
const REFUSED_AMOUNT: Rule = Rule(
    "TX-35",
    Failed,
    "Answer refused: its amount is missing or wrong",
);
const REFUSED_FIELD: Rule = Rule(
    "TX-36",
    Failed,
    "Answer refused: its processing code or currency is another",
);
pub(crate) const REFUSED_CODE: Rule = Rule(
    "TX-37",
    Failed,
    "Answer refused: its authentication code is missing or wrong",
);
pub(crate) const REFUSED_CONTENT: Rule = Rule(
    "TX-38",
    Failed,
    "Answer refused: it has no response code, or its chip data cannot be read",
);

pub(crate) const PARTIAL_REFUSED: Rule = Rule(
    "TX-40",
    Failed,
    "The approval was for less than asked; it is reversed",
);
pub(crate) const PARTIAL_TAKEN: Rule = Rule(
    "TX-43",
    Done,
    "The approval was for less than asked; the point of sale takes it",
);
pub(crate) const NOT_COMPLETED: Rule = Rule(
    "TX-41",
    Failed,
    "The issuer approved and the card did not complete; it is reversed",
);

pub(crate) const UNCLEAR: Rule = Rule(
    "TX-42",
    Failed,
    "The answer says neither approved nor plainly declined; it is reversed",
);

/// What the point of sale decides (granular mode).
pub(crate) const DECIDED_BY_POINT_OF_SALE: Rule = Rule(
    "TX-44",
    Done,
    "The point of sale gave the answer of its acquirer",
);
pub(crate) const NO_DECISION: Rule = Rule(
    "TX-45",
    Failed,
    "The point of sale did not decide in time; it reverses what its acquirer approved",
);
pub(crate) const NOT_COMPLETED_THERE: Rule = Rule(
    "TX-46",
    Failed,
    "The point of sale's acquirer approved and the card did not complete; it is to be reversed there",
);
pub(crate) const NO_TRACK_2: Rule = Rule(
    "TX-47",
    Failed,
    "A stripe's track 2 cannot be enciphered, and nothing else of it is told; the point of sale was not asked",
);

/// What became of a reversal.
pub(crate) const REVERSAL_CONFIRMED: Rule =
    Rule("TX-50", Passed, "The acquirer confirmed the reversal");
pub(crate) const REVERSAL_REFUSED: Rule = Rule(
    "TX-51",
    Failed,
    "The acquirer refused the reversal; it stays due",
);
pub(crate) const REVERSAL_UNDELIVERED: Rule = Rule(
    "TX-52",
    Failed,
    "The reversal was not answered; it stays due",
);
pub(crate) const ADVICE_CONFIRMED: Rule = Rule("TX-53", Passed, "The acquirer took the advice");
pub(crate) const ADVICE_REFUSED: Rule = Rule(
    "TX-54",
    Failed,
    "The acquirer refused the advice; it stays due",
);
pub(crate) const ADVICE_UNDELIVERED: Rule =
    Rule("TX-55", Failed, "The advice was not answered; it stays due");

pub(crate) const FOUND_BEGUN: Rule = Rule(
    "TX-60",
    Done,
    "The terminal had stopped before anything was sent; the transaction is closed",
);
pub(crate) const FOUND_SENT: Rule = Rule(
    "TX-61",
    Done,
    "The terminal had stopped after a request may have left; it is reversed",
);
pub(crate) const FOUND_UNREADABLE: Rule = Rule(
    "TX-62",
    Failed,
    "A journal entry cannot be read by this engine; it stays as it is",
);

pub(crate) const FOUND_DAMAGED: Rule = Rule(
    "TX-63",
    Failed,
    "A journal entry is damaged; what it was about must be settled by hand",
);

pub(crate) const CHIP_REMOVED: Rule = Rule(
    "TX-71",
    Failed,
    "The card was taken out before its application was begun; it may be inserted again",
);
pub(crate) const CHIP_REMOVED_AGAIN: Rule = Rule(
    "TX-71",
    Failed,
    "The card was taken out too often; its stripe is not read in its place",
);
pub(crate) const CHIP_FAULTY: Rule = Rule(
    "TX-72",
    Failed,
    "The chip cannot be read; it may be inserted again",
);
pub(crate) const FALLBACK_AFTER_FAULT: Rule = Rule(
    "TX-73",
    Done,
    "The chip cannot be read; the acquirer allows its stripe in its place",
);
pub(crate) const NO_FALLBACK_AFTER_FAULT: Rule = Rule(
    "TX-73",
    Failed,
    "The chip cannot be read, and its stripe is not allowed in its place",
);
pub(crate) const FALLBACK_WITHOUT_APPLICATION: Rule = Rule(
    "TX-74",
    Done,
    "The chip has no application of this terminal; the acquirer allows its stripe",
);
pub(crate) const NO_FALLBACK_WITHOUT_APPLICATION: Rule = Rule(
    "TX-74",
    Failed,
    "The chip has no application of this terminal, and its stripe is not allowed",
);
pub(crate) const STRIPE_MISREAD: Rule = Rule(
    "TX-75",
    Failed,
    "The stripe was misread; it may be swiped again",
);
pub(crate) const STRIPE_MISREAD_AGAIN: Rule =
    Rule("TX-75", Failed, "The stripe was misread too often");
pub(crate) const CHIP_BESIDE_STRIPE: Rule = Rule(
    "TX-76",
    Failed,
    "The service code of the stripe says that there is a chip; it must be inserted",
);
pub(crate) const CHIP_NOT_INSERTED: Rule = Rule(
    "TX-76",
    Failed,
    "The stripe was swiped again and again, and its chip not inserted",
);
pub(crate) const STRIPE_READ: Rule = Rule(
    "TX-77",
    Passed,
    "The stripe was read, and says that there is no chip",
);
pub(crate) const FALLBACK_READ: Rule = Rule(
    "TX-77",
    Done,
    "The stripe was read in place of its chip; the acquirer is told so",
);
pub(crate) const STRIPE_OUT_OF_RANGE: Rule = Rule(
    "TX-78",
    Failed,
    "The account of the stripe is in no range that this terminal takes",
);
pub(crate) const STRIPE_SELLS_NOTHING: Rule = Rule(
    "TX-78",
    Failed,
    "The service code of the stripe allows no goods and services",
);
pub(crate) const STRIPE_NEEDS_PIN: Rule = Rule(
    "TX-79",
    Failed,
    "The service code of the stripe requires a PIN, and this terminal can take none",
);

pub(crate) const OTHER_CARD: Rule = Rule(
    "TX-80",
    Failed,
    "The card is not the one that paid; nothing is refunded to it",
);
pub(crate) const CARD_READ: Rule = Rule("TX-81", Done, "The card was read, and nothing else");

pub(crate) const TOTALS_AGREE: Rule = Rule(
    "TX-90",
    Passed,
    "The acquirer's totals are the same; it has closed the batch",
);
pub(crate) const TOTALS_DIFFER: Rule = Rule(
    "TX-90",
    Failed,
    "The acquirer's totals are others; it is told every transaction of the batch",
);
pub(crate) const BATCH_UPLOADED: Rule = Rule(
    "TX-91",
    Passed,
    "The acquirer was told every transaction, and has closed the batch",
);
pub(crate) const BATCH_DISPUTED: Rule = Rule(
    "TX-91",
    Failed,
    "The acquirer does not close the batch; its totals must be settled by hand",
);
pub(crate) const BATCH_UNANSWERED: Rule = Rule(
    "TX-92",
    Failed,
    "The acquirer did not answer about the batch; it is asked again",
);

pub(crate) const CARD_LOG_UNREADABLE: Rule = Rule(
    "TX-70",
    Failed,
    "The card log cannot be read; the card counts as having paid up to the floor limit",
);

/// Records that a rule applied.
pub(crate) fn note<T: Trace>(terminal: &mut T, rule: &Rule) {
    let Rule(rule, finding, statement) = *rule;
    terminal.record_event(TraceEvent::Engine {
        rule,
        finding,
        statement,
    });
}

/// What an attempt to write an entry came to.
pub(crate) const fn written(phase: Phase, durable: bool) -> &'static Rule {
    if !durable {
        return &JOURNAL_FAULT;
    }
    match phase {
        Phase::Begun => &BEGUN,
        Phase::Sent => &SENT,
        Phase::ReversalDue => &REVERSAL_DUE,
        Phase::AdviceDue => &ADVICE_DUE,
        Phase::Approved => &APPROVED,
        Phase::Closed => &CLOSED,
        Phase::Reversed => &REVERSED,
    }
}

/// Why no answer came.
pub(crate) const fn link(error: LinkError) -> &'static Rule {
    match error {
        LinkError::Unreachable => &UNREACHABLE,
        LinkError::PeerRefused => &PEER_REFUSED,
        LinkError::AnswerLost => &ANSWER_LOST,
        LinkError::AnswerTooLong => &ANSWER_TOO_LONG,
    }
}

/// Why an answer is none.
pub(crate) const fn refused(mismatch: Mismatch) -> &'static Rule {
    match mismatch {
        Mismatch::Header => &REFUSED_HEADER,
        Mismatch::Format => &REFUSED_FORMAT,
        Mismatch::MessageType => &REFUSED_TYPE,
        Mismatch::Field(field::TERMINAL_ID) => &REFUSED_TERMINAL,
        Mismatch::Field(field::TRACE_NUMBER) => &REFUSED_TRACE_NUMBER,
        Mismatch::Field(field::AMOUNT) => &REFUSED_AMOUNT,
        Mismatch::Field(_) => &REFUSED_FIELD,
    }
}
