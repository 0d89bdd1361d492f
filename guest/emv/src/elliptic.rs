//! EC-SDSA over P-256 and P-521: is a signature right? Pure; the arithmetic of the curves is
//! `RustCrypto`'s.
//!
//! Only public keys are here, so nothing has to take the same time for every input. A key is the
//! x-coordinate of a point; of the two points with it the one with the lower y is meant.
//!
//! EMV 4.4 Book 2, Annex A2.2, B2.2 and B2.4.

use core::ops::Neg;

use p256::NistP256;
use p256::elliptic_curve::ops::{MulByGeneratorVartime, Reduce};
use p256::elliptic_curve::point::{AffineCoordinates, DecompactPoint};
use p256::elliptic_curve::{CurveArithmetic, Field, FieldBytes, Group, PrimeField};
use p521::NistP521;
use sha2::{Digest, Sha256, Sha512};

use crate::parameters::AlgorithmSuite;

/// A public key, and how its signatures are made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EllipticKey {
    pub(crate) suite: AlgorithmSuite,
    /// Most significant byte first.
    pub(crate) x: Vec<u8>,
}

impl AlgorithmSuite {
    /// How long an x-coordinate is, in bytes: N FIELD of EMV 4.4 Book 2, Annex B2.2.
    pub(crate) const fn field_length(self) -> usize {
        match self {
            Self::EcSdsaSha256P256 => 32,
            Self::EcSdsaSha512P521 => 66,
        }
    }

    /// How long a signature is, in bytes: the hash, and a number below the order of the curve.
    pub(crate) const fn signature_length(self) -> usize {
        match self {
            Self::EcSdsaSha256P256 => 64,
            Self::EcSdsaSha512P521 => 130,
        }
    }
}

impl EllipticKey {
    /// Whether there is a point with this x-coordinate.
    pub(crate) fn is_on_curve(&self) -> bool {
        match self.suite {
            AlgorithmSuite::EcSdsaSha256P256 => point::<NistP256>(&self.x).is_some(),
            AlgorithmSuite::EcSdsaSha512P521 => point::<NistP521>(&self.x).is_some(),
        }
    }

    /// Whether `signature` over `message` is this key's (EMV 4.4 Book 2, Annex A2.2.3).
    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        let verified = match self.suite {
            AlgorithmSuite::EcSdsaSha256P256 => {
                verify::<NistP256, Sha256>(&self.x, message, signature)
            }
            AlgorithmSuite::EcSdsaSha512P521 => {
                verify::<NistP521, Sha512>(&self.x, message, signature)
            }
        };
        verified.is_some()
    }
}

/// A signature is the hash r over the x-coordinate of a point and the message, and a number s such
/// that the point is s times the generator minus r times the key.
fn verify<C, D>(x: &[u8], message: &[u8], signature: &[u8]) -> Option<()>
where
    C: CurveArithmetic,
    C::AffinePoint: DecompactPoint<C>,
    C::Scalar: Reduce<FieldBytes<C>>,
    D: Digest,
{
    let (r, s) = signature.split_at_checked(<D as Digest>::output_size())?;
    // A number that is not below the order of the curve has no scalar.
    let s = Option::<C::Scalar>::from(C::Scalar::from_repr(FieldBytes::<C>::try_from(s).ok()?))?;
    let r_number = <C::Scalar as Reduce<FieldBytes<C>>>::reduce(&padded::<C>(r)?);
    if bool::from(s.is_zero() | r_number.is_zero()) {
        return None;
    }
    let key = C::ProjectivePoint::from(point::<C>(x)?);
    let sum = C::ProjectivePoint::mul_by_generator_and_mul_add_vartime(&s, &r_number.neg(), &key);
    if bool::from(sum.is_identity()) {
        return None;
    }
    let sum: C::AffinePoint = sum.into();
    let hash = D::new_with_prefix(sum.x()).chain_update(message).finalize();
    (hash[..] == *r).then_some(())
}

/// The point with this x-coordinate and the lower y (EMV 4.4 Book 2, Annex B2.2.1).
fn point<C>(x: &[u8]) -> Option<C::AffinePoint>
where
    C: CurveArithmetic,
    C::AffinePoint: DecompactPoint<C>,
{
    C::AffinePoint::decompact(&FieldBytes::<C>::try_from(x).ok()?).into()
}

/// A number in the length of a field element.
fn padded<C: CurveArithmetic>(number: &[u8]) -> Option<FieldBytes<C>> {
    let mut padded = FieldBytes::<C>::default();
    let start = padded.len().checked_sub(number.len())?;
    padded.get_mut(start..)?.copy_from_slice(number);
    Some(padded)
}
