//! What is kept, for how long, and what there is room for.

use super::*;

#[test]
fn what_the_engine_wrote_of_a_closed_batch_is_forgotten() {
    use crate::batch::SettlementState::{Disputed, Settled};
    let file = File::new();
    let journal = file.open();
    let now = Zoned::now();
    let sold = after(&journal, &[Phase::Sent, Phase::Approved]);
    let approved = Outcome {
        approved_minor: 2500,
        ..ending(Ending::Approved)
    };
    journal.finish(&sold, &approved, &now).expect("an end");
    journal.freeze(&now).expect("the batch is frozen");
    let next = after(&journal, &[Phase::Sent, Phase::Approved]);
    journal.finish(&next, &approved, &now).expect("an end");
    let kept = |id: &TransactionId| {
        let entry = journal.last_entry(id.as_str()).expect("readable");
        content(&entry.expect("an entry")).to_vec()
    };
    journal.settle(1, "NZD", Disputed, &now).expect("written");
    assert_eq!(kept(&sold), b"content");
    assert_eq!(journal.unclosed().expect("readable").len(), 1);
    journal.settle(1, "NZD", Settled, &now).expect("written");
    assert_eq!(kept(&sold), b"");
    assert_eq!(kept(&next), b"content", "of the next batch");
    assert!(journal.unclosed().expect("readable").is_empty());
    assert!(!journal.is_damaged(&sold));
    let settlement = &journal.settlements().expect("readable")[0];
    assert_eq!(settlement.totals.totals.sale.minor, 2500);
}

#[test]
fn a_full_journal_takes_no_transaction_but_ends_those_it_has() {
    let file = File::new();
    let journal = file.open();
    let id = after(&journal, &[Phase::Sent]);
    let limit = |pages: i64| {
        let sql = journal.connection();
        let used: i64 = sql
            .pragma_query_value(None, "page_count", |row| row.get(0))
            .expect("readable");
        sql.pragma_update(None, "max_page_count", used + pages)
            .expect("a limit");
    };
    limit(PAGES_RESERVED - 1);
    assert_eq!(try_begin(&journal, None).err(), Some(AppendError::Full));
    let backlog = journal.backlog().expect("readable");
    assert_eq!(
        (backlog.waiting, backlog.without_end),
        (1, 1),
        "nothing was written"
    );
    journal
        .append(
            id.as_str(),
            Phase::ReversalDue,
            &[0; 16_384],
            Phase::may_settle,
        )
        .expect("the reserve is for it");
    limit(0);
    let before = journal.last_entry(id.as_str());
    let full = journal.append(
        id.as_str(),
        Phase::Reversed,
        &vec![0; 65_536],
        Phase::may_settle,
    );
    assert_eq!(full, Err(AppendError::Full));
    assert_eq!(
        journal.last_entry(id.as_str()),
        before,
        "nothing was written"
    );
    limit(PAGES_RESERVED + 16);
    journal
        .append(id.as_str(), Phase::Reversed, b"", Phase::may_settle)
        .expect("there is room again");
    begin(&journal);
}

#[test]
fn counters_go_round_and_survive_reopening() {
    for (counter, name, last) in [
        (Counter::TraceNumber, "trace-number", 999_999),
        (
            Counter::TransactionSequence,
            "transaction-sequence",
            99_999_999,
        ),
    ] {
        let file = File::new();
        assert_eq!(file.open().next(counter), Ok(1));
        assert_eq!(file.open().next(counter), Ok(2));
        file.tamper(&format!(
            "UPDATE counters SET value = {} WHERE name = '{name}'",
            last - 1
        ));
        let journal = file.open();
        let values: Vec<_> = (0..3).map(|_| journal.next(counter)).collect();
        assert_eq!(values, [Ok(last), Ok(1), Ok(2)], "{name}");
    }
}

#[test]
fn a_counter_never_repeats_a_value_to_two_callers() {
    let file = File::new();
    let journal = file.open();
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let journal = journal.clone();
            std::thread::spawn(move || {
                (0..20)
                    .map(|_| journal.next(Counter::TraceNumber))
                    .collect::<Vec<_>>()
            })
        })
        .collect();
    let mut values: Vec<_> = threads
        .into_iter()
        .flat_map(|thread| thread.join().expect("no panic"))
        .map(|value| value.expect("a value"))
        .collect();
    values.sort_unstable();
    assert_eq!(values, (1..=80).collect::<Vec<u32>>());
}

#[test]
fn a_time_is_kept_with_its_offset_and_needs_no_database_of_time_zones() {
    let moment = Timestamp::from_second(BEGAN).expect("a time");
    for hours in [-11, 0, 13] {
        let file = File::new();
        let journal = file.open();
        let (id, request) = (TransactionId::new(), request());
        let began = moment.to_zoned(TimeZone::fixed(jiff::tz::offset(hours)));
        journal
            .begin(&Beginning {
                id: &id,
                request: &request,
                began: &began,
                claim: None,
                claimed: moment,
            })
            .expect("it begins");
        let record = journal.record(&id).expect("readable").expect("a record");
        assert_eq!(
            (&record.began, record.began.offset()),
            (&began, began.offset())
        );
    }
}

#[test]
fn pruning_forgets_what_ended_long_ago_and_nothing_that_is_open() {
    let file = File::new();
    let journal = file.open();
    let ended = begin(&journal);
    journal
        .finish(&ended, &ending(NO_CARD), &at(BEGAN))
        .expect("an end");
    let open = after(&journal, &[Phase::Sent, Phase::ReversalDue]);
    journal
        .finish(
            &open,
            &ending(Ending::Failed(Failure::AnswerLost)),
            &at(BEGAN),
        )
        .expect("an end");
    // The names bear the time of the machine.
    let now = Timestamp::now().as_second();
    let kept = |id| journal.record(id).expect("readable").is_some();
    journal
        .prune(at(now + 89 * DAY).timestamp())
        .expect("writable");
    assert!(kept(&ended) && kept(&open));
    journal
        .prune(at(now + 91 * DAY).timestamp())
        .expect("writable");
    assert!(!kept(&ended) && kept(&open));
    assert_eq!(journal.last_entry(ended.as_str()), Ok(None));
    assert_eq!(unsettled(&journal), [open.as_str()]);
    // The sequence goes on where it was.
    let next = after(&journal, &[Phase::Sent]);
    let last = journal
        .last_entry(next.as_str())
        .expect("readable")
        .expect("an entry");
    assert_eq!(last.sequence, 7);
    journal
        .prune(at(0).timestamp())
        .expect("a clock before its time prunes nothing");
}
