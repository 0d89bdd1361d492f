//! What a sale comes to, by what card, cardholder and acquirer do.

use super::acquirer::{Behaviour, Booking, Corruption};
use super::journal::record;
use super::world::{CardManner, Profile, Run, Setting, World, request};
use crate::iso8583::dialect::FieldLength;
use crate::iso8583::fields;
use crate::outcome::{
    CancelReason, DeclineReason, Ending, Error, Failure, Outcome, ReversalState, TransactionRequest,
};
use crate::ports::Phase::{self, AdviceDue, Approved, Begun, Closed, ReversalDue, Reversed, Sent};

const ANSWER_LOST: Ending = Ending::Failed(Failure::AnswerLost);

fn sale(world: &mut World) -> Outcome {
    match world.sale("one", None) {
        Run::Returned(Ok(outcome)) => outcome,
        other => panic!("{other:?}"),
    }
}

fn recover(world: &mut World) -> u32 {
    recover_at(world, 11)
}

fn recover_at(world: &mut World, hour: u8) -> u32 {
    match world.recover_at(hour, None) {
        Run::Returned(Ok(recovery)) => recovery.waiting,
        other => panic!("{other:?}"),
    }
}

/// How many messages the acquirer got in all.
fn message_count(world: &World) -> usize {
    let sent = world.seen.iter().filter(|line| line.starts_with("sent "));
    sent.count()
}

#[test]
fn the_acquirers_answer_decides_an_online_sale() {
    const REVERSED_AT_ONCE: &[Phase] = &[Begun, Sent, ReversalDue, Reversed];
    for requests in Behaviour::ALL {
        let mut world = World::new(Setting::USUAL);
        world.acquirer.requests = requests;
        let outcome = sale(&mut world);
        let (ending, reversal, phases): (Ending, ReversalState, &[Phase]) = match requests {
            Behaviour::Approve => (
                Ending::Approved,
                ReversalState::None,
                &[Begun, Sent, Approved],
            ),
            Behaviour::Decline => (
                Ending::Declined(DeclineReason::Acquirer),
                ReversalState::None,
                &[Begun, Sent, Closed],
            ),
            Behaviour::ApprovePart | Behaviour::ApproveWith(_) => (
                Ending::Declined(DeclineReason::Acquirer),
                ReversalState::Confirmed,
                REVERSED_AT_ONCE,
            ),
            Behaviour::Unreachable | Behaviour::PeerRefused => (
                Ending::Failed(Failure::AcquirerUnreachable),
                ReversalState::None,
                &[Begun, Sent, Closed],
            ),
            Behaviour::StallBefore
            | Behaviour::StallAfter
            | Behaviour::TooLong
            | Behaviour::Corrupt(_) => (ANSWER_LOST, ReversalState::Confirmed, REVERSED_AT_ONCE),
        };
        assert_eq!(outcome.ending, ending, "{requests:?}");
        assert_eq!(outcome.reversal, reversal, "{requests:?}");
        assert_eq!(world.journal.phases("one"), phases, "{requests:?}");
        let minor = if ending == Ending::Approved { 2500 } else { 0 };
        assert_eq!(outcome.approved_minor, minor, "{requests:?}");
        assert_eq!(outcome.trace_number, Some(1), "{requests:?}");
    }
}

#[test]
fn an_answer_that_is_refused_is_named_in_the_trace() {
    for (corruption, rule) in [
        (Corruption::TraceNumber, "TX-34"),
        (Corruption::TerminalId, "TX-33"),
        (Corruption::Amount, "TX-35"),
        (Corruption::NoAmount, "TX-35"),
        (Corruption::Currency, "TX-36"),
        (Corruption::MessageType, "TX-32"),
        (Corruption::Mac, "TX-37"),
        (Corruption::NoMac, "TX-37"),
        (Corruption::NoResponseCode, "TX-38"),
        (Corruption::ChipData, "TX-38"),
        (Corruption::Truncated, "TX-31"),
        (Corruption::Garbage, "TX-31"),
        (Corruption::Empty, "TX-31"),
    ] {
        let mut world = World::new(Setting::USUAL);
        world.acquirer.requests = Behaviour::Corrupt(corruption);
        sale(&mut world);
        let rules: Vec<_> = world.trace.iter().map(|(rule, _)| *rule).collect();
        assert!(rules.contains(&rule), "{corruption:?}: {rules:?}");
    }
}

