//! The version of the API that a client was written for.

use axum::http::{HeaderMap, HeaderName};
use serde_json::Value;

use crate::{error::ApiError, fields::invalid};

/// The header that pins the version, and that every answer has.
pub const API_VERSION_HEADER: &str = "Atlas-API-Version";

/// Its name as it is looked up.
pub(crate) const HEADER: HeaderName = HeaderName::from_static("atlas-api-version");

/// The version that this terminal speaks.
pub const API_VERSION: &str = "2026-04-09";

/// Refuses a request for another version: its client would misread the answer. One that names no
/// version gets this one.
pub(crate) fn check(headers: &HeaderMap) -> Result<(), ApiError> {
    for given in headers.get_all(HEADER) {
        if given != API_VERSION {
            let refused = invalid(
                API_VERSION_HEADER,
                "enum",
                "This terminal does not speak this version of the API",
            );
            let text = given.to_str().unwrap_or_default();
            return Err(refused.value(&Value::from(text)));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_is_looked_up_under_its_name() {
        assert_eq!(HEADER, API_VERSION_HEADER);
    }
}
