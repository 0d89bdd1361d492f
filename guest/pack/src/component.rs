//! From a core module to a component.

use anyhow::{Context, Result};
use wit_component::ComponentEncoder;

/// Encodes a core module, with the interface description that wit-bindgen left in it, as a
/// component. No adapter is given: a module that imports anything but its world is refused here.
pub(crate) fn encode(module: &[u8]) -> Result<Vec<u8>> {
    ComponentEncoder::default()
        .validate(true)
        .module(module)
        .context("reading the core module")?
        .encode()
        .context("encoding the component")
}
