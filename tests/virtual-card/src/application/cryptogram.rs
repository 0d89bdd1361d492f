//! GENERATE AC, first and second (EMV 4.4 Book 3, 6.5.5 and 10.8 to 10.11).

use sha1::{Digest, Sha1};

use super::{Application, FirstCryptogram, Phase, Transaction};
use crate::apdu::{Command, Outcome, Status};
use crate::authorization::{Elements, application_cryptogram};
use crate::certificate;
use crate::cryptogram::Block;
use crate::elliptic::{self, EllipticKey};
use crate::personalization::{ApplicationData, ResponseFormat};
use crate::quirk::SignatureFault;
use crate::tlv;
use crate::verification::{CryptogramType, IssuerAuthentication, VerificationResults};

/// The bit of P1 that asks for a combined signature (EMV 4.4 Book 3, 6.5.5.2, table 12).
const COMBINED_SIGNATURE: u8 = 0x10;

/// The bit that asks for a signature on an elliptic curve.
const ELLIPTIC_SIGNATURE: u8 = 0x08;

/// What a terminal asks for.
#[derive(Clone, Copy, Debug)]
struct Request {
    wanted: CryptogramType,
    combined_signature: bool,
    elliptic_signature: bool,
}

/// A cryptogram and what is said about it.
#[derive(Clone, Debug)]
struct Answer {
    given: CryptogramType,
    cryptogram: Block,
    issuer_application_data: Vec<u8>,
    /// What CDA hashes before the answer itself: the values of PDOL, CDOL1 and, the second time, CDOL2.
    signed_before: Vec<u8>,
    unpredictable_number: Vec<u8>,
}

impl Application {
    /// Answers with a cryptogram of the type asked for or a lower one.
    pub(super) fn generate_cryptogram(&mut self, command: &Command<'_>) -> Outcome {
        let request = Request::parse(command)?;
        match self.phase.clone() {
            Phase::Initiated(transaction) => self.first(request, transaction, command.data),
            Phase::Online(transaction, first) => {
                self.second(request, transaction, first, command.data)
            }
            Phase::Selected | Phase::Completed(..) => Err(Status::CONDITIONS_NOT_SATISFIED),
        }
    }

    fn first(&mut self, request: Request, transaction: Transaction, data: &[u8]) -> Outcome {
        let list = self.issued.data.element(0x8C);
        let values = tlv::split_by_dol(list, data).ok_or(Status::WRONG_LENGTH)?;
        let mut elements: Elements = values.into_iter().collect();
        let given = first_decision(&self.issued.data, request.wanted, &elements);
        let results = self.results(&transaction, given);
        let cryptogram = self.make(results, &mut elements)?;
        let answer = Answer {
            given,
            cryptogram,
            issuer_application_data: elements.get(&0x9F10).cloned().unwrap_or_default(),
            signed_before: [&transaction.pdol_values, data].concat(),
            unpredictable_number: elements.get(&0x9F37).cloned().unwrap_or_default(),
        };
        let response = self.respond(request, &answer);
        self.phase = if given == CryptogramType::Arqc {
            let first = FirstCryptogram {
                arqc: cryptogram,
                cdol_values: data.to_vec(),
                elements,
                issuer_authentication: IssuerAuthentication::NotPerformed,
            };
            Phase::Online(transaction, first)
        } else {
            Phase::Completed(transaction, None)
        };
        Ok(response)
    }

