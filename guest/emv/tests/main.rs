//! The kernel from the outside, through its public interface.

#[cfg(test)]
mod dialogues;
#[cfg(test)]
mod signed_cryptograms;
