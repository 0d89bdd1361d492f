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

/// The rule of tag 94 that is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Error {
    /// It names no record.
    Empty,
    /// It ends within an entry.
    Length,
    /// Bits 3 to 1 of the first byte are not zero.
    LowBits,
    /// No file has that identifier.
    FileIdentifier(u8),
    /// The first record is number zero.
    FirstRecord,
    /// The last record comes before the first.
    LastRecord,
    /// More records are to be authenticated than there are.
    Authenticated,
}

/// Reads tag 94.
pub(crate) fn parse(bytes: &[u8]) -> Result<Vec<Entry>, Error> {
    let (entries, rest) = bytes.as_chunks::<4>();
    if !rest.is_empty() {
        return Err(Error::Length);
    }
    if entries.is_empty() {
        return Err(Error::Empty);
    }
    entries.iter().map(|entry| parse_entry(*entry)).collect()
}

impl Entry {
    /// The records in order, each with whether it is authenticated offline.
    pub(crate) fn records(self) -> impl Iterator<Item = (u8, bool)> {
        let position = move |record: u8| record.saturating_sub(self.first);
        (self.first..=self.last).map(move |record| (record, position(record) < self.authenticated))
    }
}

/// EMV 4.4 Book 3, 10.2: the rules of one entry.
fn parse_entry([location, first, last, authenticated]: [u8; 4]) -> Result<Entry, Error> {
    let sfi = location >> 3;
    if location & 0x07 != 0 {
        return Err(Error::LowBits);
    }
    if !(1..=30).contains(&sfi) {
        return Err(Error::FileIdentifier(sfi));
    }
    if first == 0 {
        return Err(Error::FirstRecord);
    }
    let count = last.checked_sub(first).ok_or(Error::LastRecord)?;
    if authenticated > count.saturating_add(1) {
        return Err(Error::Authenticated);
    }
    Ok(Entry {
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
        for (bytes, broken) in [
            (&[0x08, 1, 2, 1][..], None),
            (&[0xF0, 1, 255, 255], None),
            (&[0x08, 0, 2, 0], Some(Error::FirstRecord)),
            (&[0x08, 2, 1, 0], Some(Error::LastRecord)),
            (&[0x08, 1, 1, 2], Some(Error::Authenticated)),
            (&[0x09, 1, 1, 0], Some(Error::LowBits)),
            (&[0x00, 1, 1, 0], Some(Error::FileIdentifier(0))),
            (&[0xF8, 1, 1, 0], Some(Error::FileIdentifier(31))),
            (&[], Some(Error::Empty)),
            (&[0x08, 1, 1], Some(Error::Length)),
        ] {
            assert_eq!(parse(bytes).err(), broken, "{bytes:?}");
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

    #[test]
    fn the_last_record_there_can_be_is_authenticated_too() {
        let [entry] = parse(&[0x60, 2, 255, 254]).expect("valid")[..] else {
            panic!("one entry");
        };
        assert!(entry.records().all(|(_, authenticated)| authenticated));
    }
}
