//! Phases, and the ends that agree with them.

use super::*;

#[test]
fn final_phases_are_left_by_nothing() {
    for last in [Phase::Approved, Phase::Closed, Phase::Reversed] {
        for (next, _) in PHASES {
            assert!(!next.may_follow(last), "{next:?} after {last:?}");
        }
    }
}

#[test]
fn an_approval_needs_a_request_that_left_or_an_advice() {
    assert!(Phase::Approved.may_follow(Phase::Sent));
    assert!(Phase::Approved.may_follow(Phase::AdviceDue));
    assert!(!Phase::Approved.may_follow(Phase::ReversalDue));
    assert!(!Phase::Closed.may_follow(Phase::ReversalDue));
    let file = File::new();
    let journal = file.open();
    let append =
        |id: &TransactionId, phase| journal.append(id.as_str(), phase, b"", Phase::may_follow);
    let id = begin(&journal);
    assert_eq!(append(&id, Phase::Approved), Err(AppendError::OutOfOrder));
}

#[test]
fn what_the_point_of_sale_was_asked_about_it_approves_and_the_acquirer_does_not() {
    let file = File::new();
    let journal = file.open();
    let id = begin(&journal);
    let asked = journal.ask_point_of_sale(&id).expect("it stands in begun");
    assert_eq!(*journal.newest_event().borrow(), 0, "nobody is told yet");
    journal.told(asked);
    assert_eq!(log_after(&journal, 0).1, [(1, Progress::AskingPointOfSale)]);
    let append = |phase| journal.append(id.as_str(), phase, b"", Phase::may_follow);
    for phase in [Phase::Sent, Phase::AdviceDue] {
        assert_eq!(append(phase), Err(AppendError::OutOfOrder), "{phase:?}");
    }
    assert!(append(Phase::Approved).is_ok());
    let approved = ending(Ending::Approved);
    assert_eq!(
        journal.finish(&id, &approved, &at(9)),
        Ok(Finished::Recorded)
    );
    let record = journal.record(&id).expect("readable").expect("a record");
    assert!(record.asked);
    // Once something was written it is too late to ask.
    let sent = after(&journal, &[Phase::Sent]);
    assert_eq!(
        journal.ask_point_of_sale(&sent),
        Err(AppendError::OutOfOrder)
    );
}

#[test]
fn what_the_point_of_sale_decided_is_in_no_batch_of_the_acquirers() {
    let file = File::new();
    let journal = file.open();
    let own = Request {
        online_decision: OnlineDecision::PointOfSale,
        ..request()
    };
    for (request, asks) in [(own, true), (request(), false)] {
        let id = TransactionId::new();
        assert_eq!(begin_request(&journal, &id, &request, None), Ok(()));
        let phases: &[Phase] = if asks {
            journal.ask_point_of_sale(&id).expect("it stands in begun");
            &[Phase::Approved]
        } else {
            &[Phase::Sent, Phase::Approved]
        };
        for phase in phases {
            journal
                .append(id.as_str(), *phase, b"", Phase::may_follow)
                .expect("it may follow");
        }
        let approved = Outcome {
            approved_minor: 2500,
            ..ending(Ending::Approved)
        };
        assert_eq!(
            journal.finish(&id, &approved, &at(9)),
            Ok(Finished::Recorded)
        );
        journal.release();
    }
    let totals = journal.open_totals().expect("readable");
    assert_eq!(totals.len(), 1);
    assert_eq!(totals[0].totals.sale.count, 1);
}

#[test]
fn numbers_and_phases_agree() {
    for (phase, number) in PHASES {
        assert_eq!(phase.number(), number);
        assert_eq!(Phase::from_number(number), Some(phase));
    }
    assert_eq!(Phase::from_number(0), None);
}

#[test]
fn a_phase_that_may_not_follow_writes_nothing() {
    let journal = File::new();
    let journal = journal.open();
    let id = after(&journal, &[Phase::Sent, Phase::ReversalDue]);
    for (phase, _) in PHASES {
        if !phase.may_follow(Phase::ReversalDue) {
            let refused = journal.append(id.as_str(), phase, b"", Phase::may_follow);
            assert_eq!(refused, Err(AppendError::OutOfOrder), "{phase:?}");
        }
    }
    assert_eq!(
        journal.append("txn_other", Phase::Sent, b"", Phase::may_follow),
        Err(AppendError::OutOfOrder)
    );
    assert_eq!(journal.phase(&id), Ok(Some(Phase::ReversalDue)));
}

