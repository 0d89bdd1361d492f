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
    /// Refusals that say nothing of when to ask again, of those that must.
    unsaid: Mutex<u64>,
}

impl Tally {
    pub(crate) fn note(&self, case: &'static Case, heard: &Heard) {
        if let Heard::Answer(answer) = heard
            && answer.status == 429
            && answer.retry_after.is_none()
            // That too many sessions are open does not end by itself.
            && answer.body["details"]["field"] == "Retry-After"
        {
            *self.unsaid.lock().unwrap_or_else(PoisonError::into_inner) += 1;
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

    /// How often this was heard, of all cases.
    pub(crate) fn of_all(&self, label: &str) -> u64 {
        let all = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter()
            .filter(|((_, heard), _)| heard == label)
            .map(|(_, count)| count)
            .sum()
    }

    pub(crate) fn total(&self) -> u64 {
        let all = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        all.values().sum()
    }

    /// Refusals for asking too often that do not say when to ask again.
    pub(crate) fn unsaid(&self) -> u64 {
        *self.unsaid.lock().unwrap_or_else(PoisonError::into_inner)
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
