//! The transaction service as an embedder meets it: through its public interface, with guests that
//! behave well, badly, and worse.

#[cfg(test)]
mod guest;
#[cfg(test)]
mod hostile_guests;
#[cfg(test)]
mod interaction;
#[cfg(test)]
mod terminal;
#[cfg(test)]
mod transactions;