#[test]
fn a_card_that_does_not_complete_an_approval_makes_it_reversed() {
    for (card, ending) in [
        (
            CardManner::DeclinesLast,
            Ending::Declined(DeclineReason::Card),
        ),
        (
            CardManner::LeavesLast,
            Ending::Failed(Failure::CardUnreadable),
        ),
    ] {
        let mut world = World::new(Setting {
            card,
            ..Setting::USUAL
        });
        let outcome = sale(&mut world);
        assert_eq!(outcome.ending, ending);
        assert_eq!(outcome.reversal, ReversalState::Confirmed);
        assert_eq!(world.acquirer.ledger["000001"], Booking::Reversed);
    }
}

#[test]
fn what_ends_before_a_request_leaves_only_closes() {
    let usual = Setting::USUAL;
    let cases = [
        (
            Setting {
                card: CardManner::Absent,
                ..usual
            },
            Ending::Cancelled(CancelReason::NoCard),
        ),
        (
            Setting {
                card: CardManner::LeavesAt(3),
                ..usual
            },
            Ending::Failed(Failure::CardUnreadable),
        ),
        (
            Setting {
                aborts: true,
                ..usual
            },
            Ending::Cancelled(CancelReason::PointOfSale),
        ),
        (
            Setting {
                vault_works: false,
                ..usual
            },
            Ending::Failed(Failure::DeviceFault),
        ),
        (
            Setting {
                aborts: true,
                profile: Profile::Offline,
                ..usual
            },
            Ending::Cancelled(CancelReason::PointOfSale),
        ),
    ];
    for (setting, ending) in cases {
        let mut world = World::new(setting);
        let outcome = sale(&mut world);
        assert_eq!(outcome.ending, ending, "{setting:?}");
        // A key that fails is noticed when the request is ready to leave.
        let phases: &[Phase] = if setting.vault_works {
            &[Begun, Closed]
        } else {
            &[Begun, Sent, Closed]
        };
        assert_eq!(world.journal.phases("one"), phases, "{setting:?}");
        assert!(world.acquirer.ledger.is_empty(), "{setting:?}");
    }
}

#[test]
fn an_offline_approval_is_shown_before_its_advice_is_sent() {
    let mut world = World::new(Setting {
        profile: Profile::Offline,
        ..Setting::USUAL
    });
    let outcome = sale(&mut world);
    assert_eq!(outcome.ending, Ending::Approved);
    assert_eq!(world.journal.phases("one"), [Begun, AdviceDue, Approved]);
    let position = |text: &str| {
        let found = world.seen.iter().position(|line| line.contains(text));
        found.unwrap_or_else(|| panic!("{text}"))
    };
    assert!(position("Approved") < position("sent     0220"));
    assert_eq!(world.acquirer.ledger["000001"], Booking::Charged(2500));
}

#[test]
fn an_offline_approval_that_no_message_can_tell_is_none() {
    // Field 55 has no room for what a card may give.
    let mut dialect = fields::built_in();
    for format in &mut dialect.fields {
        if format.number == fields::number::CHIP_DATA {
            format.length = FieldLength::Fixed(20);
        }
    }
    for profile in [Profile::Offline, Profile::FallsBack] {
        let mut world = World::new(Setting {
            profile,
            ..Setting::USUAL
        });
        world.dialect = Some(dialect.clone());
        world.acquirer.requests = Behaviour::Unreachable;
        let outcome = sale(&mut world);
        assert_eq!(outcome.ending, Ending::Failed(Failure::DeviceFault));
        assert_eq!(world.journal.phases("one").last(), Some(&Closed));
        assert!(world.trace.iter().any(|(rule, _)| *rule == "TX-11"));
        // Nothing is due that would keep every later request from the acquirer.
        world.dialect = None;
        world.acquirer.requests = Behaviour::Approve;
        assert_eq!(recover(&mut world), 0);
    }
}

