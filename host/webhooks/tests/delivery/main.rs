//! Deliveries to receivers on the loopback address, which the endpoints here are allowed to be on.
#![forbid(unsafe_code)]
#![expect(
    clippy::arithmetic_side_effects,
    reason = "a test that overflows fails"
)]

#[cfg(test)]
mod receiver;
#[cfg(test)]
mod rules;
#[cfg(test)]
mod world;

use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::json;
use webhooks::{AttemptResult, Selection};

use crate::{
    receiver::{Receiver, Reply, wait_until},
    world::{TIMEOUT, World},
};

#[tokio::test]
async fn an_event_is_delivered_once_and_signed() {
    let mut world = World::new();
    let receiver = Receiver::start([]).await;
    let (id, secret) = world.add(&receiver.url());
    world.run();
    let event = world.happen("transaction.approved");
    let arrived = receiver.wait_for(1).await.remove(0);
    let now = Timestamp::now().as_second();
    assert_eq!(arrived.path, "/hooks?key=hidden");
    assert_eq!(arrived.header("Atlas-Event-Id"), event.as_str());
    assert_eq!(arrived.header("Atlas-Event-Type"), "transaction.approved");
    assert_eq!(arrived.header("Atlas-Delivery"), "1");
    assert_eq!(arrived.header("Atlas-Webhook-Id"), id.as_str());
    assert_eq!(arrived.header("Content-Type"), "application/json");
    assert_eq!(
        arrived.header("Host"),
        format!("127.0.0.1:{}", receiver.port())
    );
    assert!(arrived.is_signed_with(&secret), "{arrived:?}");
    assert!(!arrived.is_signed_with(&secret.to_uppercase()));
    assert!((now - arrived.signature().0).abs() <= 5);
    let body = arrived.json();
    assert_eq!(body["id"], event.as_str());
    assert_eq!(body["type"], "transaction.approved");
    assert_eq!(
        body["data"],
        json!({"amount": 2500, "merchantName": "Tenón"})
    );
    let delivery = world.wait_for(&id, "delivered").await;
    assert_eq!((delivery.attempts, delivery.answer.as_str()), (1, "204"));
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(receiver.received().len(), 1);
    assert_eq!(world.figures.attempts(AttemptResult::Delivered), 1);
    assert_eq!(world.figures.queued(), 0);
}

#[tokio::test]
async fn a_receiver_that_fails_is_asked_again_with_a_new_stamp() {
    let mut world = World::new();
    world.pause = Duration::from_millis(1400);
    let receiver = Receiver::start([Reply::status(500)]).await;
    let (id, secret) = world.add(&receiver.url());
    world.run();
    world.happen("transaction.approved");
    let arrived = receiver.wait_for(2).await;
    let (first, second) = (&arrived[0], &arrived[1]);
    assert_eq!(
        first.header("Atlas-Event-Id"),
        second.header("Atlas-Event-Id")
    );
    assert_eq!(first.body, second.body);
    assert_eq!(second.header("Atlas-Delivery"), "2");
    assert!(first.signature().0 < second.signature().0);
    assert!(first.is_signed_with(&secret) && second.is_signed_with(&secret));
    let delivery = world.wait_for(&id, "delivered").await;
    assert_eq!(delivery.attempts, 2);
    assert_eq!(world.figures.attempts(AttemptResult::Retried), 1);
}

#[tokio::test]
async fn a_restart_between_two_attempts_loses_nothing() {
    let mut world = World::new();
    world.pause = Duration::from_millis(200);
    let receiver = Receiver::start([Reply::status(503)]).await;
    let (id, _) = world.add(&receiver.url());
    world.run();
    let event = world.happen("transaction.approved");
    world.wait_for(&id, "pending").await;
    receiver.wait_for(1).await;
    world.restart().await;
    let delivery = world.wait_for(&id, "delivered").await;
    assert_eq!((delivery.event, delivery.attempts), (event, 2));
    assert_eq!(receiver.received().len(), 2);
}

