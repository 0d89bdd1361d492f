//! The API over a real socket, against a terminal that the test controls.
#![forbid(unsafe_code)]

#[cfg(test)]
mod access;
#[cfg(test)]
mod bad_input;
#[cfg(test)]
mod client;
#[cfg(test)]
mod crowd;
#[cfg(test)]
mod device;
#[cfg(test)]
mod documents;
#[cfg(test)]
mod examples;
#[cfg(test)]
mod fake_terminal;
#[cfg(test)]
mod figures;
#[cfg(test)]
mod granular;
#[cfg(test)]
mod idempotency;
#[cfg(test)]
mod kinds;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod lists;
#[cfg(test)]
mod outcomes;
#[cfg(test)]
mod resuming;
#[cfg(test)]
mod schemas;
#[cfg(test)]
mod server;
#[cfg(test)]
mod sessions;
#[cfg(test)]
mod tls;
#[cfg(test)]
mod web;
#[cfg(test)]
mod webhook_events;
