//! Records of the boundary into records of the engine, and back.

pub(crate) mod parameters;
pub(crate) mod trace;
pub(crate) mod transactions;
