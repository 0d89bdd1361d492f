//! The answer to GENERATE AC, and what it means for the transaction.
//!
//! EMV 4.4 Book 3, 6.5.5 and 10.8.

use sha1::{Digest, Sha1};

use crate::apdu;
use crate::card_data::CryptogramType;
use crate::dialogue::Dialogue;
use crate::dol::Dol;
use crate::outcome::{Cause, Misbehaviour};
use crate::parameters::Application;
use crate::ports::Ports;
use crate::rules::{self, Conclusion};
use crate::tag;
use crate::tlv;

/// Asks the card for a cryptogram with the values of `list`, and keeps its answer
/// (EMV 4.4 Book 3, 6.5.5). Returns the answer, and the values the card was given.
pub(crate) fn generate<P: Ports>(
    dialogue: &mut Dialogue<'_, P>,
    application: &Application,
    list: &Dol,
    reference_control: u8,
) -> Result<(Cryptogram, Vec<u8>), Cause> {
    if list.contains(tag::TC_HASH_VALUE) {
        hash_transaction_data(dialogue, application)?;
    }
    let values = list.fill(|tag| dialogue.card.value(tag));
    let command = apdu::generate_ac(reference_control, &values)
        .ok_or(Cause::CardMisbehaved(Misbehaviour::DataObjectList))?;
    let response = dialogue.transmit(&command)?;
    let answer = parse(response.expect_success()?).map_err(Cause::CardMisbehaved)?;
    let card = &mut dialogue.card;
    card.set(tag::CRYPTOGRAM_INFORMATION_DATA, &[answer.information.0]);
    card.set(tag::ATC, &answer.atc);
    match &answer.value {
        Some(value) => card.set(tag::APPLICATION_CRYPTOGRAM, value),
        // It is in the signature, if anywhere; the one of the request before is not it.
        None => card.remove(tag::APPLICATION_CRYPTOGRAM),
    }
    if let Some(data) = &answer.issuer_application_data {
        card.set(tag::ISSUER_APPLICATION_DATA, data);
    }
    Ok((answer, values))
}

/// Which signature over the answer is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signature {
    None,
    Cda,
    Xda,
}

/// P1 of GENERATE AC (EMV 4.4 Book 3, 6.5.5.2).
pub(crate) const fn reference_control(kind: CryptogramType, signature: Signature) -> u8 {
    let signature = match signature {
        Signature::None => 0x00,
        Signature::Cda => 0x10,
        Signature::Xda => 0x08,
    };
    kind.to_reference_control() | signature
}

/// EMV 4.4 Book 3, 9.2.2: the TC hash value over what the TDOL names. The terminal's TDOL serves
/// a card that has none; where that is empty too, the hash is over nothing.
fn hash_transaction_data<P: Ports>(
    dialogue: &mut Dialogue<'_, P>,
    application: &Application,
) -> Result<(), Cause> {
    let own = dialogue.card.value(tag::TDOL).map(<[u8]>::to_vec);
    if own.is_none() {
        dialogue.conclude(&rules::DEFAULT_TDOL_USED);
    }
    let bytes = own.as_deref().unwrap_or(&application.default_tdol);
    let list =
        Dol::parse(bytes).map_err(|_| Cause::CardMisbehaved(Misbehaviour::DataObjectList))?;
    let values = list.fill(|tag| dialogue.card.value(tag));
    dialogue.card.set(tag::TC_HASH_VALUE, &Sha1::digest(values));
    Ok(())
}

/// The card's answer, parsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cryptogram {
    /// Tag 9F27.
    pub(crate) information: Information,
    /// Tag 9F36.
    pub(crate) atc: [u8; 2],
    /// Tag 9F26. Absent only where tag 9F4B holds it.
    pub(crate) value: Option<[u8; 8]>,
    /// Tag 9F10, when the card gave one.
    pub(crate) issuer_application_data: Option<Vec<u8>>,
    /// Tag 9F4B, when the card gave one.
    pub(crate) signature: Option<Vec<u8>>,
    /// What the signature covers of the answer: its data objects but for tag 9F4B, as they came
    /// and in their order (EMV 4.4 Book 2, 6.6.1). Empty where there is no signature.
    pub(crate) signed_objects: Vec<u8>,
}

impl Cryptogram {
    /// Fails when the cryptogram is not there in clear although no signature was asked for.
    pub(crate) fn expect_value(&self) -> Result<(), Cause> {
        match self.value {
            Some(_) => Ok(()),
            None => Err(Cause::CardMisbehaved(Misbehaviour::ElementMissing)),
        }
    }
}

/// Cryptogram Information Data, tag 9F27 (EMV 4.4 Book 3, 6.5.5.4, table 15).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Information(pub(crate) u8);

