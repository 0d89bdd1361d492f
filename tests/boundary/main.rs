//! What crosses the boundary, and what does not get out.
#![forbid(unsafe_code)]
#![expect(
    clippy::arithmetic_side_effects,
    clippy::print_stdout,
    reason = "a test may overflow, and a test that fails shows what it saw"
)]

#[cfg(test)]
mod imports;
#[cfg(test)]
mod secrets;
#[cfg(test)]
#[path = "../end-to-end/terminal.rs"]
#[expect(dead_code, reason = "each test program uses a part of it")]
mod terminal;
