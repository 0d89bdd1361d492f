//! The reference's own requests and answers, held as data in `docs/api/examples/`. The documents show
//! them, and a test sends each as it is.

use serde_json::Value;

/// One example.
#[derive(Debug)]
pub struct Example {
    /// The file's name, without its ending.
    pub name: &'static str,
    text: &'static str,
}

impl Example {
    /// What the file holds: the operation with `request`, `status` and `answer`, or the session's
    /// `action` and `events`.
    pub fn read(&self) -> Value {
        // The files are ours, and a test reads each.
        serde_json::from_str(self.text).unwrap_or_default()
    }
}

macro_rules! examples {
    ($($name:literal)*) => {
        [$(Example {
            name: $name,
            text: include_str!(concat!("../../../../docs/api/examples/", $name, ".json")),
        },)*]
    };
}

/// Every example.
pub static EXAMPLES: [Example; 4] = examples! {
    "amount-refused"
    "balance-inquiry"
    "sale"
    "session-sale"
};
