//! Whole sales, through a terminal that is a process of its own and an acquirer that outlives it.
//!
//! Edge cases live lower down, beside the code. Here stands what only the whole can show: that card,
//! kernel, engine, acquirer and API agree about the money, whatever one of them does.

mod acquirer;
mod cards;
mod requests;
mod sales;
mod session;
mod terminal;
mod world;
