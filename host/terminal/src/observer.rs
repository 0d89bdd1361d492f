//! Points of a transaction that an embedder can watch: for metrics, and for the crash tests, which
//! end the process there.

/// Told of every point at which power may fail with a different result.
pub trait Observer: Send + Sync {
    /// Called at `point`, on the thread that runs the transaction.
    fn at(&self, point: Point);
}

/// A point of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Point {
    /// The engine called the host; nothing was done yet.
    HostCall,
    /// The host has done what the engine asked and returns.
    HostReturn,
    /// A write to durable storage is about to be committed.
    StorageWrite,
    /// A write to durable storage was committed.
    StorageWritten,
    /// A request to the acquirer has left completely.
    RequestWritten,
    /// An answer of the acquirer has been read completely.
    AnswerRead,
}

/// Watches nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoObserver;

impl Observer for NoObserver {
    fn at(&self, _: Point) {}
}
