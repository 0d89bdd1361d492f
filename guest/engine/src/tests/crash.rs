//! Power fails at every call of the engine, and the journal at every write. Afterwards money has
//! moved exactly where the journal says approved.

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::acquirer::{Behaviour, Booking, Corruption};
use super::journal::{Faults, is_final, record};
use super::world::{CardManner, PowerLoss, Presented, Profile, Run, Setting, World};
use crate::outcome::{Ending, Outcome, ReversalState};
use crate::ports::Phase;

/// No sale or recovery makes more calls.
const CALLS_BEYOND_ANY: usize = 400;

/// What the acquirer does with reversals and advices at first.
const SETTLEMENTS: [Behaviour; 6] = [
    Behaviour::Approve,
    Behaviour::Decline,
    Behaviour::Unreachable,
    Behaviour::StallBefore,
    Behaviour::StallAfter,
    Behaviour::Corrupt(Corruption::Mac),
];

fn settings() -> [Setting; 6] {
    [
        (Profile::OnlineOnly, CardManner::Faithful),
        (Profile::OnlineOnly, CardManner::DeclinesLast),
        (Profile::OnlineOnly, CardManner::LeavesLast),
        (Profile::Offline, CardManner::Faithful),
        (Profile::FallsBack, CardManner::Faithful),
        (Profile::FallsBack, CardManner::LeavesLast),
    ]
    .map(|(profile, card)| Setting {
        profile,
        card,
        ..Setting::USUAL
    })
}

fn world(setting: Setting, requests: Behaviour, settlements: Behaviour) -> World {
    let mut world = World::new(setting);
    world.acquirer.requests = requests;
    world.acquirer.settlements = settlements;
    world
}

/// Every moment at which power can fail, one after the other, until a run ends by itself.
pub(super) fn every_loss(mut run: impl FnMut(PowerLoss) -> bool) {
    for call in 0..CALLS_BEYOND_ANY {
        if !run(PowerLoss { call, after: false }) {
            assert!(call > 0, "no call was made");
            return;
        }
        run(PowerLoss { call, after: true });
    }
    panic!("the engine does not end");
}

/// The acquirer answers again: everything ends, another sale goes through, and the ledger agrees
/// with the journal.
fn settle_and_check(world: &mut World, case: &str) {
    world.acquirer.requests = Behaviour::Approve;
    world.acquirer.settlements = Behaviour::Approve;
    world.journal.faults = Faults::Never;
    world.setting = Setting::USUAL;
    // What the acquirer refused at eleven may be asked again.
    let Run::Returned(Ok(recovery)) = world.recover_at(12, None) else {
        panic!("{case}: recovery fails")
    };
    assert_eq!(recovery.waiting, 0, "{case}");
    let Run::Returned(Ok(next)) = world.sale("next", None) else {
        panic!("{case}: the next sale fails")
    };
    assert_eq!(next.ending, Ending::Approved, "{case}");
    check(world, case);
    let Run::Returned(Ok(again)) = world.recover(None) else {
        panic!("{case}: the second recovery fails")
    };
    assert!(again.settled.is_empty(), "{case}: ended twice");
}

fn check(world: &World, case: &str) {
    let mut approved = BTreeSet::new();
    for entry in world.journal.last_entries() {
        let id = &entry.transaction_id;
        assert!(is_final(entry.phase), "{case}: {id} is {:?}", entry.phase);
        let record = record(&entry).expect("a record");
        let expected = match entry.phase {
            Phase::Reversed => ReversalState::Confirmed,
            _ => ReversalState::None,
        };
        assert_eq!(record.outcome.reversal, expected, "{case}: {id}");
        // The host takes the state of a reversal from the journal's phase.
        let known = world.ends.get(id).map(|known| Outcome {
            reversal: expected,
            ..known.clone()
        });
        assert_eq!(
            known.as_ref(),
            Some(&record.outcome),
            "{case}: {id} in the host's records"
        );
        let amount = booked(world, &record.outcome);
        if entry.phase == Phase::Approved {
            approved.insert(id.clone());
            assert_eq!(record.outcome.ending, Ending::Approved, "{case}: {id}");
            assert_eq!(record.outcome.approved_minor, 2500, "{case}: {id}");
            assert_eq!(amount, 2500, "{case}: {id} is approved and not charged");
        } else {
            assert_ne!(record.outcome.ending, Ending::Approved, "{case}: {id}");
            assert_eq!(record.outcome.approved_minor, 0, "{case}: {id}");
            assert_eq!(amount, 0, "{case}: {id} is charged and not approved");
        }
    }
    let charged = world.acquirer.ledger.values();
    let charged = charged.filter(|booking| matches!(booking, Booking::Charged(_)));
    assert_eq!(charged.count(), approved.len(), "{case}: charged");
    for id in &world.shown_approved {
        assert!(approved.contains(id), "{case}: {id} was shown approved");
    }
}

