//! Claims of the points of sale, and the answers kept under them.

use super::*;

#[test]
fn a_claim_is_free_made_or_contradicted_and_runs_out_after_a_day() {
    let file = File::new();
    let journal = file.open();
    let claim = Claim {
        key: "key".into(),
        fingerprint: [1; 32],
    };
    let other_body = Claim {
        key: claim.key.clone(),
        fingerprint: [2; 32],
    };
    let other_key = Claim {
        key: "other".into(),
        fingerprint: claim.fingerprint,
    };
    let asked = |claim: &Claim, second| {
        journal
            .claimed(claim, at(second).timestamp())
            .expect("readable")
    };
    assert_eq!(asked(&claim, BEGAN), Claimed::Free);
    let id = try_begin(&journal, Some(&claim)).expect("it begins");
    assert_eq!(asked(&claim, BEGAN), Claimed::By(id.clone()));
    assert_eq!(asked(&other_body, BEGAN), Claimed::Conflict);
    assert_eq!(asked(&other_key, BEGAN), Claimed::Free);
    assert_eq!(asked(&claim, BEGAN + DAY - 1), Claimed::By(id));
    assert_eq!(asked(&claim, BEGAN + DAY), Claimed::Free);
}

#[test]
fn an_answer_is_kept_for_a_day_for_its_request_and_over_a_restart() {
    let file = File::new();
    let journal = file.open();
    let (asked, other) = (claim("print key", 1), claim("print other", 1));
    let kept = |journal: &Journal, claim: &Claim, second| {
        journal
            .kept_answer(claim, at(second).timestamp())
            .expect("readable")
    };
    let keep = |journal: &Journal, claim: &Claim, answer: &[u8], second| {
        journal.keep_answer(claim, answer, at(second).timestamp())
    };
    assert_eq!(kept(&journal, &asked, BEGAN), KeptAnswer::None);
    keep(&journal, &asked, b"jane@example.com", BEGAN).expect("written");
    drop(journal);
    let journal = file.open();
    let answer = KeptAnswer::Answer(b"jane@example.com".to_vec());
    assert_eq!(kept(&journal, &asked, BEGAN + DAY - 1), answer);
    assert_eq!(kept(&journal, &asked, BEGAN + DAY), KeptAnswer::None);
    assert_eq!(
        kept(&journal, &claim("print key", 2), BEGAN),
        KeptAnswer::Conflict
    );
    assert_eq!(kept(&journal, &other, BEGAN), KeptAnswer::None);
    keep(&journal, &asked, b"later", BEGAN + DAY).expect("written");
    let later = KeptAnswer::Answer(b"later".to_vec());
    assert_eq!(kept(&journal, &asked, BEGAN + DAY), later);
    let large = vec![0; answers::ANSWER_BYTES_MAX + 1];
    let refused = keep(&journal, &other, &large, BEGAN);
    assert_eq!(refused, Err(AppendError::Full));
    drop(journal);
    let stored = std::fs::read(&file.path).expect("a file");
    let clear = stored.windows(4).any(|part| part == b"jane");
    assert!(!clear, "what a cardholder typed lies in the file");
}

#[test]
fn an_answer_that_was_changed_or_moved_is_none() {
    let file = File::new();
    let now = at(BEGAN).timestamp();
    let asked = claim("print key", 1);
    file.open()
        .keep_answer(&asked, b"answer", now)
        .expect("written");
    for (change, looked_for) in [
        (
            "UPDATE answers SET key = 'print other'",
            claim("print other", 1),
        ),
        ("UPDATE answers SET answer = X'00'", claim("print other", 1)),
    ] {
        file.tamper(change);
        let kept = file.open().kept_answer(&looked_for, now);
        assert_eq!(kept, Err(StorageFault), "{change}");
    }
}

#[test]
fn the_oldest_answers_of_a_scope_give_way() {
    let file = File::new();
    let journal = file.open();
    let now = at(BEGAN).timestamp();
    let keep = |key: &str| {
        journal
            .keep_answer(&claim(key, 1), b"answer", now)
            .expect("written");
    };
    let is_kept = |key: &str| {
        let kept = journal.kept_answer(&claim(key, 1), now);
        kept.expect("readable") != KeptAnswer::None
    };
    keep("print first");
    keep("input first");
    // Not one by one: each would be a commit.
    journal
        .write(|sql| {
            sql.execute(
                "WITH RECURSIVE count (n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM count
                                              WHERE n < ?1)
                 INSERT INTO answers (key, scope, fingerprint, answer, made)
                 SELECT 'print ' || n, 'print', X'00', X'00', ?2 FROM count",
                (answers::ANSWERS_MAX, now.as_second()),
            )
            .map_err(write_failed)
        })
        .expect("written");
    assert!(is_kept("print first"));
    keep("print last");
    assert!(!is_kept("print first"));
    assert!(is_kept("print last") && is_kept("print 2") && is_kept("input first"));
}

#[test]
fn a_claim_is_freed_by_a_failure_that_passes_and_by_nothing_else() {
    use Phase::{Approved, Closed, ReversalDue, Sent};
    let cases: [(&[Phase], Ending, bool); 9] = [
        (&[], Ending::Failed(Failure::AcquirerUnreachable), true),
        (&[], Ending::Failed(Failure::DeviceFault), true),
        (&[], Ending::Failed(Failure::EngineFault), true),
        (&[], Ending::Failed(Failure::CardUnreadable), false),
        (&[], Ending::Failed(Failure::NotSupported), false),
        (&[], NO_CARD, false),
        (
            &[Sent, Closed],
            Ending::Declined(DeclineReason::Acquirer),
            false,
        ),
        (&[Sent, Approved], Ending::Approved, false),
        (
            &[Sent, ReversalDue],
            Ending::Failed(Failure::DeviceFault),
            false,
        ),
    ];
    for (phases, end, freed) in cases {
        let file = File::new();
        let journal = file.open();
        let claim = Claim {
            key: "key".into(),
            fingerprint: [1; 32],
        };
        let id = try_begin(&journal, Some(&claim)).expect("it begins");
        for phase in phases {
            journal
                .append(id.as_str(), *phase, b"", Phase::may_follow)
                .expect("in order");
        }
        journal
            .finish(&id, &ending(end), &at(BEGAN))
            .expect("it agrees");
        let expected = if freed {
            Claimed::Free
        } else {
            Claimed::By(id)
        };
        let found = journal.claimed(&claim, at(BEGAN).timestamp());
        assert_eq!(found, Ok(expected), "{end:?} after {phases:?}");
    }
}
