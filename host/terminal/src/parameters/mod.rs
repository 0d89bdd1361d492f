//! What the acquirer and the merchant configured, parsed once from JSON and checked as a whole.

use serde::{Deserialize, Serialize};

/// A complete set of parameters. The fields follow `wit/deps/parameters.wit`; bytes are written as
/// hexadecimal strings.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameters {}
