//! Where a session stands in the terminal's event log, so that a client which was away goes on there.
//!
//! A token names a place and is no credential: it lets nobody in, and who is in may see every event.
//! It stays good over restarts of the terminal, for as long as the log keeps what comes after it.

use axum::http::Uri;
use serde_json::Value;
use terminal_host::service::EventLogId;

use crate::{
    error::{ApiError, ErrorCode},
    openapi::schema::Schema,
    query::Query,
    terminal::Terminal,
};

/// The parameter of the URL, and the member of an event.
pub(crate) const RESUME_TOKEN: &str = "resumeToken";

/// The header of the answer to an upgrade.
pub(crate) const RESUME_TOKEN_HEADER: &str = "Atlas-Resume-Token";

/// What a client that has no token yet asks for one with.
const NEW: &str = "new";

/// What every token begins with.
const PREFIX: &str = "rt_";

/// A place in an event log: after the event with this number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Position {
    pub(super) log: EventLogId,
    pub(super) sequence: u64,
}

impl Position {
    /// The token.
    pub(super) fn token(&self) -> String {
        format!("{PREFIX}{}_{}", self.log.as_str(), self.sequence)
    }

    fn parse(token: &str) -> Option<Self> {
        let (log, sequence) = token.strip_prefix(PREFIX)?.split_once('_')?;
        let digits = sequence.bytes().all(|byte| byte.is_ascii_digit());
        let canonical = sequence == "0" || !sequence.starts_with('0');
        Some(Self {
            log: EventLogId::parse(log)?,
            sequence: sequence.parse().ok().filter(|_| digits && canonical)?,
        })
    }
}

/// What a session begins with.
pub(super) struct Start {
    /// Where.
    pub(super) position: Position,
    /// Whether the client is told: it asked for a token, or showed one.
    pub(super) told: bool,
}

/// Where a session starts: at its token, or now.
///
/// Refuses a token of another log, and one whose next events are no longer kept: such a client must
/// look for what it missed elsewhere.
pub(super) async fn start(terminal: &dyn Terminal, uri: &Uri) -> Result<Start, ApiError> {
    let token = Query::of(uri)?.take(RESUME_TOKEN);
    let log = terminal.event_log().map_err(storage_fault)?;
    let newest = *terminal.newest_event().borrow();
    let Some(token) = token else {
        let position = Position {
            log,
            sequence: newest,
        };
        return Ok(Start {
            position,
            told: false,
        });
    };
    if token == NEW {
        let position = Position {
            log,
            sequence: newest,
        };
        return Ok(Start {
            position,
            told: true,
        });
    }
    let position = Position::parse(&token)
        .filter(|position| position.log == log && position.sequence <= newest)
        .ok_or_else(|| unknown(&token))?;
    let next = terminal.events_after(position.sequence, 0).await;
    if next.map_err(storage_fault)?.forgotten {
        return Err(forgotten().value(&Value::from(token)));
    }
    Ok(Start {
        position,
        told: true,
    })
}

/// What a client is told whose next events are gone.
pub(super) fn forgotten() -> ApiError {
    let message = "Events after this token are no longer kept. Look at GET /v1/transactions for what \
                   was missed, and open a new session";
    ApiError::new(ErrorCode::NotFound, message).field(RESUME_TOKEN, "kept")
}

/// The token as the documents show it.
pub(crate) fn schema(description: &str) -> Schema {
    Schema::text(description)
        .with("pattern", "^rt_[0-9a-f]{16}_[0-9]+$")
        .example("rt_5f1d0c2a7b61e835_42")
}

/// The parameter as the documents show it.
pub(crate) fn parameter() -> Schema {
    Schema::text(
        "The `resumeToken` of the last event that was seen: the session goes on after it. `new` begins \
         now and says so. Either begins with the event `session_opened`.",
    )
    .with("pattern", "^(new|rt_[0-9a-f]{16}_[0-9]+)$")
}

fn unknown(token: &str) -> ApiError {
    let message = "This terminal's event log has no such place: the token is of another terminal, or \
                   of a log that was lost. Look at GET /v1/transactions, and open a new session";
    ApiError::new(ErrorCode::NotFound, message)
        .field(RESUME_TOKEN, "exists")
        .value(&Value::from(token))
}

fn storage_fault(fault: terminal_host::service::StorageFault) -> ApiError {
    ApiError::new(ErrorCode::InternalError, fault.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_as_it_is_written_and_in_no_other_form() {
        let position = Position {
            log: EventLogId::parse("0123456789abcdef").expect("a name"),
            sequence: 42,
        };
        let token = position.token();
        assert_eq!(token, "rt_0123456789abcdef_42");
        assert_eq!(Position::parse(&token), Some(position));
        for other in [
            "",
            "rt_0123456789abcdef",
            "rt_0123456789abcdef_",
            "rt_0123456789abcdef_-1",
            "rt_0123456789abcdef_+1",
            "rt_0123456789abcdef_042",
            "rt_0123456789abcdef_99999999999999999999",
            "rt_0123456789ABCDEF_42",
            "rt_0123456789abcde_42",
            "st_0123456789abcdef_42",
        ] {
            assert_eq!(Position::parse(other), None, "{other}");
        }
    }
}
