//! What every kind of transaction comes to, by what the acquirer does and where power fails.

use super::acquirer::{Behaviour, Booking};
use super::crash::every_loss;
use super::journal::{Faults, is_final};
use super::presenting::rules;
use super::world::{
    CardManner, PowerLoss, Presented, Profile, Run, Setting, World, moment, request,
};
use crate::outcome::{
    Agreement, DeclineReason, Ending, Error, Failure, Original, Outcome, ReversalState,
    TransactionKind, TransactionRequest,
};
use crate::ports::Phase;

/// Those that ask the acquirer, and the original each refers to.
const ASKING: [(TransactionKind, Option<TransactionKind>); 5] = [
    (TransactionKind::PreAuth, None),
    (
        TransactionKind::PreAuthComplete,
        Some(TransactionKind::PreAuth),
    ),
    (TransactionKind::Refund, Some(TransactionKind::Sale)),
    (TransactionKind::Void, Some(TransactionKind::Sale)),
    (TransactionKind::BalanceInquiry, None),
];

fn asks(id: &str, kind: TransactionKind) -> TransactionRequest {
    let free = matches!(
        kind,
        TransactionKind::BalanceInquiry | TransactionKind::CardRead
    );
    TransactionRequest {
        kind,
        amount_minor: if free { 0 } else { 2500 },
        tip_minor: 0,
        cashback_minor: 0,
        ..request(id)
    }
}

fn run(world: &mut World, request: &TransactionRequest) -> Outcome {
    match world.run(request, None) {
        Run::Returned(Ok(outcome)) => outcome,
        other => panic!("{other:?}"),
    }
}

/// What the host's records hold of an approved transaction.
fn original(id: &str, kind: TransactionKind, outcome: &Outcome) -> Original {
    let answer = outcome.answer.as_ref();
    Original {
        transaction_id: id.to_owned(),
        kind,
        approved_minor: outcome.approved_minor,
        began: moment(10),
        trace_number: outcome.trace_number,
        authorisation_code: answer.and_then(|answer| answer.authorisation_code.clone()),
        retrieval_reference: answer.and_then(|answer| answer.retrieval_reference.clone()),
        masked_pan: outcome.card.as_ref().expect("a card").masked_pan.clone(),
    }
}

/// A world in which the original is approved, and the request that refers to it.
fn prepared(
    kind: TransactionKind,
    refers_to: Option<TransactionKind>,
) -> (World, TransactionRequest) {
    let mut world = World::new(Setting::USUAL);
    let mut asked = asks("one", kind);
    if let Some(kind) = refers_to {
        let first = run(&mut world, &asks("original", kind));
        assert_eq!(first.ending, Ending::Approved, "{kind:?}");
        asked.original = Some(original("original", kind, &first));
    }
    world.seen.clear();
    (world, asked)
}

/// The acquirer's ledger is what the record of `one` says.
fn check(world: &World, kind: TransactionKind, case: &str) {
    let outcome = &world.ends["one"];
    let phase = world.journal.last("one").expect("an entry").phase;
    assert!(is_final(phase), "{case}: {phase:?}");
    let own = outcome.trace_number.and_then(|number| {
        let key = format!("{number:06}");
        world.acquirer.ledger.get(&key).copied()
    });
    let before = world.acquirer.ledger.get("000001").copied();
    let approved = outcome.ending == Ending::Approved;
    assert_eq!(approved, phase == Phase::Approved, "{case}");
    let (expected, replaced) = match kind {
        TransactionKind::PreAuth => (Booking::Reserved(2500), None),
        TransactionKind::PreAuthComplete => (Booking::Charged(2500), Some(Booking::Reserved(2500))),
        TransactionKind::Refund => (Booking::Refunded(2500), None),
        TransactionKind::Void => (Booking::Noted, Some(Booking::Charged(2500))),
        _ => (Booking::Noted, None),
    };
    if approved {
        assert_eq!(own, Some(expected), "{case}");
    } else if outcome.ending == Ending::Completed {
        assert_eq!(own, Some(Booking::Noted), "{case}");
    } else {
        assert!(
            matches!(own, None | Some(Booking::Reversed)),
            "{case}: {own:?}"
        );
    }
    if let Some(untouched) = replaced {
        let expected = if approved {
            Booking::Replaced
        } else {
            untouched
        };
        assert_eq!(before, Some(expected), "{case}: the original");
    }
}

