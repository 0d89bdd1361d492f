//! The tape: calls of the host by a guest, in their order.

use std::{
    borrow::Cow,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::{Keep, boundary::RECORD_EVENT};

/// The most bytes of arguments and answers on a tape. A sale takes some 10 KB; a guest that calls
/// without end fills no memory with it.
const LENGTH_MAX: usize = 1024 * 1024;

/// What was taken down.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Tape {
    keep: Keep,
    calls: Vec<Call>,
    length: usize,
    /// Whether something is missing at the end.
    cut: bool,
}

/// One call. Card data is in it, so that it is wiped and never printed.
#[derive(Clone, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
pub(crate) struct Call {
    #[zeroize(skip)]
    function: Cow<'static, str>,
    arguments: Vec<u8>,
    /// `None` while the host works on it, and when it stopped the guest instead.
    answer: Option<Vec<u8>>,
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Call").field(&self.function).finish()
    }
}

impl Call {
    /// Interface and function, such as `crypto.random`.
    pub(crate) fn function(&self) -> &str {
        &self.function
    }

    /// The arguments. `None` when they are not of this type.
    pub(crate) fn arguments<A: DeserializeOwned>(&self) -> Option<A> {
        postcard::from_bytes(&self.arguments).ok()
    }

    /// The arguments as they are kept.
    pub(crate) fn arguments_kept(&self) -> &[u8] {
        &self.arguments
    }

    /// The answer as it is kept. `None` where the host gave none and stopped the guest.
    pub(crate) fn answer_kept(&self) -> Option<&[u8]> {
        self.answer.as_deref()
    }
}

impl Tape {
    /// An empty one.
    pub(crate) fn new(keep: Keep) -> Self {
        Self {
            keep,
            calls: Vec::new(),
            length: 0,
            cut: false,
        }
    }

    pub(crate) fn keep(&self) -> Keep {
        self.keep
    }

    pub(crate) fn calls(&self) -> &[Call] {
        &self.calls
    }

    pub(crate) fn is_cut(&self) -> bool {
        self.cut
    }

    fn wants(&self, function: &str) -> bool {
        let wanted = self.keep == Keep::Everything || function == RECORD_EVENT;
        wanted && !self.cut
    }

    /// Takes down a call before the host acts on it.
    fn asked(&mut self, function: &'static str, arguments: &impl Serialize) {
        if !self.wants(function) {
            return;
        }
        let arguments = postcard::to_allocvec(arguments);
        let Some(arguments) = arguments.ok().filter(|bytes| self.takes(bytes.len())) else {
            self.cut = true;
            return;
        };
        self.calls.push(Call {
            function: Cow::Borrowed(function),
            arguments,
            answer: None,
        });
    }

    /// Takes down the answer to the call taken down last.
    fn answered(&mut self, answer: &impl Serialize) {
        if self.keep == Keep::Trace || self.cut {
            return;
        }
        let answer = postcard::to_allocvec(answer);
        match answer.ok().filter(|bytes| self.takes(bytes.len())) {
            Some(answer) => {
                if let Some(call) = self.calls.last_mut() {
                    call.answer = Some(answer);
                }
            }
            None => self.cut = true,
        }
    }

    fn takes(&mut self, more: usize) -> bool {
        self.length = self.length.saturating_add(more);
        self.length <= LENGTH_MAX
    }
}

/// A tape that outlives the sandbox it records: what was taken down is there also when the guest or
/// a driver is stopped. Clones share one tape.
#[derive(Clone, Default)]
pub(crate) struct SharedTape(Option<Arc<Mutex<Tape>>>);

impl SharedTape {
    /// One that records.
    pub(crate) fn new(keep: Keep) -> Self {
        Self(Some(Arc::new(Mutex::new(Tape::new(keep)))))
    }

    /// Whether a call of this function is taken down.
    pub(super) fn wants(&self, function: &str) -> bool {
        self.lock().is_some_and(|tape| tape.wants(function))
    }

    /// Takes down a call before the host acts on it.
    pub(super) fn asked(&self, function: &'static str, arguments: &impl Serialize) {
        if let Some(mut tape) = self.lock() {
            tape.asked(function, arguments);
        }
    }

    /// Takes down the answer to the call taken down last: a guest makes one call at a time.
    pub(super) fn answered(&self, answer: &impl Serialize) {
        if let Some(mut tape) = self.lock() {
            tape.answered(answer);
        }
    }

    /// What is on it now. `None` where nothing records.
    pub(crate) fn take(&self) -> Option<Tape> {
        let mut tape = self.lock()?;
        let empty = Tape::new(tape.keep);
        Some(std::mem::replace(&mut *tape, empty))
    }

    fn lock(&self) -> Option<MutexGuard<'_, Tape>> {
        let tape = self.0.as_ref()?;
        Some(tape.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_holds_decisions_and_nothing_else() {
        let tape = SharedTape::new(Keep::Trace);
        tape.asked("card-reader.transmit", &(vec![0_u8; 5],));
        tape.answered(&vec![0x90_u8, 0x00]);
        tape.asked(RECORD_EVENT, &("PR-04",));
        tape.answered(&());
        let tape = tape.take().expect("it records");
        let functions: Vec<_> = tape.calls().iter().map(Call::function).collect();
        assert_eq!(functions, [RECORD_EVENT]);
        assert!(!tape.is_cut());
    }

    #[test]
    fn a_call_that_was_not_answered_says_so() {
        let tape = SharedTape::new(Keep::Everything);
        tape.asked("crypto.random", &(4_u32,));
        tape.answered(&vec![1_u8, 2, 3, 4]);
        tape.asked("crypto.random", &(1_000_000_u32,));
        let tape = tape.take().expect("it records");
        let answers: Vec<_> = tape
            .calls()
            .iter()
            .map(|call| call.answer_kept().is_some())
            .collect();
        assert_eq!(answers, [true, false]);
        assert_eq!(
            tape.calls().first().and_then(Call::arguments::<(u32,)>),
            Some((4,))
        );
    }

    #[test]
    fn a_tape_ends_at_its_length_and_says_so() {
        let tape = SharedTape::new(Keep::Everything);
        for _ in 0..20 {
            tape.asked("acquirer-link.exchange", &(vec![0_u8; 65_536],));
            tape.answered(&());
        }
        let tape = tape.take().expect("it records");
        assert!(tape.is_cut());
        assert_eq!(tape.calls().len(), 15);
    }

    #[test]
    fn a_call_is_printed_without_what_was_in_it() {
        let tape = SharedTape::new(Keep::Everything);
        tape.asked("card-reader.transmit", &(b"4761739001010010".to_vec(),));
        let shown = format!("{:?}", tape.take());
        assert!(shown.contains("card-reader.transmit"), "{shown}");
        assert!(!shown.contains("52, 55"), "{shown}");
    }
}
