//! What was heard, case by case.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use crate::{
    cases::{CASES, Case},
    wire::Heard,
};

/// How often each thing was heard.
#[derive(Default)]
pub(crate) struct Tally {
    heard: Mutex<BTreeMap<(&'static str, String), u64>>,
    limited: Mutex<Limited>,
}

/// How often 429 was answered.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Limited {
    /// With the time to wait.
    pub(crate) told: u64,
    /// Because too many sessions are open: nobody knows until when.
    pub(crate) sessions: u64,
    /// To others, without the time.
    pub(crate) untold: u64,
}

impl Tally {
    pub(crate) fn note(&self, case: &'static Case, heard: &Heard) {
        if let Heard::Answer(answer) = heard
            && answer.status == 429
        {
            let mut limited = self.limited.lock().unwrap_or_else(PoisonError::into_inner);
            match answer.retry_after {
                Some(_) => limited.told += 1,
                None if case.is_session() => limited.sessions += 1,
                None => limited.untold += 1,
            }
        }
        let mut all = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        *all.entry((case.name, heard.label())).or_default() += 1;
    }

    /// What was heard of one case, and how often.
    pub(crate) fn of(&self, case: &Case) -> Vec<(String, u64)> {
        let all = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter()
            .filter(|((name, _), _)| *name == case.name)
            .map(|((_, label), count)| (label.clone(), *count))
            .collect()
    }

    pub(crate) fn total(&self) -> u64 {
        let all = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        all.values().sum()
    }

    pub(crate) fn limited(&self) -> Limited {
        *self.limited.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was heard that no document says.
    pub(crate) fn undocumented(&self) -> Vec<String> {
        let heard = |case: &Case| {
            let wrong = self.of(case).into_iter();
            wrong
                .filter(|(label, _)| !case.may_hear(label))
                .map(|(label, count)| format!("{}: {label} ({count})", case.name))
                .collect::<Vec<_>>()
        };
        CASES.iter().flat_map(heard).collect()
    }

    /// The cases that never heard what they must. The late ones count in a long run only.
    pub(crate) fn untold(&self, long: bool) -> Vec<&'static str> {
        CASES
            .iter()
            .filter(|case| long || !case.late)
            .filter(|case| {
                let heard = self.of(case);
                !heard.iter().any(|(label, _)| case.told.contains(&&**label))
            })
            .map(|case| case.name)
            .collect()
    }

    /// Prints the table.
    pub(crate) fn print(&self) {
        for case in CASES {
            let heard = self.of(case);
            let total: u64 = heard.iter().map(|(_, count)| count).sum();
            let listed: Vec<_> = heard
                .iter()
                .map(|(label, count)| format!("{label}: {count}"))
                .collect();
            println!("{:<44}{total:>7}  {}", case.name, listed.join(", "));
        }
    }
}
