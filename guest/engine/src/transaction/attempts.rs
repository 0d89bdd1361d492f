//! What becomes of a card that gave no decision: once more, its stripe, or the end. Pure.
//!
//! A chip that cannot be read is asked for again. When it cannot be read three times its stripe may be
//! taken instead, where the acquirer allows that (*fallback*). A card that is blocked, or whose
//! application is, falls back to nothing, and neither does one that was taken out: somebody who
//! wants the stripe read instead of the chip needs no more than a quick hand.

use emv::ports::{CardFault, Interruption};
use emv::{Cause, Ended, NotAccepted};

use crate::outcome::{Ending, Failure};
use crate::parameters::MagstripeRules;
use crate::ports::{DisplayMessage, Technologies};
use crate::trace::{self, Rule};

/// How often a chip may be mute or break the protocol, be taken out too early, or a stripe be
/// misread or have a chip beside it: each by itself.
const TRIES_MAX: u8 = 3;

/// Why a card gave no decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unread {
    /// It was taken out before its application was begun.
    ChipRemoved,
    /// Its chip is mute or breaks the protocol.
    ChipFaulty,
    /// Its chip is in order, and has no application that this terminal knows.
    NoApplication,
    /// Its stripe was misread.
    StripeMisread,
    /// Its stripe was read, and says that there is a chip.
    ChipBesideStripe,
}

/// What is done next, and the rule that says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// Another card, or the same once more; the cardholder is told.
    Ask(DisplayMessage, &'static Rule),
    /// Nothing more.
    End(Ending, &'static Rule),
}

/// Whether the stripe may be read, and after what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Policy {
    stripes: bool,
    after_fault: bool,
    without_application: bool,
}

impl Policy {
    /// What the acquirer configured and the point of sale accepts both.
    pub(super) fn of(rules: Option<&MagstripeRules>, accepted: Technologies) -> Self {
        rules
            .filter(|_| accepted.magstripe)
            .map(|rules| Self {
                stripes: true,
                after_fault: rules.fallback_after_fault,
                without_application: rules.fallback_without_application,
            })
            .unwrap_or_default()
    }
}

/// The cards presented so far.
#[derive(Debug, Default)]
pub(super) struct Attempts {
    policy: Policy,
    faults: u8,
    removals: u8,
    misreads: u8,
    chips_beside: u8,
    fallback: bool,
}

impl Attempts {
    pub(super) fn new(policy: Policy) -> Self {
        Self {
            policy,
            ..Self::default()
        }
    }

    /// Whether a chip could not be used, so that its stripe may be.
    pub(super) const fn fallback(&self) -> bool {
        self.fallback
    }

    /// What may be presented now: no chip any more once its stripe is asked for.
    pub(super) const fn accepted(&self) -> Technologies {
        Technologies {
            contact: !self.fallback,
            contactless: false,
            magstripe: self.policy.stripes,
        }
    }

    /// What follows from a card that gave no decision.
    pub(super) fn after(&mut self, unread: Unread) -> Next {
        use DisplayMessage::{TryAgain, UseChipReader, UseMagstripe};
        let unreadable = Ending::Failed(Failure::CardUnreadable);
        let not_accepted = Ending::Failed(Failure::CardNotAccepted);
        match unread {
            Unread::ChipRemoved if spent(&mut self.removals) => {
                Next::End(unreadable, &trace::CHIP_REMOVED_AGAIN)
            }
            Unread::ChipRemoved => Next::Ask(TryAgain, &trace::CHIP_REMOVED),
            Unread::ChipFaulty if !spent(&mut self.faults) => {
                Next::Ask(TryAgain, &trace::CHIP_FAULTY)
            }
            Unread::ChipFaulty if self.policy.after_fault => {
                self.fallback = true;
                Next::Ask(UseMagstripe, &trace::FALLBACK_AFTER_FAULT)
            }
            Unread::ChipFaulty => Next::End(unreadable, &trace::NO_FALLBACK_AFTER_FAULT),
            Unread::NoApplication if self.policy.without_application => {
                self.fallback = true;
                Next::Ask(UseMagstripe, &trace::FALLBACK_WITHOUT_APPLICATION)
            }
            Unread::NoApplication => {
                Next::End(not_accepted, &trace::NO_FALLBACK_WITHOUT_APPLICATION)
            }
            Unread::StripeMisread if spent(&mut self.misreads) => {
                Next::End(unreadable, &trace::STRIPE_MISREAD_AGAIN)
            }
            Unread::StripeMisread => Next::Ask(TryAgain, &trace::STRIPE_MISREAD),
            Unread::ChipBesideStripe if spent(&mut self.chips_beside) => {
                Next::End(not_accepted, &trace::CHIP_NOT_INSERTED)
            }
            Unread::ChipBesideStripe => Next::Ask(UseChipReader, &trace::CHIP_BESIDE_STRIPE),
        }
    }
}

/// Counts a try; whether it was the last.
fn spent(tries: &mut u8) -> bool {
    *tries = tries.saturating_add(1);
    *tries >= TRIES_MAX
}

