//! The corpora without a fuzzer, and the laws of transactions over plausible plays.

#[cfg(test)]
mod corpora;
#[cfg(test)]
mod plays;
#[cfg(test)]
mod strategies;
