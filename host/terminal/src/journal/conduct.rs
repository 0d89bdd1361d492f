//! What one call of a guest may write to the journal and send to the acquirer.
//!
//! The host reads no message, but it sees the order of things: what was written, what left, whether
//! an answer came. A guest that breaks this order would charge a card twice or lose a reversal, so
//! it traps. Decision 0021 has the reasons.

use super::Phase;
use crate::{acquirer_link::Fault, terminal::Scope};

/// How often a guest may write in one call. Storage wears out, and a write takes the time of a
/// commit.
const WRITES_MAX: u32 = 2048;

/// The same where a batch is told: each of its messages has a number of its own.
const BATCH_WRITES_MAX: u32 = 16_384;

/// How often a guest may ask in one call what a card paid: for the card it reads, and for one that
/// is inserted again after a fault.
const CARD_LOOKUPS_MAX: u32 = 8;

/// A rule that the guest broke. Nothing was written or sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Breach {
    /// A guest that only says who it is uses the journal or the acquirer.
    #[error("the guest uses the journal or the acquirer while it says who it is")]
    OutOfScope,
    /// It writes the journal too often.
    #[error("the guest writes the journal too often")]
    TooManyWrites,
    /// It asks what many cards paid.
    #[error("the guest looks too many cards up")]
    TooManyLookups,
    /// It goes on although the point of sale was told that the transaction ends.
    #[error("the guest goes on after an abort was accepted")]
    Aborted,
    /// It records something that the acquirer's answer, or its absence, does not allow.
    #[error("the guest writes an end that no answer supports")]
    Unsupported,
}

/// Whether a guest may use the journal and the acquirer at all.
pub(crate) fn in_scope(scope: &Scope) -> Result<(), Breach> {
    match scope {
        Scope::Transaction { .. } | Scope::Recovery | Scope::Reconciliation { .. } => Ok(()),
        Scope::Description => Err(Breach::OutOfScope),
    }
}

/// How far the request of the running transaction is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Request {
    /// It is not written down as `sent`.
    #[default]
    Unwritten,
    /// It is written down and has not left.
    Ready,
    /// Nothing left: the link says so.
    NotSent,
    /// The acquirer answered.
    Answered,
    /// It may have left, and no answer came.
    Lost,
}

/// Why a message may leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    /// It is the request of the running transaction, written down as `sent`.
    Request,
    /// Something must reach the acquirer: a reversal or an advice.
    Delivery,
}

/// What one call of a guest did so far.
#[derive(Debug, Default)]
pub(crate) struct Conduct {
    /// Entries and counters written.
    writes: u32,
    /// Cards looked up in the card log.
    card_lookups: u32,
    /// The sequence number of the first entry written.
    first_written: Option<u64>,
    /// Where the running transaction stands, as this call wrote it.
    own: Option<Phase>,
    request: Request,
    /// The last message was a delivery that the acquirer answered, and nothing was written since.
    delivery_answered: bool,
    decision: Decision,
}

/// What the point of sale was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Decision {
    #[default]
    NotAsked,
    Asked,
    Given,
}

impl Conduct {
    /// Everything before this sequence number was there when the call began.
    pub(crate) fn written_from(&self) -> u64 {
        self.first_written.unwrap_or(u64::MAX)
    }

    /// Counts one write of an entry or a counter.
    pub(crate) fn count_write(&mut self, scope: &Scope) -> Result<(), Breach> {
        in_scope(scope)?;
        let writes_max = match scope {
            Scope::Reconciliation { .. } => BATCH_WRITES_MAX,
            Scope::Transaction { .. } | Scope::Recovery | Scope::Description => WRITES_MAX,
        };
        if self.writes >= writes_max {
            return Err(Breach::TooManyWrites);
        }
        self.writes = self.writes.saturating_add(1);
        Ok(())
    }

