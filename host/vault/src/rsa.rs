//! The RSA public-key operation of EMV (EMV 4.4 Book 2, Annex B2.1).

use num_bigint::BigUint;

use crate::Error;

/// Longest modulus, in bytes.
const MODULUS_MAX: usize = 256;

/// Applies an RSA public key (EMV 4.4 Book 2, Annex B2.1): modulus up to 256 bytes, exponent 3 or
/// 65537, data as long as the modulus. The result is as long as the modulus.
///
/// Fails with [`Error::InvalidInput`] when one of that is not so, when the modulus is even, or when
/// the data is no number below the modulus: no RSA key has made such data.
pub fn rsa_recover(modulus: &[u8], exponent: &[u8], data: &[u8]) -> Result<Vec<u8>, Error> {
    let odd = modulus.last().is_some_and(|byte| byte & 1 == 1);
    if modulus.len() > MODULUS_MAX || data.len() != modulus.len() || !odd {
        return Err(Error::InvalidInput);
    }
    let exponent = parse_exponent(exponent)?;
    let modulus = BigUint::from_bytes_be(modulus);
    let number = BigUint::from_bytes_be(data);
    if number >= modulus {
        return Err(Error::InvalidInput);
    }
    let recovered = match exponent {
        // Two products, where the general way prepares for an exponent of any length.
        Exponent::Three => cube(&number, &modulus),
        Exponent::FermatFour => number.modpow(&BigUint::from(65_537_u32), &modulus),
    };
    let recovered = recovered.to_bytes_be();
    let mut result = vec![0; data.len().saturating_sub(recovered.len())];
    result.extend(recovered);
    Ok(result)
}

#[expect(
    clippy::arithmetic_side_effects,
    reason = "big integers grow, and the modulus is odd, so it is not zero"
)]
fn cube(number: &BigUint, modulus: &BigUint) -> BigUint {
    number * number % modulus * number % modulus
}

/// The exponents that EMV allows (EMV 4.4 Book 2, Annex B2.1).
enum Exponent {
    /// 3.
    Three,
    /// 65537.
    FermatFour,
}

/// Zeros in front are allowed.
fn parse_exponent(exponent: &[u8]) -> Result<Exponent, Error> {
    let zeros = exponent.iter().take_while(|byte| **byte == 0).count();
    match exponent.get(zeros..) {
        Some([0x03]) => Ok(Exponent::Three),
        Some([0x01, 0x00, 0x01]) => Ok(Exponent::FermatFour),
        _ => Err(Error::InvalidInput),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recovers_small_numbers() {
        // 55 = 5 * 11: cubes modulo 55 can be checked by hand.
        assert_eq!(rsa_recover(&[55], &[3], &[2]), Ok(vec![8]));
        assert_eq!(rsa_recover(&[55], &[3], &[4]), Ok(vec![9]));
        assert_eq!(rsa_recover(&[55], &[0, 0, 3], &[4]), Ok(vec![9]));
        // 65537 = 17 modulo 40, and 2^17 = 131072 = 7 modulo 55.
        assert_eq!(rsa_recover(&[55], &[1, 0, 1], &[2]), Ok(vec![7]));
        // The result keeps the modulus' length.
        assert_eq!(rsa_recover(&[1, 1], &[3], &[0, 2]), Ok(vec![0, 8]));
    }

    #[test]
    fn refuses_what_is_no_rsa_input() {
        let long = [0xFF; 257];
        let cases: [(&[u8], &[u8], &[u8]); 11] = [
            (&[], &[3], &[]),
            (&[0], &[3], &[0]),
            (&[54], &[3], &[2]),
            (&[55], &[3], &[55]),
            (&[55], &[3], &[56]),
            (&[55], &[3], &[0, 2]),
            (&[55], &[], &[2]),
            (&[55], &[2], &[2]),
            (&[55], &[5], &[2]),
            (&[55], &[1, 0, 1, 0], &[2]),
            (&long, &[3], &[0; 257]),
        ];
        for (modulus, exponent, data) in cases {
            let refused = rsa_recover(modulus, exponent, data);
            assert_eq!(
                refused,
                Err(Error::InvalidInput),
                "{modulus:02X?} {exponent:02X?}"
            );
        }
    }

    #[test]
    fn takes_the_longest_modulus() {
        let mut two = [0; 256];
        two[255] = 2;
        let mut eight = [0; 256];
        eight[255] = 8;
        assert_eq!(rsa_recover(&[0xFF; 256], &[3], &two), Ok(eight.to_vec()));
    }
}