#[test]
fn a_repeated_phase_takes_the_place_of_the_one_before() {
    let file = File::new();
    let journal = file.open();
    let id = after(&journal, &[Phase::Sent, Phase::ReversalDue]);
    let first = journal
        .last_entry(id.as_str())
        .expect("readable")
        .expect("an entry");
    let second = journal
        .append(id.as_str(), Phase::ReversalDue, b"again", Phase::may_settle)
        .expect("a repetition");
    assert!(second > first.sequence, "sequences rise");
    let last = journal
        .last_entry(id.as_str())
        .expect("readable")
        .expect("an entry");
    assert_eq!((last.sequence, content(&last)), (second, &b"again"[..]));
    let count: i64 = journal
        .connection()
        .query_row("SELECT count(*) FROM entries", [], |row| row.get(0))
        .expect("readable");
    assert_eq!(count, 3, "begun, sent, one reversal due");
}

#[test]
fn only_the_last_entry_of_a_transaction_keeps_its_content() {
    let file = File::new();
    let journal = file.open();
    let id = after(&journal, &[Phase::Sent, Phase::ReversalDue]);
    journal
        .append(id.as_str(), Phase::ReversalDue, b"again", Phase::may_settle)
        .expect("a repetition");
    let lengths: Vec<(i64, bool)> = journal
        .connection()
        .prepare("SELECT phase, length(content) > 0 FROM entries ORDER BY sequence")
        .and_then(|mut statement| {
            statement
                .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect()
        })
        .expect("readable");
    assert_eq!(lengths, [(1, false), (2, false), (3, true)]);
}

#[test]
fn what_another_call_settles_is_never_made_an_approval() {
    use Phase::{AdviceDue, Approved, Begun, Closed, ReversalDue, Reversed, Sent};
    for (last, allowed) in [
        (Begun, &[Closed][..]),
        (Sent, &[ReversalDue]),
        (ReversalDue, &[ReversalDue, Reversed]),
        (AdviceDue, &[AdviceDue, Approved]),
        (Approved, &[]),
        (Closed, &[]),
        (Reversed, &[]),
    ] {
        for (next, _) in PHASES {
            assert_eq!(
                next.may_settle(last),
                allowed.contains(&next),
                "{next:?} after {last:?}"
            );
        }
    }
}

#[test]
fn the_journal_says_whether_a_message_must_reach_the_acquirer() {
    let file = File::new();
    let journal = file.open();
    after(&journal, &[Phase::Sent]);
    after(
        &journal,
        &[Phase::Sent, Phase::ReversalDue, Phase::Reversed],
    );
    assert_eq!(journal.is_due(), Ok(false));
    let id = after(&journal, &[Phase::AdviceDue]);
    assert_eq!(journal.is_due(), Ok(true));
    journal
        .append(id.as_str(), Phase::Approved, b"", Phase::may_settle)
        .expect("in order");
    assert_eq!(journal.is_due(), Ok(false));
}

#[test]
fn what_is_open_is_read_in_pieces() {
    let file = File::new();
    let journal = file.open();
    let ids: Vec<_> = (0..5).map(|_| after(&journal, &[Phase::Sent])).collect();
    let (mut from, mut found) = (0, Vec::new());
    loop {
        let entries = journal.unsettled(from..u64::MAX, 2).expect("readable");
        let Some(last) = entries.last() else { break };
        from = last.sequence + 1;
        found.extend(entries.into_iter().map(|entry| entry.transaction));
    }
    let expected: Vec<_> = ids.iter().map(|id| id.as_str().to_owned()).collect();
    assert_eq!(found, expected);
    // What is written meanwhile lies beyond.
    let end = from;
    journal
        .append(ids[0].as_str(), Phase::ReversalDue, b"", Phase::may_settle)
        .expect("in order");
    let entries = journal.unsettled(0..end, 100).expect("readable");
    assert_eq!(entries.len(), 4);
}