/// A sale of this amount at a terminal that asks from 10000.00 on.
fn sale_of(world: &mut World, id: &str, minor: u64) -> Outcome {
    let asked = TransactionRequest {
        amount_minor: minor,
        tip_minor: 0,
        cashback_minor: 0,
        ..request(id)
    };
    match world.run(&asked, None) {
        Run::Returned(Ok(outcome)) => outcome,
        other => panic!("{other:?}"),
    }
}

/// Tag 95, byte 4, bit 8: the amount reaches the floor limit (EMV 4.4 Book 3, Annex C5).
fn over_the_floor_limit(outcome: &Outcome) -> bool {
    let card = outcome.card.as_ref().expect("a card");
    card.tvr[3] & 0x80 != 0
}

#[test]
fn a_sale_split_in_two_below_the_floor_limit_goes_online() {
    let mut world = World::new(Setting {
        profile: Profile::AsksAboveFloorLimit,
        ..Setting::USUAL
    });
    let first = sale_of(&mut world, "first", 600_000);
    assert_eq!(first.ending, Ending::Approved);
    assert!(!over_the_floor_limit(&first));
    assert_eq!(world.journal.phases("first"), [Begun, AdviceDue, Approved]);
    let second = sale_of(&mut world, "second", 400_000);
    assert_eq!(second.ending, Ending::Approved);
    assert!(over_the_floor_limit(&second));
    assert_eq!(world.journal.phases("second"), [Begun, Sent, Approved]);
    // The last payment counts (EMV 4.4 Book 3, 10.6.1), online or not.
    let third = sale_of(&mut world, "third", 599_999);
    assert!(!over_the_floor_limit(&third));
    let fourth = sale_of(&mut world, "fourth", 400_001);
    assert!(over_the_floor_limit(&fourth));
}

#[test]
fn what_was_not_approved_is_not_in_the_card_log() {
    let mut world = World::new(Setting::USUAL);
    world.acquirer.requests = Behaviour::Decline;
    sale_of(&mut world, "declined", 600_000);
    world.acquirer.requests = Behaviour::StallAfter;
    sale_of(&mut world, "reversed", 600_000);
    world.setting.profile = Profile::AsksAboveFloorLimit;
    let next = sale_of(&mut world, "next", 600_000);
    assert!(!over_the_floor_limit(&next));
}

#[test]
fn a_card_log_that_cannot_be_read_asks_the_issuer() {
    let mut world = World::new(Setting {
        profile: Profile::AsksAboveFloorLimit,
        ..Setting::USUAL
    });
    world.journal.card_log_broken = true;
    let outcome = sale_of(&mut world, "one", 1);
    assert!(over_the_floor_limit(&outcome));
    assert_eq!(world.journal.phases("one"), [Begun, Sent, Approved]);
    assert!(world.trace.iter().any(|(rule, _)| *rule == "TX-70"));
}

#[test]
fn a_terminal_that_cannot_go_online_approves_as_its_default_codes_say() {
    let setting = Setting {
        profile: Profile::FallsBack,
        ..Setting::USUAL
    };
    let mut world = World::new(setting);
    world.acquirer.requests = Behaviour::Unreachable;
    world.acquirer.settlements = Behaviour::Unreachable;
    assert_eq!(sale(&mut world).ending, Ending::Approved);
    assert_eq!(world.journal.phases("one"), [Begun, Sent, AdviceDue]);
    // The advice is the first message the acquirer gets, and is marked as a repeat all the same.
    world.acquirer.settlements = Behaviour::Approve;
    assert_eq!(recover(&mut world), 0);
    assert_eq!(
        world.journal.phases("one"),
        [Begun, Sent, AdviceDue, Approved]
    );
}

#[test]
fn nothing_is_asked_while_something_older_is_unanswered() {
    let mut world = World::new(Setting::USUAL);
    world.acquirer.requests = Behaviour::StallAfter;
    world.acquirer.settlements = Behaviour::StallBefore;
    assert_eq!(sale(&mut world).reversal, ReversalState::Pending);
    world.acquirer.requests = Behaviour::Approve;
    let Run::Returned(Ok(second)) = world.sale("two", None) else {
        panic!("an outcome")
    };
    assert_eq!(second.ending, Ending::Failed(Failure::AcquirerUnreachable));
    assert_eq!(world.journal.phases("two"), [Begun, Closed]);
    assert_eq!(world.acquirer.ledger.len(), 1);
}