    /// Counts one look into the card log: the running transaction's business, and nobody else's.
    pub(crate) fn count_lookup(&mut self, scope: &Scope) -> Result<(), Breach> {
        if !matches!(scope, Scope::Transaction { .. }) {
            return Err(Breach::OutOfScope);
        }
        if self.card_lookups >= CARD_LOOKUPS_MAX {
            return Err(Breach::TooManyLookups);
        }
        self.card_lookups = self.card_lookups.saturating_add(1);
        Ok(())
    }

    /// Whether an entry may be written. `own` says whether it is of the running transaction;
    /// `proceed` closes the window for an abort, and says `false` when there was one.
    pub(crate) fn check(
        &self,
        own: bool,
        phase: Phase,
        proceed: impl FnOnce() -> bool,
    ) -> Result<(), Breach> {
        let goes_on = matches!(phase, Phase::Sent | Phase::AdviceDue | Phase::Approved);
        if own && goes_on && !proceed() {
            return Err(Breach::Aborted);
        }
        let supported = match (own.then_some(self.own).flatten(), phase) {
            // What the point of sale decides, the acquirer does not.
            (None, Phase::Sent | Phase::AdviceDue) if own => self.decision == Decision::NotAsked,
            (None, Phase::Approved) if own => self.decision == Decision::Given,
            (Some(Phase::Sent), Phase::Approved) => self.request == Request::Answered,
            (Some(Phase::Sent), Phase::AdviceDue) => {
                matches!(self.request, Request::Ready | Request::NotSent)
            }
            (Some(Phase::Sent), Phase::Closed) => self.request != Request::Lost,
            (_, Phase::Approved | Phase::Reversed) => self.delivery_answered,
            (
                _,
                Phase::Begun | Phase::Sent | Phase::ReversalDue | Phase::AdviceDue | Phase::Closed,
            ) => true,
        };
        if supported {
            Ok(())
        } else {
            Err(Breach::Unsupported)
        }
    }

    /// The point of sale is asked for the decision: once, and before anything was written.
    pub(crate) fn ask_point_of_sale(&mut self) -> Result<(), Breach> {
        if self.decision != Decision::NotAsked || self.own.is_some() {
            return Err(Breach::Unsupported);
        }
        self.decision = Decision::Asked;
        Ok(())
    }

    /// The point of sale has decided.
    pub(crate) fn point_of_sale_answered(&mut self) {
        self.decision = Decision::Given;
    }

    /// An entry was written.
    pub(crate) fn wrote(&mut self, own: bool, phase: Phase, sequence: u64) {
        self.first_written.get_or_insert(sequence);
        self.delivery_answered = false;
        if own {
            self.own = Some(phase);
            self.request = if phase == Phase::Sent {
                Request::Ready
            } else {
                Request::Unwritten
            };
        }
    }

    /// Why a message may leave now; `None` when nothing says why. While the running transaction
    /// stands in `sent`, its request may leave, once, and nothing else. `is_due` says whether
    /// something must reach the acquirer.
    pub(crate) fn reason_to_send<E>(
        &self,
        is_due: impl FnOnce() -> Result<bool, E>,
    ) -> Result<Option<Reason>, E> {
        match self.own {
            Some(Phase::Sent) => Ok((self.request == Request::Ready).then_some(Reason::Request)),
            _ => Ok(is_due()?.then_some(Reason::Delivery)),
        }
    }

