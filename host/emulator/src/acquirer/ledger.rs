//! What the acquirer has charged.

use serde::Serialize;

/// Authorisations that are kept; beyond them the acquirer refuses.
const AUTHORISATIONS_MAX: usize = 100_000;

/// The acquirer's books.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Ledger {
    /// Every request that was decided, in order.
    pub authorisations: Vec<Authorisation>,
    /// Reversals of requests that had not come. Should one come later, it is refused.
    pub reversed_before: Vec<Original>,
    /// Requests with a wrong or missing authentication code.
    pub not_authentic: u64,
    /// Requests that could not be read.
    pub broken: u64,
}

/// One request that was decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Authorisation {
    /// What names it.
    #[serde(flatten)]
    pub original: Original,
    /// In minor units.
    pub amount_minor: u64,
    /// ISO 4217 numeric code.
    pub currency: String,
    /// The last four digits and a star for each other one.
    pub masked_pan: String,
    /// ISO 8583 field 39.
    pub response_code: String,
    /// ISO 8583 field 38.
    pub authorisation_code: Option<String>,
    /// Where it stands.
    pub state: State,
    /// How often the request came.
    pub times_sent: u32,
}

/// What names a request: terminal, trace number, transmission time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Original {
    /// ISO 8583 field 41.
    pub terminal_id: String,
    /// ISO 8583 field 11.
    pub trace_number: String,
    /// ISO 8583 field 7.
    pub transmitted: String,
}

/// Where an authorisation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum State {
    /// The card is charged.
    Approved,
    /// The card is charged: the terminal had approved offline.
    Advised,
    /// The card is not charged.
    Declined,
    /// The card was charged and has its money back.
    Reversed,
}

impl Ledger {
    /// What is charged in all, in minor units whatever the currency.
    pub fn net_minor(&self) -> u64 {
        self.charged()
            .map(|charged| charged.amount_minor)
            .fold(0, u64::saturating_add)
    }

    /// The authorisations that are charged.
    pub fn charged(&self) -> impl Iterator<Item = &Authorisation> {
        self.authorisations
            .iter()
            .filter(|each| matches!(each.state, State::Approved | State::Advised))
    }

    pub(super) fn find(&mut self, original: &Original) -> Option<&mut Authorisation> {
        self.authorisations
            .iter_mut()
            .find(|each| each.original == *original)
    }

    pub(super) fn is_full(&self) -> bool {
        self.authorisations
            .len()
            .saturating_add(self.reversed_before.len())
            >= AUTHORISATIONS_MAX
    }
}
