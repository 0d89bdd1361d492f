//! The Application File Locator: which records to read (EMV 4.4 Book 3, 10.2).

/// One entry of the locator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Short file identifier, 1 to 30.
    pub(crate) sfi: u8,
    /// The first record to read, 1 or more.
    pub(crate) first: u8,
    /// The last record to read.
    pub(crate) last: u8,
    /// How many of these records, from the first on, are authenticated offline.
    pub(crate) authenticated: u8,
}

/// Reads tag 94. `None` when it breaks one of its rules.
pub(crate) fn parse(bytes: &[u8]) -> Option<Vec<Entry>> {
    let (entries, rest) = bytes.as_chunks::<4>();
    if entries.is_empty() || !rest.is_empty() {
        return None;
    }
    entries.iter().map(|entry| parse_entry(*entry)).collect()
}

impl Entry {
    /// The records in order, each with whether it is authenticated offline.
    pub(crate) fn records(self) -> impl Iterator<Item = (u8, bool)> {
        let authenticated_end = self.first.saturating_add(self.authenticated);
        (self.first..=self.last).map(move |record| (record, record < authenticated_end))
    }
}

/// EMV 4.4 Book 3, 10.2: the rules of one entry.
fn parse_entry([location, first, last, authenticated]: [u8; 4]) -> Option<Entry> {
    let sfi = location >> 3;
    let count = last.checked_sub(first)?.saturating_add(1);
    let valid = location.trailing_zeros() >= 3
        && (1..=30).contains(&sfi)
        && first > 0
        && authenticated <= count;
    valid.then_some(Entry {
        sfi,
        first,
        last,
        authenticated,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_that_break_a_rule_are_refused() {
        for (bytes, valid) in [
            (&[0x08, 1, 2, 1][..], true),
            (&[0xF0, 1, 255, 255], true),
            (&[0x08, 0, 2, 0], false),
            (&[0x08, 2, 1, 0], false),
            (&[0x08, 1, 1, 2], false),
            (&[0x09, 1, 1, 0], false),
            (&[0x00, 1, 1, 0], false),
            (&[0xF8, 1, 1, 0], false),
            (&[], false),
            (&[0x08, 1, 1], false),
        ] {
            assert_eq!(parse(bytes).is_some(), valid, "{bytes:?}");
        }
    }

    #[test]
    fn the_first_records_are_the_authenticated_ones() {
        let entry = Entry {
            sfi: 1,
            first: 2,
            last: 4,
            authenticated: 2,
        };
        assert_eq!(
            entry.records().collect::<Vec<_>>(),
            [(2, true), (3, true), (4, false)]
        );
    }
}
