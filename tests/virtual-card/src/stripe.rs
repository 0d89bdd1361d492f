//! The magnetic stripe (ISO/IEC 7813).

use crate::personalization::Personalization;

/// The service code of an international card with a chip, any service, without a PIN.
const USUAL_SERVICE_CODE: &str = "201";

impl Personalization {
    /// Track 2: number, separator, expiry, service code and the issuer's own data.
    pub(crate) fn track_2(&self) -> String {
        let year_month = self.expiry.get(..4).unwrap_or_default();
        format!("{}={year_month}{}00000", self.pan, self.service_code())
    }

    /// Interchange and technology, authorisation, services and PIN: a digit each.
    pub(crate) fn service_code(&self) -> &str {
        self.service_code.as_deref().unwrap_or(USUAL_SERVICE_CODE)
    }
}
