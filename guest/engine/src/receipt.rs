//! The lines of a receipt. Pure: printing is the caller's.

use crate::configuration::Configuration;
use crate::iso8583::to_hexadecimal;
use crate::money::{Amount, Currency};
use crate::outcome::{
    CardDetails, CardholderVerification, Ending, Outcome, TransactionKind, TransactionRequest,
};
use crate::parameters::Scheme;
use crate::ports::{EntryMode, Line};

/// Whose copy it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Copy {
    /// The merchant keeps it; the cardholder signs it.
    Merchant,
    /// The cardholder takes it.
    Cardholder,
}

/// Most lines of the merchant's name and address that are printed.
const MERCHANT_LINE_COUNT_MAX: usize = 8;

/// The lines of one copy. `None` when there was no card to print a receipt for.
pub(crate) fn lines(
    configuration: &Configuration,
    currency: &Currency,
    request: &TransactionRequest,
    outcome: &Outcome,
    copy: Copy,
) -> Option<Vec<Line>> {
    let card = outcome.card.as_ref()?;
    let mut lines: Vec<Line> = configuration
        .merchant
        .iter()
        .take(MERCHANT_LINE_COUNT_MAX)
        .map(|text| Line::Text(text.clone()))
        .collect();
    let mut column = |left: &str, right: String| lines.push(Line::Columns(left.into(), right));
    column("MID", text(&configuration.terminal.merchant_id));
    column("TID", text(&configuration.terminal.terminal_id));
    column("DATE", request.began.receipt_text());
    column("SCHEME", scheme(card.scheme).into());
    column("CARD", text(&card.masked_pan));
    column("ENTRY", entry_mode(card.entry_mode).into());
    if !card.application_label.is_empty() {
        column("APPLICATION", text(&card.application_label));
    }
    if !card.aid.is_empty() {
        column("AID", text(&to_hexadecimal(&card.aid)));
    }
    column("TYPE", kind(request.kind).into());
    for (name, minor) in amounts(request) {
        column(
            name,
            currency.show(Amount::from_minor(minor).unwrap_or_default()),
        );
    }
    let approved = outcome.ending == Ending::Approved;
    column(
        "STATUS",
        if approved { "APPROVED" } else { "DECLINED" }.into(),
    );
    column("CVM", verification(card).into());
    if let Some(answer) = &outcome.answer {
        column("RESPONSE", answer.response_code.clone());
        if let (true, Some(code)) = (approved, &answer.authorisation_code) {
            column("AUTH", code.clone());
        }
        if let Some(reference) = &answer.retrieval_reference {
            column("RRN", reference.clone());
        }
    }
    if let Some(number) = outcome.trace_number {
        column("STAN", format!("{number:06}"));
    }
    column("REF", request.transaction_id.clone());
    if approved && copy == Copy::Merchant && signature_wanted(card) {
        lines.push(Line::Blank);
        lines.push(Line::Text("SIGNATURE ______________________".into()));
    }
    lines.push(Line::Blank);
    lines.push(Line::Text(
        match copy {
            Copy::Merchant => "MERCHANT COPY",
            Copy::Cardholder => "CARDHOLDER COPY",
        }
        .into(),
    ));
    Some(lines)
}

/// Amount, tip and cashback where there is one, and the total.
fn amounts(request: &TransactionRequest) -> Vec<(&'static str, u64)> {
    let total = request
        .amount_minor
        .saturating_add(request.tip_minor)
        .saturating_add(request.cashback_minor);
    [
        ("AMOUNT", request.amount_minor),
        ("TIP", request.tip_minor),
        ("CASHBACK", request.cashback_minor),
        ("TOTAL", total),
    ]
    .into_iter()
    .filter(|(name, minor)| *minor > 0 || matches!(*name, "AMOUNT" | "TOTAL"))
    .collect()
}

fn signature_wanted(card: &CardDetails) -> bool {
    card.verification == Some(CardholderVerification::Signature)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim_end().to_owned()
}

const fn kind(kind: TransactionKind) -> &'static str {
    match kind {
        TransactionKind::Sale => "SALE",
        TransactionKind::PreAuth => "PRE-AUTHORISATION",
        TransactionKind::PreAuthComplete => "COMPLETION",
        TransactionKind::Refund => "REFUND",
        TransactionKind::Void => "VOID",
        TransactionKind::CardRead => "CARD READ",
        TransactionKind::BalanceInquiry => "BALANCE",
    }
}

const fn scheme(scheme: Scheme) -> &'static str {
    match scheme {
        Scheme::Visa => "VISA",
        Scheme::Mastercard => "MASTERCARD",
        Scheme::Amex => "AMEX",
        Scheme::Discover => "DISCOVER",
        Scheme::Jcb => "JCB",
        Scheme::UnionPay => "UNIONPAY",
        Scheme::Eftpos => "EFTPOS",
        Scheme::Other => "CARD",
    }
}

const fn entry_mode(mode: EntryMode) -> &'static str {
    match mode {
        EntryMode::Contact => "CONTACT CHIP",
        EntryMode::Contactless => "CONTACTLESS",
        EntryMode::Magstripe => "MAGSTRIPE",
        EntryMode::Manual => "MANUAL",
    }
}

fn verification(card: &CardDetails) -> &'static str {
    match card.verification {
        Some(CardholderVerification::Pin) => "PIN",
        Some(CardholderVerification::Signature) => "SIGNATURE",
        Some(CardholderVerification::Device) => "DEVICE",
        Some(CardholderVerification::None) | None => "NO CVM",
        Some(CardholderVerification::Failed) => "FAILED",
    }
}