#[test]
fn the_running_transaction_is_nobody_elses_to_settle() {
    let file = File::new();
    let journal = file.open();
    let one = after(&journal, &[Phase::Sent]);
    let running = try_begin(&journal, None).expect("the journal takes a transaction");
    assert_eq!(unsettled(&journal), [one.as_str()]);
    let backlog = journal.backlog().expect("readable");
    assert_eq!((backlog.waiting, backlog.without_end), (1, 1));
    journal.release();
    assert_eq!(
        unsettled(&journal),
        [one.as_str(), running.as_str()],
        "oldest first"
    );
    let backlog = journal.backlog().expect("readable");
    assert_eq!((backlog.waiting, backlog.without_end), (1, 2));
}

#[test]
fn an_end_that_contradicts_the_journal_is_refused() {
    use Phase::{AdviceDue, Approved, Closed, ReversalDue, Reversed, Sent};
    let file = File::new();
    let journal = file.open();
    let declined = Ending::Declined(DeclineReason::Acquirer);
    let cases: [(&[Phase], Ending, Result<(), AppendError>); 12] = [
        (&[], NO_CARD, Ok(())),
        (&[], Ending::Approved, Err(AppendError::OutOfOrder)),
        (&[Sent], Ending::Approved, Err(AppendError::OutOfOrder)),
        (&[Sent], declined, Err(AppendError::OutOfOrder)),
        (&[Sent, Approved], Ending::Approved, Ok(())),
        (&[Sent, Approved], declined, Err(AppendError::OutOfOrder)),
        (&[AdviceDue], Ending::Approved, Ok(())),
        (&[AdviceDue], declined, Err(AppendError::OutOfOrder)),
        (&[Sent, Closed], declined, Ok(())),
        (
            &[Sent, Closed],
            Ending::Approved,
            Err(AppendError::OutOfOrder),
        ),
        (
            &[Sent, ReversalDue],
            Ending::Failed(Failure::AnswerLost),
            Ok(()),
        ),
        (
            &[Sent, ReversalDue, Reversed],
            Ending::Approved,
            Err(AppendError::OutOfOrder),
        ),
    ];
    for (phases, end, expected) in cases {
        let id = after(&journal, phases);
        let finished = journal.finish(&id, &ending(end), &at(BEGAN + 1));
        let expected = expected.map(|()| Finished::Recorded);
        assert_eq!(finished, expected, "{end:?} after {phases:?}");
        let record = journal.record(&id).expect("readable").expect("a record");
        assert_eq!(
            record.outcome.is_some(),
            expected.is_ok(),
            "{end:?} after {phases:?}"
        );
    }
    let unknown = journal.finish(&TransactionId::new(), &ending(NO_CARD), &at(BEGAN));
    assert_eq!(unknown, Err(AppendError::OutOfOrder));
}

#[test]
fn the_end_of_a_transaction_that_sent_nothing_closes_it() {
    let file = File::new();
    let journal = file.open();
    let id = begin(&journal);
    assert_eq!(journal.condition().overview.last_ended, None);
    journal
        .finish(&id, &ending(NO_CARD), &at(BEGAN + 5))
        .expect("an end");
    assert_eq!(journal.phase(&id), Ok(Some(Phase::Closed)));
    assert_eq!(unsettled(&journal), [""; 0]);
    assert_eq!(journal.condition().overview.last_ended, Some(at(BEGAN + 5)));
    let again = journal.finish(&id, &ending(NO_CARD), &at(BEGAN + 9));
    assert_eq!(again, Ok(Finished::Known));
    assert_eq!(
        journal.condition().overview.last_ended,
        Some(at(BEGAN + 5)),
        "it ended once"
    );
}

#[test]
fn a_record_s_reversal_is_the_journal_s() {
    let file = File::new();
    let journal = file.open();
    let id = after(&journal, &[Phase::Sent, Phase::ReversalDue]);
    // The engine says otherwise; the journal is the judge.
    journal
        .finish(
            &id,
            &ending(Ending::Failed(Failure::AnswerLost)),
            &at(BEGAN),
        )
        .expect("an end");
    let reversal = || {
        let record = journal.record(&id).expect("readable").expect("a record");
        record.outcome.as_ref().expect("an end").reversal
    };
    assert_eq!(reversal(), ReversalState::Pending);
    journal
        .append(id.as_str(), Phase::Reversed, b"", Phase::may_settle)
        .expect("in order");
    assert_eq!(reversal(), ReversalState::Confirmed);
}
