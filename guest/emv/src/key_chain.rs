//! The chain of RSA keys from a certification authority over the issuer to the card.
//!
//! EMV 4.4 Book 2, 5.2, 5.3, 6.2 to 6.4 and 7.1.

use zeroize::Zeroizing;

use crate::ca_keys;
use crate::card_data::CardData;
use crate::certificate::{self, Companion, PublicKey, Refusal};
use crate::contact::Read;
use crate::date::Date;
use crate::identity::Pan;
use crate::ports::Tools;
use crate::tag::{self, Tag};

/// The part of the chain at which authentication failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Link {
    Ca,
    Issuer,
    Icc,
    Signature,
}

pub(crate) type Failure = (Link, Refusal);

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
    pub(crate) fn of(card: &'a CardData, read: &'a Read) -> Self {
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

    pub(crate) fn authenticated_data(&self) -> Result<&[u8], Refusal> {
        self.static_data
            .as_ref()
            .map(|data| data.as_slice())
            .ok_or(Refusal::StaticData)
    }

    pub(crate) fn mandatory(&self, tag: Tag) -> Result<&'a [u8], Refusal> {
        self.card.value(tag).ok_or(Refusal::Missing)
    }
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
        .filter(|key| ca_keys::usable(key, rid, index, material.today))
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
pub(crate) const PIN_KEY: IccTags = IccTags {
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