/// Whether the kernel ended on a card that may be presented again or be read in another way. Once
/// the card has begun the transaction it is not: what its chip has decided must stand.
pub(super) fn unread(ended: &Ended) -> Option<Unread> {
    match ended.cause {
        _ if ended.initiated() => None,
        Cause::Card(fault) | Cause::Interrupted(Interruption::Card(fault)) => of_fault(fault),
        Cause::CardMisbehaved(_) => Some(Unread::ChipFaulty),
        Cause::NotAccepted(NotAccepted::NoApplication) => Some(Unread::NoApplication),
        Cause::NotAccepted(
            NotAccepted::CardBlocked
            | NotAccepted::ApplicationBlocked
            | NotAccepted::ApplicationRefused
            | NotAccepted::ServiceNotAllowed
            | NotAccepted::AmountOutOfRange
            | NotAccepted::DateInvalid,
        )
        | Cause::Interrupted(
            Interruption::Cancelled | Interruption::Aborted | Interruption::TimedOut,
        ) => None,
    }
}

const fn of_fault(fault: CardFault) -> Option<Unread> {
    match fault {
        CardFault::Removed => Some(Unread::ChipRemoved),
        CardFault::Unresponsive => Some(Unread::ChipFaulty),
        CardFault::Reader => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Policy = Policy {
        stripes: true,
        after_fault: true,
        without_application: true,
    };
    const STRIPES_ONLY: Policy = Policy {
        after_fault: false,
        without_application: false,
        ..ALL
    };

    /// What is said after each, and whether the stripe is fallen back to in the end.
    fn after(policy: Policy, cards: &[Unread]) -> (Vec<Result<DisplayMessage, Ending>>, bool) {
        let mut attempts = Attempts::new(policy);
        let said = cards.iter().map(|unread| match attempts.after(*unread) {
            Next::Ask(message, _) => Ok(message),
            Next::End(ending, _) => Err(ending),
        });
        let said = said.collect();
        (said, attempts.fallback())
    }

    const UNREADABLE: Result<DisplayMessage, Ending> = Err(Ending::Failed(Failure::CardUnreadable));
    const NOT_ACCEPTED: Result<DisplayMessage, Ending> =
        Err(Ending::Failed(Failure::CardNotAccepted));

    #[test]
    fn a_chip_that_cannot_be_read_three_times_leads_to_its_stripe_where_allowed() {
        use DisplayMessage::{TryAgain, UseMagstripe};
        let faulty = [Unread::ChipFaulty; 3];
        let allowed = vec![Ok(TryAgain), Ok(TryAgain), Ok(UseMagstripe)];
        assert_eq!(after(ALL, &faulty), (allowed, true));
        for policy in [STRIPES_ONLY, Policy::default()] {
            let refused = vec![Ok(TryAgain), Ok(TryAgain), UNREADABLE];
            assert_eq!(after(policy, &faulty), (refused, false));
        }
    }

    #[test]
    fn a_card_that_is_taken_out_opens_no_stripe() {
        use DisplayMessage::TryAgain;
        let removed = [Unread::ChipRemoved; 3];
        let said = vec![Ok(TryAgain), Ok(TryAgain), UNREADABLE];
        assert_eq!(after(ALL, &removed), (said, false));
        let mixed = [Unread::ChipFaulty, Unread::ChipRemoved, Unread::ChipFaulty];
        assert!(!after(ALL, &mixed).1);
    }

    #[test]
    fn a_card_without_application_is_the_acquirers_to_allow() {
        let card = [Unread::NoApplication];
        assert_eq!(
            after(ALL, &card),
            (vec![Ok(DisplayMessage::UseMagstripe)], true)
        );
        assert_eq!(after(STRIPES_ONLY, &card), (vec![NOT_ACCEPTED], false));
    }

    #[test]
    fn a_stripe_with_a_chip_beside_it_asks_for_the_chip() {
        use DisplayMessage::{TryAgain, UseChipReader};
        let said = vec![Ok(UseChipReader), Ok(UseChipReader), NOT_ACCEPTED];
        assert_eq!(after(ALL, &[Unread::ChipBesideStripe; 3]), (said, false));
        let said = vec![Ok(TryAgain), Ok(TryAgain), UNREADABLE];
        assert_eq!(after(ALL, &[Unread::StripeMisread; 3]), (said, false));
    }

    #[test]
    fn what_may_be_presented_follows_from_what_was() {
        let technologies = |contact, magstripe| Technologies {
            contact,
            contactless: false,
            magstripe,
        };
        assert_eq!(Attempts::default().accepted(), technologies(true, false));
        let mut attempts = Attempts::new(ALL);
        assert_eq!(attempts.accepted(), technologies(true, true));
        attempts.after(Unread::NoApplication);
        assert_eq!(attempts.accepted(), technologies(false, true));
    }

    #[test]
    fn stripes_are_taken_where_acquirer_and_point_of_sale_take_them() {
        let rules = MagstripeRules {
            ranges: Vec::new(),
            verification: crate::parameters::StripeVerification::Signature,
            fallback_after_fault: true,
            fallback_without_application: true,
        };
        let any = Technologies {
            contact: true,
            contactless: true,
            magstripe: true,
        };
        let chips = Technologies {
            magstripe: false,
            ..any
        };
        assert_eq!(Policy::of(Some(&rules), any), ALL);
        assert_eq!(Policy::of(Some(&rules), chips), Policy::default());
        assert_eq!(Policy::of(None, any), Policy::default());
    }
}