#[test]
fn a_refused_reversal_stays_due_and_holds_up_nothing() {
    let mut world = World::new(Setting::USUAL);
    world.acquirer.settlements = Behaviour::Decline;
    world.acquirer.requests = Behaviour::StallAfter;
    // More than recovery delivers in one call.
    for number in 0..20 {
        let id = format!("refused {number}");
        let Run::Returned(Ok(outcome)) = world.sale(&id, None) else {
            panic!("an outcome")
        };
        assert_eq!(outcome.reversal, ReversalState::Pending);
    }
    world.acquirer.requests = Behaviour::Approve;
    assert_eq!(sale(&mut world).ending, Ending::Approved);
    let before = message_count(&world);
    assert_eq!(recover(&mut world), 20);
    assert_eq!(message_count(&world), before + 16);
    // Those asked a moment ago are left alone; the others have their turn.
    assert_eq!(recover(&mut world), 20);
    assert_eq!(message_count(&world), before + 20);
    assert_eq!(recover(&mut world), 20);
    assert_eq!(message_count(&world), before + 20);
    let refusals = world.journal.phases("refused 0");
    assert_eq!(
        refusals,
        [Begun, Sent, ReversalDue, ReversalDue, ReversalDue]
    );
    world.acquirer.settlements = Behaviour::Approve;
    assert_eq!(recover_at(&mut world, 12), 4);
    assert_eq!(recover_at(&mut world, 12), 0);
    assert_eq!(world.journal.phases("refused 19").last(), Some(&Reversed));
}

#[test]
fn an_entry_behind_hundreds_that_wait_is_found() {
    let mut world = World::new(Setting::USUAL);
    world.acquirer.settlements = Behaviour::Decline;
    world.acquirer.requests = Behaviour::StallAfter;
    for number in 0..300 {
        world.sale(&format!("refused {number}"), None);
    }
    world.acquirer.settlements = Behaviour::Unreachable;
    assert_eq!(sale(&mut world).reversal, ReversalState::Pending);
    world.acquirer.settlements = Behaviour::Approve;
    world.acquirer.requests = Behaviour::Approve;
    let Run::Returned(Ok(next)) = world.sale("next", None) else {
        panic!("an outcome")
    };
    assert_eq!(next.ending, Ending::Approved);
    assert_eq!(world.journal.phases("one").last(), Some(&Reversed));
}

#[test]
fn recovery_tells_what_changed_and_nothing_else() {
    let mut world = World::new(Setting::USUAL);
    world.acquirer.requests = Behaviour::StallAfter;
    world.acquirer.settlements = Behaviour::Unreachable;
    sale(&mut world);
    let Run::Returned(Ok(unchanged)) = world.recover(None) else {
        panic!("a recovery")
    };
    assert_eq!((unchanged.settled.len(), unchanged.waiting), (0, 1));
    world.acquirer.settlements = Behaviour::Approve;
    let Run::Returned(Ok(confirmed)) = world.recover(None) else {
        panic!("a recovery")
    };
    assert_eq!((confirmed.settled.len(), confirmed.waiting), (0, 0));
    // An end that the host lost is told again, and nothing is sent for it.
    world.journal.ended.clear();
    let before = message_count(&world);
    let Run::Returned(Ok(again)) = world.recover(None) else {
        panic!("a recovery")
    };
    assert_eq!(again.settled.len(), 1);
    assert_eq!(again.settled[0].outcome.ending, ANSWER_LOST);
    assert_eq!(message_count(&world), before);
}

