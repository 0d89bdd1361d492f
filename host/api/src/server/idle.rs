//! Connections on which no request is in progress, and which of them give way to a new one.
//!
//! A client that connects and says nothing takes a place until its time is over. While every place is
//! taken that way, those that have something to ask would wait for it. So the place of the connection
//! that has asked nothing for the longest is given to the next one; that of a caller who was let in before
//! only after a longer rest.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::{Notify, OwnedSemaphorePermit, Semaphore},
    time::Instant,
};

/// How long a connection may ask nothing before it gives way: enough for a request's head and for a TLS
/// handshake over a slow network.
const IDLE_MIN: Duration = Duration::from_secs(1);

/// The same once a request of it was let in: enough for a point of sale between two requests of a sale.
const LET_IN_IDLE_MIN: Duration = Duration::from_secs(5);

/// The idle connections. Clones share them.
#[derive(Debug, Clone, Default)]
pub(super) struct Idle(Arc<Mutex<Connections>>);

#[derive(Debug, Default)]
struct Connections {
    made: u64,
    idle: BTreeMap<u64, Resting>,
}

/// One that is idle.
#[derive(Debug)]
struct Resting {
    /// From when on it gives way.
    until: Instant,
    gives_way: Arc<Notify>,
}

/// One connection, until it is dropped. It begins idle.
#[derive(Debug)]
pub(super) struct Connection {
    all: Idle,
    name: u64,
    gives_way: Arc<Notify>,
    let_in: AtomicBool,
    busy: AtomicBool,
}

/// A request in progress and its answer, until it is dropped.
#[derive(Debug)]
pub(super) struct Busy(Arc<Connection>);

impl Idle {
    /// A connection that was just accepted.
    pub(super) fn connection(&self) -> Connection {
        let mut all = self.lock();
        all.made = all.made.wrapping_add(1);
        let connection = Connection {
            all: self.clone(),
            name: all.made,
            gives_way: Arc::default(),
            let_in: AtomicBool::new(false),
            busy: AtomicBool::new(false),
        };
        connection.rest(&mut all);
        connection
    }

    /// Waits for a place; a connection that has been idle for long enough gives its own. `None` when
    /// there are no places any more.
    pub(super) async fn place(&self, places: &Arc<Semaphore>) -> Option<OwnedSemaphorePermit> {
        loop {
            if let Ok(place) = Arc::clone(places).try_acquire_owned() {
                return Some(place);
            }
            let pause = self.let_one_give_way(Instant::now());
            let waiting = Arc::clone(places).acquire_owned();
            if let Ok(place) = tokio::time::timeout(pause, waiting).await {
                return place.ok();
            }
        }
    }

    /// Tells the one that has been idle for the longest, when that is long enough. Returns how long to
    /// wait for a place before another one is to be told.
    fn let_one_give_way(&self, now: Instant) -> Duration {
        let mut all = self.lock();
        let next = all.idle.iter().min_by_key(|(_, resting)| resting.until);
        let Some((name, resting)) = next else {
            return IDLE_MIN;
        };
        let (name, left) = (*name, resting.until.saturating_duration_since(now));
        if !left.is_zero() {
            // One that begins to rest meanwhile may be the next before it.
            return left.min(IDLE_MIN);
        }
        if let Some(resting) = all.idle.remove(&name) {
            tracing::info!("every place is taken; a connection that asks nothing gives way");
            resting.gives_way.notify_one();
        }
        IDLE_MIN
    }

    fn lock(&self) -> MutexGuard<'_, Connections> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Busy {
    /// The connection that it came on.
    pub(super) fn connection(&self) -> &Connection {
        &self.0
    }
}

impl Connection {
    /// Marks it as busy with a request.
    pub(super) fn busy(self: &Arc<Self>) -> Busy {
        self.all.lock().idle.remove(&self.name);
        self.busy.store(true, Ordering::Relaxed);
        Busy(Arc::clone(self))
    }

    /// Its caller was let in: it may rest for longer from now on.
    pub(super) fn let_in(&self) {
        self.let_in.store(true, Ordering::Relaxed);
    }

