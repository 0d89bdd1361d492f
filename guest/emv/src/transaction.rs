//! What the merchant asks of the kernel.

/// One transaction, as the terminal begins it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transaction {
    /// Tag 9F02: everything to be paid, cashback included, in minor units; at most twelve digits.
    pub amount: u64,
    /// Tag 9F03: the cashback in it, in minor units; at most twelve digits.
    pub amount_other: u64,
    /// Tag 5F2A, ISO 4217 numeric.
    pub currency: u16,
    /// Tag 5F36: 2 when 100 minor units make one major.
    pub currency_exponent: u8,
    /// Tag 9C.
    pub kind: TransactionType,
    /// Tag 9A: local date as YYMMDD, BCD.
    pub date: [u8; 3],
    /// Tag 9F21: local time as hhmmss, BCD.
    pub time: [u8; 3],
    /// Tag 9F41. Its last eight digits are used.
    pub sequence: u32,
    /// Whether the attendant asked for online authorisation (EMV 4.4 Book 4, 6.5.1.2).
    pub merchant_forced_online: bool,
    /// Whether nobody but the issuer may approve: a reservation, a balance. The terminal then acts as
    /// an online-only one (EMV 4.4 Book 3, 10.7), whatever tag 9F35 says of it.
    pub only_issuer_approves: bool,
}

/// Tag 9C: the first two digits of ISO 8583 field 3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransactionType {
    /// 00.
    GoodsAndServices,
    /// 01.
    Cash,
    /// 09.
    GoodsWithCashback,
    /// 20.
    Refund,
    /// 31.
    BalanceInquiry,
}

impl TransactionType {
    /// Tag 9C.
    pub const fn to_byte(self) -> u8 {
        match self {
            Self::GoodsAndServices => 0x00,
            Self::Cash => 0x01,
            Self::GoodsWithCashback => 0x09,
            Self::Refund => 0x20,
            Self::BalanceInquiry => 0x31,
        }
    }
}