    /// An exchange ended.
    pub(crate) fn exchanged(&mut self, reason: Reason, answer: Result<(), Fault>) {
        match (reason, answer) {
            (Reason::Request, Ok(())) => self.request = Request::Answered,
            (Reason::Request, Err(Fault::Unreachable | Fault::PeerRefused)) => {
                self.request = Request::NotSent;
            }
            (Reason::Request, Err(Fault::AnswerLost | Fault::AnswerTooLong)) => {
                self.request = Request::Lost;
            }
            (Reason::Delivery, answer) => self.delivery_answered = answer.is_ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOES_ON: fn() -> bool = || true;

    /// The running transaction's request is written, and leaves with this result.
    fn sent(answer: Option<Result<(), Fault>>) -> Conduct {
        let mut conduct = Conduct::default();
        conduct.wrote(true, Phase::Sent, 7);
        if let Some(answer) = answer {
            conduct.exchanged(Reason::Request, answer);
        }
        conduct
    }

    fn due(due: bool) -> impl FnOnce() -> Result<bool, ()> {
        move || Ok(due)
    }

    #[test]
    fn what_may_follow_a_request_is_what_its_answer_allows() {
        use Phase::{AdviceDue, Approved, Closed, ReversalDue};
        for (answer, allowed) in [
            (None, &[AdviceDue, Closed, ReversalDue][..]),
            (
                Some(Err(Fault::Unreachable)),
                &[AdviceDue, Closed, ReversalDue],
            ),
            (
                Some(Err(Fault::PeerRefused)),
                &[AdviceDue, Closed, ReversalDue],
            ),
            (Some(Ok(())), &[Approved, Closed, ReversalDue]),
            (Some(Err(Fault::AnswerLost)), &[ReversalDue]),
            (Some(Err(Fault::AnswerTooLong)), &[ReversalDue]),
        ] {
            for phase in [AdviceDue, Approved, Closed, ReversalDue] {
                let expected = if allowed.contains(&phase) {
                    Ok(())
                } else {
                    Err(Breach::Unsupported)
                };
                let checked = sent(answer).check(true, phase, GOES_ON);
                assert_eq!(checked, expected, "{phase:?} after {answer:?}");
            }
        }
    }

    #[test]
    fn what_the_point_of_sale_decides_it_alone_decides() {
        let check = |conduct: &Conduct, phase| conduct.check(true, phase, GOES_ON);
        let refused = Err(Breach::Unsupported);
        let mut conduct = Conduct::default();
        assert_eq!(check(&conduct, Phase::Approved), refused, "nobody decided");
        assert_eq!(conduct.ask_point_of_sale(), Ok(()));
        assert_eq!(conduct.ask_point_of_sale(), refused, "twice");
        for phase in [Phase::Sent, Phase::AdviceDue, Phase::Approved] {
            assert_eq!(check(&conduct, phase), refused, "{phase:?}");
        }
        assert_eq!(check(&conduct, Phase::Closed), Ok(()));
        conduct.point_of_sale_answered();
        assert_eq!(check(&conduct, Phase::Approved), Ok(()));
        assert_eq!(check(&conduct, Phase::Sent), refused);
        let checked = conduct.check(false, Phase::Approved, GOES_ON);
        assert_eq!(checked, refused, "another transaction");
        let mut conduct = sent(None);
        assert_eq!(conduct.ask_point_of_sale(), refused, "after a request");
    }

    #[test]
    fn an_answer_settles_one_delivery() {
        for (own, due, settled) in [
            (false, Phase::ReversalDue, Phase::Reversed),
            (false, Phase::AdviceDue, Phase::Approved),
            (true, Phase::ReversalDue, Phase::Reversed),
            (true, Phase::AdviceDue, Phase::Approved),
        ] {
            let mut conduct = Conduct::default();
            conduct.wrote(own, due, 1);
            let unsupported = Err(Breach::Unsupported);
            assert_eq!(conduct.check(own, settled, GOES_ON), unsupported);
            conduct.exchanged(Reason::Delivery, Err(Fault::AnswerLost));
            assert_eq!(conduct.check(own, settled, GOES_ON), unsupported);
            conduct.exchanged(Reason::Delivery, Ok(()));
            assert_eq!(conduct.check(own, settled, GOES_ON), Ok(()));
            conduct.wrote(own, settled, 2);
            assert_eq!(conduct.check(false, settled, GOES_ON), unsupported);
        }
        // A refusal that was written down settles nothing else.
        let mut conduct = Conduct::default();
        conduct.exchanged(Reason::Delivery, Ok(()));
        conduct.wrote(false, Phase::ReversalDue, 1);
        let checked = conduct.check(false, Phase::Reversed, GOES_ON);
        assert_eq!(checked, Err(Breach::Unsupported));
    }

    #[test]
    fn the_answer_to_a_request_settles_no_delivery() {
        let mut conduct = sent(Some(Ok(())));
        conduct.wrote(true, Phase::Approved, 8);
        let checked = conduct.check(false, Phase::Reversed, GOES_ON);
        assert_eq!(checked, Err(Breach::Unsupported));
    }

    #[test]
    fn a_request_leaves_once_whatever_else_is_due() {
        let mut conduct = sent(None);
        let reason = conduct.reason_to_send(due(true));
        assert_eq!(reason, Ok(Some(Reason::Request)));
        for answer in [Ok(()), Err(Fault::AnswerLost), Err(Fault::Unreachable)] {
            conduct.exchanged(Reason::Request, answer);
            assert_eq!(conduct.reason_to_send(due(true)), Ok(None), "{answer:?}");
        }
        conduct.wrote(true, Phase::ReversalDue, 8);
        let reason = conduct.reason_to_send(due(true));
        assert_eq!(reason, Ok(Some(Reason::Delivery)));
    }

    #[test]
    fn nothing_leaves_without_a_reason() {
        assert_eq!(Conduct::default().reason_to_send(due(false)), Ok(None));
        let mut conduct = Conduct::default();
        conduct.wrote(false, Phase::Closed, 1);
        assert_eq!(conduct.reason_to_send(due(false)), Ok(None));
    }

    #[test]
    fn an_accepted_abort_lets_nothing_go_on_but_an_end_without_an_approval() {
        for (phase, expected) in [
            (Phase::Sent, Err(Breach::Aborted)),
            (Phase::AdviceDue, Err(Breach::Aborted)),
            (Phase::Approved, Err(Breach::Aborted)),
            (Phase::Closed, Ok(())),
            (Phase::ReversalDue, Ok(())),
        ] {
            let checked = Conduct::default().check(true, phase, || false);
            assert_eq!(checked, expected, "{phase:?}");
        }
        // Another transaction's advice is not the point of sale's to abort.
        let mut conduct = Conduct::default();
        conduct.exchanged(Reason::Delivery, Ok(()));
        assert_eq!(conduct.check(false, Phase::Approved, || false), Ok(()));
    }

    #[test]
    fn writes_are_counted_and_a_guest_that_says_its_name_makes_none() {
        let mut conduct = Conduct::default();
        for _ in 0..WRITES_MAX {
            assert_eq!(conduct.count_write(&Scope::Recovery), Ok(()));
        }
        let refused = conduct.count_write(&Scope::Recovery);
        assert_eq!(refused, Err(Breach::TooManyWrites));
        let mut conduct = Conduct::default();
        let refused = conduct.count_write(&Scope::Description);
        assert_eq!(refused, Err(Breach::OutOfScope));
    }

    #[test]
    fn a_transaction_looks_at_a_few_cards_and_nothing_else_looks_at_any() {
        let transaction = Scope::Transaction {
            id: crate::transaction::TransactionId::new(),
            original: None,
        };
        let mut conduct = Conduct::default();
        for _ in 0..CARD_LOOKUPS_MAX {
            assert_eq!(conduct.count_lookup(&transaction), Ok(()));
        }
        let refused = conduct.count_lookup(&transaction);
        assert_eq!(refused, Err(Breach::TooManyLookups));
        for scope in [Scope::Recovery, Scope::Description] {
            let refused = Conduct::default().count_lookup(&scope);
            assert_eq!(refused, Err(Breach::OutOfScope), "{scope:?}");
        }
    }

    #[test]
    fn the_first_entry_of_a_call_stays_its_first() {
        let mut conduct = Conduct::default();
        assert_eq!(conduct.written_from(), u64::MAX);
        conduct.wrote(false, Phase::Closed, 5);
        conduct.wrote(false, Phase::Closed, 6);
        assert_eq!(conduct.written_from(), 5);
    }
}