/// What the acquirer holds for a transaction.
fn booked(world: &World, outcome: &Outcome) -> u64 {
    let trace_number = outcome.trace_number.map(|number| format!("{number:06}"));
    match trace_number.and_then(|number| world.acquirer.ledger.get(&number)) {
        Some(Booking::Charged(minor)) => *minor,
        Some(_) | None => 0,
    }
}

/// What the next start finds: the phases, their contents, the ledger, and what people were shown.
fn found(world: &World) -> String {
    let entries: Vec<_> = world
        .journal
        .last_entries()
        .into_iter()
        .map(|entry| (entry.transaction_id, entry.phase, entry.content))
        .collect();
    let shown = &world.shown_approved;
    format!("{entries:?} {:?} {shown:?}", world.acquirer.ledger)
}

#[test]
fn power_fails_at_every_call_of_a_sale() {
    for setting in settings() {
        for requests in Behaviour::ALL {
            let mut seen = BTreeSet::new();
            every_loss(|loss| {
                let case = format!("{setting:?} {requests:?} {loss:?}");
                let mut world = world(setting, requests, Behaviour::Approve);
                let lost = world.sale("one", Some(loss)) == Run::LostPower;
                if seen.insert(found(&world)) {
                    settle_and_check(&mut world, &case);
                }
                lost
            });
        }
    }
}

#[test]
fn power_fails_at_every_call_of_the_recovery_too() {
    for requests in Behaviour::ALL {
        for settlements in SETTLEMENTS {
            twice(Setting::USUAL, requests, settlements);
        }
    }
}

/// Power fails at every call of a sale, and then at every call of the recovery, wherever the first
/// loss left something new to find.
fn twice(setting: Setting, requests: Behaviour, settlements: Behaviour) {
    let mut seen = BTreeSet::new();
    every_loss(|first| {
        let broken = || {
            let mut world = world(setting, requests, settlements);
            let lost = world.sale("one", Some(first)) == Run::LostPower;
            (world, lost)
        };
        let (before, lost) = broken();
        if seen.insert(found(&before)) {
            every_loss(|second| {
                let case = format!("{setting:?} {requests:?} {settlements:?} {first:?} {second:?}");
                let (mut world, _) = broken();
                let lost = world.recover(Some(second)) == Run::LostPower;
                settle_and_check(&mut world, &case);
                lost
            });
        }
        lost
    });
}

#[test]
fn power_fails_in_an_offline_approval_and_in_what_delivers_its_advice() {
    for profile in [Profile::Offline, Profile::FallsBack] {
        let setting = Setting {
            profile,
            ..Setting::USUAL
        };
        for settlements in SETTLEMENTS {
            twice(setting, Behaviour::Unreachable, settlements);
        }
    }
}

#[test]
fn power_fails_at_every_call_of_a_sale_to_a_stripe() {
    for requests in [
        Behaviour::Approve,
        Behaviour::Decline,
        Behaviour::StallAfter,
        Behaviour::Unreachable,
    ] {
        let mut seen = BTreeSet::new();
        every_loss(|loss| {
            let case = format!("{requests:?} {loss:?}");
            let mut world = world(Setting::USUAL, requests, Behaviour::Approve);
            world.magstripe = Some(super::presenting::rules());
            world.presented = [
                Presented::Mute,
                Presented::Mute,
                Presented::Mute,
                Presented::Stripe(super::presenting::STRIPE_OF_A_CHIP_CARD),
            ]
            .into();
            let lost = world.sale("one", Some(loss)) == Run::LostPower;
            world.presented.clear();
            if seen.insert(found(&world)) {
                settle_and_check(&mut world, &case);
            }
            lost
        });
    }
}