    fn second(
        &mut self,
        request: Request,
        transaction: Transaction,
        mut first: FirstCryptogram,
        data: &[u8],
    ) -> Outcome {
        if request.wanted == CryptogramType::Arqc {
            return Err(Status::WRONG_P1_P2);
        }
        let list = self.issued.data.element(0x8D);
        let values: Elements = tlv::split_by_dol(list, data)
            .ok_or(Status::WRONG_LENGTH)?
            .into_iter()
            .collect();
        // A list without issuer authentication data leaves it to EXTERNAL AUTHENTICATE; zeros are what
        // a terminal fills in when it has none (EMV 4.4 Book 3, 5.4).
        if let Some(authentication) = values
            .get(&0x91)
            .filter(|value| value.iter().any(|b| *b != 0))
        {
            first.issuer_authentication = self.authenticate_issuer(authentication);
        }
        let arc = values.get(&0x8A).cloned().unwrap_or_default();
        first.elements.extend(values);
        let given = second_decision(&self.issued.data, request.wanted, &first, &arc);
        let results = VerificationResults {
            second: Some(given),
            issuer_authentication: first.issuer_authentication,
            unable_to_go_online: is_unable_to_go_online(&arc),
            ..self.results(&transaction, CryptogramType::Arqc)
        };
        let cryptogram = self.make(results, &mut first.elements)?;
        let answer = Answer {
            given,
            cryptogram,
            issuer_application_data: first.elements.get(&0x9F10).cloned().unwrap_or_default(),
            signed_before: [&transaction.pdol_values, &first.cdol_values, data].concat(),
            unpredictable_number: first.elements.get(&0x9F37).cloned().unwrap_or_default(),
        };
        let response = self.respond(request, &answer);
        self.phase = Phase::Completed(transaction, Some(first));
        Ok(response)
    }

    fn results(&self, transaction: &Transaction, first: CryptogramType) -> VerificationResults {
        VerificationResults {
            first,
            second: None,
            pin: transaction.pin,
            pin_tries: self.pin.tries(),
            issuer_authentication: IssuerAuthentication::NotPerformed,
            unable_to_go_online: false,
            scripts: transaction.scripts,
            script_failed: transaction.script_failed,
        }
    }

    /// Adds the card's own data to `elements`, and makes the cryptogram. Fails with 6985 when CDOL1
    /// lacks what the cryptogram covers, a fault of the personalization.
    fn make(&self, results: VerificationResults, elements: &mut Elements) -> Result<Block, Status> {
        let version = self.issued.data.cryptogram;
        elements.insert(0x82, self.issued.element(0x82).to_vec());
        elements.insert(0x9F36, self.counter.to_be_bytes().to_vec());
        elements.insert(0x9F10, version.issuer_application_data(results));
        application_cryptogram(&self.issued.keys.application_cryptogram, version, elements)
            .ok_or(Status::CONDITIONS_NOT_SATISFIED)
    }

    /// Writes the answer (EMV 4.4 Book 3, 6.5.5.4), signed when that was asked for; a refusal never is
    /// (EMV 4.4 Book 2, 6.6.1).
    fn respond(&mut self, request: Request, answer: &Answer) -> Vec<u8> {
        let information = answer.given.information();
        let counter = self.counter.to_be_bytes();
        let data = &answer.issuer_application_data;
        let elliptic = self.issued.keys.elliptic.clone();
        let elliptic = elliptic.filter(|_| request.elliptic_signature);
        let signed = request.combined_signature || elliptic.is_some();
        if signed && answer.given != CryptogramType::Aac {
            self.signatures = self.signatures.saturating_add(1);
            let nth = self.signatures;
            let fault = self.signature_faults.iter().find(|(at, _)| *at == nth);
            let fault = fault.map(|(_, fault)| *fault);
            if fault != Some(SignatureFault::Missing) {
                return match elliptic {
                    Some(key) => self.respond_elliptic(&key, answer, fault),
                    None => self.respond_signed(answer, fault),
                };
            }
        }
        match self.issued.data.response_format {
            ResponseFormat::One => {
                let values = [&[information], &counter[..], &answer.cryptogram, data].concat();
                tlv::object(0x80, &values)
            }
            ResponseFormat::Two => tlv::template(
                0x77,
                &[
                    tlv::object(0x9F27, &[information]),
                    tlv::object(0x9F36, &counter),
                    tlv::object(0x9F26, &answer.cryptogram),
                    tlv::object(0x9F10, data),
                ],
            ),
        }
    }

