//! Offline data authentication: is this card what its issuer made?
//!
//! SDA and DDA with RSA. A terminal with this kernel does not support CDA and XDA: tag 9F33 says
//! so, and such a card is authenticated by the best method both share.
//!
//! EMV 4.4 Book 3, 10.3; EMV 4.4 Book 2, 5 and 6.

use zeroize::Zeroizing;

use crate::apdu;
use crate::bits::{Aip, TerminalCapabilities, Tsi};
use crate::card_data::CardData;
use crate::certificate::{self, Companion, PublicKey, Refusal};
use crate::contact::Read;
use crate::date::Date;
use crate::dialogue::Dialogue;
use crate::dol::Dol;
use crate::identity::Pan;
use crate::outcome::Cause;
use crate::ports::{OfflinePinMethod, Ports, Tools};
use crate::rules::{self, Conclusion};
use crate::tag::{self, Tag};
use crate::terminal_data;
use crate::tlv;

/// How the card's data is authenticated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Authentication {
    NotPerformed,
    Sda,
    Dda,
}

/// EMV 4.4 Book 3, 10.3. A card that cannot be authenticated goes on, with the TVR saying so.
pub(crate) fn perform<P: Ports>(dialogue: &mut Dialogue<'_, P>, read: &Read) -> Result<(), Cause> {
    let capabilities = terminal_data::capabilities(&read.terms.terminal);
    match choose(dialogue.card.aip(), capabilities) {
        Authentication::NotPerformed => dialogue.conclude(&rules::ODA_NOT_PERFORMED),
        Authentication::Sda => {
            dialogue.conclude(&rules::SDA_CHOSEN);
            let verified = verify_static(dialogue.ports, &Material::of(&dialogue.card, read));
            match verified {
                Ok(code) => {
                    dialogue.card.set(tag::DATA_AUTHENTICATION_CODE, &code);
                    dialogue.conclude(&rules::SDA_PASSED);
                }
                Err((at, refusal)) => fail(dialogue, at, refusal, &rules::SDA_FAILED),
            }
            dialogue.performed(Tsi::ODA_PERFORMED);
        }
        Authentication::Dda => {
            dialogue.conclude(&rules::DDA_CHOSEN);
            match dynamic(dialogue, read)? {
                Ok(number) => {
                    dialogue.card.set(tag::ICC_DYNAMIC_NUMBER, &number);
                    dialogue.conclude(&rules::DDA_PASSED);
                }
                Err((at, refusal)) => fail(dialogue, at, refusal, &rules::DDA_FAILED),
            }
            dialogue.performed(Tsi::ODA_PERFORMED);
        }
    }
    Ok(())
}

/// The key under which a PIN is enciphered for the card (EMV 4.4 Book 2, 7.1): its own key for
/// that purpose, else the one it is authenticated with. `None` when neither can be recovered.
pub(crate) fn pin_key<P: Ports>(
    dialogue: &mut Dialogue<'_, P>,
    read: &Read,
) -> Option<OfflinePinMethod> {
    let material = Material::of(&dialogue.card, read);
    let issuer = issuer_key(dialogue.ports, &material).ok()?;
    let tags = if material.card.contains(tag::ICC_PIN_KEY_CERTIFICATE) {
        PIN_KEY
    } else {
        AUTHENTICATION_KEY
    };
    let key = icc_key(dialogue.ports, &material, &issuer, tags).ok()?;
    let PublicKey { modulus, exponent } = key;
    Some(OfflinePinMethod::Enciphered { modulus, exponent })
}

/// The part of the chain at which authentication failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Link {
    Ca,
    Issuer,
    Icc,
    Signature,
}

type Failure = (Link, Refusal);

/// What authentication works on.
pub(crate) struct Material<'a> {
    pub(crate) card: &'a CardData,
    pub(crate) pan: &'a Pan,
    pub(crate) today: Date,
    pub(crate) rid: [u8; 5],
    /// `None` when the static data is not coded as the standard asks.
    pub(crate) static_data: Option<Zeroizing<Vec<u8>>>,
}

impl<'a> Material<'a> {
    fn of(card: &'a CardData, read: &'a Read) -> Self {
        Self {
            card,
            pan: &read.pan,
            today: read.today,
            rid: read.terms.application.aid.rid(),
            static_data: read
                .static_data
                .finish(card.value(tag::SDA_TAG_LIST), card.aip()),
        }
    }

    fn authenticated_data(&self) -> Result<&[u8], Refusal> {
        self.static_data
            .as_ref()
            .map(|data| data.as_slice())
            .ok_or(Refusal::StaticData)
    }

    fn mandatory(&self, tag: Tag) -> Result<&'a [u8], Refusal> {
        self.card.value(tag).ok_or(Refusal::Missing)
    }
}

