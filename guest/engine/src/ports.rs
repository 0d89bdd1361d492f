//! The traits through which the engine reaches the terminal, one for each WIT package.
//!
//! `component` implements them by calling imports, one line each; the benchmark implements them
//! natively. Every promise and every error is that of `wit/`.

use crate::{
    dialect::Dialect,
    moment::Moment,
    money::Money,
    parameters::{Acquirer, Application, CaPublicKey, Terminal as TerminalData, Timeouts},
};

/// Everything the engine can reach.
pub trait Terminal:
    Parameters
    + CardReader
    + PinEntry
    + Crypto
    + Display
    + Printer
    + PointOfSale
    + AcquirerLink
    + Journal
    + Trace
{
}

impl<T> Terminal for T where
    T: Parameters
        + CardReader
        + PinEntry
        + Crypto
        + Display
        + Printer
        + PointOfSale
        + AcquirerLink
        + Journal
        + Trace
{
}
