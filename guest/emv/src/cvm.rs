//! The CVM List: which methods of verification the issuer wants, and when.
//!
//! EMV 4.4 Book 3, 10.5 and Annex C3.

use crate::bits::TerminalCapabilities;
use crate::parameters::TerminalType;
use crate::transaction::{Transaction, TransactionType};

/// Tag 8E, parsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CvmList {
    /// The amounts that conditions compare with, in minor units of the application's currency.
    pub(crate) amount_x: u32,
    pub(crate) amount_y: u32,
    /// The rules in order; none in an empty list.
    pub(crate) rules: Vec<Rule>,
}

/// One rule of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rule {
    /// The method, and whether a failure ends verification.
    pub(crate) code: u8,
    /// When the rule applies.
    pub(crate) condition: u8,
}

/// What a rule asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    /// Verification fails here.
    Fail,
    /// A PIN the card checks.
    OfflinePin { enciphered: bool, signature: bool },
    /// A PIN the issuer checks.
    OnlinePin,
    /// A signature.
    Signature,
    /// Nothing.
    NoCvm,
    /// A method the kernel does not know.
    Unrecognised,
}

impl CvmList {
    /// Reads tag 8E. `None` when it is too short for the amounts or ends within a rule.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let (amount_x, rest) = bytes.split_first_chunk()?;
        let (amount_y, rest) = rest.split_first_chunk()?;
        let (pairs, odd) = rest.as_chunks::<2>();
        odd.is_empty().then(|| Self {
            amount_x: u32::from_be_bytes(*amount_x),
            amount_y: u32::from_be_bytes(*amount_y),
            rules: pairs
                .iter()
                .map(|[code, condition]| Rule {
                    code: *code,
                    condition: *condition,
                })
                .collect(),
        })
    }

    /// Whether some rule sends an enciphered PIN to the card.
    pub(crate) fn asks_for_enciphered_pin(&self) -> bool {
        let enciphered = |asked| {
            matches!(
                asked,
                Asked::OfflinePin {
                    enciphered: true,
                    ..
                }
            )
        };
        self.rules.iter().any(|rule| enciphered(rule.asked()))
    }
}

impl Rule {
    /// Bits 6 to 1 of the code.
    pub(crate) const fn asked(self) -> Asked {
        match self.code & 0x3F {
            0x00 => Asked::Fail,
            0x01 => Asked::OfflinePin {
                enciphered: false,
                signature: false,
            },
            0x02 => Asked::OnlinePin,
            0x03 => Asked::OfflinePin {
                enciphered: false,
                signature: true,
            },
            0x04 => Asked::OfflinePin {
                enciphered: true,
                signature: false,
            },
            0x05 => Asked::OfflinePin {
                enciphered: true,
                signature: true,
            },
            0x1E => Asked::Signature,
            0x1F => Asked::NoCvm,
            _ => Asked::Unrecognised,
        }
    }

    /// Bit 7 of the code: the next rule applies when this one fails.
    pub(crate) const fn continues(self) -> bool {
        self.code & 0x40 != 0
    }
}

impl Asked {
    /// Whether the terminal can do it.
    pub(crate) fn supported(self, capabilities: TerminalCapabilities) -> bool {
        let needed = match self {
            Self::Fail => TerminalCapabilities::empty(),
            Self::OfflinePin {
                enciphered,
                signature,
            } => {
                let pin = if enciphered {
                    TerminalCapabilities::ENCIPHERED_OFFLINE_PIN
                } else {
                    TerminalCapabilities::PLAINTEXT_OFFLINE_PIN
                };
                if signature {
                    pin | TerminalCapabilities::SIGNATURE
                } else {
                    pin
                }
            }
            Self::OnlinePin => TerminalCapabilities::ONLINE_PIN,
            Self::Signature => TerminalCapabilities::SIGNATURE,
            Self::NoCvm => TerminalCapabilities::NO_CVM,
            Self::Unrecognised => return false,
        };
        capabilities.contains(needed)
    }
}

/// The kinds of transaction that conditions tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Service {
    UnattendedCash,
    ManualCash,
    Cashback,
    Other,
}