/// EMV 4.4 Book 3, 10.3: the best method both sides have. CDA and XDA are never among the
/// terminal's.
fn choose(aip: Aip, capabilities: TerminalCapabilities) -> Authentication {
    if aip.contains(Aip::DDA) && capabilities.contains(TerminalCapabilities::DDA) {
        Authentication::Dda
    } else if aip.contains(Aip::SDA) && capabilities.contains(TerminalCapabilities::SDA) {
        Authentication::Sda
    } else {
        Authentication::NotPerformed
    }
}

/// Says why authentication failed, and that it did.
fn fail<P: Ports>(
    dialogue: &mut Dialogue<'_, P>,
    at: Link,
    refusal: Refusal,
    failed: &'static Conclusion,
) {
    let reason = match (at, refusal) {
        (_, Refusal::Missing) => Some(&rules::ODA_DATA_MISSING),
        (_, Refusal::StaticData) => Some(&rules::STATIC_DATA_UNUSABLE),
        (Link::Ca, _) => Some(&rules::CA_KEY_UNUSABLE),
        (Link::Issuer, _) => Some(&rules::ISSUER_CERTIFICATE_REFUSED),
        (Link::Icc, _) => Some(&rules::ICC_CERTIFICATE_REFUSED),
        (Link::Signature, _) => None,
    };
    dialogue.conclude_all(reason.into_iter().chain([failed]));
}

/// EMV 4.4 Book 2, 5: static data authentication. Returns the Data Authentication Code.
pub(crate) fn verify_static<T: Tools>(
    tools: &mut T,
    material: &Material<'_>,
) -> Result<[u8; 2], Failure> {
    let at = |refusal| (Link::Signature, refusal);
    let signed = material
        .mandatory(tag::SIGNED_STATIC_APPLICATION_DATA)
        .map_err(at)?;
    let issuer = issuer_key(tools, material)?;
    let static_data = material.authenticated_data().map_err(at)?;
    let recovered = recover(tools, &issuer, signed).map_err(at)?;
    certificate::static_signature(&recovered, static_data).map_err(at)
}

/// EMV 4.4 Book 2, 6.5: dynamic data authentication. Returns the ICC Dynamic Number.
fn dynamic<P: Ports>(
    dialogue: &mut Dialogue<'_, P>,
    read: &Read,
) -> Result<Result<Vec<u8>, Failure>, Cause> {
    let at = |refusal| (Link::Signature, refusal);
    let key = {
        let material = Material::of(&dialogue.card, read);
        issuer_key(dialogue.ports, &material)
            .and_then(|issuer| icc_key(dialogue.ports, &material, &issuer, AUTHENTICATION_KEY))
    };
    let key = match key {
        Ok(key) => key,
        Err(failure) => return Ok(Err(failure)),
    };
    // EMV 4.4 Book 2, 6.5.1: the list must ask for the unpredictable number, or the signature
    // would prove nothing.
    let default = &read.terms.application.default_ddol;
    let list = dialogue.card.value(tag::DDOL).unwrap_or(default);
    let list = match Dol::parse(list) {
        Ok(list) if list.entries().is_empty() => return Ok(Err(at(Refusal::Missing))),
        Ok(list) if list.contains(tag::UNPREDICTABLE_NUMBER) => list,
        Ok(_) | Err(_) => return Ok(Err(at(Refusal::Format))),
    };
    let values = list.fill(|tag| dialogue.card.value(tag));
    let Some(command) = apdu::internal_authenticate(&values) else {
        return Ok(Err(at(Refusal::Length)));
    };
    let response = dialogue.transmit(&command)?;
    let Some(signed) = response.success().and_then(signed_dynamic_data) else {
        return Ok(Err(at(Refusal::Format)));
    };
    Ok(verify_dynamic(dialogue.ports, &key, signed, &values).map_err(at))
}

/// The signature in a response to INTERNAL AUTHENTICATE (EMV 4.4 Book 3, 6.5.9.4).
fn signed_dynamic_data(data: &[u8]) -> Option<&[u8]> {
    tlv::only(data, tag::RESPONSE_TEMPLATE_1).or_else(|| {
        let template = tlv::only(data, tag::RESPONSE_TEMPLATE_2)?;
        tlv::find(template, tag::SIGNED_DYNAMIC_APPLICATION_DATA)
    })
}

/// EMV 4.4 Book 2, 6.5.2. `terminal_data` is what the card was given to sign.
pub(crate) fn verify_dynamic<T: Tools>(
    tools: &mut T,
    key: &PublicKey,
    signed: &[u8],
    terminal_data: &[u8],
) -> Result<Vec<u8>, Refusal> {
    let recovered = recover(tools, key, signed)?;
    certificate::dynamic_signature(&recovered, terminal_data)
}

