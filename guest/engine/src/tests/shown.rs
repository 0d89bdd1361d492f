//! Everything a sale shows: screen, keypad, point of sale, messages, journal, paper, trace.

use super::acquirer::Behaviour;
use super::world::{CardManner, PAN, PowerLoss, Presented, Profile, Run, Setting, World};

/// What was seen, and what the engine recorded of itself.
fn shown(world: &World) -> String {
    let seen = world.seen.join("\n");
    assert!(!seen.contains(PAN), "a PAN");
    let trace: Vec<String> = world
        .trace
        .iter()
        .map(|(rule, statement)| format!("{rule}    {statement}"))
        .collect();
    format!("{seen}\n\n{}", trace.join("\n"))
}

#[test]
fn an_online_approval_with_a_pin() {
    let mut world = World::new(Setting::USUAL);
    world.sale("sale-1", None);
    insta::assert_snapshot!(shown(&world));
}

#[test]
fn a_decline_by_the_acquirer() {
    let mut world = World::new(Setting::USUAL);
    world.acquirer.requests = Behaviour::Decline;
    world.sale("sale-1", None);
    insta::assert_snapshot!(shown(&world));
}

#[test]
fn an_answer_that_is_lost() {
    let mut world = World::new(Setting::USUAL);
    world.acquirer.requests = Behaviour::StallAfter;
    world.sale("sale-1", None);
    insta::assert_snapshot!(shown(&world));
}

#[test]
fn a_card_that_leaves_after_the_issuer_approved() {
    let mut world = World::new(Setting {
        card: CardManner::LeavesLast,
        ..Setting::USUAL
    });
    world.sale("sale-1", None);
    insta::assert_snapshot!(shown(&world));
}

#[test]
fn an_offline_approval() {
    let mut world = World::new(Setting {
        profile: Profile::Offline,
        ..Setting::USUAL
    });
    world.sale("sale-1", None);
    insta::assert_snapshot!(shown(&world));
}

#[test]
fn a_recovery_after_power_failed_while_the_acquirer_was_asked() {
    let mut world = World::new(Setting::USUAL);
    let mut losses = (0..400).map(|call| PowerLoss { call, after: true });
    // The first loss that leaves the acquirer charged and the terminal in the dark.
    let loss = losses.find(|loss| {
        let mut world = World::new(Setting::USUAL);
        world.sale("sale-1", Some(*loss)) == Run::LostPower && !world.acquirer.ledger.is_empty()
    });
    assert_eq!(world.sale("sale-1", loss), Run::LostPower);
    world.seen.clear();
    world.trace.clear();
    world.recover(None);
    insta::assert_snapshot!(shown(&world));
}

#[test]
fn a_stripe_in_place_of_a_chip_that_cannot_be_read() {
    let mut world = World::new(Setting::USUAL);
    world.magstripe = Some(super::presenting::rules());
    world.presented = [
        Presented::Mute,
        Presented::Chip(CardManner::LeavesAt(1)),
        Presented::Mute,
        Presented::Chip(CardManner::FallsSilentAt(2)),
        Presented::Stripe(super::presenting::STRIPE_OF_A_CHIP_CARD),
    ]
    .into();
    world.sale("sale-1", None);
    insta::assert_snapshot!(shown(&world));
}