#[test]
fn the_acquirers_answer_decides_every_kind() {
    for (kind, refers_to) in ASKING {
        for requests in Behaviour::ALL {
            let (mut world, asked) = prepared(kind, refers_to);
            world.acquirer.requests = requests;
            let outcome = run(&mut world, &asked);
            let case = format!("{kind:?} {requests:?}");
            let (ending, reversal) = match requests {
                Behaviour::Approve if kind == TransactionKind::BalanceInquiry => {
                    (Ending::Completed, ReversalState::None)
                }
                Behaviour::Approve => (Ending::Approved, ReversalState::None),
                Behaviour::Decline => (
                    Ending::Declined(DeclineReason::Acquirer),
                    ReversalState::None,
                ),
                Behaviour::Unreachable | Behaviour::PeerRefused => (
                    Ending::Failed(Failure::AcquirerUnreachable),
                    ReversalState::None,
                ),
                // There is no part of nothing, and an inquiry may be answered without its amount.
                Behaviour::ApprovePart | Behaviour::Corrupt(_)
                    if kind == TransactionKind::BalanceInquiry =>
                {
                    continue;
                }
                Behaviour::ApprovePart if matches!(kind, TransactionKind::Void) => continue,
                Behaviour::ApproveWith(_) | Behaviour::ApprovePart => (
                    Ending::Declined(DeclineReason::Acquirer),
                    ReversalState::Confirmed,
                ),
                Behaviour::StallBefore
                | Behaviour::StallAfter
                | Behaviour::TooLong
                | Behaviour::Corrupt(_) => (
                    Ending::Failed(Failure::AnswerLost),
                    ReversalState::Confirmed,
                ),
            };
            assert_eq!(
                (outcome.ending, outcome.reversal),
                (ending, reversal),
                "{case}"
            );
            if requests != Behaviour::ApprovePart {
                check(&world, kind, &case);
            }
        }
    }
}

#[test]
fn power_fails_at_every_call_of_every_kind() {
    for (kind, refers_to) in ASKING {
        for requests in [
            Behaviour::Approve,
            Behaviour::Decline,
            Behaviour::StallAfter,
        ] {
            every_loss(|loss: PowerLoss| {
                let (mut world, asked) = prepared(kind, refers_to);
                world.acquirer.requests = requests;
                let lost = matches!(world.run(&asked, Some(loss)), Run::LostPower);
                world.acquirer.requests = Behaviour::Approve;
                world.journal.faults = Faults::Never;
                let recovered = world.recover_at(12, None);
                assert!(matches!(recovered, Run::Returned(Ok(ref done)) if done.waiting == 0));
                check(&world, kind, &format!("{kind:?} {requests:?} {loss:?}"));
                lost
            });
        }
    }
}

#[test]
fn a_balance_is_told_and_nothing_is_taken() {
    let (mut world, asked) = prepared(TransactionKind::BalanceInquiry, None);
    let outcome = run(&mut world, &asked);
    let balance = outcome.balance.expect("a balance");
    assert_eq!((balance.currency, balance.minor), (554, 8750));
    assert_eq!(outcome.approved_minor, 0);
    assert_eq!(
        world.journal.last("one").expect("an entry").phase,
        Phase::Closed
    );
}

#[test]
fn a_card_is_read_without_asking_anybody() {
    let (mut world, asked) = prepared(TransactionKind::CardRead, None);
    world.acquirer.requests = Behaviour::Unreachable;
    let outcome = run(&mut world, &asked);
    assert_eq!(outcome.ending, Ending::Completed);
    assert_eq!(
        outcome.card.expect("a card").masked_pan,
        b"************0010"
    );
    assert_eq!(world.journal.phases("one"), [Phase::Begun, Phase::Closed]);
    assert!(world.acquirer.ledger.is_empty());
    assert_eq!(world.cryptograms, 1);
}

#[test]
fn a_refund_goes_to_the_card_that_paid_and_no_other() {
    for (track, refunded) in [
        ("4761739001010010=30121011184380", true),
        ("4761729101010010=30121011184380", false),
    ] {
        let (mut world, asked) = prepared(TransactionKind::Refund, Some(TransactionKind::Sale));
        world.magstripe = Some(rules());
        world.presented.push_back(Presented::Stripe(track));
        let outcome = run(&mut world, &asked);
        let ending = if refunded {
            Ending::Approved
        } else {
            Ending::Failed(Failure::OtherCard)
        };
        assert_eq!(outcome.ending, ending, "{track}");
        assert_eq!(world.acquirer.ledger.contains_key("000002"), refunded);
    }
    // Once the batch is closed, the records still know the last digits.
    let (mut world, mut asked) = prepared(TransactionKind::Refund, Some(TransactionKind::Sale));
    world.journal.push("original", Phase::Approved, None);
    assert_eq!(run(&mut world, &asked).ending, Ending::Approved);
    asked.transaction_id = "two".to_owned();
    asked.original.as_mut().expect("one").masked_pan = b"************0011".to_vec();
    let refused = Ending::Failed(Failure::OtherCard);
    assert_eq!(run(&mut world, &asked).ending, refused);
}

#[test]
fn a_smaller_approval_is_taken_where_the_point_of_sale_says_so() {
    for kind in [TransactionKind::Sale, TransactionKind::PreAuth] {
        let (mut world, mut asked) = prepared(kind, None);
        asked.accepts_partial_approval = true;
        world.acquirer.requests = Behaviour::ApprovePart;
        let outcome = run(&mut world, &asked);
        assert_eq!(outcome.ending, Ending::Approved, "{kind:?}");
        assert_eq!(outcome.approved_minor, 1500, "{kind:?}");
        assert_eq!(world.acquirer.ledger["000001"], Booking::Charged(1500));
        // What is voided later is what was approved.
        world.acquirer.requests = Behaviour::Approve;
        let void = TransactionRequest {
            amount_minor: 1500,
            original: Some(original("one", kind, &outcome)),
            ..asks("void", TransactionKind::Void)
        };
        assert_eq!(run(&mut world, &void).ending, Ending::Approved);
        assert_eq!(world.acquirer.ledger["000001"], Booking::Replaced);
    }
}

