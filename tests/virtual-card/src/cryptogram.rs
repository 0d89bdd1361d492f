//! Keys and cryptograms shared by a card and its issuer (EMV 4.4 Book 2, 8 and annex A1).
//!
//! All of it is two-key triple DES. The keys of this crate are published test keys; `TdesKey` still
//! masks its `Debug` so that a log never teaches the habit of printing keys.

use std::fmt;

use cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use des::{Des, TdesEde2};
use retail_mac::{Mac, RetailMac};
use sha1::{Digest, Sha1};

/// A block of the cipher: eight bytes.
pub type Block = [u8; 8];

/// A two-key triple DES key with odd parity: sixteen bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct TdesKey([u8; 16]);

/// How a message is filled up to whole blocks before its MAC (ISO 9797-1:2011, 6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Padding {
    /// Method 1: zeros, none when the blocks are whole already.
    Method1,
    /// Method 2: the byte 80, then zeros.
    Method2,
}

/// How a card's master key comes from its issuer's (EMV 4.4 Book 2, A1.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MasterKeyOption {
    /// From the last sixteen digits of card number and sequence number.
    A,
    /// From their hash when the card number has more than sixteen digits, otherwise as option A.
    B,
}

impl Padding {
    /// The message with its filling.
    pub fn pad(self, message: &[u8]) -> Vec<u8> {
        let mut message = message.to_vec();
        if self == Self::Method2 {
            message.push(0x80);
        }
        message.resize(message.len().next_multiple_of(8), 0);
        message
    }
}

impl TdesKey {
    /// The key of these bytes, its parity bits set to odd.
    pub fn new(bytes: [u8; 16]) -> Self {
        Self(bytes.map(|byte| {
            let odd = byte.count_ones() % 2 == 1;
            if odd { byte } else { byte ^ 1 }
        }))
    }

    /// The key's sixteen bytes, for comparing with published values.
    pub fn expose(&self) -> &[u8; 16] {
        &self.0
    }

    /// One block enciphered.
    pub fn encipher(&self, block: Block) -> Block {
        let mut block = block.into();
        TdesEde2::new(&self.0.into()).encrypt_block(&mut block);
        block.into()
    }

    /// One block deciphered.
    pub fn decipher(&self, block: Block) -> Block {
        let mut block = block.into();
        TdesEde2::new(&self.0.into()).decrypt_block(&mut block);
        block.into()
    }

    /// The MAC of ISO 9797-1 algorithm 3, eight bytes (EMV 4.4 Book 2, A1.2.1).
    pub fn mac(&self, message: &[u8], padding: Padding) -> Block {
        let mut mac = RetailMac::<Des>::new(&self.0.into());
        mac.update(&padding.pad(message));
        mac.finalize().into_bytes().into()
    }

    /// The master key of one card (EMV 4.4 Book 2, A1.4). `pan` and `sequence` are digits; others
    /// count as 0.
    #[must_use]
    pub fn icc_master_key(&self, pan: &str, sequence: &str, option: MasterKeyOption) -> Self {
        let digits = format!("{pan}{sequence}");
        let hashed = option == MasterKeyOption::B && pan.len() > 16;
        let y = if hashed {
            decimalised(&sha1_of_digits(&digits))
        } else {
            last_sixteen(&digits)
        };
        // EMV 4.4 Book 2, A1.4.1: the second half is made of the complement.
        self.pair(y, y.map(|byte| !byte))
    }

    /// The common session key (EMV 4.4 Book 2, A1.3.1) for a diversification value: the ATC and six
    /// zeros for application cryptograms, the cryptogram itself for secure messaging.
    #[must_use]
    pub fn session_key(&self, diversification: Block) -> Self {
        let (mut left, mut right) = (diversification, diversification);
        left[2] = 0xF0;
        right[2] = 0x0F;
        self.pair(left, right)
    }

    /// The session key of the EMV 2000 tree, withdrawn since but alive on old cards: `height` levels,
    /// each with `branch` children. `None` when the tree has no level or no branch.
    pub fn tree_session_key(
        &self,
        atc: u16,
        height: u32,
        branch: u32,
        iv: [u8; 16],
    ) -> Option<Self> {
        let mut grandparent = iv;
        let mut parent = self.0;
        let mut last_but_one = iv;
        for level in 1..=height {
            let below = branch.checked_pow(height.checked_sub(level)?);
            // A step wider than the counter leaves the leftmost branch.
            let step = below.map_or(0, |width| u32::from(atc).checked_div(width).unwrap_or(0));
            let branch_taken = u8::try_from(step.checked_rem(branch)?).ok()?;
            last_but_one = grandparent;
            let node = tree_node(&Self(parent), grandparent, branch_taken);
            grandparent = parent;
            parent = node;
        }
        (height > 1).then(|| Self::new(xor16(parent, last_but_one)))
    }

