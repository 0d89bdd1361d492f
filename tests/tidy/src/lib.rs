//! The rules of the house that a compiler cannot check.
//!
//! Each module is one rule, written as tests over the tree: `make tidy` runs them.
#![forbid(unsafe_code)]

#[cfg(test)]
mod arrows;
#[cfg(test)]
mod citations;
#[cfg(test)]
mod links;
#[cfg(test)]
mod makefile;
#[cfg(test)]
mod modules;
#[cfg(test)]
mod sizes;
#[cfg(test)]
mod tree;
#[cfg(test)]
mod wit;
#[cfg(test)]
mod words;
