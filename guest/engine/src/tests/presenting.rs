//! Cards that are presented again, in another way, or for nothing.

use super::acquirer::{Behaviour, Booking};
use super::world::{CardManner, Presented, Profile, Run, Setting, World, request};
use crate::outcome::{
    CardholderVerification, DeclineReason, Ending, Failure, Outcome, ReversalState,
    TransactionRequest,
};
use crate::parameters::{AccountRange, MagstripeRules, Scheme, StripeVerification};
use crate::ports::EntryMode;
use crate::ports::Phase::{self, Approved, Begun, Closed, ReversalDue, Reversed, Sent};

/// A stripe without a chip beside it, and one with. No PIN is asked for.
pub(super) const STRIPE: &str = "4761739001010010=30121011184380";
pub(super) const STRIPE_OF_A_CHIP_CARD: &str = "4761739001010010=30122011184380";
/// A PIN is required.
const STRIPE_WITH_PIN: &str = "4761739001010010=30121201184380";

const UNREADABLE: Ending = Ending::Failed(Failure::CardUnreadable);
const NOT_ACCEPTED: Ending = Ending::Failed(Failure::CardNotAccepted);

pub(super) fn rules() -> MagstripeRules {
    MagstripeRules {
        ranges: vec![AccountRange {
            prefix: "4".into(),
            scheme: Scheme::Visa,
        }],
        verification: StripeVerification::Signature,
        fallback_after_fault: true,
        fallback_without_application: true,
    }
}

/// A terminal that takes stripes and falls back to them.
fn world(presented: &[Presented]) -> World {
    let mut world = World::new(Setting::USUAL);
    world.magstripe = Some(rules());
    world.presented = presented.iter().copied().collect();
    world
}

fn sale(world: &mut World) -> Outcome {
    sell(world, &request("one"))
}

fn sell(world: &mut World, asked: &TransactionRequest) -> Outcome {
    match world.run(asked, None) {
        Run::Returned(Ok(outcome)) => outcome,
        other => panic!("{other:?}"),
    }
}

fn traced(world: &World, rule: &str) -> bool {
    world.trace.iter().any(|(traced, _)| *traced == rule)
}

fn shown(world: &World, message: &str) -> usize {
    let line = format!("display  {message}");
    world.seen.iter().filter(|seen| **seen == line).count()
}

/// A field of the request that left, as it is shown.
fn field(world: &World, number: u8) -> Option<String> {
    let request = world
        .seen
        .iter()
        .find(|seen| seen.starts_with("sent     0200"))?;
    let name = format!("{number} ");
    let found = request
        .lines()
        .find_map(|line| line.trim_start().strip_prefix(&name));
    found.map(str::to_owned)
}

#[test]
fn a_chip_that_is_read_at_last_pays() {
    for first in [
        Presented::Mute,
        Presented::Chip(CardManner::LeavesAt(0)),
        Presented::Chip(CardManner::LeavesAt(3)),
        Presented::Chip(CardManner::FallsSilentAt(0)),
        Presented::Chip(CardManner::FallsSilentAt(3)),
    ] {
        let mut world = world(&[first, Presented::Chip(CardManner::Faithful)]);
        let outcome = sale(&mut world);
        assert_eq!(outcome.ending, Ending::Approved, "{first:?}");
        let card = outcome.card.expect("a card");
        assert_eq!(card.entry_mode, EntryMode::Contact, "{first:?}");
        assert_eq!(shown(&world, "TryAgain"), 1, "{first:?}");
        assert_eq!(world.journal.phases("one"), [Begun, Sent, Approved]);
        // One transaction, however often its card was inserted.
        assert_eq!(
            world
                .journal
                .next(crate::ports::Counter::TransactionSequence),
            Ok(2)
        );
    }
}

#[test]
fn a_card_that_has_begun_is_not_presented_again() {
    // Commands: the directory, the application twice, processing options, two records, GENERATE AC.
    for number in 4..=6 {
        for (manner, shown_instead) in [
            (CardManner::LeavesAt(number), "CardRemoved"),
            (CardManner::FallsSilentAt(number), "CardError"),
        ] {
            let mut world = world(&[Presented::Chip(manner)]);
            let outcome = sale(&mut world);
            assert_eq!(outcome.ending, UNREADABLE, "{manner:?}");
            assert_eq!(world.journal.phases("one"), [Begun, Closed], "{manner:?}");
            assert_eq!(
                shown(&world, shown_instead),
                1,
                "{manner:?}: {:?}",
                world.seen
            );
            let asked_to_remove = usize::from(shown_instead == "CardError");
            assert_eq!(shown(&world, "RemoveCard"), asked_to_remove, "{manner:?}");
            assert!(world.acquirer.ledger.is_empty());
        }
    }
}

