//! The kernel against another one, on random input: the crate `emv` of iohzrd/emv-rs, called `emv-rs`
//! here, since ours has the same name.
//!
//! **How.** Each module is one area. It has one type that describes an input, translates it for both
//! kernels, and compares what they make of it. Where they differ on purpose, a row of the area's
//! table says what each does and why, for which inputs, and *what exactly the other kernel says
//! instead*: the other's answer must be ours with the rows applied, no more and no less. A row that no
//! input met fails too, so that the table never outlives what it explains.
//!
//! **What it is not.** A proof that a rule is right: both kernels can be wrong alike. The rules have
//! their cases in `tests/conformance` and `tests/vectors`. Nothing here is linked by anything.
//!
//! **How often.** The number of inputs grows with the variable `PROPTEST_CASES` (256 unless it is set),
//! and `PROPTEST_RNG_SEED` changes the inputs; both stand in what a failure prints.
#![forbid(unsafe_code)]
#![cfg_attr(
    test,
    expect(
        clippy::arithmetic_side_effects,
        clippy::wildcard_enum_match_arm,
        reason = "numbers are small and fail loudly here; the other kernel's enums have dozens of cases"
    )
)]

#[cfg(test)]
mod action;
#[cfg(test)]
mod authentication;
#[cfg(test)]
mod comparison;
#[cfg(test)]
mod dates;
#[cfg(test)]
mod dol;
#[cfg(test)]
mod elliptic;
#[cfg(test)]
mod restrictions;
#[cfg(test)]
mod risk;
#[cfg(test)]
mod sale;
#[cfg(test)]
mod tlv;
#[cfg(test)]
mod verification;
