//! What each kind of transaction is asked with. They differ in these fields and in their path.

use std::{fmt, process::ExitCode};

use anyhow::Result;

use super::{
    money::minor_units,
    outcome::EXIT_CODES,
    transact,
    wanted::{CardOptions, Charge, Common, Original, Wanted},
};

/// A kind of transaction: the API's word for it, and its operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Kind {
    pub(super) name: &'static str,
    pub(super) operation: &'static str,
}

const SALE: Kind = kind("SALE", "createSale");
const REFUND: Kind = kind("REFUND", "createRefund");
const VOID: Kind = kind("VOID", "createVoid");
const PRE_AUTH: Kind = kind("PRE_AUTH", "createPreAuth");
const PRE_AUTH_COMPLETE: Kind = kind("PRE_AUTH_COMPLETE", "completePreAuth");
const CARD_READ: Kind = kind("CARD_READ", "createCardRead");
const BALANCE_INQUIRY: Kind = kind("BALANCE_INQUIRY", "createBalanceInquiry");

const fn kind(name: &'static str, operation: &'static str) -> Kind {
    Kind { name, operation }
}

/// Something that can be asked for as a transaction.
pub(super) trait Asked: fmt::Debug {
    /// The request.
    fn wanted(&self) -> Wanted<'_>;

    /// Asks for it, and shows how it goes.
    fn run(&self) -> Result<ExitCode> {
        transact::ask(self.wanted())
    }
}

/// Sell at a running terminal, and show how it goes
///
///     tenon sale --amount 2500 --currency NZD --api-key KEY
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment, after_help = EXIT_CODES)]
pub(crate) struct Sale {
    #[command(flatten)]
    charge: Charge,

    /// Tip in minor units, on top of the amount
    #[arg(long, value_name = "MINOR", value_parser = minor_units)]
    tip: Option<u64>,

    /// What is handed out in cash, in minor units, on top of the amount
    #[arg(long, value_name = "MINOR", value_parser = minor_units)]
    cashback: Option<u64>,

    /// Take an approval of less too; the last line says how much
    #[arg(long)]
    partial: bool,

    #[command(flatten)]
    card: CardOptions,

    #[command(flatten)]
    common: Common,
}

impl Asked for Sale {
    fn wanted(&self) -> Wanted<'_> {
        Wanted::new(SALE, &self.common)
            .charge(&self.charge)
            .amount("tipAmount", self.tip)
            .amount("cashbackAmount", self.cashback)
            .partial(self.partial)
            .card(&self.card)
    }
}

/// Give money back of an earlier sale, to the card that paid
///
///     tenon refund txn_01J... --amount 500 --api-key KEY
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment, after_help = EXIT_CODES)]
pub(crate) struct Refund {
    #[command(flatten)]
    original: Original,

    #[command(flatten)]
    card: CardOptions,

    #[command(flatten)]
    common: Common,
}

impl Asked for Refund {
    fn wanted(&self) -> Wanted<'_> {
        Wanted::new(REFUND, &self.common)
            .original(&self.original)
            .card(&self.card)
    }
}

/// Undo a transaction of the open batch; no card is needed
///
///     tenon void txn_01J... --api-key KEY
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment, after_help = EXIT_CODES)]
pub(crate) struct Void {
    #[command(flatten)]
    original: Original,

    #[command(flatten)]
    common: Common,
}

impl Asked for Void {
    fn wanted(&self) -> Wanted<'_> {
        Wanted::new(VOID, &self.common).original(&self.original)
    }
}

/// Reserve an amount, to take it later with `tenon complete`
///
///     tenon pre-auth --amount 5000 --currency NZD --api-key KEY
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment, after_help = EXIT_CODES)]
pub(crate) struct PreAuth {
    #[command(flatten)]
    charge: Charge,

    /// Take an approval of less too; the last line says how much
    #[arg(long)]
    partial: bool,

    #[command(flatten)]
    card: CardOptions,

    #[command(flatten)]
    common: Common,
}

impl Asked for PreAuth {
    fn wanted(&self) -> Wanted<'_> {
        Wanted::new(PRE_AUTH, &self.common)
            .charge(&self.charge)
            .partial(self.partial)
            .card(&self.card)
    }
}

/// Take what was reserved, or a part of it, once; no card is needed
///
///     tenon complete txn_01J... --amount 3000 --api-key KEY
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment, after_help = EXIT_CODES)]
pub(crate) struct Complete {
    #[command(flatten)]
    original: Original,

    /// Tip in minor units, on top of the amount and within what was reserved
    #[arg(long, value_name = "MINOR", requires = "amount", value_parser = minor_units)]
    tip: Option<u64>,

    #[command(flatten)]
    common: Common,
}

impl Asked for Complete {
    fn wanted(&self) -> Wanted<'_> {
        Wanted::new(PRE_AUTH_COMPLETE, &self.common)
            .original(&self.original)
            .amount("tipAmount", self.tip)
    }
}

/// Read a card, and take no money
#[derive(Debug, clap::Args)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct CardRead {
    #[command(flatten)]
    inquiry: Inquiry,
}

impl Asked for CardRead {
    fn wanted(&self) -> Wanted<'_> {
        self.inquiry.wanted(CARD_READ)
    }
}

/// Ask what an account holds
#[derive(Debug, clap::Args)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct Balance {
    #[command(flatten)]
    inquiry: Inquiry,
}

impl Asked for Balance {
    fn wanted(&self) -> Wanted<'_> {
        self.inquiry.wanted(BALANCE_INQUIRY)
    }
}

/// What moves no money.
#[derive(Debug, clap::Args)]
struct Inquiry {
    /// ISO 4217 code
    #[arg(long, value_name = "CODE", default_value = "NZD")]
    currency: String,

    #[command(flatten)]
    card: CardOptions,

    #[command(flatten)]
    common: Common,
}

impl Inquiry {
    fn wanted(&self, kind: Kind) -> Wanted<'_> {
        Wanted::new(kind, &self.common)
            .charged(0, &self.currency)
            .card(&self.card)
    }
}

#[cfg(test)]
mod tests {
    use api::OPERATIONS;

    use super::*;

    #[test]
    fn every_kind_is_an_operation_of_the_api_and_none_is_left_out() {
        let all = [
            SALE,
            REFUND,
            VOID,
            PRE_AUTH,
            PRE_AUTH_COMPLETE,
            CARD_READ,
            BALANCE_INQUIRY,
        ];
        let of_api: Vec<_> = OPERATIONS
            .iter()
            .filter(|operation| operation.tag == api::Tag::Transactions)
            .map(|operation| operation.id)
            .collect();
        assert_eq!(all.map(|kind| kind.operation).to_vec(), of_api);
    }
}