    /// The session key of Visa's cryptogram version 10 for secure messaging: the counter over the end of
    /// the left half, its complement over the end of the right half.
    #[must_use]
    pub fn exclusive_or_key(&self, atc: [u8; 2]) -> Self {
        let [high, low] = atc;
        Self::new(xor16(
            self.0,
            joined(
                [0, 0, 0, 0, 0, 0, high, low],
                [0, 0, 0, 0, 0, 0, !high, !low],
            ),
        ))
    }

    /// The ARPC of method 1, eight bytes (EMV 4.4 Book 2, 8.2.1).
    pub fn arpc_method_1(&self, arqc: Block, response_code: [u8; 2]) -> Block {
        let [first, second] = response_code;
        self.encipher(xor8(arqc, [first, second, 0, 0, 0, 0, 0, 0]))
    }

    /// The ARPC of method 2, four bytes, over the card status update and the issuer's own data
    /// (EMV 4.4 Book 2, 8.2.2).
    pub fn arpc_method_2(&self, arqc: Block, csu: [u8; 4], proprietary: &[u8]) -> [u8; 4] {
        let message = [&arqc[..], &csu[..], proprietary].concat();
        let [a, b, c, d, ..] = self.mac(&message, Padding::Method2);
        [a, b, c, d]
    }

    fn pair(&self, left: Block, right: Block) -> Self {
        Self::new(joined(self.encipher(left), self.encipher(right)))
    }
}

impl fmt::Debug for TdesKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TdesKey(masked)")
    }
}

/// Whether two values are equal, looking at every byte.
pub(crate) fn equal(left: &[u8], right: &[u8]) -> bool {
    left.len() == right.len() && left.iter().zip(right).fold(0, |sum, (a, b)| sum | (a ^ b)) == 0
}

/// Digits two a byte, with a zero in front when their number is odd.
pub(crate) fn bcd(digits: &str) -> Vec<u8> {
    let values: Vec<u8> = digits
        .chars()
        .map(|digit| {
            digit
                .to_digit(16)
                .and_then(|value| u8::try_from(value).ok())
                .unwrap_or(0)
        })
        .collect();
    let padded = if values.len().is_multiple_of(2) {
        values
    } else {
        [vec![0], values].concat()
    };
    padded
        .chunks(2)
        .map(|pair| pair.iter().fold(0, |byte, digit| (byte << 4) | digit))
        .collect()
}

/// The first sixteen decimal digits of a hash in hexadecimal, A to F as 0 to 5 after them
/// (EMV 4.4 Book 2, A1.4.2).
pub fn decimalised(hash: &[u8; 20]) -> Block {
    let nibbles = || hash.iter().flat_map(|byte| [byte >> 4, byte & 0x0F]);
    let decimal = nibbles().filter(|nibble| *nibble < 10);
    let others = nibbles().filter_map(|nibble| nibble.checked_sub(10));
    let digits: Vec<u8> = decimal.chain(others).take(16).collect();
    let mut block = [0; 8];
    for (byte, pair) in block.iter_mut().zip(digits.chunks(2)) {
        *byte = pair.iter().fold(0, |byte, digit| (byte << 4) | digit);
    }
    block
}

fn sha1_of_digits(digits: &str) -> [u8; 20] {
    Sha1::digest(bcd(digits)).into()
}

fn last_sixteen(digits: &str) -> Block {
    let mut block = [0; 8];
    for (byte, value) in block.iter_mut().rev().zip(bcd(digits).into_iter().rev()) {
        *byte = value;
    }
    block
}

fn tree_node(parent: &TdesKey, grandparent: [u8; 16], branch: u8) -> [u8; 16] {
    let [mut left, mut right] = halves(grandparent);
    if let Some(last) = left.last_mut() {
        *last ^= branch;
    }
    if let Some(last) = right.last_mut() {
        *last ^= branch ^ 0xF0;
    }
    joined(parent.encipher(left), parent.encipher(right))
}

fn halves(bytes: [u8; 16]) -> [Block; 2] {
    let half = |skipped: usize| {
        let mut block = [0; 8];
        for (byte, value) in block.iter_mut().zip(bytes.into_iter().skip(skipped)) {
            *byte = value;
        }
        block
    };
    [half(0), half(8)]
}

fn joined(left: Block, right: Block) -> [u8; 16] {
    let mut bytes = [0; 16];
    for (byte, value) in bytes.iter_mut().zip(left.into_iter().chain(right)) {
        *byte = value;
    }
    bytes
}

fn xor8(left: Block, right: Block) -> Block {
    let mut bytes = left;
    for (byte, other) in bytes.iter_mut().zip(right) {
        *byte ^= other;
    }
    bytes
}

fn xor16(left: [u8; 16], right: [u8; 16]) -> [u8; 16] {
    let mut bytes = left;
    for (byte, other) in bytes.iter_mut().zip(right) {
        *byte ^= other;
    }
    bytes
}
