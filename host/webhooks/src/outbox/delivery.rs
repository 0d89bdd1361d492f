//! Deliveries: what one is, where it stands, what becomes of it.

use jiff::Timestamp;

use crate::event::{Event, EventId};

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryState {
    /// It waits for an attempt.
    Pending,
    /// The receiver took it.
    Delivered,
    /// Nothing is tried any more, unless it is replayed.
    Dead,
    /// An attempt is being made.
    InFlight,
}

impl DeliveryState {
    pub(super) const fn number(self) -> i64 {
        match self {
            Self::Pending => 0,
            Self::Delivered => 1,
            Self::Dead => 2,
            Self::InFlight => 3,
        }
    }

    pub(super) fn from_number(number: i64) -> Self {
        match number {
            1 => Self::Delivered,
            2 => Self::Dead,
            3 => Self::InFlight,
            _ => Self::Pending,
        }
    }

    /// Its name for people and tools.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
            Self::InFlight => "in-flight",
        }
    }
}

/// One event on its way to one endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The event.
    pub event: EventId,
    /// The event's type.
    pub kind: String,
    /// What is sent, the same in every attempt.
    pub body: Vec<u8>,
    /// Which attempt this is, from one.
    pub attempt: u32,
    /// The row.
    pub(super) number: i64,
}

impl Delivery {
    /// A delivery that is in no outbox: one attempt, made by hand.
    pub fn alone(event: &Event, now: Timestamp) -> Self {
        Self {
            event: event.id.clone(),
            kind: event.kind.clone(),
            body: event.body(now),
            attempt: 1,
            number: 0,
        }
    }
}

/// What becomes of a delivery after an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The receiver took it.
    Delivered,
    /// Another attempt follows.
    Retry {
        /// When.
        at: Timestamp,
    },
    /// It was the last attempt.
    Dead,
}

/// A delivery as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedDelivery {
    /// The event.
    pub event: EventId,
    /// The event's type.
    pub kind: String,
    /// The endpoint's name.
    pub endpoint: String,
    /// How many attempts were made since it was queued or replayed.
    pub attempts: u32,
    /// Where it stands.
    pub state: DeliveryState,
    /// When the next attempt is due, where there is one.
    pub due: Option<Timestamp>,
    /// What came of the last attempt.
    pub answer: String,
    /// When it last changed.
    pub changed: Timestamp,
}

/// What is replayed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// One event, to every endpoint that it was for.
    Event(EventId),
    /// Every dead letter.
    Dead,
}

/// What is queued in one commit.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// The events.
    pub events: Vec<Event>,
    /// How far the source was read with them.
    pub cursor: Option<u64>,
    /// What is to be looked at again.
    pub watch: Vec<String>,
    /// What is not to be looked at any more.
    pub unwatch: Vec<String>,
}