impl Information {
    /// Bits 8 and 7; `None` for the reserved value.
    pub(crate) const fn kind(self) -> Option<CryptogramType> {
        CryptogramType::from_cid(self.0)
    }

    /// Bit 4.
    pub(crate) const fn advice_required(self) -> bool {
        self.0 & 0x08 != 0
    }

    /// Bits 3 to 1.
    pub(crate) const fn reason(self) -> Reason {
        match self.0 & 0x07 {
            0 => Reason::None,
            1 => Reason::ServiceNotAllowed,
            2 => Reason::PinTryLimitExceeded,
            3 => Reason::IssuerAuthenticationFailed,
            _ => Reason::Reserved,
        }
    }
}

/// Why a card answers as it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    None,
    ServiceNotAllowed,
    PinTryLimitExceeded,
    IssuerAuthenticationFailed,
    Reserved,
}

/// Reads the data of a response to GENERATE AC in either format.
pub(crate) fn parse(data: &[u8]) -> Result<Cryptogram, Misbehaviour> {
    match tlv::only(data, tag::RESPONSE_TEMPLATE_1) {
        Some(value) => parse_format_1(value).ok_or(Misbehaviour::ResponseFormat),
        None => parse_format_2(data),
    }
}

/// Format 1: CID, ATC, cryptogram and issuer application data one after the other.
fn parse_format_1(value: &[u8]) -> Option<Cryptogram> {
    let ([information], rest) = value.split_first_chunk::<1>()?;
    let (atc, rest) = rest.split_first_chunk::<2>()?;
    let (cryptogram, rest) = rest.split_first_chunk::<8>()?;
    (rest.len() <= 32).then(|| Cryptogram {
        information: Information(*information),
        atc: *atc,
        value: Some(*cryptogram),
        issuer_application_data: (!rest.is_empty()).then(|| rest.to_vec()),
        signature: None,
        signed_objects: Vec::new(),
    })
}

/// Format 2: a template with the same elements in any order.
fn parse_format_2(data: &[u8]) -> Result<Cryptogram, Misbehaviour> {
    let template = tlv::only(data, tag::RESPONSE_TEMPLATE_2).ok_or(Misbehaviour::ResponseFormat)?;
    let objects = tlv::primitives(template).map_err(|_| Misbehaviour::ResponseFormat)?;
    let value = |tag| {
        objects
            .iter()
            .find(|object| object.tag == tag)
            .map(|object| object.value)
    };
    let mandatory = |tag| value(tag).ok_or(Misbehaviour::ElementMissing);
    let [information] = sized(mandatory(tag::CRYPTOGRAM_INFORMATION_DATA)?)?;
    let data = value(tag::ISSUER_APPLICATION_DATA).filter(|data| !data.is_empty());
    if data.is_some_and(|data| data.len() > 32) {
        return Err(Misbehaviour::ElementFormat);
    }
    let signature = tlv::find(template, tag::SIGNED_DYNAMIC_APPLICATION_DATA);
    let value_in_clear = value(tag::APPLICATION_CRYPTOGRAM).map(sized).transpose()?;
    if signature.is_none() && value_in_clear.is_none() {
        return Err(Misbehaviour::ElementMissing);
    }
    let signed_objects = match signature {
        Some(_) => tlv::without(template, tag::SIGNED_DYNAMIC_APPLICATION_DATA)
            .map_err(|_| Misbehaviour::ResponseFormat)?,
        None => Vec::new(),
    };
    Ok(Cryptogram {
        information: Information(information),
        atc: sized(mandatory(tag::ATC)?)?,
        value: value_in_clear,
        issuer_application_data: data.map(<[u8]>::to_vec),
        signature: signature.map(<[u8]>::to_vec),
        signed_objects,
    })
}

/// A value of exactly `N` bytes.
fn sized<const N: usize>(value: &[u8]) -> Result<[u8; N], Misbehaviour> {
    value.try_into().map_err(|_| Misbehaviour::ElementFormat)
}

/// What the first GENERATE AC means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum First {
    Approved,
    Online,
    Declined,
    /// The card gave more than was asked for, or a type that does not exist.
    TooHigh,
    /// The card forbids the service.
    ServiceNotAllowed,
}

