//! The laws of `fuzz::transaction` over many plausible plays, and that those reach what the laws are
//! about.

use std::cell::RefCell;
use std::collections::BTreeMap;

use fuzz::transaction::play::Play;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::strategies;

/// How many plays are played.
const PLAYS: u32 = 4000;

/// What at least so many of them must come to: half of what they did when this was written.
const REACHED: [(&str, usize); 18] = [
    ("first GENERATE AC", 1643),
    ("second GENERATE AC", 1090),
    ("EXTERNAL AUTHENTICATE", 327),
    ("approved offline", 88),
    ("declined offline", 419),
    ("approved online", 397),
    ("declined online", 667),
    ("ended", 428),
    ("reversal", 141),
    ("plaintext offline PIN", 351),
    ("enciphered offline PIN", 151),
    ("offline PIN asked again", 135),
    ("issuer script", 253),
    ("CDA passed", 370),
    ("XDA passed", 15),
    ("AAC", 1069),
    ("card identified", 1766),
    ("every TVR bit denies", 163),
];

#[test]
fn the_laws_hold_of_plausible_plays() {
    let config = Config {
        cases: PLAYS,
        failure_persistence: None,
        ..Config::default()
    };
    // The same plays each time: a law that fails fails for everyone.
    let random = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let reached = RefCell::new(BTreeMap::new());
    TestRunner::new_with_rng(config, random)
        .run(&strategies::plays(), |play| {
            let run = play.run();
            let broken = run.broken_laws();
            assert!(broken.is_empty(), "{broken:#?}");
            for what in run.reached() {
                *reached.borrow_mut().entry(what).or_insert(0_usize) += 1;
            }
            Ok(())
        })
        .unwrap();
    let reached = reached.into_inner();
    for (what, least) in REACHED {
        let count = reached.get(what).copied().unwrap_or(0);
        assert!(count >= least, "{what} {count} times only: {reached:?}");
    }
    assert_eq!(reached.len(), REACHED.len(), "{reached:#?}");
}

#[test]
fn a_play_is_its_bytes() {
    let random = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    TestRunner::new_with_rng(Config::with_cases(500), random)
        .run(&strategies::plays(), |play| {
            assert_eq!(Play::from_bytes(&play.to_bytes()), play);
            Ok(())
        })
        .unwrap();
}

#[test]
fn no_bytes_are_an_undisturbed_play() {
    assert_eq!(Play::from_bytes(&[]), Play::default());
    assert_eq!(
        Play::from_bytes(&[0; 80]).terminal,
        Play::default().terminal
    );
    let run = Play::default().run();
    assert!(
        run.reached().contains(&"approved online"),
        "{:?}",
        run.reached()
    );
}