    /// Waits until it must give way. It does not, when a request came just as it was told to.
    pub(super) async fn given_way(&self) {
        loop {
            self.gives_way.notified().await;
            if !self.busy.load(Ordering::Relaxed) {
                return;
            }
        }
    }

    fn rest(&self, all: &mut Connections) {
        let may_rest = if self.let_in.load(Ordering::Relaxed) {
            LET_IN_IDLE_MIN
        } else {
            IDLE_MIN
        };
        let now = Instant::now();
        let resting = Resting {
            until: now.checked_add(may_rest).unwrap_or(now),
            gives_way: Arc::clone(&self.gives_way),
        };
        all.idle.insert(self.name, resting);
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.all.lock().idle.remove(&self.name);
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.busy.store(false, Ordering::Relaxed);
        self.0.rest(&mut self.0.all.lock());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether it was told.
    async fn gives_way(connection: &Connection) -> bool {
        let told = tokio::time::timeout(Duration::from_millis(1), connection.given_way());
        told.await.is_ok()
    }

    #[tokio::test]
    async fn the_one_that_asked_nothing_for_the_longest_gives_way() {
        let idle = Idle::default();
        let [first, second] = [idle.connection(), idle.connection()].map(Arc::new);
        let began = Instant::now();
        assert!(!idle.let_one_give_way(began).is_zero());
        assert!(!gives_way(&first).await, "it may still begin");
        drop(first.busy());
        idle.let_one_give_way(began + 2 * IDLE_MIN);
        assert!(gives_way(&second).await);
        assert!(!gives_way(&first).await, "it has just asked");
        // What is busy gives no way, however long it takes.
        let busy = first.busy();
        assert_eq!(idle.let_one_give_way(began + 20 * IDLE_MIN), IDLE_MIN);
        assert!(!gives_way(&first).await);
        drop(busy);
        assert!(!idle.let_one_give_way(Instant::now()).is_zero());
        assert!(!gives_way(&first).await, "it rests since a moment");
        idle.let_one_give_way(Instant::now() + IDLE_MIN);
        assert!(gives_way(&first).await);
    }

    #[tokio::test]
    async fn a_request_that_comes_as_its_connection_is_told_is_not_cut() {
        let idle = Idle::default();
        let connection = Arc::new(idle.connection());
        idle.let_one_give_way(Instant::now() + 2 * IDLE_MIN);
        let busy = connection.busy();
        assert!(!gives_way(&connection).await);
        drop(busy);
        assert!(!gives_way(&connection).await, "it begins to rest");
        idle.let_one_give_way(Instant::now() + 2 * IDLE_MIN);
        assert!(gives_way(&connection).await);
    }

    #[tokio::test]
    async fn who_was_let_in_may_rest_for_longer() {
        let idle = Idle::default();
        let [till, other] = [idle.connection(), idle.connection()].map(Arc::new);
        till.let_in();
        drop(till.busy());
        drop(other.busy());
        let began = Instant::now();
        idle.let_one_give_way(began + 2 * IDLE_MIN);
        assert!(gives_way(&other).await);
        idle.let_one_give_way(began + 2 * IDLE_MIN);
        assert!(!gives_way(&till).await);
        idle.let_one_give_way(began + LET_IN_IDLE_MIN);
        assert!(gives_way(&till).await);
    }

    #[tokio::test]
    async fn a_place_is_waited_for_no_longer_than_one_may_be_idle() {
        let idle = Idle::default();
        let places = Arc::new(Semaphore::new(1));
        let taken = idle.place(&places).await.expect("a place");
        let silent = idle.connection();
        let held = async {
            silent.given_way().await;
            drop((silent, taken));
        };
        let both = async { tokio::join!(held, idle.place(&places)) };
        let ((), place) = tokio::time::timeout(IDLE_MIN.saturating_mul(10), both)
            .await
            .expect("it gives way");
        assert!(place.is_some());
        assert!(idle.lock().idle.is_empty(), "nobody is remembered");
    }
}