#[test]
fn a_refused_reversal_that_nobody_answers_lets_the_others_go_first() {
    let mut world = World::new(Setting::USUAL);
    world.acquirer.settlements = Behaviour::Decline;
    world.acquirer.requests = Behaviour::StallAfter;
    world.sale("first", None);
    world.sale("second", None);
    world.acquirer.settlements = Behaviour::StallBefore;
    assert_eq!(recover_at(&mut world, 12), 2);
    world.acquirer.settlements = Behaviour::Approve;
    assert_eq!(recover_at(&mut world, 12), 1);
    assert_eq!(world.journal.phases("second").last(), Some(&Reversed));
    assert_eq!(recover_at(&mut world, 13), 0);
    assert_eq!(world.journal.phases("first").last(), Some(&Reversed));
}

#[test]
fn everything_that_needs_no_answer_is_written_before_anything_is_sent() {
    let mut world = World::new(Setting::USUAL);
    world.acquirer.requests = Behaviour::StallAfter;
    world.acquirer.settlements = Behaviour::Unreachable;
    world.sale("due", None);
    let sent = world
        .journal
        .last("due")
        .and_then(record)
        .expect("a record");
    world.journal.push("sent", Sent, Some(&sent.encode()));
    world.journal.push("begun", Begun, Some(&[]));
    world.seen.clear();
    let Run::Returned(Ok(recovery)) = world.recover(None) else {
        panic!("a recovery")
    };
    assert_eq!((recovery.settled.len(), recovery.waiting), (2, 2));
    let position = |text: &str| {
        let found = world.seen.iter().position(|line| line.starts_with(text));
        found.unwrap_or_else(|| panic!("{text}: {:?}", world.seen))
    };
    let first_message = position("sent ");
    assert!(position("journal  sent ReversalDue") < first_message);
    assert!(position("journal  begun Closed") < first_message);
    assert_eq!(message_count(&world), 1, "the first is not answered");
}

#[test]
fn what_comes_after_an_entry_of_another_engine_waits_and_what_comes_before_does_not() {
    let mut world = World::new(Setting::USUAL);
    world.acquirer.requests = Behaviour::StallAfter;
    world.acquirer.settlements = Behaviour::Unreachable;
    world.sale("before", None);
    world.journal.push("other", Begun, Some(&[]));
    world.journal.push("other", Sent, Some(&[0xFF]));
    let due = world
        .journal
        .last("before")
        .and_then(record)
        .expect("a record");
    world
        .journal
        .push("after", ReversalDue, Some(&due.encode()));
    world.acquirer.settlements = Behaviour::Approve;
    assert_eq!(recover(&mut world), 2);
    assert_eq!(world.journal.phases("before").last(), Some(&Reversed));
    assert_eq!(world.journal.phases("after").last(), Some(&ReversalDue));
}

#[test]
fn a_damaged_entry_holds_up_nothing() {
    let mut world = World::new(Setting::USUAL);
    for (id, phase) in [("sent", Sent), ("due", ReversalDue), ("over", Approved)] {
        world.journal.push(id, phase, None);
    }
    // It may be another phase's: nothing says that nothing was sent.
    world.journal.push("begun", Begun, None);
    let Run::Returned(Ok(recovery)) = world.recover(None) else {
        panic!("a recovery")
    };
    assert_eq!(recovery.settled, []);
    assert_eq!(world.journal.phases("begun"), [Begun]);
    assert_eq!(sale(&mut world).ending, Ending::Approved);
    assert_eq!(world.journal.phases("sent"), [Sent]);
    assert_eq!(world.journal.phases("due"), [ReversalDue]);
}

#[test]
fn an_abort_that_was_accepted_has_the_last_word() {
    for card in [
        CardManner::Absent,
        CardManner::LeavesAt(3),
        CardManner::Declines,
    ] {
        let mut world = World::new(Setting {
            card,
            aborts: true,
            ..Setting::USUAL
        });
        let ending = sale(&mut world).ending;
        assert_eq!(
            ending,
            Ending::Cancelled(CancelReason::PointOfSale),
            "{card:?}"
        );
        assert_eq!(world.journal.phases("one"), [Begun, Closed], "{card:?}");
    }
    let mut world = World::new(Setting {
        card: CardManner::Declines,
        ..Setting::USUAL
    });
    let ending = sale(&mut world).ending;
    assert_eq!(ending, Ending::Declined(DeclineReason::Card));
}

