//! Sealing: what the device key protects.
//!
//! Every context has keys of its own, derived from the device key with HKDF (RFC 5869), so that
//! bytes sealed for one purpose cannot be passed off as another's.

use std::fmt;

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};
use zeroize::Zeroizing;

use crate::Error;

/// The key of the device itself, from hardware where there is some. Seals everything else.
pub struct DeviceKey(pub Zeroizing<[u8; 32]>);

impl fmt::Debug for DeviceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeviceKey").finish_non_exhaustive()
    }
}

/// What a derived key is used for. Part of the derivation.
#[derive(Clone, Copy)]
enum Use {
    Seal,
    Tag,
}

impl Use {
    fn label(self) -> &'static [u8] {
        match self {
            Self::Seal => b"seal",
            Self::Tag => b"tag",
        }
    }
}

/// Length of the nonce in front of what is sealed.
const NONCE_LENGTH: usize = 12;

/// Seals and opens under keys derived from the device key.
pub(crate) struct Sealer {
    /// HKDF-Extract of the device key, which is not kept.
    pseudorandom_key: Zeroizing<[u8; 32]>,
    random: SystemRandom,
}

impl Sealer {
    pub(crate) fn new(device_key: &DeviceKey) -> Self {
        let pseudorandom_key = hmac_sha256(EXTRACT_SALT, &[&*device_key.0]);
        Self {
            pseudorandom_key,
            random: SystemRandom::new(),
        }
    }

    /// A random nonce, then AES-256-GCM of `plaintext` and its tag. `associated` is authenticated
    /// and not contained.
    ///
    /// Fails with [`Error::Fault`] when the random generator does.
    pub(crate) fn seal(
        &self,
        context: &str,
        associated: &[u8],
        plaintext: &[u8],
    ) -> Result<Vec<u8>, Error> {
        let mut nonce = [0; NONCE_LENGTH];
        self.fill_random(&mut nonce)?;
        let capacity = plaintext.len().saturating_add(AES_256_GCM.tag_len());
        let mut buffer = Zeroizing::new(Vec::with_capacity(capacity));
        buffer.extend_from_slice(plaintext);
        self.aead_key(context)?
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(associated),
                &mut *buffer,
            )
            .map_err(|_| Error::Fault)?;
        Ok([nonce.as_slice(), &buffer].concat())
    }

    /// Opens what [`Sealer::seal`] made for the same context and associated bytes.
    ///
    /// Fails with [`Error::Fault`] on anything else.
    pub(crate) fn unseal(
        &self,
        context: &str,
        associated: &[u8],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, Error> {
        let (nonce, enciphered) = sealed.split_first_chunk().ok_or(Error::Fault)?;
        let mut buffer = Zeroizing::new(enciphered.to_vec());
        let length = self
            .aead_key(context)?
            .open_in_place(
                Nonce::assume_unique_for_key(*nonce),
                Aad::from(associated),
                &mut buffer,
            )
            .map_err(|_| Error::Fault)?
            .len();
        buffer.truncate(length);
        Ok(buffer)
    }

    /// HMAC-SHA-256 over the parts, each after its length in eight bytes.
    pub(crate) fn tag(&self, context: &str, parts: &[&[u8]]) -> [u8; 32] {
        let key = self.derive(Use::Tag, context);
        let mut tag = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, &*key));
        for part in parts {
            tag.update(&length_prefix(part));
            tag.update(part);
        }
        output(&tag.sign())
    }

    /// Fills `bytes` from the random generator.
    pub(crate) fn fill_random(&self, bytes: &mut [u8]) -> Result<(), Error> {
        self.random.fill(bytes).map_err(|_| Error::Fault)
    }

    fn aead_key(&self, context: &str) -> Result<LessSafeKey, Error> {
        let key = self.derive(Use::Seal, context);
        UnboundKey::new(&AES_256_GCM, &*key)
            .map(LessSafeKey::new)
            .map_err(|_| Error::Fault)
    }

    /// HKDF-Expand to one block, which is HMAC over the label and the number 1 (RFC 5869, 2.3).
    /// The context stands last, so that no two labels are the same bytes.
    fn derive(&self, usage: Use, context: &str) -> Zeroizing<[u8; 32]> {
        let label = usage.label();
        let parts = [
            length_prefix(label).as_slice(),
            label,
            context.as_bytes(),
            &[1],
        ]
        .concat();
        hmac_sha256(&*self.pseudorandom_key, &[&parts])
    }
}