#[test]
fn power_fails_in_a_sale_that_settles_an_older_one_first() {
    for settlements in SETTLEMENTS {
        for requests in [Behaviour::Approve, Behaviour::StallAfter] {
            every_loss(|loss| {
                let case = format!("{settlements:?} {requests:?} {loss:?}");
                let mut world = world(
                    Setting::USUAL,
                    Behaviour::StallAfter,
                    Behaviour::Unreachable,
                );
                world.sale("older", None);
                assert_eq!(
                    world.journal.phases("older"),
                    [Phase::Begun, Phase::Sent, Phase::ReversalDue],
                    "{case}"
                );
                world.acquirer.requests = requests;
                world.acquirer.settlements = settlements;
                let lost = world.sale("one", Some(loss)) == Run::LostPower;
                settle_and_check(&mut world, &case);
                lost
            });
        }
    }
}

#[test]
fn the_journal_fails_at_every_write_of_a_sale() {
    for setting in settings() {
        for requests in Behaviour::ALL {
            every_fault(setting, requests, Behaviour::Approve);
        }
    }
}

#[test]
fn the_journal_fails_at_every_write_of_a_settlement() {
    for requests in [Behaviour::Approve, Behaviour::StallAfter] {
        for settlements in SETTLEMENTS {
            every_fault(Setting::USUAL, requests, settlements);
        }
    }
}

/// The write of each number fails, alone or with all that follow it.
fn every_fault(setting: Setting, requests: Behaviour, settlements: Behaviour) {
    let run = |faults| {
        let mut world = world(setting, requests, settlements);
        world.journal.faults = faults;
        world.sale("one", None);
        world.recover(None);
        world
    };
    let writes = run(Faults::Never).journal.writes;
    for number in 1..writes {
        for faults in [Faults::Once(number), Faults::From(number)] {
            let case = format!("{setting:?} {requests:?} {settlements:?} {faults:?}");
            settle_and_check(&mut run(faults), &case);
        }
    }
}

/// One sale of a bad day.
#[derive(Debug, Clone)]
struct Step {
    setting: Setting,
    requests: Behaviour,
    settlements: Behaviour,
    loss: Option<PowerLoss>,
    /// How many writes succeed before one fails.
    fault: Option<usize>,
    /// Whether the host recovers before the next sale.
    recovers: bool,
    recovery_loss: Option<PowerLoss>,
}

fn step() -> impl Strategy<Value = Step> {
    let loss = || (0_usize..150, any::<bool>()).prop_map(|(call, after)| PowerLoss { call, after });
    (
        select(settings().to_vec()),
        select(&Behaviour::ALL[..]),
        select(&SETTLEMENTS[..]),
        option::of(loss()),
        option::weighted(0.2, 1_usize..12),
        any::<bool>(),
        option::of(loss()),
    )
        .prop_map(
            |(setting, requests, settlements, loss, fault, recovers, recovery_loss)| Step {
                setting,
                requests,
                settlements,
                loss,
                fault,
                recovers,
                recovery_loss,
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_bad_day_ends_well(steps in vec(step(), 1..8)) {
        let mut world = World::new(Setting::USUAL);
        for (number, step) in steps.iter().enumerate() {
            world.setting = step.setting;
            world.acquirer.requests = step.requests;
            world.acquirer.settlements = step.settlements;
            let writes = world.journal.writes;
            world.journal.faults = step
                .fault
                .map_or(Faults::Never, |after| Faults::Once(writes + after));
            world.sale(&format!("sale {number}"), step.loss);
            world.journal.faults = Faults::Never;
            if step.recovers {
                world.recover(step.recovery_loss);
            }
        }
        settle_and_check(&mut world, "a bad day");
    }
}
