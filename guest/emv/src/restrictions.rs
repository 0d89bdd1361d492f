//! Processing restrictions: may this card be used here, for this, today?
//!
//! EMV 4.4 Book 3, 10.4.

use crate::bits::{AdditionalTerminalCapabilities, Auc};
use crate::date::Date;
use crate::parameters::{Operator, TerminalType};
use crate::rules::{self, Conclusion};
use crate::transaction::TransactionType;

/// What the restrictions depend on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Facts {
    /// Tags 9F08 and 9F09.
    pub(crate) version_card: Option<[u8; 2]>,
    pub(crate) version_terminal: [u8; 2],
    /// Tag 9F07.
    pub(crate) usage: Option<Auc>,
    /// Tags 5F28 and 9F1A.
    pub(crate) issuer_country: Option<[u8; 2]>,
    pub(crate) terminal_country: [u8; 2],
    /// Tags 9F35 and 9F40.
    pub(crate) terminal_type: TerminalType,
    pub(crate) additional_capabilities: AdditionalTerminalCapabilities,
    /// Tag 9C, and whether cash is handed out with a purchase.
    pub(crate) kind: TransactionType,
    pub(crate) cashback: bool,
    /// Tags 9A, 5F25 and 5F24.
    pub(crate) today: Date,
    pub(crate) effective: Option<Date>,
    pub(crate) expiration: Date,
}

/// Applies the restrictions in the order of the book.
pub(crate) fn check(facts: &Facts) -> [&'static Conclusion; 4] {
    [
        version(facts),
        usage(facts),
        effective(facts),
        expiration(facts),
    ]
}

/// EMV 4.4 Book 3, 10.4.1.
fn version(facts: &Facts) -> &'static Conclusion {
    match facts.version_card {
        None => &rules::VERSION_ABSENT,
        Some(version) if version == facts.version_terminal => &rules::VERSIONS_AGREE,
        Some(_) => &rules::VERSIONS_DIFFER,
    }
}

/// EMV 4.4 Book 3, 10.4.2.
fn usage(facts: &Facts) -> &'static Conclusion {
    let Some(usage) = facts.usage else {
        return &rules::USAGE_ABSENT;
    };
    let place = if is_atm(facts) {
        Auc::AT_ATM
    } else {
        Auc::OTHER_THAN_ATM
    };
    // Without the issuer's country there is no domestic and no international.
    let service = facts
        .issuer_country
        .is_none_or(|country| service_allowed(facts, usage, country == facts.terminal_country));
    if usage.contains(place) && service {
        &rules::USAGE_ALLOWED
    } else {
        &rules::USAGE_NOT_ALLOWED
    }
}

/// EMV 4.4 Book 4, Annex A1: an ATM is a terminal of a bank, without attendant, that gives cash.
fn is_atm(facts: &Facts) -> bool {
    facts.terminal_type.operator == Operator::FinancialInstitution
        && !facts.terminal_type.attended
        && facts
            .additional_capabilities
            .contains(AdditionalTerminalCapabilities::CASH)
}

/// The rows for the service. Goods and services are one type of transaction at the terminal, so
/// either bit allows it.
fn service_allowed(facts: &Facts, usage: Auc, domestic: bool) -> bool {
    let cash = if domestic {
        Auc::DOMESTIC_CASH
    } else {
        Auc::INTERNATIONAL_CASH
    };
    let purchase = if domestic {
        Auc::DOMESTIC_GOODS | Auc::DOMESTIC_SERVICES
    } else {
        Auc::INTERNATIONAL_GOODS | Auc::INTERNATIONAL_SERVICES
    };
    let cashback = if domestic {
        Auc::DOMESTIC_CASHBACK
    } else {
        Auc::INTERNATIONAL_CASHBACK
    };
    let by_kind = match facts.kind {
        TransactionType::Cash => usage.intersects(cash),
        TransactionType::GoodsAndServices | TransactionType::GoodsWithCashback => {
            usage.intersects(purchase)
        }
        // The table has no row for these.
        TransactionType::Refund | TransactionType::BalanceInquiry => true,
    };
    by_kind && (!facts.cashback || usage.intersects(cashback))
}

/// EMV 4.4 Book 3, 10.4.3.
fn effective(facts: &Facts) -> &'static Conclusion {
    match facts.effective {
        None => &rules::EFFECTIVE_DATE_ABSENT,
        Some(effective) if facts.today < effective => &rules::NOT_YET_EFFECTIVE,
        Some(_) => &rules::EFFECTIVE,
    }
}

/// EMV 4.4 Book 3, 10.4.3: the card is valid on its last day.
fn expiration(facts: &Facts) -> &'static Conclusion {
    if facts.today > facts.expiration {
        &rules::EXPIRED
    } else {
        &rules::NOT_EXPIRED
    }
}
