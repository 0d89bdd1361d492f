//! The transaction service as an embedder meets it: through its public interface, with guests that
//! behave well, badly, and worse.

mod guest;
mod hostile_guests;
mod terminal;
mod transactions;
