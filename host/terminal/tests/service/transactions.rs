//! One transaction at a time: claims, abort, events, shutting down.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use terminal_host::{
    service::{AbortAnswer, BeginError, Begun, Progress},
    transaction::{CancelReason, Ending, Failure, Outcome, ReversalState, TransactionId},
};

use crate::{
    guest::{self, Behaviour},
    terminal::{Acquirer, TestTerminal, claim, request, within},
};

const BY_THE_POINT_OF_SALE: Ending = Ending::Cancelled(CancelReason::PointOfSale);

async fn begun(terminal: &TestTerminal, behaviour: Behaviour, key: &str) -> TransactionId {
    match terminal
        .service
        .begin(request(behaviour), Some(claim(key, 1)))
        .await
    {
        Ok(Begun::Started(id)) => id,
        other => panic!("the sale was not started: {other:?}"),
    }
}

async fn outcome(terminal: &TestTerminal, id: &TransactionId) -> Outcome {
    terminal.ended(id).await.outcome.expect("an end")
}

/// Begins a sale whose request has left and whose acquirer does not answer.
async fn waiting_for_the_acquirer(terminal: &TestTerminal) -> TransactionId {
    terminal.hands.acquirer.send_replace(Acquirer::Waits);
    let id = terminal.begin(Behaviour::Authorise).await;
    within(terminal.hands.asked.notified()).await;
    id
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_transaction_runs_at_a_time() {
    let terminal = TestTerminal::start(guest::engine()).await;
    let first = terminal.begin(Behaviour::WaitForACard).await;
    assert_eq!(terminal.service.running().borrow().as_ref(), Some(&first));
    let second = terminal.service.begin(request(Behaviour::Well), None).await;
    assert_eq!(second, Err(BeginError::Busy));
    let record = terminal
        .service
        .transaction(&first)
        .await
        .expect("readable");
    assert_eq!(record.expect("a record").outcome, None, "it runs");
    terminal.service.abort(&first).await;
    outcome(&terminal, &first).await;
    assert_eq!(*terminal.service.running().borrow(), None);
    terminal.run(Behaviour::Well).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_claim_joins_the_transaction_running_or_ended() {
    let terminal = TestTerminal::start(guest::engine()).await;
    let id = begun(&terminal, Behaviour::WaitForACard, "key").await;
    let again = || {
        terminal
            .service
            .begin(request(Behaviour::WaitForACard), Some(claim("key", 1)))
    };
    assert_eq!(
        again().await,
        Ok(Begun::Known(id.clone())),
        "in flight, not busy"
    );
    let other_body = terminal
        .service
        .begin(request(Behaviour::Well), Some(claim("key", 2)))
        .await;
    assert_eq!(other_body, Err(BeginError::ClaimConflict));
    terminal.service.abort(&id).await;
    outcome(&terminal, &id).await;
    assert_eq!(again().await, Ok(Begun::Known(id)), "ended as cancelled");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_requests_at_once_under_one_claim_are_one_transaction() {
    let terminal = TestTerminal::start(guest::engine()).await;
    let begin = || {
        terminal
            .service
            .begin(request(Behaviour::WaitForACard), Some(claim("key", 1)))
    };
    let (one, other) = tokio::join!(begin(), begin());
    assert!(
        matches!((one, other), (Ok(Begun::Started(started)), Ok(Begun::Known(known))) if started == known)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_claim_whose_transaction_failed_in_passing_is_free_again() {
    let terminal = TestTerminal::start(guest::engine()).await;
    let first = begun(&terminal, Behaviour::Trap, "key").await;
    assert_eq!(
        outcome(&terminal, &first).await.ending,
        Ending::Failed(Failure::EngineFault)
    );
    assert_ne!(begun(&terminal, Behaviour::Well, "key").await, first);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_currency_that_the_terminal_does_not_take_starts_nothing() {
    let terminal = TestTerminal::start(guest::engine()).await;
    let mut request = request(Behaviour::Well);
    request.currency = "JPY".into();
    let refused = terminal.service.begin(request, Some(claim("key", 1))).await;
    assert_eq!(refused, Err(BeginError::CurrencyNotAccepted));
    begun(&terminal, Behaviour::Well, "key").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_abort_ends_a_transaction_that_waits_for_a_card() {
    let terminal = TestTerminal::start(guest::engine()).await;
    let id = terminal.begin(Behaviour::WaitForACard).await;
    assert_eq!(terminal.service.abort(&id).await, AbortAnswer::Accepted);
    assert_eq!(outcome(&terminal, &id).await.ending, BY_THE_POINT_OF_SALE);
    assert_eq!(terminal.service.abort(&id).await, AbortAnswer::Ended);
    let unknown = TransactionId::parse("txn_01ARZ3NDEKTSV4RRFFQ69G5FAV").expect("a name");
    assert_eq!(terminal.service.abort(&unknown).await, AbortAnswer::Unknown);
    assert_eq!(terminal.service.transaction(&unknown).await, Ok(None));
    assert_eq!(within(terminal.service.ended(&unknown)).await, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_abort_after_the_request_left_is_too_late() {
    let terminal = TestTerminal::start(guest::engine()).await;
    let id = waiting_for_the_acquirer(&terminal).await;
    assert_eq!(terminal.service.abort(&id).await, AbortAnswer::TooLate);
    terminal.hands.acquirer.send_replace(Acquirer::Answers);
    let outcome = outcome(&terminal, &id).await;
    assert_eq!(outcome.ending, Ending::Approved);
    assert_eq!(
        outcome.approved_minor,
        request(Behaviour::Authorise).amount_minor
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_acquirer_that_takes_its_time_is_waited_for() {
    let terminal = TestTerminal::start(guest::engine()).await;
    let id = waiting_for_the_acquirer(&terminal).await;
    // Longer than a guest may compute between two calls of the host.
    tokio::time::sleep(Duration::from_millis(1300)).await;
    terminal.hands.acquirer.send_replace(Acquirer::Answers);
    assert_eq!(outcome(&terminal, &id).await.ending, Ending::Approved);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_abort_does_not_wait_for_a_recovery() {
    // Each recovery takes three seconds.
    let recovery = "(call $wait_for_card (i32.const 7) (i32.const 3000) (i32.const 1024))
         (return (i32.const 2048))";
    let terminal = TestTerminal::start(guest::engine_that_does(recovery, "recover")).await;
    let open = terminal.begin(Behaviour::SentAndTrap).await;
    outcome(&terminal, &open).await;
    // The next one begins a second after the first.
    tokio::time::sleep(Duration::from_millis(1200)).await;
    let id = terminal.begin(Behaviour::Well).await;
    let asked = Instant::now();
    assert_eq!(terminal.service.abort(&id).await, AbortAnswer::Accepted);
    assert_eq!(outcome(&terminal, &id).await.ending, BY_THE_POINT_OF_SALE);
    assert!(asked.elapsed() < Duration::from_secs(1), "{asked:?}");
    assert_eq!(*terminal.service.running().borrow(), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_answer_is_reversed_when_the_terminal_is_idle() {
    let terminal = TestTerminal::start(guest::engine()).await;
    terminal
        .hands
        .acquirer
        .send_replace(Acquirer::LosesTheAnswer);
    let id = terminal.begin(Behaviour::Authorise).await;
    let first = outcome(&terminal, &id).await;
    assert_eq!(first.ending, Ending::Failed(Failure::AnswerLost));
    terminal.hands.acquirer.send_replace(Acquirer::Answers);
    within(async {
        while terminal
            .ended(&id)
            .await
            .outcome
            .map(|outcome| outcome.reversal)
            != Some(ReversalState::Confirmed)
        {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    assert_eq!(terminal.service.health().await.waiting, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_begins_or_ends_while_it_is_read_is_not_called_failed() {
    const SALES: usize = 300;
    let terminal = TestTerminal::start(guest::engine()).await;
    let over = Arc::new(AtomicBool::new(false));
    let reading: Vec<_> = (0..2)
        .map(|_| {
            let (service, over) = (terminal.service.clone(), Arc::clone(&over));
            tokio::spawn(async move {
                let mut read = 0_u32;
                while !over.load(Ordering::Relaxed) {
                    for record in service.transactions(None, None, 1).await.expect("readable") {
                        let ending = record.outcome.map(|outcome| outcome.ending);
                        assert_ne!(ending, Some(Ending::Failed(Failure::EngineFault)));
                        read += 1;
                    }
                    tokio::task::yield_now().await;
                }
                read
            })
        })
        .collect();
    for sale in 0..SALES {
        // What is not approved and has no end would be called failed.
        let behaviour = [Behaviour::Well, Behaviour::Authorise][sale % 2];
        terminal.run(behaviour).await;
    }
    over.store(true, Ordering::Relaxed);
    for reading in reading {
        assert!(reading.await.expect("no other end") > 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn watchers_see_the_steps_in_order_and_the_durable_end_last() {
    let terminal = TestTerminal::start(guest::engine()).await;
    let mut events = terminal.service.events();
    for behaviour in [Behaviour::Authorise, Behaviour::Well] {
        let id = terminal.begin(behaviour).await;
        let mut seen = Vec::new();
        loop {
            let event = within(events.recv()).await.expect("no event is missed");
            assert_eq!(event.transaction, id);
            if let Progress::Ended(record) = event.what {
                let stored = terminal.service.transaction(&id).await.expect("readable");
                assert_eq!(
                    stored.as_ref(),
                    Some(&record),
                    "the end is durable when it is told"
                );
                break;
            }
            seen.push(event.what);
        }
        let steps = [Progress::WaitingForCard, Progress::Authorising];
        let expected: &[Progress] = if behaviour == Behaviour::Authorise {
            &steps
        } else {
            &[]
        };
        assert_eq!(seen, expected);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn watchers_are_told_an_end_that_recovery_finds() {
    // It recovers when a card is there, and finds the transaction only then.
    let recovery = "(call $wait_for_card (i32.const 7) (i32.const 1) (i32.const 1024))
         (if (i32.load8_u (i32.const 1024)) (then (return (i32.const 2048))))";
    let terminal = TestTerminal::start(guest::engine_that_does(recovery, "recover")).await;
    let mut events = terminal.service.events();
    let id = terminal.begin(Behaviour::SentAndTrap).await;
    assert_eq!(
        outcome(&terminal, &id).await.ending,
        Ending::Failed(Failure::EngineFault)
    );
    assert!(events.is_empty(), "an end that is not known is not told");
    terminal.hands.card.store(true, Ordering::Relaxed);
    let event = within(events.recv()).await.expect("an event");
    let Progress::Ended(record) = event.what else {
        panic!("{event:?}")
    };
    let told = record.outcome.as_ref().expect("an end");
    assert_eq!(
        (event.transaction, told.ending, told.reversal),
        (
            id.clone(),
            Ending::Failed(Failure::AnswerLost),
            ReversalState::Confirmed
        )
    );
    within(async {
        while terminal.service.health().await.waiting > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert!(events.is_empty(), "it is told once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_abort_that_was_accepted_is_how_a_failed_engine_s_transaction_ends() {
    // After the wait for a card the engine fails, instead of ending as cancelled.
    let engine = guest::engine_that_does("(unreachable)", "after-wait");
    let terminal = TestTerminal::start(engine).await;
    let id = terminal.begin(Behaviour::WaitForACard).await;
    assert_eq!(terminal.service.abort(&id).await, AbortAnswer::Accepted);
    assert_eq!(outcome(&terminal, &id).await.ending, BY_THE_POINT_OF_SALE);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn setting_the_clock_makes_no_repeated_request_a_new_one() {
    let terminal = TestTerminal::start(guest::engine()).await;
    let id = begun(&terminal, Behaviour::Well, "key").await;
    outcome(&terminal, &id).await;
    for days in [-400, 0, 400] {
        terminal.hands.clock_days.send_replace(days);
        let again = terminal
            .service
            .begin(request(Behaviour::Well), Some(claim("key", 1)))
            .await;
        assert_eq!(again, Ok(Begun::Known(id.clone())), "{days} days");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shutting_down_waits_for_the_running_transaction_and_takes_no_other() {
    let terminal = TestTerminal::start(guest::engine()).await;
    let id = waiting_for_the_acquirer(&terminal).await;
    let service = terminal.service.clone();
    let down = tokio::spawn(async move { service.shut_down().await });
    within(async {
        while terminal.service.health().await.ready {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let refused = terminal.service.begin(request(Behaviour::Well), None).await;
    assert_eq!(refused, Err(BeginError::ShuttingDown));
    assert!(!down.is_finished(), "the sale still runs");
    terminal.hands.acquirer.send_replace(Acquirer::Answers);
    within(down).await.expect("no panic");
    assert_eq!(outcome(&terminal, &id).await.ending, Ending::Approved);
}
