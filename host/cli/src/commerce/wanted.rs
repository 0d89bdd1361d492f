//! A transaction that is asked for: its request, built out of what the kinds have in common.

use serde_json::{Map, Value};

use super::{kinds::Kind, money::minor_units, terminal_options::TerminalOptions};

/// What is charged or reserved.
#[derive(Debug, clap::Args)]
pub(crate) struct Charge {
    /// In minor units: 2500 is NZD 25.00
    #[arg(long, value_name = "MINOR", value_parser = minor_units)]
    amount: u64,

    /// ISO 4217 code
    #[arg(long, value_name = "CODE", default_value = "NZD")]
    currency: String,
}

/// The earlier transaction that this one is about.
#[derive(Debug, clap::Args)]
pub(crate) struct Original {
    /// The earlier transaction, such as `txn_01J...`
    #[arg(value_name = "TRANSACTION")]
    pub(super) transaction: String,

    /// In minor units [default: the whole of the earlier transaction]
    #[arg(long, value_name = "MINOR", value_parser = minor_units)]
    amount: Option<u64>,

    /// ISO 4217 code [default: that of the earlier transaction]
    #[arg(long, value_name = "CODE")]
    currency: Option<String>,
}

/// Which card, and how.
#[derive(Debug, clap::Args)]
pub(crate) struct CardOptions {
    /// Present this card at the emulator first: a name that `tenon cards`
    /// lists, or a file of your own (docs/virtual-cards.md)
    #[arg(long, value_name = "NAME|FILE", verbatim_doc_comment)]
    pub(super) card: Option<String>,

    /// Swipe it instead of inserting it
    #[arg(long, requires = "card")]
    pub(super) swipe: bool,

    /// How the card is to be presented [default: as the cardholder likes]
    #[arg(long, value_name = "MODE", value_enum)]
    entry_mode: Option<EntryMode>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum EntryMode {
    Auto,
    Contact,
    Contactless,
}

impl EntryMode {
    fn api_name(self) -> &'static str {
        match self {
            Self::Auto => "AUTO",
            Self::Contact => "CONTACT",
            Self::Contactless => "CONTACTLESS",
        }
    }
}

/// What every kind has.
#[derive(Debug, clap::Args)]
pub(crate) struct Common {
    /// Your own reference, at most 64 characters
    #[arg(long, value_name = "TEXT")]
    reference: Option<String>,

    /// Data of your own, echoed; may be repeated
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_and_value)]
    metadata: Vec<(String, String)>,

    /// The same key never charges twice [default: a new one]
    #[arg(long, value_name = "KEY")]
    pub(super) idempotency_key: Option<String>,

    #[command(flatten)]
    pub(super) terminal: TerminalOptions,
}

fn key_and_value(text: &str) -> Result<(String, String), String> {
    let (key, value) = text
        .split_once('=')
        .filter(|(key, _)| !key.is_empty())
        .ok_or_else(|| format!("{text:?} is not KEY=VALUE"))?;
    Ok((key.to_owned(), value.to_owned()))
}

/// A request for a transaction.
#[derive(Debug)]
pub(crate) struct Wanted<'a> {
    pub(super) operation: &'static str,
    pub(super) body: Map<String, Value>,
    pub(super) original: Option<&'a str>,
    pub(super) card: Option<&'a CardOptions>,
    pub(super) common: &'a Common,
}

impl<'a> Wanted<'a> {
    /// A transaction of this kind, with what every kind has.
    pub(super) fn new(kind: Kind, common: &'a Common) -> Self {
        let wanted = Self {
            operation: kind.operation,
            body: Map::new(),
            original: None,
            card: None,
            common,
        };
        let metadata: Map<_, _> = common
            .metadata
            .iter()
            .map(|(key, value)| (key.clone(), Value::from(value.as_str())))
            .collect();
        let metadata = (!metadata.is_empty()).then_some(metadata);
        wanted
            .field("type", Some(kind.name))
            .field("referenceId", common.reference.as_deref())
            .field("metadata", metadata)
    }

    /// This amount.
    pub(super) fn charge(self, charge: &Charge) -> Self {
        self.charged(charge.amount, &charge.currency)
    }

    /// This amount in this currency.
    pub(super) fn charged(self, amount: u64, currency: &str) -> Self {
        self.field("amount", Some(amount))
            .field("currency", Some(currency))
    }

    /// Of an earlier transaction. What is not given of amount and currency is that one's.
    pub(super) fn original(mut self, original: &'a Original) -> Self {
        let id = original.transaction.as_str();
        self.original = Some(id);
        self.field("originalTransactionId", Some(id))
            .field("amount", original.amount)
            .field("currency", original.currency.as_deref())
    }

    /// Of this earlier transaction, if of one; amount and currency are given.
    pub(super) fn of(self, original: Option<&str>) -> Self {
        self.field("originalTransactionId", original)
    }

    /// A further amount, if there is one.
    pub(super) fn amount(self, name: &str, amount: Option<u64>) -> Self {
        self.field(name, amount)
    }

    /// Whether less may be approved.
    pub(super) fn partial(self, taken: bool) -> Self {
        self.field("allowPartialApproval", taken.then_some(true))
    }

    /// With a card.
    pub(super) fn card(mut self, card: &'a CardOptions) -> Self {
        self.card = Some(card);
        self.field("entryMode", card.entry_mode.map(EntryMode::api_name))
    }

    fn field(mut self, name: &str, value: Option<impl Into<Value>>) -> Self {
        if let Some(value) = value {
            self.body.insert(name.to_owned(), value.into());
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use serde_json::json;

    use super::*;
    use crate::commerce::kinds::{Asked, Complete, Refund, Sale};

    #[derive(Debug, Parser)]
    enum Line {
        Sale(Sale),
        Refund(Refund),
        Complete(Complete),
    }

    fn body(line: &str) -> Value {
        let words = ["tenon"].into_iter().chain(line.split(' '));
        let words = words.chain(["--api-key", "key"]);
        let line = Line::try_parse_from(words).expect("a command line");
        let asked: &dyn Asked = match &line {
            Line::Sale(sale) => sale,
            Line::Refund(refund) => refund,
            Line::Complete(complete) => complete,
        };
        asked.wanted().body.into()
    }

    #[test]
    fn options_become_the_fields_of_the_request() {
        assert_eq!(
            body("sale --amount 2500"),
            json!({"type": "SALE", "amount": 2500, "currency": "NZD"})
        );
        assert_eq!(
            body(
                "sale --amount 1 --currency AUD --tip 2 --cashback 3 --partial --reference R \
                 --metadata till=3 --metadata note=a=b --entry-mode contact"
            ),
            json!({
                "type": "SALE", "amount": 1, "currency": "AUD", "tipAmount": 2,
                "cashbackAmount": 3, "allowPartialApproval": true, "referenceId": "R",
                "metadata": {"till": "3", "note": "a=b"}, "entryMode": "CONTACT",
            })
        );
        assert_eq!(
            body("refund txn_1 --amount 5"),
            json!({"type": "REFUND", "originalTransactionId": "txn_1", "amount": 5})
        );
        assert_eq!(
            body("complete txn_1 --amount 5 --tip 1 --currency NZD"),
            json!({
                "type": "PRE_AUTH_COMPLETE", "originalTransactionId": "txn_1", "amount": 5,
                "tipAmount": 1, "currency": "NZD",
            })
        );
        for wrong in ["till", "=3"] {
            assert!(key_and_value(wrong).is_err(), "{wrong}");
        }
    }
}
