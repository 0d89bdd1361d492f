//! The journal proves itself: what is read is what was written, under this key, and nothing is missing.

use rusqlite::OptionalExtension as _;

use super::{
    Entry, Phase,
    schema::OpenError,
    store::{AppendError, Journal, StorageFault},
};

/// What the vault derives the sealing key from.
const SEAL_CONTEXT: &str = "journal";

/// What is sealed to recognise the key. No entry is bound to it: theirs is longer.
const KEY_CHECK: &[u8] = b"key check";

impl Journal {
    /// Checks the journal as a whole, once, when it is opened.
    pub(super) fn prove(&self) -> Result<(), OpenError> {
        self.check_key()?;
        self.check_mark()?;
        self.note_contradictions()
            .map_err(|_| OpenError::Unreadable)
    }

    /// Seals what is written.
    pub(super) fn seal(
        &self,
        sequence: i64,
        transaction: &str,
        phase: Phase,
        content: &[u8],
    ) -> Result<Vec<u8>, AppendError> {
        let bound_to = bound_to(sequence, transaction, phase);
        self.vault()
            .seal(SEAL_CONTEXT, &bound_to, content)
            .map_err(|_| AppendError::StorageFault)
    }

    /// Unseals what is read. What is not what was written has no content.
    pub(super) fn unseal(&self, row: Row) -> Result<Entry, StorageFault> {
        let phase = Phase::from_number(row.phase).ok_or(StorageFault)?;
        let sequence = u64::try_from(row.sequence).map_err(|_| StorageFault)?;
        let content = match row.entry {
            Some((entry_phase, content)) if entry_phase == row.phase => {
                let bound_to = bound_to(row.sequence, &row.transaction, phase);
                self.vault().unseal(SEAL_CONTEXT, &bound_to, &content).ok()
            }
            Some(_) | None => None,
        };
        if content.is_none() {
            self.note_damage(&row.transaction, phase);
        }
        Ok(Entry {
            sequence,
            transaction: row.transaction,
            phase,
            ended: row.ended,
            content,
        })
    }

    /// Notes every transaction whose row and last entry contradict each other. What was changed so
    /// that it is no longer open would not be looked at again.
    fn note_contradictions(&self) -> Result<(), StorageFault> {
        let contradicting: Vec<(String, i64)> = {
            let connection = self.connection();
            let mut statement = connection.prepare(
                "SELECT id, transactions.phase
                 FROM transactions LEFT JOIN entries
                   ON entries.sequence = last_sequence AND entries.transaction_id = id
                 WHERE entries.phase IS NOT transactions.phase
                    OR transactions.phase NOT BETWEEN 1 AND 7",
            )?;
            statement
                .query_map([], |row| Ok((name(row.get_ref(0)?)?, row.get(1)?)))?
                .collect::<Result<_, _>>()?
        };
        for (transaction, phase) in contradicting {
            // A phase that is none is not among those that wait.
            let phase = Phase::from_number(phase).unwrap_or(Phase::Closed);
            self.note_damage(&transaction, phase);
        }
        Ok(())
    }

    /// Says once what must be settled by hand.
    fn note_damage(&self, transaction: &str, phase: Phase) {
        let mut damaged = self.damaged();
        let noted = damaged.insert(transaction.to_owned(), phase);
        if noted != Some(phase) {
            // What was read before is no longer believed.
            self.recent().changed();
        }
        drop(damaged);
        if noted.is_none() {
            tracing::error!(
                transaction,
                "a journal entry is not what was written; what it was about must be settled by hand",
            );
        }
    }

    /// Seals a fixed text when the journal is made, and unseals it whenever it is opened: with
    /// another key every entry would look damaged.
    fn check_key(&self) -> Result<(), OpenError> {
        let connection = self.connection();
        let sealed: Option<Vec<u8>> = connection
            .query_row("SELECT sealed FROM key_check", [], |row| row.get(0))
            .optional()?;
        let vault = self.vault();
        if let Some(sealed) = sealed {
            return match vault.unseal(SEAL_CONTEXT, KEY_CHECK, &sealed) {
                Ok(_) => Ok(()),
                Err(_) => Err(OpenError::OtherKey),
            };
        }
        let sealed = vault
            .seal(SEAL_CONTEXT, KEY_CHECK, KEY_CHECK)
            .map_err(|_| OpenError::OtherKey)?;
        connection.execute("INSERT INTO key_check (sealed) VALUES (?1)", [sealed])?;
        Ok(())
    }

    /// The vault remembers how far the journal was when a message last left. One that is not as far
    /// has lost entries: it was removed, put back, or storage lost what it had promised to keep.
    fn check_mark(&self) -> Result<(), OpenError> {
        let head = self.head().map_err(|_| OpenError::Unreadable)?;
        let mark = self.vault().mark();
        if head < mark {
            return Err(OpenError::Lost { head, mark });
        }
        Ok(())
    }
}

/// What an entry's content is bound to: it cannot be moved to another place.
fn bound_to(sequence: i64, transaction: &str, phase: Phase) -> Vec<u8> {
    let mut bound = sequence.to_be_bytes().to_vec();
    bound.extend(phase.number().to_be_bytes());
    bound.extend(transaction.as_bytes());
    bound
}

/// A transaction and its last entry, as they are stored.
pub(super) struct Row {
    sequence: i64,
    transaction: String,
    phase: i64,
    ended: bool,
    /// The entry's own phase and its sealed content, when the entry is there.
    entry: Option<(i64, Vec<u8>)>,
}

impl Row {
    pub(super) fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            sequence: row.get(0)?,
            transaction: name(row.get_ref(1)?)?,
            phase: row.get(2)?,
            ended: row.get(3)?,
            entry: row.get::<_, Option<i64>>(4)?.zip(row.get(5)?),
        })
    }
}

/// A transaction's name as it is stored. One that was damaged beyond UTF-8 is no reason to read
/// nothing else: no entry is bound to what it becomes here.
fn name(stored: rusqlite::types::ValueRef<'_>) -> rusqlite::Result<String> {
    Ok(String::from_utf8_lossy(stored.as_bytes()?).into_owned())
}
