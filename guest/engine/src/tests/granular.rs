//! Transactions that the point of sale decides, by what it decides and where power fails.

use super::crash::every_loss;
use super::presenting::{STRIPE, rules};
use super::world::{CardManner, Presented, Profile, Run, Setting, World, request};
use crate::iso8583::dialect::PinBlockFormat;
use crate::outcome::{
    CancelReason, DeclineReason, Ending, Error, Failure, OnlineDecision, Outcome, ReversalState,
    TransactionKind, TransactionRequest,
};
use crate::ports::{NoDecision, OnlineAnswer, Phase};

fn granular(id: &str) -> TransactionRequest {
    TransactionRequest {
        online_decision: OnlineDecision::PointOfSale,
        ..request(id)
    }
}

fn answer(code: &str) -> OnlineAnswer {
    OnlineAnswer {
        response_code: code.to_owned(),
        authorisation_code: Some("A12345".to_owned()),
        issuer_authentication_data: None,
        issuer_scripts: Vec::new(),
    }
}

fn decided(setting: Setting, decision: Result<OnlineAnswer, NoDecision>) -> (World, Outcome) {
    let mut world = World::new(setting);
    world.decision = decision;
    let outcome = match world.run(&granular("one"), None) {
        Run::Returned(Ok(outcome)) => outcome,
        other => panic!("{other:?}"),
    };
    (world, outcome)
}

/// Nothing was sent and nothing is due: the acquirer of the terminal knows of nothing.
fn check_silence(world: &World) {
    assert!(world.acquirer.ledger.is_empty());
    let phases = world.journal.phases("one");
    assert!(
        matches!(*phases, [Phase::Begun, Phase::Approved | Phase::Closed]),
        "{phases:?}"
    );
}

#[test]
fn the_point_of_sale_decides_and_the_card_confirms() {
    let (world, outcome) = decided(Setting::USUAL, Ok(answer("00")));
    check_silence(&world);
    assert_eq!(outcome.ending, Ending::Approved);
    assert_eq!((outcome.approved_minor, outcome.trace_number), (2500, None));
    assert_eq!(outcome.reversal, ReversalState::None);
    let given = outcome.answer.expect("an answer");
    assert_eq!(given.response_code, "00");
    assert_eq!(given.authorisation_code.as_deref(), Some("A12345"));
    assert_eq!(world.shown_approved, ["one", "one", "one"]);
    let [question] = &*world.questions else {
        panic!("{:?}", world.questions)
    };
    assert!(!question.chip_data.is_empty());
    let format = question.pin.as_ref().map(|pin| pin.format);
    assert_eq!(format, Some(PinBlockFormat::Iso0));
    assert!(question.track_2.is_some());
}

#[test]
fn every_other_end_approves_nothing() {
    let card = |card| Setting {
        card,
        ..Setting::USUAL
    };
    let approval = || Ok(answer("00"));
    for (setting, decision, ending) in [
        (
            Setting::USUAL,
            Ok(answer("51")),
            Ending::Declined(DeclineReason::Acquirer),
        ),
        // Only `00` approves.
        (
            Setting::USUAL,
            Ok(answer("10")),
            Ending::Declined(DeclineReason::Acquirer),
        ),
        (
            Setting::USUAL,
            Ok(answer("000")),
            Ending::Failed(Failure::DeviceFault),
        ),
        (
            Setting::USUAL,
            Err(NoDecision::TimedOut),
            Ending::Cancelled(CancelReason::NoDecision),
        ),
        (
            Setting::USUAL,
            Err(NoDecision::Aborted),
            Ending::Cancelled(CancelReason::PointOfSale),
        ),
        (
            Setting::USUAL,
            Err(NoDecision::Unavailable),
            Ending::Failed(Failure::DeviceFault),
        ),
        (
            card(CardManner::DeclinesLast),
            approval(),
            Ending::Declined(DeclineReason::Card),
        ),
        (
            card(CardManner::LeavesLast),
            approval(),
            Ending::Failed(Failure::CardUnreadable),
        ),
        (
            card(CardManner::Declines),
            approval(),
            Ending::Declined(DeclineReason::Card),
        ),
    ] {
        let case = format!("{setting:?} {decision:?}");
        let (world, outcome) = decided(setting, decision);
        check_silence(&world);
        assert_eq!(outcome.ending, ending, "{case}");
        assert_eq!(outcome.approved_minor, 0, "{case}");
        assert_eq!(outcome.reversal, ReversalState::None, "{case}");
        assert!(world.shown_approved.is_empty(), "{case}");
    }
}

