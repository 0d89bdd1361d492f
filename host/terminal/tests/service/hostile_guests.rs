//! A guest that loops, traps or eats memory costs its own transaction and nothing else.

use std::{sync::atomic::Ordering, time::Instant};

use terminal_host::{
    service::StartError,
    transaction::{CancelReason, Ending, Failure, ReversalState},
};

use crate::{
    guest::{self, Behaviour},
    terminal::{Acquirer, TestTerminal},
};

const FAULT: Ending = Ending::Failed(Failure::EngineFault);
const NO_CARD: Ending = Ending::Cancelled(CancelReason::NoCard);

/// Runs a guest that behaves so, then one that behaves well on the same terminal.
async fn costs_its_own_transaction_only(behaviour: Behaviour) {
    let terminal = TestTerminal::start(guest::engine()).await;
    terminal.hands.card.store(true, Ordering::Relaxed);
    let outcome = terminal.run(behaviour).await.outcome.expect("an end");
    assert_eq!(
        (outcome.ending, outcome.reversal),
        (FAULT, ReversalState::None),
        "{behaviour:?}"
    );
    assert_eq!(outcome.approved_minor, 0, "{behaviour:?}");
    let next = terminal.run(Behaviour::Well).await.outcome.expect("an end");
    assert_eq!(next.ending, NO_CARD, "after {behaviour:?}");
    assert!(terminal.service.health().await.ready, "after {behaviour:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guest_that_breaks_the_sandbox_s_limits() {
    for behaviour in [
        Behaviour::Loop,
        Behaviour::GrowMemory,
        Behaviour::Recurse,
        Behaviour::Trap,
        Behaviour::CallTheHost,
    ] {
        costs_its_own_transaction_only(behaviour).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guest_that_breaks_the_rules_of_an_interface() {
    for behaviour in [
        Behaviour::HoldTwoCards,
        Behaviour::BegunToApproved,
        Behaviour::PrintTooMuch,
        Behaviour::SendWithoutEntry,
        Behaviour::ReadAnother,
        Behaviour::ReadTheExceptionFile,
        Behaviour::LookUpCards,
        Behaviour::PayAnother,
        Behaviour::ReportAgain,
    ] {
        costs_its_own_transaction_only(behaviour).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guest_that_answers_nonsense() {
    for behaviour in [
        Behaviour::ApprovedWithoutEntry,
        Behaviour::PointerOutside,
        Behaviour::UnknownEnding,
        Behaviour::Refuse,
    ] {
        costs_its_own_transaction_only(behaviour).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guest_that_computes_between_calls_of_the_host_is_stopped_too() {
    let started = Instant::now();
    costs_its_own_transaction_only(Behaviour::ComputeBetweenCalls).await;
    assert!(started.elapsed().as_secs() < 10, "{:?}", started.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guest_that_repeats_an_entry_does_not_fill_the_journal() {
    let terminal = TestTerminal::start(guest::engine()).await;
    let outcome = terminal
        .run(Behaviour::GrowTheJournal)
        .await
        .outcome
        .expect("an end");
    // Something may have been sent: recovery reversed it.
    assert_eq!(
        (outcome.ending, outcome.reversal),
        (
            Ending::Failed(Failure::AnswerLost),
            ReversalState::Confirmed
        )
    );
    // SQLite's log alone may have a thousand pages of 4 KiB; two thousand entries have 32 MiB.
    let length = terminal.journal_length();
    assert!(length < 6 * 1024 * 1024, "{length}");
    assert_eq!(
        terminal
            .run(Behaviour::Well)
            .await
            .outcome
            .expect("an end")
            .ending,
        NO_CARD
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guest_that_traps_after_something_was_sent_is_settled_by_recovery() {
    let terminal = TestTerminal::start(guest::engine()).await;
    let outcome = terminal
        .run(Behaviour::SentAndTrap)
        .await
        .outcome
        .expect("an end");
    assert_eq!(
        (outcome.ending, outcome.reversal),
        (
            Ending::Failed(Failure::AnswerLost),
            ReversalState::Confirmed
        )
    );
    assert_eq!(terminal.service.health().await.waiting, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guest_sends_nothing_that_the_journal_does_not_say() {
    let terminal = TestTerminal::start(guest::engine()).await;
    terminal.run(Behaviour::SendWithoutEntry).await;
    assert_eq!(terminal.hands.exchanges.load(Ordering::Relaxed), 0);
    // Its recovery sends one message more, which the journal asks for.
    let outcome = terminal.run(Behaviour::SendTwice).await.outcome;
    assert_eq!(terminal.hands.exchanges.load(Ordering::Relaxed), 2);
    let outcome = outcome.expect("an end");
    assert_eq!(
        (outcome.ending, outcome.reversal),
        (
            Ending::Failed(Failure::AnswerLost),
            ReversalState::Confirmed
        )
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guest_sends_a_request_once_although_something_else_is_due() {
    // Its recovery settles nothing, so that what is open stays due.
    let engine = || guest::engine_that_does("(return (i32.const 2048))", "recover");
    let terminal = TestTerminal::start(engine()).await;
    terminal
        .hands
        .acquirer
        .send_replace(Acquirer::LosesTheAnswer);
    let due = terminal.run(Behaviour::Authorise).await;
    let reversal = due.outcome.expect("an end").reversal;
    assert_eq!(reversal, ReversalState::Pending);
    assert_eq!(terminal.hands.exchanges.load(Ordering::Relaxed), 1);
    terminal.run(Behaviour::SendTwice).await;
    assert_eq!(terminal.hands.exchanges.load(Ordering::Relaxed), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guest_settles_nothing_that_no_acquirer_answered() {
    for body in [
        // It calls what was sent reversed, or approved, without a message.
        "(call $unsettled (i64.const 0) (i32.const 16) (i32.const 1024))
         (if (i32.load (i32.const 1032)) (then
           (local.set $entry (i32.add (i32.load (i32.const 1028)) (i32.const 8)))
           (call $journal (local.get $entry) (global.get $reversal_due) (i32.const 10))
           (call $journal (local.get $entry) (global.get $reversed) (i32.const 10))))",
        "(call $unsettled (i64.const 0) (i32.const 16) (i32.const 1024))
         (if (i32.load (i32.const 1032)) (then
           (call $journal (i32.add (i32.load (i32.const 1028)) (i32.const 8))
             (global.get $approved) (i32.const 10))))",
    ] {
        let terminal = TestTerminal::start(guest::engine_that_does(body, "recover")).await;
        let outcome = terminal.run(Behaviour::SentAndTrap).await.outcome;
        let outcome = outcome.expect("an answer");
        assert_eq!(
            (outcome.ending, outcome.reversal),
            (FAULT, ReversalState::Pending),
            "{body}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guest_makes_no_approval_of_another_transaction() {
    // Its recovery settles nothing, so that the transaction stays open.
    let engine = || guest::engine_that_does("(return (i32.const 2048))", "recover");
    let terminal = TestTerminal::start(engine()).await;
    let open = terminal.begin(Behaviour::SentAndTrap).await;
    terminal.ended(&open).await;
    let next = terminal.run(Behaviour::ApproveAnother).await;
    assert_eq!(next.outcome.expect("an end").ending, FAULT);
    let record = terminal.service.transaction(&open).await.expect("readable");
    let record = record.expect("a record");
    let outcome = record.outcome.as_ref().expect("an answer");
    assert_eq!(
        (outcome.ending, outcome.reversal),
        (FAULT, ReversalState::Pending)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_driver_that_panics_ends_the_transaction_and_not_the_terminal() {
    let terminal = TestTerminal::start(guest::engine()).await;
    terminal.hands.printer_panics.store(true, Ordering::Relaxed);
    assert_eq!(
        terminal
            .run(Behaviour::PrintALine)
            .await
            .outcome
            .expect("an end")
            .ending,
        FAULT
    );
    terminal
        .hands
        .printer_panics
        .store(false, Ordering::Relaxed);
    assert_eq!(
        terminal
            .run(Behaviour::PrintALine)
            .await
            .outcome
            .expect("an end")
            .ending,
        NO_CARD
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn recovery_that_fails_leaves_the_transaction_open_and_the_terminal_running() {
    for body in [
        "(unreachable)",
        "(loop $again (br $again))",
        "(call $print (i32.const 4096) (i32.const 1) (i32.const 1024))",
    ] {
        let terminal = TestTerminal::start(guest::engine_that_does(body, "recover")).await;
        terminal.hands.printer_panics.store(true, Ordering::Relaxed);
        let outcome = terminal
            .run(Behaviour::SentAndTrap)
            .await
            .outcome
            .expect("an answer");
        assert_eq!(
            (outcome.ending, outcome.reversal),
            (FAULT, ReversalState::Pending),
            "{body}"
        );
        assert_eq!(
            terminal
                .run(Behaviour::Well)
                .await
                .outcome
                .expect("an end")
                .ending,
            NO_CARD
        );
        assert_eq!(terminal.service.health().await.waiting, 1, "{body}");
        // The terminal starts with such an engine too, and a better one settles what is open.
        let id = terminal.begin(Behaviour::Well).await;
        terminal.ended(&id).await;
        let terminal = terminal
            .restart(guest::engine_that_does(body, "recover"))
            .await
            .expect("an engine that cannot recover does not keep the terminal down");
        assert_eq!(terminal.service.health().await.waiting, 1, "{body}");
        let terminal = terminal.restart(guest::engine()).await.expect("it starts");
        assert_eq!(terminal.service.health().await.waiting, 0, "{body}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_engine_that_cannot_say_its_name_is_refused_in_bounded_time() {
    let wait = "(drop (call $wait))";
    let write = "(call $next (i32.const 0) (i32.const 1024))";
    let read = "(call $unsettled (i64.const 0) (i32.const 1) (i32.const 1024))";
    let send = "(call $send)";
    for body in [
        "(unreachable)",
        "(loop $again (br $again))",
        wait,
        write,
        read,
        send,
    ] {
        let refused = TestTerminal::try_start(guest::engine_that_does(body, "describe")).await;
        assert!(
            matches!(refused.err(), Some(StartError::Engine(_))),
            "{body}"
        );
    }
}
