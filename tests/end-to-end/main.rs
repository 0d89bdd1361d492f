//! Whole sales, through a terminal that is a process of its own and an acquirer that outlives it.
//!
//! Edge cases live lower down, beside the code. Here stands what only the whole can show: that card,
//! kernel, engine, acquirer and API agree about the money, whatever one of them does.
#![forbid(unsafe_code)]
#![expect(
    clippy::arithmetic_side_effects,
    clippy::print_stdout,
    clippy::wildcard_enum_match_arm,
    reason = "a test may overflow, and a test that fails shows what it saw"
)]

#[cfg(test)]
mod access;
#[cfg(test)]
mod acquirer;
#[cfg(test)]
mod cards;
#[cfg(test)]
mod commands;
#[cfg(test)]
mod device;
#[cfg(test)]
mod documented;
#[cfg(test)]
mod emulator_process;
#[cfg(test)]
mod granular;
#[cfg(test)]
mod kinds;
#[cfg(test)]
mod own_card;
#[cfg(test)]
mod parameters;
#[cfg(test)]
mod recordings;
#[cfg(test)]
mod requests;
#[cfg(test)]
mod sales;
#[cfg(test)]
mod session;
#[cfg(test)]
mod terminal;
#[cfg(test)]
mod webhooks;
#[cfg(test)]
mod world;