#[test]
fn a_card_that_declines_first_asks_nobody() {
    let setting = Setting {
        card: CardManner::Declines,
        ..Setting::USUAL
    };
    let (world, _) = decided(setting, Ok(answer("00")));
    assert!(world.questions.is_empty());
}

#[test]
fn no_terminal_approves_alone_what_the_point_of_sale_decides() {
    for profile in [
        Profile::Offline,
        Profile::AsksAboveFloorLimit,
        Profile::FallsBack,
    ] {
        let setting = Setting {
            profile,
            ..Setting::USUAL
        };
        let (world, outcome) = decided(setting, Err(NoDecision::TimedOut));
        check_silence(&world);
        assert_ne!(outcome.ending, Ending::Approved, "{profile:?}");
        let (world, outcome) = decided(setting, Ok(answer("00")));
        assert_eq!(world.questions.len(), 1, "{profile:?}");
        assert_eq!(outcome.ending, Ending::Approved, "{profile:?}");
    }
}

#[test]
fn wherever_power_fails_nothing_is_approved_that_is_not_recorded() {
    every_loss(|power| {
        let mut world = World::new(Setting::USUAL);
        world.decision = Ok(answer("00"));
        let run = world.run(&granular("one"), Some(power));
        if run == Run::LostPower {
            assert!(matches!(world.recover(None), Run::Returned(Ok(_))));
        }
        check_silence(&world);
        let outcome = &world.ends["one"];
        let expected = if world.journal.phases("one").contains(&Phase::Approved) {
            Ending::Approved
        } else {
            Ending::Cancelled(CancelReason::Interrupted)
        };
        assert_eq!(outcome.ending, expected, "{power:?}");
        if !world.shown_approved.is_empty() {
            assert_eq!(outcome.ending, Ending::Approved, "{power:?}");
        }
        run == Run::LostPower
    });
}

#[test]
fn a_stripe_is_told_enciphered_or_not_at_all() {
    for enciphers_data in [true, false] {
        let mut world = World::new(Setting::USUAL);
        world.magstripe = Some(rules());
        world.decision = Ok(answer("00"));
        world.enciphers_data = enciphers_data;
        world.presented.push_back(Presented::Stripe(STRIPE));
        let outcome = match world.run(&granular("one"), None) {
            Run::Returned(Ok(outcome)) => outcome,
            other => panic!("{other:?}"),
        };
        let (questions, ending) = if enciphers_data {
            (1, Ending::Approved)
        } else {
            (0, Ending::Failed(Failure::DeviceFault))
        };
        assert_eq!(world.questions.len(), questions);
        assert_eq!(outcome.ending, ending);
        check_silence(&world);
    }
}

#[test]
fn only_what_reads_a_card_and_moves_money_is_decided_there() {
    for (kind, amount_minor) in [
        (TransactionKind::CardRead, 0),
        (TransactionKind::BalanceInquiry, 0),
    ] {
        let mut world = World::new(Setting::USUAL);
        let asked = TransactionRequest {
            kind,
            amount_minor,
            tip_minor: 0,
            cashback_minor: 0,
            ..granular("one")
        };
        let refused = Run::Returned(Err(Error::InvalidRequest));
        assert_eq!(world.run(&asked, None), refused, "{kind:?}");
    }
}
