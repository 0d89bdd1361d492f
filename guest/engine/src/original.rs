//! The transaction that a refund, a void or a completion refers to.

use crate::outcome::{Error, Original};
use crate::ports::{Phase, Terminal};
use crate::record::Record;

/// What the journal still holds of it: nothing once its batch is closed.
pub(crate) fn record<T: Terminal>(
    terminal: &mut T,
    original: &Original,
) -> Result<Option<Record>, Error> {
    let entry = terminal
        .last_entry(&original.transaction_id)
        .map_err(|_| Error::JournalFault)?;
    Ok(entry
        .filter(|entry| entry.phase == Phase::Approved)
        .and_then(|entry| entry.content)
        .and_then(|content| Record::decode(&content).ok()))
}