impl Service {
    /// The service a transaction is.
    pub(crate) const fn of(transaction: &Transaction, terminal: TerminalType) -> Self {
        match transaction.kind {
            TransactionType::Cash if terminal.attended => Self::ManualCash,
            TransactionType::Cash => Self::UnattendedCash,
            TransactionType::GoodsWithCashback => Self::Cashback,
            TransactionType::GoodsAndServices if transaction.amount_other > 0 => Self::Cashback,
            TransactionType::GoodsAndServices
            | TransactionType::Refund
            | TransactionType::BalanceInquiry => Self::Other,
        }
    }
}

/// What conditions depend on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Circumstances {
    pub(crate) capabilities: TerminalCapabilities,
    pub(crate) service: Service,
    /// Tag 9F02, in minor units.
    pub(crate) amount: u64,
    /// Whether tag 9F42 is the transaction's currency.
    pub(crate) in_application_currency: bool,
}

/// Whether the condition of a rule is met (EMV 4.4 Book 3, Annex C3, table 44). A code that is not
/// known is never met.
pub(crate) fn condition_met(rule: Rule, list: &CvmList, now: &Circumstances) -> bool {
    let (x, y) = (u64::from(list.amount_x), u64::from(list.amount_y));
    match rule.condition {
        0x00 => true,
        0x01 => now.service == Service::UnattendedCash,
        0x02 => now.service == Service::Other,
        // EMV 4.4 Book 3, 10.5.5, figure 8: asked before the method is recognised, so that one
        // that is not known is passed over like any other the terminal does not support.
        0x03 => rule.asked().supported(now.capabilities),
        0x04 => now.service == Service::ManualCash,
        0x05 => now.service == Service::Cashback,
        0x06 => now.in_application_currency && now.amount < x,
        0x07 => now.in_application_currency && now.amount > x,
        0x08 => now.in_application_currency && now.amount < y,
        0x09 => now.in_application_currency && now.amount > y,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_compared_strictly_and_in_one_currency_only() {
        let list = CvmList {
            amount_x: 1000,
            amount_y: 3000,
            rules: Vec::new(),
        };
        for (condition, amount, met) in [
            (6, 999, true),
            (6, 1000, false),
            (7, 1000, false),
            (7, 1001, true),
            (8, 2999, true),
            (8, 3000, false),
            (9, 3000, false),
            (9, 3001, true),
            (10, 3001, false),
        ] {
            let rule = Rule {
                code: 0x1F,
                condition,
            };
            let mut now = Circumstances {
                capabilities: TerminalCapabilities::NO_CVM,
                service: Service::Other,
                amount,
                in_application_currency: true,
            };
            assert_eq!(
                condition_met(rule, &list, &now),
                met,
                "{condition} {amount}"
            );
            now.in_application_currency = false;
            assert!(!condition_met(rule, &list, &now), "{condition} {amount}");
        }
    }

    #[test]
    fn cash_and_cashback_are_told_apart() {
        let terminal = |byte| TerminalType::parse(byte).expect("a type");
        let transaction = |kind, amount_other| Transaction {
            amount: 1000,
            amount_other,
            currency: 554,
            currency_exponent: 2,
            kind,
            date: [0x26, 1, 1],
            time: [0; 3],
            sequence: 1,
            merchant_forced_online: false,
            only_issuer_approves: false,
        };
        for (kind, other, byte, service) in [
            (TransactionType::Cash, 0, 0x14, Service::UnattendedCash),
            (TransactionType::Cash, 0, 0x11, Service::ManualCash),
            (
                TransactionType::GoodsWithCashback,
                0,
                0x22,
                Service::Cashback,
            ),
            (
                TransactionType::GoodsAndServices,
                5,
                0x22,
                Service::Cashback,
            ),
            (TransactionType::GoodsAndServices, 0, 0x22, Service::Other),
            (TransactionType::Refund, 0, 0x22, Service::Other),
        ] {
            assert_eq!(
                Service::of(&transaction(kind, other), terminal(byte)),
                service
            );
        }
    }
}