#[test]
fn a_card_that_leaves_after_the_request_is_reversed() {
    let mut world = world(&[Presented::Chip(CardManner::LeavesLast)]);
    let outcome = sale(&mut world);
    assert_eq!(outcome.ending, UNREADABLE);
    assert_eq!(outcome.reversal, ReversalState::Confirmed);
    assert_eq!(shown(&world, "CardRemoved"), 1);
    assert_eq!(
        world.journal.phases("one"),
        [Begun, Sent, ReversalDue, Reversed]
    );
}

#[test]
fn a_stripe_is_fallen_back_to_after_three_faults_and_says_so() {
    let mut world = world(&[
        Presented::Mute,
        Presented::Chip(CardManner::FallsSilentAt(2)),
        Presented::Mute,
        Presented::Stripe(STRIPE_OF_A_CHIP_CARD),
    ]);
    let outcome = sale(&mut world);
    assert_eq!(outcome.ending, Ending::Approved);
    assert_eq!(shown(&world, "UseMagstripe"), 1);
    assert!(traced(&world, "TX-73") && traced(&world, "TX-77"));
    assert_eq!(field(&world, 22).as_deref(), Some("801"));
    assert_eq!(field(&world, 35).as_deref(), Some("****"));
    assert_eq!(field(&world, 55), None);
    let card = outcome.card.expect("a card");
    assert_eq!(card.entry_mode, EntryMode::Magstripe);
    assert_eq!(card.verification, Some(CardholderVerification::Signature));
    assert_eq!(world.acquirer.ledger["000001"], Booking::Charged(2500));
}

#[test]
fn nothing_falls_back_that_the_acquirer_or_the_card_forbids() {
    type Change = fn(&mut World);
    let cases: [(&[Presented], Ending, Change); 7] = [
        (&[Presented::Mute; 3], UNREADABLE, |world| {
            let rules = world.magstripe.as_mut().expect("rules");
            rules.fallback_after_fault = false;
        }),
        (&[Presented::Mute; 3], UNREADABLE, |world| {
            world.magstripe = None;
        }),
        (
            &[Presented::Chip(CardManner::LeavesAt(1)); 3],
            UNREADABLE,
            |_| {},
        ),
        (
            &[Presented::Chip(CardManner::WithoutApplication)],
            NOT_ACCEPTED,
            |world| {
                let rules = world.magstripe.as_mut().expect("rules");
                rules.fallback_without_application = false;
            },
        ),
        (
            &[Presented::Chip(CardManner::Blocked)],
            NOT_ACCEPTED,
            |_| {},
        ),
        (
            &[Presented::Chip(CardManner::ApplicationBlocked)],
            NOT_ACCEPTED,
            |_| {},
        ),
        (
            &[Presented::Stripe(STRIPE_OF_A_CHIP_CARD); 3],
            NOT_ACCEPTED,
            |_| {},
        ),
    ];
    for (presented, ending, change) in cases {
        let mut world = world(presented);
        world
            .presented
            .push_back(Presented::Stripe(STRIPE_OF_A_CHIP_CARD));
        change(&mut world);
        let outcome = sale(&mut world);
        assert_eq!(outcome.ending, ending, "{presented:?}");
        assert_eq!(
            world.journal.phases("one"),
            [Begun, Closed],
            "{presented:?}"
        );
        assert!(world.acquirer.ledger.is_empty(), "{presented:?}");
        assert_eq!(
            world.presented.len(),
            1,
            "{presented:?}: the stripe was read"
        );
    }
}

#[test]
fn a_card_without_application_falls_back_at_once() {
    let mut world = world(&[
        Presented::Chip(CardManner::WithoutApplication),
        Presented::Stripe(STRIPE_OF_A_CHIP_CARD),
    ]);
    assert_eq!(sale(&mut world).ending, Ending::Approved);
    assert_eq!(field(&world, 22).as_deref(), Some("801"));
    assert!(traced(&world, "TX-74"));
}

