//! The outbox without a network.

use jiff::ToSpan;
use serde_json::json;

use super::*;
use crate::{
    endpoint::Endpoint,
    endpoint_file::{EndpointFile, NewEndpoint},
    event::Event,
};

struct World {
    folder: tempfile::TempDir,
    outbox: Outbox,
    endpoints: Vec<Endpoint>,
}

impl World {
    /// An outbox, and endpoints that were made at second 100, each with what it wants.
    fn new(wants: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut file = EndpointFile::default();
        for events in wants {
            let new = NewEndpoint {
                url: "https://pos.example".into(),
                events: events.split_whitespace().map(str::to_owned).collect(),
                ..NewEndpoint::default()
            };
            file.make(new, at(100)).expect("made");
        }
        let outbox = Outbox::open(&folder.path().join("webhooks.db")).expect("opened");
        let endpoints = file.endpoints().expect("valid");
        Self {
            folder,
            outbox,
            endpoints,
        }
    }

    fn reopen(&mut self) {
        let path = self.folder.path().join("webhooks.db");
        self.outbox = Outbox::open_existing(&path).expect("opened");
        self.outbox.resume(7, at(1000)).expect("written");
    }

    fn queue(&self, events: impl IntoIterator<Item = Event>) -> usize {
        let batch = Batch {
            events: events.into_iter().collect(),
            ..Batch::default()
        };
        self.outbox
            .queue(&batch, &self.endpoints, at(200))
            .expect("written")
    }

    fn claim(&self, endpoint: usize, second: i64) -> Option<Delivery> {
        let id = &self.endpoints[endpoint].id;
        self.outbox.claim(id, at(second)).expect("read")
    }

    fn finish(&self, delivery: &Delivery, verdict: Verdict) {
        let finished = self.outbox.finish(delivery, verdict, "500", at(200));
        finished.expect("written");
    }