#[test]
fn what_cannot_be_done_is_refused_before_it_begins() {
    let refused = |world: &mut World, asked: &TransactionRequest| match world.run(asked, None) {
        Run::Returned(Err(error)) => (error, world.journal.phases(&asked.transaction_id)),
        other => panic!("{other:?}"),
    };
    let begun = vec![Phase::Begun];
    let (mut world, asked) = prepared(TransactionKind::Refund, Some(TransactionKind::Sale));
    let mut changed = Vec::new();
    for change in [
        |asked: &mut TransactionRequest| asked.original = None,
        |asked: &mut TransactionRequest| asked.amount_minor = 0,
        |asked: &mut TransactionRequest| asked.cashback_minor = 1,
        |asked: &mut TransactionRequest| asked.tip_minor = 1,
        |asked: &mut TransactionRequest| asked.kind = TransactionKind::Sale,
        |asked: &mut TransactionRequest| asked.kind = TransactionKind::BalanceInquiry,
    ] {
        let mut other = asked.clone();
        other.transaction_id = format!("changed {}", changed.len());
        change(&mut other);
        changed.push(other);
    }
    for asked in &changed {
        assert_eq!(
            refused(&mut world, asked),
            (Error::InvalidRequest, begun.clone())
        );
    }
    // The journal does not hold the original any more.
    let (mut world, asked) = prepared(TransactionKind::Void, Some(TransactionKind::Sale));
    world.journal.push("original", Phase::Approved, None);
    assert_eq!(refused(&mut world, &asked), (Error::InvalidRequest, begun));
}

#[test]
fn what_only_the_issuer_approves_is_not_approved_without_it() {
    for kind in [TransactionKind::PreAuth, TransactionKind::BalanceInquiry] {
        for profile in [Profile::Offline, Profile::FallsBack] {
            let (mut world, asked) = prepared(kind, None);
            world.setting.profile = profile;
            world.acquirer.requests = Behaviour::Unreachable;
            let outcome = run(&mut world, &asked);
            let unreachable = Ending::Failed(Failure::AcquirerUnreachable);
            assert_eq!(outcome.ending, unreachable, "{kind:?} {profile:?}");
        }
    }
    // A card that does not confirm makes no reservation.
    let (mut world, asked) = prepared(TransactionKind::PreAuth, None);
    world.setting.card = CardManner::DeclinesLast;
    assert_eq!(run(&mut world, &asked).reversal, ReversalState::Confirmed);
    assert_eq!(world.acquirer.ledger["000001"], Booking::Reversed);
}

#[test]
fn a_batch_is_closed_when_the_totals_agree() {
    for (totals, agreement, told) in [
        ("00", Agreement::Agreed, "500"),
        ("95", Agreement::Uploaded, "500 320 320 520"),
        ("12", Agreement::Disputed, "500"),
    ] {
        let mut world = World::new(Setting::USUAL);
        for id in ["one", "two"] {
            run(&mut world, &asks(id, TransactionKind::Sale));
        }
        world.acquirer.totals = totals;
        assert_eq!(world.reconcile(&["one", "two"], 5000), [agreement]);
        let seen: Vec<_> = world
            .acquirer
            .told
            .iter()
            .map(|(kind, _)| kind.to_string())
            .collect();
        assert_eq!(seen.join(" "), told);
        let named = |told: &&(u16, String)| told.0 == 320;
        let uploaded: Vec<_> = world.acquirer.told.iter().filter(named).collect();
        for (index, (_, original)) in uploaded.iter().enumerate() {
            assert_eq!(*original, format!("{:06}", index + 1));
        }
        for (kind, sum) in &world.acquirer.told {
            assert!(*kind == 320 || *sum == format!("{:016}", 5000), "{sum}");
        }
    }
}

#[test]
fn a_batch_waits_for_what_is_due_and_for_an_answer() {
    for settlements in [Behaviour::Unreachable, Behaviour::StallAfter] {
        let mut world = World::new(Setting::USUAL);
        run(&mut world, &asks("one", TransactionKind::Sale));
        world.acquirer.settlements = settlements;
        assert_eq!(world.reconcile(&["one"], 2500), [Agreement::Unanswered]);
    }
    // A reversal that is due goes first.
    let mut world = World::new(Setting::USUAL);
    world.acquirer.requests = Behaviour::StallAfter;
    world.acquirer.settlements = Behaviour::Unreachable;
    run(&mut world, &asks("one", TransactionKind::Sale));
    assert_eq!(world.reconcile(&[], 0), [Agreement::Unanswered]);
    world.acquirer.settlements = Behaviour::Approve;
    assert_eq!(world.reconcile(&[], 0), [Agreement::Agreed]);
    assert_eq!(
        world.journal.last("one").expect("an entry").phase,
        Phase::Reversed
    );
}
