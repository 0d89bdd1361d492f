//! The log of events.

use super::*;

fn detected() -> Progress {
    Progress::CardDetected {
        entry_mode: EntryMode::Contact,
        scheme: Scheme::Visa,
        masked_pan: "************0119".into(),
    }
}

#[test]
fn what_watchers_are_told_is_kept_in_order_over_reopening() {
    let file = File::new();
    let steps = [
        Progress::WaitingForCard,
        detected(),
        Progress::EnteringPin,
        Progress::Authorising,
        Progress::Reversing,
    ];
    let (id, name) = {
        let journal = file.open();
        let newest = journal.newest_event();
        let id = begin(&journal);
        for step in &steps {
            assert_eq!(journal.log_step(&id, step), Ok(()));
        }
        assert_eq!(*newest.borrow(), 5);
        let declined = ending(Ending::Declined(DeclineReason::Card));
        assert_eq!(
            journal.finish(&id, &declined, &at(9)),
            Ok(Finished::Recorded)
        );
        assert_eq!(*newest.borrow(), 6);
        // An end that is known is not told again.
        assert_eq!(journal.finish(&id, &declined, &at(9)), Ok(Finished::Known));
        (id, journal.event_log().expect("a name"))
    };
    let journal = file.open();
    // Steps that were told and that the disk lost may have had the next numbers.
    assert_eq!(*journal.newest_event().borrow(), 70);
    assert_eq!(journal.event_log(), Ok(name));
    let (forgotten, events) = log_after(&journal, 0);
    assert!(!forgotten);
    let (last, before) = events.split_last().expect("events");
    let expected: Vec<_> = (1..).zip(steps).collect();
    assert_eq!(before, expected);
    let (6, Progress::Ended(record)) = last else {
        panic!("{last:?}")
    };
    let found = journal.record(&id).expect("readable");
    assert_eq!(found.as_deref(), Some(&**record));
    assert_eq!(log_after(&journal, 5).1.len(), 1);
    for known in [6, 8, 70] {
        assert_eq!(log_after(&journal, known), (false, Vec::new()));
    }
    let next = begin(&journal);
    assert_eq!(journal.log_step(&next, &detected()), Ok(()));
    assert_eq!(log_after(&journal, 8), (false, vec![(71, detected())]));
}

#[test]
fn an_empty_log_that_is_opened_gives_no_number_twice() {
    let file = File::new();
    drop(file.open());
    let journal = file.open();
    let id = begin(&journal);
    assert_eq!(journal.log_step(&id, &Progress::Authorising), Ok(()));
    let told = vec![(65, Progress::Authorising)];
    assert_eq!(log_after(&journal, 1), (false, told));
}

#[test]
fn a_question_is_read_when_it_was_told() {
    let file = File::new();
    let journal = file.open();
    let id = begin(&journal);
    let asked = journal.ask_point_of_sale(&id).expect("written");
    assert_eq!(log_after(&journal, 0), (false, Vec::new()));
    journal.told(asked);
    let told = vec![(1, Progress::AskingPointOfSale)];
    assert_eq!(log_after(&journal, 0), (false, told));
}

#[test]
fn a_record_is_kept_as_long_as_the_event_of_its_end() {
    const DAY_MS: u64 = 24 * 60 * 60 * 1000;
    let file = File::new();
    let journal = file.open();
    let old = begin_at(&journal, DAY_MS);
    let read = ending(Ending::Completed);
    for id in [begin_at(&journal, 100 * DAY_MS), old.clone()] {
        assert_eq!(journal.finish(&id, &read, &at(9)), Ok(Finished::Recorded));
    }
    // The end of the old one came late, after an event that is young.
    let prune = |day: i64| journal.prune(Timestamp::from_second(day * DAY).expect("a time"));
    assert_eq!(prune(101), Ok(()));
    assert_eq!(log_after(&journal, 0).1.len(), 2);
    for _ in 0..2 {
        assert_eq!(prune(110), Ok(()));
    }
    assert_eq!(log_after(&journal, 0), (true, Vec::new()));
    assert_eq!(journal.record(&old), Ok(None));
}

#[test]
fn an_end_is_told_as_it_was() {
    let file = File::new();
    let journal = file.open();
    let id = after(&journal, &[Phase::Sent, Phase::ReversalDue]);
    let lost = ending(Ending::Failed(Failure::AnswerLost));
    assert_eq!(journal.finish(&id, &lost, &at(9)), Ok(Finished::Recorded));
    journal.release();
    journal
        .append(id.as_str(), Phase::Reversed, b"", Phase::may_settle)
        .expect("it may follow");
    let (_, events) = log_after(&journal, 0);
    let [(1, Progress::Ended(record))] = &*events else {
        panic!("{events:?}")
    };
    let reversal = |record: &Record| record.outcome.as_ref().map(|outcome| outcome.reversal);
    assert_eq!(reversal(record), Some(ReversalState::Pending));
    let now = journal.record(&id).expect("readable").expect("a record");
    assert_eq!(reversal(&now), Some(ReversalState::Confirmed));
}

#[test]
fn the_log_forgets_its_oldest_events_and_says_so() {
    const DAY_MS: u64 = 24 * 60 * 60 * 1000;
    let file = File::new();
    let journal = file.open();
    for day in [101, 102, 103, 104] {
        let id = begin_at(&journal, day * DAY_MS);
        journal
            .log_step(&id, &Progress::WaitingForCard)
            .expect("written");
        let read = ending(Ending::Completed);
        assert_eq!(journal.finish(&id, &read, &at(9)), Ok(Finished::Recorded));
    }
    let second = |day: u64| i64::try_from(day * DAY_MS / 1000).expect("a time");
    let prune = |day| journal.prune(Timestamp::from_second(second(day)).expect("a time"));
    assert_eq!(prune(104), Ok(()));
    assert!(!log_after(&journal, 0).0, "three days are kept");
    assert_eq!(prune(106), Ok(()));
    let (forgotten, events) = log_after(&journal, 0);
    assert!(forgotten);
    assert_eq!(events.first().map(|(number, _)| *number), Some(5));
    assert!(log_after(&journal, 3).0);
    assert!(!log_after(&journal, 4).0, "the next one is kept");
    assert_eq!(prune(160), Ok(()));
    assert_eq!(log_after(&journal, 7), (true, Vec::new()));
    assert_eq!(log_after(&journal, 8), (false, Vec::new()));
    // A number is never given again.
    let id = begin_at(&journal, 160 * DAY_MS);
    journal
        .log_step(&id, &Progress::WaitingForCard)
        .expect("written");
    assert_eq!(log_after(&journal, 8).1, [(9, Progress::WaitingForCard)]);
}

#[test]
fn explanations_are_no_events_of_the_log() {
    let file = File::new();
    let journal = file.open();
    let id = begin(&journal);
    let trace = crate::trace::TraceEvent {
        step: "completion",
        rule: "CO-01".into(),
        section: String::new(),
        finding: "done",
        statement: String::new(),
        elements: Vec::new(),
    };
    assert_eq!(journal.log_step(&id, &Progress::Trace(trace)), Ok(()));
    assert_eq!(log_after(&journal, 0), (false, Vec::new()));
}
