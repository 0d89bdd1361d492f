//! What a guest calls: the terminal, with a tape beside it, or a tape alone.
//!
//! Each function of the world stands here once. Handles are kept as numbers; the host gives a number
//! to a card and to a PIN in the order in which they come, so they are the same in a replay.

mod devices;
mod money;
mod secrets;

use serde::{Serialize, de::DeserializeOwned};
use wasmtime::{
    Result, StoreLimits,
    component::{HasSelf, Linker},
};

use super::{SharedTape, replay::Playback};
use crate::{
    bindings::{
        card_reader,
        terminal::{
            acquirer_link::acquirer_link, crypto::crypto, display::display, journal::journal,
            parameters::parameters, pin_entry::pin_entry, point_of_sale::point_of_sale,
            printer::printer, trace::trace,
        },
    },
    observer::Point,
    terminal::{self, Capabilities, Terminal},
};

/// The call that records a decision.
pub(super) const RECORD_EVENT: &str = "trace.record-event";

/// The data of one store: made for one call of the guest and dropped after it.
pub struct Boundary {
    side: Side,
    /// The limits the guest lives in.
    pub(crate) limits: StoreLimits,
}

/// Who answers the guest.
enum Side {
    /// The terminal. What crosses is taken down.
    Terminal(Box<Terminal>, SharedTape),
    /// A recording.
    Recording(Playback),
}

impl Boundary {
    /// The terminal behind the boundary.
    pub(crate) fn to_terminal(capabilities: Capabilities, tape: SharedTape) -> Self {
        Self {
            side: Side::Terminal(Box::new(Terminal::new(capabilities)), tape),
            limits: terminal::limits(),
        }
    }

    /// A recording behind the boundary.
    pub(super) fn to_recording(playback: Playback) -> Self {
        Self {
            side: Side::Recording(playback),
            limits: terminal::limits(),
        }
    }

    /// Tells whoever watches the terminal.
    pub(crate) fn at(&self, point: Point) {
        if let Side::Terminal(terminal, _) = &self.side {
            terminal.observer.at(point);
        }
    }

    /// Links every capability, in the order of `wit/world.wit`.
    pub(crate) fn link(linker: &mut Linker<Self>) -> Result<()> {
        parameters::add_to_linker::<_, HasSelf<_>>(linker, |boundary| boundary)?;
        card_reader::add_to_linker::<_, HasSelf<_>>(linker, |boundary| boundary)?;
        pin_entry::add_to_linker::<_, HasSelf<_>>(linker, |boundary| boundary)?;
        crypto::add_to_linker::<_, HasSelf<_>>(linker, |boundary| boundary)?;
        display::add_to_linker::<_, HasSelf<_>>(linker, |boundary| boundary)?;
        printer::add_to_linker::<_, HasSelf<_>>(linker, |boundary| boundary)?;
        point_of_sale::add_to_linker::<_, HasSelf<_>>(linker, |boundary| boundary)?;
        acquirer_link::add_to_linker::<_, HasSelf<_>>(linker, |boundary| boundary)?;
        journal::add_to_linker::<_, HasSelf<_>>(linker, |boundary| boundary)?;
        trace::add_to_linker::<_, HasSelf<_>>(linker, |boundary| boundary)
    }

    /// The guest asks. The answer is there when a recording gives it; else the terminal must.
    fn ask<A, R>(
        &mut self,
        function: &'static str,
        arguments: impl FnOnce() -> A,
    ) -> Result<Asked<'_, R>>
    where
        A: Serialize + DeserializeOwned + std::fmt::Debug,
        R: DeserializeOwned,
    {
        match &mut self.side {
            Side::Terminal(terminal, tape) => {
                if tape.wants(function) {
                    tape.asked(function, &arguments());
                }
                Ok(Asked::Terminal(terminal, tape))
            }
            Side::Recording(playback) => {
                playback.answer(function, &arguments()).map(Asked::Answered)
            }
        }
    }
}

/// What comes of asking.
enum Asked<'a, R> {
    Terminal(&'a mut Terminal, &'a SharedTape),
    Answered(R),
}

/// Passes one call on: its name, its arguments as they are kept, the terminal's function and its
/// arguments.
macro_rules! cross {
    ($self:ident, $name:expr, ($($kept:expr),*), $function:path, $($argument:ident),*) => {
        match $self.ask($name, || ($(kept(&$kept),)*))? {
            Asked::Answered(answer) => Ok(answer),
            Asked::Terminal(terminal, tape) => {
                let answer = $function(terminal, $($argument),*).await?;
                tape.answered(&answer);
                Ok(answer)
            }
        }
    };
}

use cross;

/// An argument as it is kept: the call itself uses it up.
fn kept<T: Clone>(argument: &T) -> T {
    argument.clone()
}

type Answer<T, E> = Result<std::result::Result<T, E>>;