/// EMV 4.4 Book 3, 9.3: a card may answer with less than was asked for, never with more.
pub(crate) fn judge_first(
    requested: CryptogramType,
    information: Information,
) -> (First, &'static Conclusion) {
    match (requested, information.kind()) {
        (_, Some(CryptogramType::Aac)) if information.reason() == Reason::ServiceNotAllowed => (
            First::ServiceNotAllowed,
            &rules::SERVICE_NOT_ALLOWED_BY_CARD,
        ),
        (_, Some(CryptogramType::Aac)) => (First::Declined, &rules::CARD_DECLINED),
        (CryptogramType::Arqc | CryptogramType::Tc, Some(CryptogramType::Arqc)) => {
            (First::Online, &rules::CARD_ASKS_ONLINE)
        }
        (CryptogramType::Tc, Some(CryptogramType::Tc)) => (First::Approved, &rules::CARD_APPROVED),
        (
            CryptogramType::Aac | CryptogramType::Arqc,
            Some(CryptogramType::Arqc | CryptogramType::Tc),
        )
        | (_, None) => (First::TooHigh, &rules::CRYPTOGRAM_TOO_HIGH),
    }
}

/// EMV 4.4 Book 3, 9.3: on the second GENERATE AC everything but the TC asked for is an AAC.
pub(crate) fn second_approves(requested: CryptogramType, information: Information) -> bool {
    requested == CryptogramType::Tc && information.kind() == Some(CryptogramType::Tc)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CRYPTOGRAM: [u8; 8] = [0xA1, 0xA2, 0xA3, 0xA4, 0xA5, 0xA6, 0xA7, 0xA8];

    #[test]
    fn both_formats_give_the_same() {
        let first = [&[0x80, 0x0C, 0x80, 0x00, 0x42][..], &CRYPTOGRAM, &[0x06]].concat();
        let second = [
            &[
                0x77, 0x18, 0x9F, 0x36, 0x02, 0x00, 0x42, 0x9F, 0x27, 0x01, 0x80,
            ][..],
            &[0x9F, 0x10, 0x01, 0x06, 0x9F, 0x26, 0x08],
            &CRYPTOGRAM,
        ]
        .concat();
        let parsed = parse(&first).expect("format 1");
        assert_eq!(parsed.information.kind(), Some(CryptogramType::Arqc));
        assert_eq!(parsed.issuer_application_data, Some(vec![0x06]));
        assert_eq!(
            parse(&[&[0x77, 0x1A][..], &second[2..]].concat()),
            Err(Misbehaviour::ResponseFormat)
        );
        let second = [&[0x77, 0x19][..], &second[2..]].concat();
        let second = [
            &[0x77, u8::try_from(second.len() - 2).expect("short")][..],
            &second[2..],
        ]
        .concat();
        assert_eq!(parse(&second), Ok(parsed));
    }

    #[test]
    fn answers_that_lack_something_are_refused() {
        for (data, error) in [
            (&[0x80, 0x01, 0x80][..], Misbehaviour::ResponseFormat),
            (&[], Misbehaviour::ResponseFormat),
            (
                &[0x77, 0x04, 0x9F, 0x27, 0x01, 0x80],
                Misbehaviour::ElementMissing,
            ),
            (
                &[0x77, 0x05, 0x9F, 0x27, 0x02, 0x80, 0x80],
                Misbehaviour::ElementFormat,
            ),
        ] {
            assert_eq!(parse(data), Err(error));
        }
    }

    #[test]
    fn the_reason_is_in_the_last_three_bits() {
        for (cid, reason) in [
            (0x00, Reason::None),
            (0x48, Reason::None),
            (0x09, Reason::ServiceNotAllowed),
            (0x02, Reason::PinTryLimitExceeded),
            (0x83, Reason::IssuerAuthenticationFailed),
            (0x04, Reason::Reserved),
            (0x07, Reason::Reserved),
        ] {
            assert_eq!(Information(cid).reason(), reason, "{cid:02X}");
        }
    }

    #[test]
    fn a_card_only_ever_lowers_the_request() {
        use CryptogramType::{Aac, Arqc, Tc};
        for (requested, cid, first) in [
            (Tc, 0x40, First::Approved),
            (Tc, 0x80, First::Online),
            (Tc, 0x00, First::Declined),
            (Arqc, 0x40, First::TooHigh),
            (Arqc, 0x80, First::Online),
            (Aac, 0x80, First::TooHigh),
            (Aac, 0x40, First::TooHigh),
            (Aac, 0x00, First::Declined),
            (Tc, 0xC0, First::TooHigh),
            (Tc, 0x09, First::ServiceNotAllowed),
        ] {
            assert_eq!(
                judge_first(requested, Information(cid)).0,
                first,
                "{requested:?} {cid:02X}"
            );
        }
        for (requested, cid, approved) in [
            (Tc, 0x40, true),
            (Tc, 0x80, false),
            (Tc, 0xC0, false),
            (Aac, 0x40, false),
        ] {
            assert_eq!(second_approves(requested, Information(cid)), approved);
        }
    }
}
