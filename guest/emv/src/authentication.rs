//! Offline data authentication: is this card what its issuer made?
//!
//! SDA and DDA are done here to their end; of CDA and XDA the choice and the keys, since their
//! signatures come with the answers to GENERATE AC.
//!
//! EMV 4.4 Book 3, 10.3; EMV 4.4 Book 2, 5, 6 and 12.

use crate::apdu;
use crate::bits::{Aip, TerminalCapabilities, Tsi};
use crate::certificate::{self, PublicKey, Refusal};
use crate::contact::Read;
use crate::dialogue::Dialogue;
use crate::dol::Dol;
use crate::extended;
use crate::key_chain::{
    AUTHENTICATION_KEY, Failure, Link, Material, PIN_KEY, icc_key, issuer_key, recover,
};
use crate::outcome::Cause;
use crate::ports::{OfflinePinMethod, Ports, Tools};
use crate::rules::{self, Conclusion};
use crate::signed_answer::{AnswerAuthentication, Extended, Scheme};
use crate::tag;
use crate::terminal_data;
use crate::tlv;

/// How the card's data is authenticated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Authentication {
    NotPerformed,
    Sda,
    Dda,
    Cda,
    Xda,
}

/// EMV 4.4 Book 3, 10.3. A card that cannot be authenticated goes on, with the TVR saying so.
/// Returns how its answers to GENERATE AC are authenticated.
pub(crate) fn perform<P: Ports>(
    dialogue: &mut Dialogue<'_, P>,
    read: &Read,
) -> Result<AnswerAuthentication, Cause> {
    let capabilities = terminal_data::capabilities(&read.terms.terminal);
    let mut scheme = Scheme::None;
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
        Authentication::Cda => scheme = combined(dialogue, read),
        Authentication::Xda => scheme = Scheme::Xda(extended(dialogue, read)),
    }
    Ok(AnswerAuthentication::new(scheme, &read.pdol_values))
}

/// EMV 4.4 Book 2, 6.6: recovers the key before the first GENERATE AC. EMV 4.4 Book 4, 6.3.2.1:
/// when that fails, no signature is asked for and authentication is over.
fn combined<P: Ports>(dialogue: &mut Dialogue<'_, P>, read: &Read) -> Scheme {
    dialogue.conclude(&rules::CDA_CHOSEN);
    match authentication_key(dialogue, read) {
        Ok(key) => {
            dialogue.conclude(&rules::CDA_KEY_RECOVERED);
            let mode = read.terms.terminal.cda_mode;
            Scheme::Cda { key, mode }
        }
        Err((at, refusal)) => {
            fail(dialogue, at, refusal, &rules::CDA_KEY_NOT_RECOVERED);
            dialogue.performed(Tsi::ODA_PERFORMED);
            Scheme::None
        }
    }
}

/// EMV 4.4 Book 2, 12: recovers the key. Data and a certification authority's key that are missing
/// are noted at once, so that terminal action analysis sees them; that the card's key could not be
/// recovered is, after the first GENERATE AC (EMV 4.4 Book 4, 6.3.2.2.1 and 6.3.2.2.2).
fn extended<P: Ports>(dialogue: &mut Dialogue<'_, P>, read: &Read) -> Extended {
    dialogue.conclude(&rules::XDA_CHOSEN);
    match extended::authentication_key(dialogue, read) {
        Ok(key) => {
            dialogue.conclude(&rules::XDA_KEY_RECOVERED);
            Extended::Key(key)
        }
        Err((Link::Ca, _)) => {
            dialogue.conclude(&rules::XDA_CA_KEY_MISSING);
            Extended::NoKey(None)
        }
        Err((_, refusal)) => {
            if refusal == Refusal::Missing {
                dialogue.conclude(&rules::ODA_DATA_MISSING);
            }
            Extended::NoKey(Some(&rules::XDA_KEY_NOT_RECOVERED))
        }
    }
}

/// The key the card is authenticated with, by the chain of its certificates.
fn authentication_key<P: Ports>(
    dialogue: &mut Dialogue<'_, P>,
    read: &Read,
) -> Result<PublicKey, Failure> {
    let material = Material::of(&dialogue.card, read);
    let issuer = issuer_key(dialogue.ports, &material)?;
    icc_key(dialogue.ports, &material, &issuer, AUTHENTICATION_KEY)
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

/// EMV 4.4 Book 3, 10.3: the best method both sides have.
fn choose(aip: Aip, capabilities: TerminalCapabilities) -> Authentication {
    if aip.contains(Aip::XDA) && capabilities.contains(TerminalCapabilities::XDA) {
        Authentication::Xda
    } else if aip.contains(Aip::CDA) && capabilities.contains(TerminalCapabilities::CDA) {
        Authentication::Cda
    } else if aip.contains(Aip::DDA) && capabilities.contains(TerminalCapabilities::DDA) {
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
    let key = match authentication_key(dialogue, read) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_method_that_both_have_is_chosen() {
        let both = TerminalCapabilities::SDA | TerminalCapabilities::DDA;
        let all = both | TerminalCapabilities::CDA;
        for (aip, capabilities, chosen) in [
            (Aip::SDA | Aip::DDA | Aip::CDA, both, Authentication::Dda),
            (Aip::SDA | Aip::DDA | Aip::CDA, all, Authentication::Cda),
            (Aip::CDA, all, Authentication::Cda),
            (Aip::all(), all, Authentication::Cda),
            (
                Aip::all(),
                all | TerminalCapabilities::XDA,
                Authentication::Xda,
            ),
            (
                Aip::SDA | Aip::DDA | Aip::CDA,
                all | TerminalCapabilities::XDA,
                Authentication::Cda,
            ),
            (Aip::SDA | Aip::DDA, all, Authentication::Dda),
            (
                Aip::SDA | Aip::DDA,
                TerminalCapabilities::SDA,
                Authentication::Sda,
            ),
            (Aip::SDA, both, Authentication::Sda),
            (Aip::CDA, both, Authentication::NotPerformed),
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
