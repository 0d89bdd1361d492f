//! The vault as its host sees it.

#![cfg(test)]

mod crash;
mod memory;
mod operations;
mod secrets;
