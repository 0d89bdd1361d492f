//! Records of the boundary into records of the engine, and back.

pub(crate) mod crypto;
pub(crate) mod errors;
pub(crate) mod journal;
pub(crate) mod parameters;
pub(crate) mod people;
pub(crate) mod pin_entry;
pub(crate) mod trace;
pub(crate) mod transactions;
