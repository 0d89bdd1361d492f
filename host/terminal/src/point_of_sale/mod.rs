//! The point of sale for the guest: progress, the window for an abort, and decisions.

mod chip_data;
mod decision;
mod enciphered;
mod host;

pub use decision::{
    Decided, DetectedCard, Enciphered, OnlineAnswer, OnlineRequest, PinBlock, PinBlockFormat,
};

pub(crate) use decision::Desk;
pub(crate) use enciphered::LastEnciphered;
pub(crate) use host::masked_again;
