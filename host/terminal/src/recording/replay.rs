//! A recording played back to an engine: the same answers, so the same calls must come.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use cap_std::fs::Dir;
use serde::{Serialize, de::DeserializeOwned};
use vault::Vault;
use wasmtime::bail;

use super::{Boundary, End, Keep, Recording, Tape, boundary::RECORD_EVENT, tape::Call};
use crate::{
    bindings::{exports::terminal::engine::transactions as wit, terminal::trace::trace::Event},
    config::EngineFile,
    engine::Engine,
    trace::TraceEvent,
};

/// An engine to run recordings on.
pub struct Replayer {
    engine: Engine,
}

/// Why a recording was not played to its end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    /// Its calls were not kept.
    #[error("the recording holds the kernel's decisions only, not what card and acquirer answered")]
    TraceOnly,
    /// The tape ran out, or the transaction was given up for time: there is no end to compare with.
    #[error("the recording is not complete")]
    Incomplete,
    /// The engine was refused.
    #[error("the engine was refused: {0}")]
    Engine(String),
    /// The engine did something else.
    #[error("{0}")]
    Different(Box<Difference>),
}

/// The first thing that an engine did otherwise than the recording says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// How many calls were the same before it.
    pub after: usize,
    /// What the recording has there.
    pub recorded: Step,
    /// What the engine did.
    pub replayed: Step,
}

/// A call of the host by the engine, or its end.
#[derive(Clone, PartialEq, Eq)]
pub struct Step {
    /// What it was, without card data.
    pub what: String,
    /// All of it, card data among it.
    pub content: String,
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Step").field(&self.what).finish()
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            after,
            recorded,
            replayed,
        } = self;
        write!(
            f,
            "after {after} calls that were the same, the recording has `{}` and the engine did `{}`",
            recorded.what, replayed.what
        )?;
        if recorded.what == replayed.what {
            write!(f, ", with another content")?;
        }
        Ok(())
    }
}

impl Replayer {
    /// Verifies and compiles the engine, as a terminal does.
    pub fn load(file: &EngineFile, files: &Dir, vault: &Mutex<Vault>) -> Result<Self, ReplayError> {
        let engine = Engine::load(file, files, vault)
            .map_err(|refused| ReplayError::Engine(refused.to_string()))?;
        Ok(Self { engine })
    }

    /// SHA-256 of the engine, in lower-case hexadecimal.
    pub fn engine_digest(&self) -> &str {
        self.engine.digest()
    }

    /// Runs the recorded transaction again in a sandbox and compares every call and the end.
    /// Returns how many calls were the same.
    pub async fn replay(&self, recording: &Recording) -> Result<usize, ReplayError> {
        let playback = Playback::of(recording)?;
        let call = self.engine.run(playback.boundary(), &recording.request);
        playback.compare(&End::of(&call.await))
    }
}

/// A tape on its way. Clones are the same one.
#[derive(Clone)]
pub struct Playback {
    way: Arc<Mutex<Way>>,
}

struct Way {
    tape: Tape,
    end: End,
    /// How many calls were the same.
    position: usize,
    difference: Option<Difference>,
}

impl Playback {
    /// Begins to play a recording.
    pub fn of(recording: &Recording) -> Result<Self, ReplayError> {
        if recording.tape.keep() == Keep::Trace {
            return Err(ReplayError::TraceOnly);
        }
        if recording.tape.is_cut() || matches!(recording.end, End::Cut) {
            return Err(ReplayError::Incomplete);
        }
        Ok(Self {
            way: Arc::new(Mutex::new(Way {
                tape: recording.tape.clone(),
                end: recording.end.clone(),
                position: 0,
                difference: None,
            })),
        })
    }

    /// What an engine calls to be given the recorded answers. It stops the engine at the first
    /// difference.
    pub fn boundary(&self) -> Boundary {
        Boundary::to_recording(self.clone())
    }

    /// Compares the end of an engine that was linked into the program and stopped where a guest
    /// would trap.
    pub fn stopped(&self) -> Result<usize, ReplayError> {
        self.compare(&End::Trap)
    }

    /// Compares the end of an engine that was linked into the program.
    pub fn ended(&self, call: Result<wit::Outcome, wit::ErrorCode>) -> Result<usize, ReplayError> {
        self.compare(&End::of(&Ok(call)))
    }

    /// The recorded answer to a call.
    pub(super) fn answer<A, R>(&self, function: &'static str, arguments: &A) -> wasmtime::Result<R>
    where
        A: Serialize + DeserializeOwned + fmt::Debug,
        R: DeserializeOwned,
    {
        let mut way = self.way();
        let position = way.position;
        let call = way.tape.calls().get(position);
        let same = call.filter(|call| {
            call.function() == function
                && postcard::to_allocvec(arguments)
                    .is_ok_and(|arguments| arguments == call.arguments_kept())
        });
        let Some(same) = same else {
            let recorded = match call {
                Some(call) if call.function() == function => {
                    Step::of(function, call.arguments::<A>().as_ref())
                }
                Some(call) => Step::other(call),
                None => Step::end(&way.end),
            };
            way.difference.get_or_insert(Difference {
                after: position,
                recorded,
                replayed: Step::of(function, Some(arguments)),
            });
            bail!("the engine did something else than the recording");
        };
        let answer = same.answer_kept().map(postcard::from_bytes);
        way.position = position.saturating_add(1);
        match answer {
            Some(answer) => Ok(answer?),
            None => bail!("the host stopped the engine here"),
        }
    }

    fn compare(&self, end: &End) -> Result<usize, ReplayError> {
        let way = self.way();
        let next = way.tape.calls().get(way.position).map(Step::other);
        let same_end = || postcard::to_allocvec(end).ok() == postcard::to_allocvec(&way.end).ok();
        let difference = way.difference.clone().or_else(|| {
            if next.is_none() && same_end() {
                return None;
            }
            Some(Difference {
                after: way.position,
                recorded: next.unwrap_or_else(|| Step::end(&way.end)),
                replayed: Step::end(end),
            })
        });
        match difference {
            Some(difference) => Err(ReplayError::Different(Box::new(difference))),
            None => Ok(way.position),
        }
    }

    fn way(&self) -> MutexGuard<'_, Way> {
        self.way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Step {
    /// A call with its arguments. Decisions are masked by the kernel and can be shown.
    fn of(function: &str, arguments: Option<&impl fmt::Debug>) -> Self {
        let content = arguments.map(|arguments| format!("{arguments:?}"));
        Self {
            what: function.to_owned(),
            content: content.unwrap_or_default(),
        }
    }

    /// A call whose arguments' types are not at hand.
    fn other(call: &Call) -> Self {
        let decision = (call.function() == RECORD_EVENT)
            .then(|| call.arguments::<(Event,)>())
            .flatten()
            .map(|(event,)| TraceEvent::from(event))
            .map(|event| format!("{} {}: {}", event.rule, event.finding, event.statement));
        Self {
            what: call.function().to_owned(),
            content: decision.unwrap_or_default(),
        }
    }

    fn end(end: &End) -> Self {
        let (what, content) = match end {
            End::Outcome(outcome) => (format!("{:?}", outcome.ending), format!("{outcome:?}")),
            End::Refused(refused) => (format!("{refused:?}"), String::new()),
            End::Trap => ("trap".to_owned(), String::new()),
            End::Cut => ("no end in time".to_owned(), String::new()),
        };
        Self { what, content }
    }
}
