//! RSA keys made from a seed, and the raw operation of EMV certificates (EMV 4.4 Book 2, B2.1).
#![expect(
    clippy::arithmetic_side_effects,
    reason = "big integers grow instead of overflowing, and nothing here subtracts from zero or divides by it"
)]

use std::fmt;

use num_bigint::BigUint;
use sha1::{Digest, Sha1};

/// A deterministic stream of bytes: SHA-1 over a label and a counter. Not for keys of real cards.
#[derive(Clone, Debug)]
pub(crate) struct Drbg {
    label: String,
    counter: u64,
}

impl Drbg {
    pub(crate) fn new(label: &str) -> Self {
        Self {
            label: label.to_owned(),
            counter: 0,
        }
    }

    pub(crate) fn bytes(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(length);
        while bytes.len() < length {
            self.counter = self.counter.wrapping_add(1);
            let block = Sha1::new()
                .chain_update(&self.label)
                .chain_update(self.counter.to_be_bytes())
                .finalize();
            bytes.extend(block.into_iter().take(length - bytes.len()));
        }
        bytes
    }
}

/// An RSA key pair.
#[derive(Clone)]
pub(crate) struct RsaKey {
    modulus: BigUint,
    public_exponent: BigUint,
    primes: [PrimeKey; 2],
    /// The inverse of the second prime, modulo the first.
    coefficient: BigUint,
    length: usize,
}

/// The private key modulo one of the primes.
#[derive(Clone)]
struct PrimeKey {
    prime: BigUint,
    exponent: BigUint,
}

impl PrimeKey {
    /// `None` when the public exponent has no inverse.
    fn of(prime: BigUint, public_exponent: &BigUint) -> Option<Self> {
        let exponent = public_exponent.modinv(&(&prime - 1_u32))?;
        Some(Self { prime, exponent })
    }

    fn power(&self, block: &BigUint) -> BigUint {
        block.modpow(&self.exponent, &self.prime)
    }
}

impl RsaKey {
    /// The key of `length` bytes (a multiple of two) that `label` names, always the same one.
    pub(crate) fn generate(label: &str, length: usize, public_exponent: u32) -> Self {
        let mut drbg = Drbg::new(label);
        let public_exponent = BigUint::from(public_exponent);
        loop {
            let p = prime(&mut drbg, length / 2, &public_exponent);
            let q = prime(&mut drbg, length / 2, &public_exponent);
            let modulus = &p * &q;
            // Equal primes have no inverse; the next pair does.
            let (Some(coefficient), Some(p), Some(q)) = (
                q.modinv(&p),
                PrimeKey::of(p, &public_exponent),
                PrimeKey::of(q, &public_exponent),
            ) else {
                continue;
            };
            return Self {
                modulus,
                public_exponent,
                primes: [p, q],
                coefficient,
                length,
            };
        }
    }

    /// Modulus length in bytes.
    pub(crate) fn length(&self) -> usize {
        self.length
    }

    pub(crate) fn modulus(&self) -> Vec<u8> {
        self.modulus.to_bytes_be()
    }

    pub(crate) fn exponent(&self) -> Vec<u8> {
        self.public_exponent.to_bytes_be()
    }

    /// The private operation, which signs a block and deciphers a PIN. As long as the modulus.
    pub(crate) fn private(&self, block: &[u8]) -> Vec<u8> {
        let bytes = self.power(&BigUint::from_bytes_be(block)).to_bytes_be();
        let mut padded = vec![0; self.length.saturating_sub(bytes.len())];
        padded.extend(bytes);
        padded
    }

    /// By the Chinese remainder theorem (RFC 8017, 5.1.2): a card has a few milliseconds.
    fn power(&self, block: &BigUint) -> BigUint {
        let [first, second] = &self.primes;
        let (one, two) = (first.power(block), second.power(block));
        // `one` may be less than `two`, and `two` more than the first prime.
        let difference = one + &first.prime - &two % &first.prime;
        two + difference * &self.coefficient % &first.prime * &second.prime
    }
}

impl fmt::Debug for RsaKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RsaKey({} bits, masked)", self.length * 8)
    }
}

/// A prime of `length` bytes, its two highest bits set, so that two of them fill the modulus, and
/// `exponent` has an inverse.
fn prime(drbg: &mut Drbg, length: usize, exponent: &BigUint) -> BigUint {
    let small = small_primes();
    let highest = u64::try_from(length * 8).unwrap_or(u64::MAX);
    loop {
        let mut start = BigUint::from_bytes_be(&drbg.bytes(length));
        for bit in [0, highest.saturating_sub(1), highest.saturating_sub(2)] {
            start.set_bit(bit, true);
        }
        let remainders: Vec<u32> = small
            .iter()
            .map(|prime| remainder(&start, *prime))
            .collect();
        // A few hundred numbers hold a prime nearly always; otherwise another start is drawn.
        for step in (0..4000_u32).step_by(2) {
            let divided = small
                .iter()
                .zip(&remainders)
                .any(|(prime, rest)| (rest + step) % prime == 0);
            if divided {
                continue;
            }
            let candidate = &start + step;
            let invertible = (&candidate - 1_u32) % exponent != BigUint::ZERO;
            if invertible && candidate.bits() == highest && is_probably_prime(&candidate) {
                return candidate;
            }
        }
    }
}

fn remainder(number: &BigUint, divisor: u32) -> u32 {
    u32::try_from(number % divisor).unwrap_or(0)
}

/// The odd primes below 2000.
fn small_primes() -> Vec<u32> {
    let mut primes: Vec<u32> = Vec::new();
    for number in (3..2000).step_by(2) {
        if primes.iter().all(|prime| number % prime != 0) {
            primes.push(number);
        }
    }
    primes
}

/// Miller and Rabin's test with a few fixed bases: enough for numbers drawn at random.
fn is_probably_prime(number: &BigUint) -> bool {
    let one = BigUint::from(1_u32);
    let minus_one = number - 1_u32;
    let twos = minus_one.trailing_zeros().unwrap_or(0);
    let odd = &minus_one >> twos;
    [2_u32, 3, 5, 7].iter().all(|base| {
        let mut power = BigUint::from(*base).modpow(&odd, number);
        if power == one || power == minus_one {
            return true;
        }
        (1..twos).any(|_| {
            power = &power * &power % number;
            power == minus_one
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_label_makes_the_same_working_key() {
        let key = RsaKey::generate("test", 64, 3);
        assert_eq!(key.modulus(), RsaKey::generate("test", 64, 3).modulus());
        assert_ne!(key.modulus(), RsaKey::generate("other", 64, 3).modulus());
        assert_eq!(key.modulus().len(), 64);
        let block = [&[0x6A][..], &[7; 62], &[0xBC]].concat();
        let signed = BigUint::from_bytes_be(&key.private(&block));
        assert_eq!(
            signed
                .modpow(&key.public_exponent, &key.modulus)
                .to_bytes_be(),
            block
        );
    }

    #[test]
    fn tells_primes_from_products() {
        for (number, expected) in [
            (2_147_483_647_u64, true),
            (3_215_031_751 + 2, false),
            (1_000_003 * 999_983, false),
        ] {
            assert_eq!(
                is_probably_prime(&BigUint::from(number)),
                expected,
                "{number}"
            );
        }
    }
}
