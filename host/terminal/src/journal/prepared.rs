//! Statements that are run for every transaction: prepared once, since to read their text takes longer
//! than to run them.

use rusqlite::{Connection, Params, Result};

/// How many prepared statements are kept: more than the journal has.
pub(super) const STATEMENTS_MAX: usize = 128;

/// Runs a statement that is kept prepared.
pub(super) trait Prepared {
    /// How many rows it changed.
    fn execute_prepared(&self, sql: &str, params: impl Params) -> Result<usize>;
}

impl Prepared for Connection {
    fn execute_prepared(&self, sql: &str, params: impl Params) -> Result<usize> {
        self.prepare_cached(sql)?.execute(params)
    }
}
