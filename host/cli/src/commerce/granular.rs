//! Granular mode: the terminal reads the card, and your own acquirer decides.

use std::process::ExitCode;

use anyhow::Result;
use serde_json::{Map, Value};

use super::{
    call::Call,
    kinds::{Asked, Kind},
    money::minor_units,
    outcome::EXIT_CODES,
    terminal_options::TerminalOptions,
    transact,
    wanted::{CardOptions, Charge, Common, Wanted},
};

/// Read a card for your own acquirer, and print what it needs
///
///     tenon initiate --amount 2500 --currency NZD --api-key KEY
///     tenon decide txn_01J... --response-code 00 --api-key KEY
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment, after_help = EXIT_CODES)]
pub(crate) struct Initiate {
    /// What it is
    #[arg(long = "type", value_name = "TYPE", value_enum, default_value_t)]
    kind: GranularKind,

    #[command(flatten)]
    charge: Charge,

    /// Tip in minor units, on top of the amount of a sale
    #[arg(long, value_name = "MINOR", value_parser = minor_units)]
    tip: Option<u64>,

    /// Cash handed out in minor units, on top of the amount of a sale
    #[arg(long, value_name = "MINOR", value_parser = minor_units)]
    cashback: Option<u64>,

    /// The sale that a refund is about, such as `txn_01J...`
    #[arg(long, value_name = "TRANSACTION", required_if_eq("kind", "refund"))]
    original: Option<String>,

    #[command(flatten)]
    card: CardOptions,

    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
enum GranularKind {
    #[default]
    Sale,
    PreAuth,
    Refund,
}

impl Asked for Initiate {
    fn wanted(&self) -> Wanted<'_> {
        let name = match self.kind {
            GranularKind::Sale => "SALE",
            GranularKind::PreAuth => "PRE_AUTH",
            GranularKind::Refund => "REFUND",
        };
        let operation = "initiateTransaction";
        Wanted::new(Kind { name, operation }, &self.common)
            .charge(&self.charge)
            .amount("tipAmount", self.tip)
            .amount("cashbackAmount", self.cashback)
            .of(self.original.as_deref())
            .card(&self.card)
    }
}

/// Say what your acquirer answered, and end the transaction
///
///     tenon decide txn_01J... --response-code 00 --authorization-code A12345
///
/// Only 00 approves, and the card has the last word: the last line says when
/// you must reverse at your acquirer. It may be repeated.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment, after_help = EXIT_CODES)]
pub(crate) struct Decide {
    /// The transaction, as `tenon initiate` printed it
    #[arg(value_name = "ID")]
    transaction: String,

    /// ISO 8583 field 39
    #[arg(long, value_name = "CODE")]
    response_code: String,

    /// ISO 8583 field 38
    #[arg(long, value_name = "CODE")]
    authorization_code: Option<String>,

    /// The value of tag 91, in hexadecimal digits
    #[arg(long, value_name = "HEX")]
    issuer_authentication_data: Option<String>,

    /// Templates 71 and 72, one after the other, in hexadecimal digits
    #[arg(long, value_name = "HEX")]
    issuer_scripts: Option<String>,

    /// The same key is the same decision [default: a new one]
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,

    #[command(flatten)]
    terminal: TerminalOptions,
}

impl Decide {
    pub(super) fn run(&self) -> Result<ExitCode> {
        let key = self.idempotency_key.clone();
        let call = Call::to("completeTransaction")?;
        let terminal = self.terminal.terminal()?;
        transact::finish(&self.terminal, terminal, call, self.body(), key)
    }

    fn body(&self) -> Value {
        let members = [
            ("transactionId", Some(&self.transaction)),
            ("responseCode", Some(&self.response_code)),
            ("authorizationCode", self.authorization_code.as_ref()),
            (
                "issuerAuthenticationData",
                self.issuer_authentication_data.as_ref(),
            ),
            ("issuerScripts", self.issuer_scripts.as_ref()),
        ];
        let given = members.into_iter().filter_map(|(name, value)| {
            value.map(|value| (name.to_owned(), Value::from(value.as_str())))
        });
        Value::Object(given.collect::<Map<_, _>>())
    }
}