#[tokio::test]
async fn an_attempt_that_is_cut_off_is_made_again_as_the_next_one() {
    let mut world = World::new();
    let receiver = Receiver::start([Reply::Silence(Duration::from_secs(20))]).await;
    let (id, _) = world.add(&receiver.url());
    world.run();
    let event = world.happen("transaction.approved");
    receiver.wait_for(1).await;
    world.restart().await;
    world.wait_for(&id, "delivered").await;
    let arrived = receiver.received();
    let attempts: Vec<_> = arrived
        .iter()
        .map(|one| one.header("Atlas-Delivery"))
        .collect();
    assert_eq!(attempts, ["1", "2"]);
    assert!(
        arrived
            .iter()
            .all(|one| one.header("Atlas-Event-Id") == event.as_str())
    );
}

#[tokio::test]
async fn what_fails_seven_times_is_a_dead_letter_and_can_be_replayed() {
    let mut world = World::new();
    let receiver = Receiver::start((0..7).map(|_| Reply::status(500))).await;
    let (id, _) = world.add(&receiver.url());
    world.run();
    let event = world.happen("settlement.closed");
    let dead = world.wait_for(&id, "dead").await;
    assert_eq!((dead.attempts, dead.answer.as_str()), (7, "500"));
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(receiver.received().len(), 7);
    assert_eq!(world.figures.attempts(AttemptResult::Dead), 1);
    assert_eq!(world.figures.dead_letters(), 1);
    let replayed = world.outbox.replay(&Selection::Dead, Timestamp::now());
    assert_eq!(replayed.expect("written"), 1);
    let delivered = world.wait_for(&id, "delivered").await;
    assert_eq!((delivered.event, delivered.attempts), (event.clone(), 1));
    let last = receiver.wait_for(8).await.remove(7);
    assert_eq!(last.header("Atlas-Event-Id"), event.as_str());
}

#[tokio::test]
async fn a_slow_receiver_is_given_up_and_delays_nobody() {
    let mut world = World::new();
    let slow = Receiver::start((0..20).map(|_| Reply::Silence(Duration::from_secs(20)))).await;
    let quick = Receiver::start([]).await;
    let (slow_id, _) = world.add(&slow.url());
    let (quick_id, _) = world.add(&quick.url());
    world.run();
    let began = Instant::now();
    for _ in 0..5 {
        world.happen("transaction.approved");
    }
    quick.wait_for(5).await;
    assert!(began.elapsed() < TIMEOUT * 5, "it waited for the slow one");
    world.wait_for(&quick_id, "delivered").await;
    wait_until(|| {
        let deliveries = world.deliveries(&slow_id);
        deliveries
            .iter()
            .any(|one| one.answer == "no answer in time")
    })
    .await;
}

#[tokio::test]
async fn an_answer_without_end_is_not_read() {
    let mut world = World::new();
    let receiver = Receiver::start([Reply::Endless]).await;
    let (id, _) = world.add(&receiver.url());
    world.client = webhooks::Client::default();
    world.run();
    let began = Instant::now();
    world.happen("transaction.approved");
    let delivery = world.wait_for(&id, "delivered").await;
    assert_eq!(delivery.attempts, 1);
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn a_receiver_that_is_not_there_yet_gets_what_happened() {
    let mut world = World::new();
    let receiver = Receiver::start([]).await;
    let (url, port) = (receiver.url(), receiver.port());
    drop(receiver);
    tokio::time::sleep(Duration::from_millis(20)).await;
    world.pause = Duration::from_millis(300);
    let (id, _) = world.add(&url);
    world.run();
    world.happen("transaction.approved");
    wait_until(|| {
        world
            .deliveries(&id)
            .iter()
            .any(|one| one.answer == "no connection")
    })
    .await;
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await;
    let accepted = listener.expect("the port is free").accept().await;
    assert!(accepted.is_ok());
}
