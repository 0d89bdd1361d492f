//! The point of sale for the guest: progress, the window for an abort, and decisions.

mod host;

pub(crate) use host::masked_again;