#[test]
fn what_another_engine_wrote_waits_for_it_and_holds_up_requests() {
    let mut world = World::new(Setting::USUAL);
    let unknown = [0xFF, 1, 2, 3];
    for phase in [Begun, Sent] {
        world.journal.push("other", phase, Some(&unknown));
    }
    assert_eq!(recover(&mut world), 1);
    assert_eq!(
        sale(&mut world).ending,
        Ending::Failed(Failure::AcquirerUnreachable)
    );
    assert_eq!(world.journal.phases("other"), [Begun, Sent]);
    // The other engine ends it. Nothing is due any more, so nothing waits.
    world.journal.push("other", Closed, Some(&unknown));
    assert_eq!(recover(&mut world), 0);
    let Run::Returned(Ok(next)) = world.sale("next", None) else {
        panic!("an outcome")
    };
    assert_eq!(next.ending, Ending::Approved);
}

#[test]
fn only_an_answer_that_has_it_settles_an_advice() {
    let mut world = World::new(Setting {
        profile: Profile::Offline,
        ..Setting::USUAL
    });
    world.acquirer.settlements = Behaviour::Decline;
    assert_eq!(sale(&mut world).ending, Ending::Approved);
    assert_eq!(recover(&mut world), 1);
    assert_eq!(
        world.journal.phases("one"),
        [Begun, AdviceDue, AdviceDue, AdviceDue],
        "each refusal is written down"
    );
    world.acquirer.settlements = Behaviour::Approve;
    assert_eq!(recover_at(&mut world, 12), 0);
    assert_eq!(world.acquirer.ledger["000001"], Booking::Charged(2500));
}

#[test]
fn a_printer_without_paper_changes_no_outcome() {
    let mut world = World::new(Setting {
        printer_works: false,
        ..Setting::USUAL
    });
    assert_eq!(sale(&mut world).ending, Ending::Approved);
    assert!(world.seen.iter().all(|line| !line.contains("CARDHOLDER")));
}

#[test]
fn a_transaction_runs_once() {
    let mut world = World::new(Setting::USUAL);
    let unknown = world.guest_again("one");
    assert_eq!(unknown, Run::Returned(Err(Error::InvalidRequest)));
    sale(&mut world);
    // The host would not begin it again; the engine is asked directly.
    let again = world.guest_again("one");
    assert_eq!(again, Run::Returned(Err(Error::InvalidRequest)));
    assert_eq!(world.acquirer.ledger.len(), 1);
}

#[test]
fn a_way_of_presenting_that_the_engine_does_not_read_starts_nothing() {
    let mut world = World::new(Setting::USUAL);
    let mut asked = request("one");
    asked.accepted.contact = false;
    let ended = world.run(&asked, None);
    assert_eq!(ended, Run::Returned(Err(Error::NotSupported)));
    assert_eq!(world.journal.phases("one"), [Begun]);
}

#[test]
fn an_answer_that_is_no_plain_one_is_reversed() {
    for code in ["08", "68", "94", "  ", "zz"] {
        let mut world = World::new(Setting::USUAL);
        world.acquirer.requests = Behaviour::ApproveWith(code);
        let outcome = sale(&mut world);
        assert_eq!(
            (outcome.ending, outcome.reversal),
            (
                Ending::Declined(DeclineReason::Acquirer),
                ReversalState::Confirmed
            ),
            "{code}"
        );
        assert_eq!(world.acquirer.ledger["000001"], Booking::Reversed, "{code}");
    }
}

#[test]
fn a_request_out_of_range_starts_nothing() {
    type Change = fn(&mut TransactionRequest);
    let changes: [Change; 5] = [
        |request| request.amount_minor = 0,
        |request| request.amount_minor = 1_000_000_000_000,
        |request| request.tip_minor = u64::MAX,
        |request| request.cashback_minor = 999_999_999_999,
        |request| request.currency = 978,
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let mut world = World::new(Setting::USUAL);
        let mut asked = request("one");
        change(&mut asked);
        let ended = world.run(&asked, None);
        assert_eq!(ended, Run::Returned(Err(Error::InvalidRequest)), "{number}");
        assert_eq!(world.journal.phases("one"), [Begun], "{number}");
    }
}