/// The salt of HKDF-Extract. Not secret: it separates this design from others on the same device.
const EXTRACT_SALT: &[u8] = b"tenon vault 1";

fn hmac_sha256(key: &[u8], parts: &[&[u8]]) -> Zeroizing<[u8; 32]> {
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, key));
    for part in parts {
        context.update(part);
    }
    Zeroizing::new(output(&context.sign()))
}

/// The 32 bytes that HMAC-SHA-256 always has.
fn output(tag: &hmac::Tag) -> [u8; 32] {
    let mut bytes = [0; 32];
    for (place, byte) in bytes.iter_mut().zip(tag.as_ref()) {
        *place = *byte;
    }
    bytes
}

fn length_prefix(part: &[u8]) -> [u8; 8] {
    u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use ring::hkdf;

    use super::*;

    fn sealer(byte: u8) -> Sealer {
        Sealer::new(&DeviceKey(Zeroizing::new([byte; 32])))
    }

    #[test]
    fn derives_as_hkdf_does() {
        let salt = hkdf::Salt::new(hkdf::HKDF_SHA256, EXTRACT_SALT);
        let info = [&[0, 0, 0, 0, 0, 0, 0, 4], b"seal".as_slice(), b"journal"];
        let mut expected = [0; 32];
        let extracted = salt.extract(&[7; 32]);
        extracted
            .expand(&info, hkdf::HKDF_SHA256)
            .unwrap()
            .fill(&mut expected)
            .unwrap();
        assert_eq!(*sealer(7).derive(Use::Seal, "journal"), expected);
    }

    #[test]
    fn unseals_only_what_was_sealed_for_the_same() {
        let sealer_7 = sealer(7);
        let sealed = sealer_7.seal("journal", b"row 1", b"content").unwrap();
        assert_eq!(
            *sealer_7.unseal("journal", b"row 1", &sealed).unwrap(),
            b"content"
        );
        assert!(!sealed.windows(7).any(|window| window == b"content"));
        assert_eq!(
            sealer_7.unseal("other", b"row 1", &sealed).err(),
            Some(Error::Fault)
        );
        assert_eq!(
            sealer_7.unseal("journal", b"row 2", &sealed).err(),
            Some(Error::Fault)
        );
        assert_eq!(
            sealer(8).unseal("journal", b"row 1", &sealed).err(),
            Some(Error::Fault)
        );
        for length in 0..sealed.len() {
            let torn = sealer_7.unseal("journal", b"row 1", &sealed[..length]);
            assert_eq!(torn.err(), Some(Error::Fault), "{length}");
        }
        for place in 0..sealed.len() {
            let mut tampered = sealed.clone();
            tampered[place] ^= 1;
            let refused = sealer_7.unseal("journal", b"row 1", &tampered);
            assert_eq!(refused.err(), Some(Error::Fault), "{place}");
        }
    }

    #[test]
    fn seals_the_same_bytes_differently_each_time() {
        let sealer = sealer(7);
        assert_ne!(
            sealer.seal("c", b"", b"same"),
            sealer.seal("c", b"", b"same")
        );
        assert_eq!(
            *sealer
                .unseal("c", b"", &sealer.seal("c", b"", b"").unwrap())
                .unwrap(),
            b""
        );
    }

    #[test]
    fn tags_tell_parts_and_contexts_apart() {
        let sealer_7 = sealer(7);
        let tag = sealer_7.tag("code", &[b"ab", b"c"]);
        assert_eq!(tag, sealer_7.tag("code", &[b"ab", b"c"]));
        assert_ne!(tag, sealer_7.tag("code", &[b"a", b"bc"]));
        assert_ne!(tag, sealer_7.tag("code", &[b"abc"]));
        assert_ne!(tag, sealer_7.tag("code", &[b"ab", b"c", b""]));
        assert_ne!(tag, sealer_7.tag("other", &[b"ab", b"c"]));
        assert_ne!(tag, sealer(8).tag("code", &[b"ab", b"c"]));
    }
}