    /// Combined dynamic data authentication (EMV 4.4 Book 2, 6.6.1): the signature carries the
    /// cryptogram and a hash over all data of the transaction.
    fn respond_signed(&mut self, answer: &Answer, fault: Option<SignatureFault>) -> Vec<u8> {
        let information = answer.given.information();
        let information_inside = if fault == Some(SignatureFault::OtherInformation) {
            // The two highest bits: a TC is 01 and an ARQC 10.
            information ^ 0xC0
        } else {
            information
        };
        let before = [
            tlv::object(0x9F27, &[information]),
            tlv::object(0x9F36, &self.counter.to_be_bytes()),
        ];
        let after = tlv::object(0x9F10, &answer.issuer_application_data);
        let hash = Sha1::new()
            .chain_update(&answer.signed_before)
            .chain_update(before.concat())
            .chain_update(&after)
            .chain_update(if fault == Some(SignatureFault::OtherTransactionData) {
                &[0x00][..]
            } else {
                &[]
            })
            .finalize();
        let dynamic_data = [
            &[8],
            &self.random.bytes(8)[..],
            &[information_inside],
            &answer.cryptogram,
            &hash[..],
        ]
        .concat();
        let mut signature = certificate::dynamic_data(
            &self.issued.keys.rsa,
            &dynamic_data,
            &answer.unpredictable_number,
            &self.issued.data.alterations,
        );
        if fault == Some(SignatureFault::Broken)
            && let Some(last) = signature.last_mut()
        {
            *last ^= 0x01;
        }
        tlv::template(
            0x77,
            &[before.concat(), tlv::object(0x9F4B, &signature), after],
        )
    }
}

impl Application {
    /// Extended data authentication (EMV 4.4 Book 2, 12.5.2): the cryptogram stays in clear, and the
    /// signature covers all data of the transaction.
    fn respond_elliptic(
        &self,
        key: &EllipticKey,
        answer: &Answer,
        fault: Option<SignatureFault>,
    ) -> Vec<u8> {
        let objects = [
            tlv::object(0x9F27, &[answer.given.information()]),
            tlv::object(0x9F36, &self.counter.to_be_bytes()),
            tlv::object(0x9F26, &answer.cryptogram),
            tlv::object(0x9F10, &answer.issuer_application_data),
        ]
        .concat();
        let mut exchanged = [&answer.signed_before[..], &objects].concat();
        if fault == Some(SignatureFault::OtherTransactionData) {
            exchanged.push(0x00);
        }
        let mut signature = elliptic::dynamic_data(key, &exchanged);
        if fault == Some(SignatureFault::Broken)
            && let Some(last) = signature.last_mut()
        {
            *last ^= 0x01;
        }
        tlv::template(0x77, &[objects, tlv::object(0x9F4B, &signature)])
    }
}

impl Request {
    fn parse(command: &Command<'_>) -> Result<Self, Status> {
        let combined_signature = command.p1 & COMBINED_SIGNATURE != 0;
        let elliptic_signature = command.p1 & ELLIPTIC_SIGNATURE != 0;
        let known = 0xC0 | COMBINED_SIGNATURE | ELLIPTIC_SIGNATURE;
        if command.p2 != 0 || command.p1 & !known != 0 {
            return Err(Status::WRONG_P1_P2);
        }
        let wanted =
            CryptogramType::from_reference_control(command.p1).ok_or(Status::WRONG_P1_P2)?;
        Ok(Self {
            wanted,
            combined_signature,
            elliptic_signature,
        })
    }
}

/// Card action analysis at the first GENERATE AC: never more than was asked for
/// (EMV 4.4 Book 3, 10.8.1).
fn first_decision(
    data: &ApplicationData,
    wanted: CryptogramType,
    elements: &Elements,
) -> CryptogramType {
    if data.declines_offline || wanted == CryptogramType::Aac {
        return CryptogramType::Aac;
    }
    // An ARQC ranks below a TC: a card may always ask its issuer instead of approving.
    if wanted == CryptogramType::Tc && amount(elements) <= data.offline_limit_minor {
        return CryptogramType::Tc;
    }
    CryptogramType::Arqc
}