#[test]
fn a_stripe_beside_a_chip_asks_for_the_chip() {
    let mut world = world(&[
        Presented::Stripe(STRIPE_OF_A_CHIP_CARD),
        Presented::Chip(CardManner::Faithful),
    ]);
    let outcome = sale(&mut world);
    assert_eq!(outcome.ending, Ending::Approved);
    assert_eq!(outcome.card.expect("a card").entry_mode, EntryMode::Contact);
    assert_eq!(shown(&world, "UseChipReader"), 1);
    assert_eq!(field(&world, 22).as_deref(), Some("051"));
}

#[test]
fn a_stripe_without_a_chip_is_no_fallback() {
    for presented in [
        &[Presented::Stripe(STRIPE)][..],
        &[Presented::BrokenStripe, Presented::Stripe(STRIPE)],
        &[
            Presented::Stripe("4761739001010011=30121011184380"),
            Presented::Stripe(STRIPE),
        ],
        // Another card than the one that could not be read.
        &[
            Presented::Mute,
            Presented::Mute,
            Presented::Mute,
            Presented::Stripe(STRIPE),
        ],
    ] {
        let mut world = world(presented);
        let outcome = sale(&mut world);
        assert_eq!(outcome.ending, Ending::Approved, "{presented:?}");
        assert_eq!(field(&world, 22).as_deref(), Some("021"), "{presented:?}");
        assert_eq!(world.cryptograms, 0, "{presented:?}");
        assert_eq!(shown(&world, "RemoveCard"), 0, "{presented:?}");
    }
}

#[test]
fn a_stripe_is_taken_only_where_it_may_be() {
    let kinds: [(&str, &str); 3] = [
        ("5413330089010640=3012101", "TX-78"),
        ("4761739001010010=3012103", "TX-78"),
        ("4761739001010010=3012104", "TX-78"),
    ];
    for (track, rule) in kinds {
        let mut world = world(&[Presented::Stripe(track)]);
        assert_eq!(sale(&mut world).ending, NOT_ACCEPTED, "{track}");
        assert!(traced(&world, rule), "{track}");
        assert_eq!(world.journal.phases("one"), [Begun, Closed]);
    }
    // The point of sale accepts chips only.
    let mut world = world(&[Presented::Stripe(STRIPE)]);
    let mut asked = request("one");
    asked.accepted.magstripe = false;
    assert_ne!(sell(&mut world, &asked).ending, Ending::Approved);
}

#[test]
fn a_stripe_is_never_approved_without_its_issuer() {
    for profile in [Profile::OnlineOnly, Profile::Offline, Profile::FallsBack] {
        for (requests, ending) in [
            (Behaviour::Approve, Ending::Approved),
            (
                Behaviour::Decline,
                Ending::Declined(DeclineReason::Acquirer),
            ),
            (
                Behaviour::Unreachable,
                Ending::Failed(Failure::AcquirerUnreachable),
            ),
            (Behaviour::StallAfter, Ending::Failed(Failure::AnswerLost)),
            (
                Behaviour::ApprovePart,
                Ending::Declined(DeclineReason::Acquirer),
            ),
        ] {
            let mut world = world(&[Presented::Stripe(STRIPE)]);
            world.setting.profile = profile;
            world.acquirer.requests = requests;
            let outcome = sale(&mut world);
            assert_eq!(outcome.ending, ending, "{profile:?} {requests:?}");
            let charged = world.acquirer.ledger.get("000001") == Some(&Booking::Charged(2500));
            assert_eq!(
                charged,
                ending == Ending::Approved,
                "{profile:?} {requests:?}"
            );
            let phases: &[Phase] = match requests {
                Behaviour::Approve => &[Begun, Sent, Approved],
                Behaviour::StallAfter | Behaviour::ApprovePart => {
                    &[Begun, Sent, ReversalDue, Reversed]
                }
                _ => &[Begun, Sent, Closed],
            };
            assert_eq!(
                world.journal.phases("one"),
                phases,
                "{profile:?} {requests:?}"
            );
        }
    }
}

#[test]
fn a_stripe_that_requires_a_pin_sends_one() {
    let mut world = world(&[Presented::Stripe(STRIPE_WITH_PIN)]);
    let outcome = sale(&mut world);
    assert_eq!(outcome.ending, Ending::Approved);
    let card = outcome.card.expect("a card");
    assert_eq!(card.verification, Some(CardholderVerification::Pin));
    assert!(field(&world, 52).is_some());
}

#[test]
fn a_stripe_s_payment_is_in_the_card_log() {
    let mut world = world(&[Presented::Stripe(STRIPE)]);
    sale(&mut world);
    assert!(
        world
            .seen
            .contains(&"journal  one Approved and card log".to_owned()),
        "{:?}",
        world.seen
    );
}