    fn states(&self) -> Vec<(&'static str, u32)> {
        let listed = self.outbox.deliveries(false).expect("read");
        listed
            .iter()
            .map(|one| (one.state.as_str(), one.attempts))
            .collect()
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("a moment")
}

fn event(name: &str, kind: &str) -> Event {
    Event {
        id: EventId::derived(at(150), &[name]),
        kind: kind.into(),
        since: at(150),
        data: json!({ "name": name }),
        remembered: false,
    }
}

#[test]
fn each_endpoint_gets_what_it_wants_once() {
    let world = World::new(&["", "transaction.approved", "settlement.*"]);
    let approved = event("a", "transaction.approved");
    assert_eq!(world.queue([approved.clone()]), 2);
    assert_eq!(world.queue([approved.clone()]), 0, "queued before");
    let older = Event {
        since: at(99),
        ..event("b", "transaction.approved")
    };
    assert_eq!(world.queue([older]), 0, "before the endpoints were made");
    let first = world.claim(0, 200).expect("due");
    let second = world.claim(1, 200).expect("due");
    assert_eq!((&first.body, first.attempt), (&second.body, 1));
    assert_eq!(first.event, approved.id);
    assert_eq!(world.claim(0, 200), None, "it is being delivered");
    assert_eq!(world.claim(2, 200), None);
}

#[test]
fn a_delivery_is_due_again_when_its_verdict_says_so() {
    let world = World::new(&[""]);
    world.queue([event("a", "t.x"), event("b", "t.x")]);
    let first = world.claim(0, 200).expect("due");
    world.finish(&first, Verdict::Retry { at: at(260) });
    let other = world.claim(0, 200).expect("the other one is not held up");
    assert_ne!(other.event, first.event);
    world.finish(&other, Verdict::Delivered);
    assert_eq!(world.claim(0, 259), None);
    let id = &world.endpoints[0].id;
    assert_eq!(world.outbox.next_due(id).expect("read"), Some(at(260)));
    let again = world.claim(0, 260).expect("due");
    assert_eq!(
        (again.event.clone(), again.attempt, again.body.clone()),
        (first.event, 2, first.body)
    );
    world.finish(&again, Verdict::Dead);
    assert_eq!(world.states(), [("delivered", 1), ("dead", 2)]);
    assert_eq!(world.outbox.waiting().expect("read"), (0, 1));
}

#[test]
fn a_restart_loses_nothing_and_counts_the_attempt_that_was_cut_off() {
    let mut world = World::new(&[""]);
    let batch = Batch {
        cursor: Some(17),
        watch: vec!["txn_1".into()],
        ..Batch::default()
    };
    world.outbox.queue(&batch, &[], at(200)).expect("written");
    world.queue([event("a", "t.x"), event("b", "t.x")]);
    world.claim(0, 200).expect("due");
    world.reopen();
    assert_eq!(world.outbox.cursor().expect("read"), Some(17));
    assert_eq!(world.outbox.watched().expect("read"), ["txn_1"]);
    let mut attempts: Vec<_> = (0..2)
        .map(|_| world.claim(0, 1000).expect("due").attempt)
        .collect();
    attempts.sort_unstable();
    assert_eq!(attempts, [1, 2]);
    // The seventh that is cut off is the last.
    for _ in 2..7 {
        world.reopen();
        while world.claim(0, 1000).is_some() {}
    }
    world.reopen();
    assert_eq!(
        world
            .states()
            .iter()
            .filter(|(state, _)| *state == "dead")
            .count(),
        1
    );
}

#[test]
fn what_a_wrong_clock_planned_does_not_wait_for_years() {
    let mut world = World::new(&[""]);
    world.queue([event("a", "t.x")]);
    let delivery = world.claim(0, 200).expect("due");
    world.finish(
        &delivery,
        Verdict::Retry {
            at: at(1_000_000_000),
        },
    );
    world.reopen();
    assert!(world.claim(0, 1000).is_some());
}

#[test]
fn dead_letters_are_replayed_with_all_their_attempts() {
    let world = World::new(&["", ""]);
    world.queue([event("a", "t.x")]);
    for endpoint in [0, 1] {
        let delivery = world.claim(endpoint, 200).expect("due");
        world.finish(&delivery, Verdict::Dead);
    }
    assert_eq!(
        world
            .outbox
            .replay(&Selection::Dead, at(300))
            .expect("written"),
        2
    );
    assert_eq!(
        world
            .outbox
            .replay(&Selection::Dead, at(300))
            .expect("written"),
        0
    );
    let delivery = world.claim(0, 300).expect("due");
    assert_eq!(delivery.attempt, 1);
    world.finish(&delivery, Verdict::Delivered);
    // By its name an event is sent again although it was delivered.
    let one = Selection::Event(delivery.event);
    assert_eq!(world.outbox.replay(&one, at(400)).expect("written"), 2);
    let unknown = Selection::Event(EventId::new());
    assert_eq!(world.outbox.replay(&unknown, at(400)).expect("written"), 0);
}

#[test]
fn a_disabled_endpoint_gets_nothing_until_it_is_enabled() {
    let world = World::new(&["", ""]);
    let id = &world.endpoints[0].id;
    world.queue([event("a", "t.x"), event("b", "t.x")]);
    let delivery = world.claim(0, 200).expect("due");
    world.outbox.disable(id, "410", at(200)).expect("written");
    world.finish(&delivery, Verdict::Retry { at: at(200) });
    assert_eq!(world.claim(0, 500), None);
    assert_eq!(
        world.queue([event("c", "t.x")]),
        1,
        "for the other endpoint alone"
    );
    assert_eq!(
        world
            .outbox
            .replay(&Selection::Dead, at(300))
            .expect("written"),
        0
    );
    assert!(world.outbox.enable(id).expect("written"));
    assert!(!world.outbox.enable(id).expect("written"));
    assert_eq!(
        world
            .outbox
            .replay(&Selection::Dead, at(300))
            .expect("written"),
        2
    );
    assert!(world.claim(0, 500).is_some());
}

#[test]
fn what_is_too_old_or_of_no_endpoint_is_forgotten() {
    let world = World::new(&["", ""]);
    world.queue([event("a", "t.x"), event("b", "t.x")]);
    let delivery = world.claim(0, 200).expect("due");
    world.finish(&delivery, Verdict::Dead);
    world
        .outbox
        .tidy(&world.endpoints, at(200) + 167.hours())
        .expect("written");
    assert_eq!(world.states().len(), 4);
    world
        .outbox
        .tidy(&world.endpoints, at(201) + 168.hours())
        .expect("written");
    assert_eq!(world.states().len(), 3, "only what has ended is forgotten");
    world
        .outbox
        .tidy(&world.endpoints[..1], at(200))
        .expect("written");
    assert_eq!(world.states().len(), 1);
    world.outbox.tidy(&[], at(200)).expect("written");
    let events: u32 = world
        .outbox
        .connection()
        .query_row("SELECT count(*) FROM events", [], |row| row.get(0))
        .expect("read");
    assert_eq!(events, 0);
}

#[test]
fn what_is_remembered_is_queued_once_although_its_event_is_gone() {
    let world = World::new(&[""]);
    let closed = Event {
        remembered: true,
        ..event("stl_1", "settlement.closed")
    };
    assert_eq!(world.queue([closed.clone()]), 1);
    world.outbox.tidy(&[], at(200)).expect("written");
    assert_eq!(world.queue([closed]), 0);
}

#[test]
fn a_full_queue_lets_the_oldest_give_way() {
    let world = World::new(&[""]);
    let id = world.endpoints[0].id.as_str();
    world
        .outbox
        .change(|sql| {
            // One dead letter and one that was delivered among those that wait.
            sql.execute(
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
                 INSERT INTO deliveries (event, endpoint, attempt, state, due, answer, changed)
                 SELECT 'evt_' || i, ?2, 0, CASE i WHEN 5 THEN 1 WHEN 9 THEN 2 ELSE 0 END, i, '', i
                 FROM n",
                params![DELIVERIES_MAX, id],
            )
        })
        .expect("written");
    let left = |name: &str| -> bool {
        world
            .outbox
            .connection()
            .query_row(
                "SELECT EXISTS (SELECT 1 FROM deliveries WHERE event = ?1)",
                [name],
                |row| row.get(0),
            )
            .expect("read")
    };
    for (number, gone) in [(1, "evt_5"), (2, "evt_9"), (3, "evt_1"), (4, "evt_2")] {
        assert!(left(gone));
        assert_eq!(world.queue([event(&number.to_string(), "t.x")]), 1);
        assert!(!left(gone), "{gone}");
        let (queued, dead) = world.outbox.waiting().expect("read");
        assert!(queued.saturating_add(dead) <= DELIVERIES_MAX.into());
    }
}

#[test]
fn the_command_line_reads_while_the_terminal_delivers() {
    let world = World::new(&[""]);
    world.queue([event("a", "t.x")]);
    let path = world.folder.path().join("webhooks.db");
    let other = Outbox::open_existing(&path).expect("opened");
    assert_eq!(other.deliveries(false).expect("read").len(), 1);
    let delivery = world.claim(0, 200).expect("due");
    world.finish(&delivery, Verdict::Dead);
    assert_eq!(other.replay(&Selection::Dead, at(300)).expect("written"), 1);
    assert!(world.claim(0, 300).is_some());
    let nowhere = world.folder.path().join("none.db");
    assert!(matches!(
        Outbox::open_existing(&nowhere),
        Err(OpenError::Missing)
    ));
    assert!(!nowhere.exists());
}
