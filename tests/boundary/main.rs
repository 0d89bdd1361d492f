//! What crosses the boundary, and what does not get out.

mod imports;
mod secrets;
#[path = "../end-to-end/terminal.rs"]
mod terminal;