/// EMV 4.4 Book 2, 5.2 and 5.3: the issuer's key, from the certification authority's.
pub(crate) fn issuer_key<T: Tools>(
    tools: &mut T,
    material: &Material<'_>,
) -> Result<PublicKey, Failure> {
    let at = |refusal| (Link::Issuer, refusal);
    let index = material
        .mandatory(tag::CA_PUBLIC_KEY_INDEX_CARD)
        .map_err(at)?;
    let signed = material
        .mandatory(tag::ISSUER_PUBLIC_KEY_CERTIFICATE)
        .map_err(at)?;
    let exponent = material
        .mandatory(tag::ISSUER_PUBLIC_KEY_EXPONENT)
        .map_err(at)?;
    let index = index.first().copied().unwrap_or(0);
    let rid = material.rid;
    let ca = tools
        .ca_public_key(&rid, index)
        .filter(|key| certificate::ca_key_valid(key, rid, index, material.today))
        .ok_or((Link::Ca, Refusal::CaKey))?;
    let ca = PublicKey {
        modulus: ca.modulus,
        exponent: ca.exponent,
    };
    let recovered = recover(tools, &ca, signed).map_err(at)?;
    let remainder = material
        .card
        .value(tag::ISSUER_PUBLIC_KEY_REMAINDER)
        .unwrap_or_default();
    let beside = Companion {
        remainder,
        exponent,
        pan: material.pan,
        today: material.today,
    };
    let (key, serial) = certificate::issuer_key(&recovered, beside).map_err(at)?;
    if tools.issuer_certificate_revoked(&rid, index, serial) {
        return Err(at(Refusal::Revoked));
    }
    Ok(key)
}

/// Where the parts of a card's certificate are.
#[derive(Clone, Copy)]
pub(crate) struct IccTags {
    certificate: Tag,
    exponent: Tag,
    remainder: Tag,
    /// Whether the certificate covers the static data.
    covers_static_data: bool,
}

/// The key the card is authenticated with.
pub(crate) const AUTHENTICATION_KEY: IccTags = IccTags {
    certificate: tag::ICC_PUBLIC_KEY_CERTIFICATE,
    exponent: tag::ICC_PUBLIC_KEY_EXPONENT,
    remainder: tag::ICC_PUBLIC_KEY_REMAINDER,
    covers_static_data: true,
};

/// The key PINs are enciphered with.
const PIN_KEY: IccTags = IccTags {
    certificate: tag::ICC_PIN_KEY_CERTIFICATE,
    exponent: tag::ICC_PIN_KEY_EXPONENT,
    remainder: tag::ICC_PIN_KEY_REMAINDER,
    covers_static_data: false,
};

/// EMV 4.4 Book 2, 6.4 and 7.1: a key of the card, from the issuer's.
pub(crate) fn icc_key<T: Tools>(
    tools: &mut T,
    material: &Material<'_>,
    issuer: &PublicKey,
    tags: IccTags,
) -> Result<PublicKey, Failure> {
    let at = |refusal| (Link::Icc, refusal);
    let signed = material.mandatory(tags.certificate).map_err(at)?;
    let exponent = material.mandatory(tags.exponent).map_err(at)?;
    let static_data = if tags.covers_static_data {
        material.authenticated_data().map_err(at)?
    } else {
        &[]
    };
    let recovered = recover(tools, issuer, signed).map_err(at)?;
    let remainder = material.card.value(tags.remainder).unwrap_or_default();
    let beside = Companion {
        remainder,
        exponent,
        pan: material.pan,
        today: material.today,
    };
    certificate::icc_key(&recovered, beside, static_data).map_err(at)
}

/// Opens a signature. It must be as long as the key (EMV 4.4 Book 2, 5.3).
pub(crate) fn recover<T: Tools>(
    tools: &mut T,
    key: &PublicKey,
    signed: &[u8],
) -> Result<Vec<u8>, Refusal> {
    if signed.len() != key.modulus.len() {
        return Err(Refusal::Length);
    }
    tools
        .rsa_recover(&key.modulus, &key.exponent, signed)
        .filter(|recovered| recovered.len() == signed.len())
        .ok_or(Refusal::Length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_method_that_both_have_is_chosen() {
        let both = TerminalCapabilities::SDA | TerminalCapabilities::DDA;
        for (aip, capabilities, chosen) in [
            (Aip::SDA | Aip::DDA | Aip::CDA, both, Authentication::Dda),
            (
                Aip::SDA | Aip::DDA,
                TerminalCapabilities::SDA,
                Authentication::Sda,
            ),
            (Aip::SDA, both, Authentication::Sda),
            (
                Aip::CDA,
                both | TerminalCapabilities::CDA,
                Authentication::NotPerformed,
            ),
            (Aip::empty(), both, Authentication::NotPerformed),
            (
                Aip::SDA | Aip::DDA,
                TerminalCapabilities::empty(),
                Authentication::NotPerformed,
            ),
        ] {
            assert_eq!(
                choose(aip, capabilities),
                chosen,
                "{aip:?} {capabilities:?}"
            );
        }
    }
}
