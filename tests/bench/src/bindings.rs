//! The host's bindings under the names of the guest's.

pub(crate) use terminal_host::bindings::{exports, terminal};