/// Card action analysis at the second GENERATE AC (EMV 4.4 Book 3, 10.11).
fn second_decision(
    data: &ApplicationData,
    wanted: CryptogramType,
    first: &FirstCryptogram,
    arc: &[u8],
) -> CryptogramType {
    let approves = match first.issuer_authentication {
        IssuerAuthentication::Failed => false,
        IssuerAuthentication::Passed => true,
        IssuerAuthentication::NotPerformed if is_unable_to_go_online(arc) => {
            amount(&first.elements) <= data.offline_limit_minor
        }
        IssuerAuthentication::NotPerformed => !data.issuer_authentication_mandatory,
    };
    if wanted == CryptogramType::Tc && approves {
        CryptogramType::Tc
    } else {
        CryptogramType::Aac
    }
}

/// Whether the terminal says that it reached nobody (EMV 4.4 Book 4, A6).
fn is_unable_to_go_online(arc: &[u8]) -> bool {
    matches!(arc, b"Y3" | b"Z3")
}

/// The authorised amount, tag 9F02 in minor units. What is no number is more than any limit.
fn amount(elements: &Elements) -> u64 {
    let digits = elements.get(&0x9F02).map(Vec::as_slice).unwrap_or_default();
    let nibbles = digits.iter().flat_map(|byte| [byte >> 4, byte & 0x0F]);
    nibbles
        .map(u64::from)
        .try_fold(0_u64, |sum, digit| {
            (digit < 10).then_some(())?;
            sum.checked_mul(10)?.checked_add(digit)
        })
        .unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decides_at_the_first_cryptogram() {
        let limited = ApplicationData {
            offline_limit_minor: 5000,
            ..ApplicationData::default()
        };
        let declining = ApplicationData {
            declines_offline: true,
            ..limited.clone()
        };
        let (aac, tc, arqc) = (
            CryptogramType::Aac,
            CryptogramType::Tc,
            CryptogramType::Arqc,
        );
        for (data, wanted, amount, expected) in [
            (&limited, tc, [0, 0, 0, 0, 0x50, 0], tc),
            (&limited, tc, [0, 0, 0, 0, 0x50, 1], arqc),
            (&limited, tc, [0, 0, 0, 0, 0, 0x0A], arqc),
            (&limited, arqc, [0; 6], arqc),
            (&limited, aac, [0; 6], aac),
            (&declining, tc, [0; 6], aac),
            (&declining, arqc, [0; 6], aac),
        ] {
            let elements = Elements::from([(0x9F02, amount.to_vec())]);
            assert_eq!(
                first_decision(data, wanted, &elements),
                expected,
                "{wanted:?} {amount:02X?}"
            );
        }
    }

    #[test]
    fn decides_at_the_second_cryptogram() {
        use IssuerAuthentication::{Failed, NotPerformed, Passed};
        let optional = ApplicationData {
            offline_limit_minor: 5000,
            ..ApplicationData::default()
        };
        let mandatory = ApplicationData {
            issuer_authentication_mandatory: true,
            ..ApplicationData::default()
        };
        let (aac, tc) = (CryptogramType::Aac, CryptogramType::Tc);
        for (data, wanted, issuer_authentication, arc, expected) in [
            (&optional, tc, Passed, b"00", tc),
            (&optional, aac, Passed, b"00", aac),
            (&optional, tc, Failed, b"00", aac),
            (&optional, tc, NotPerformed, b"00", tc),
            (&optional, tc, NotPerformed, b"Y3", tc),
            (&mandatory, tc, NotPerformed, b"00", aac),
            (&mandatory, tc, NotPerformed, b"Y3", aac),
            (&mandatory, tc, Passed, b"00", tc),
        ] {
            let first = FirstCryptogram {
                arqc: [0; 8],
                cdol_values: Vec::new(),
                elements: Elements::from([(0x9F02, vec![0, 0, 0, 0, 0x25, 0])]),
                issuer_authentication,
            };
            let given = second_decision(data, wanted, &first, arc);
            assert_eq!(
                given, expected,
                "{wanted:?} {issuer_authentication:?} {arc:?}"
            );
        }
    }
}
