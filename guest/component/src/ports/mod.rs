//! The engine's ports, implemented by calling imports.

mod devices;
mod money;
mod secrets;

/// The imports of the world.
pub(crate) struct Imports;
