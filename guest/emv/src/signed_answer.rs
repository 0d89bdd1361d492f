//! Whether and how the answers to GENERATE AC are signed, and what a signature covers.
//!
//! Combined data authentication (CDA, with RSA) and extended data authentication (XDA, with
//! elliptic curves) sign the cryptogram and everything card and terminal told each other. The
//! card's key is recovered before the first GENERATE AC; what is left for after it is here.
//!
//! EMV 4.4 Book 2, 6.6 and 12.5; EMV 4.4 Book 4, 6.3.2.1 and 6.3.2.2.

use core::fmt;

use zeroize::Zeroizing;

use crate::bits::Tsi;
use crate::card_data::{CardData, CryptogramType};
use crate::certificate::{self, Combined, Exchanged, PublicKey, Refusal, Unverified};
use crate::cryptogram::{self, Cryptogram, Information, Signature};
use crate::dialogue::Dialogue;
use crate::dol::Dol;
use crate::ecc_certificate;
use crate::elliptic::EllipticKey;
use crate::key_chain;
use crate::outcome::Cause;
use crate::parameters::{Application, CdaMode};
use crate::ports::{Ports, Tools};
use crate::rules::{self, Conclusion};
use crate::tag;
use crate::trace::Finding;

/// How the answers to GENERATE AC are authenticated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Scheme {
    /// Not at all, or no more: no method was chosen, another one was, or the keys could not be
    /// recovered.
    None,
    /// By combined signatures of the card's RSA key, on the requests `mode` names.
    Cda {
        /// The card's key.
        key: PublicKey,
        /// On which requests a signature is asked for.
        mode: CdaMode,
    },
    /// By signatures of the card's elliptic-curve key, asked for on every request.
    Xda(Extended),
}

/// How far extended data authentication is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Extended {
    /// The card's key is known.
    Key(EllipticKey),
    /// It is not, since the terminal has no key of the certification authority. The TVR says so.
    NoCaKey,
    /// It could not be recovered. A terminal may work on the keys while the card works on its
    /// cryptogram, so the TVR tells of it after the first GENERATE AC, here as everywhere
    /// (EMV 4.4 Book 4, 6.3.2.2.2).
    NoKey,
    /// It failed with the first GENERATE AC; nothing is verified any more.
    Over,
}

/// The authentication of the answers to both GENERATE AC.
pub(crate) struct AnswerAuthentication {
    scheme: Scheme,
    /// What a signature covers before the answer itself: the values of PDOL, CDOL1 and, the
    /// second time, CDOL2. Wiped when dropped: a card may ask for its own PAN there.
    covered: Zeroizing<Vec<u8>>,
}

impl fmt::Debug for AnswerAuthentication {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let length = self.covered.len();
        write!(formatter, "AnswerAuthentication({length} bytes covered)")
    }
}

/// One GENERATE AC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) kind: CryptogramType,
    pub(crate) moment: Moment,
}

/// Which GENERATE AC it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    First,
    /// The second one, after the issuer answered.
    AfterIssuer,
    /// The second one, when the issuer could not be asked, or was not for want of a signature.
    WithoutIssuer,
}

/// What came of one GENERATE AC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Answer {
    /// Tag 9F27. From within the signature where one was opened (EMV 4.4 Book 4, 6.3.2.1).
    pub(crate) information: Information,
    pub(crate) authenticity: Authenticity,
}

/// What is known of where an answer comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Authenticity {
    /// Its signature is valid, or none was due.
    NotInDoubt,
    /// A combined signature was due and is not valid.
    CdaFailed,
    /// Extended data authentication failed with this answer.
    XdaFailed,
}

impl AnswerAuthentication {
    /// Nothing was signed yet. `pdol_values` is what the card was told in GET PROCESSING OPTIONS.
    pub(crate) fn new(scheme: Scheme, pdol_values: &[u8]) -> Self {
        Self {
            scheme,
            covered: Zeroizing::new(pdol_values.to_vec()),
        }
    }

    /// Sends one GENERATE AC with the values of `list`, and authenticates the answer.
    pub(crate) fn generate<P: Ports>(
        &mut self,
        dialogue: &mut Dialogue<'_, P>,
        application: &Application,
        list: &Dol,
        request: Request,
    ) -> Result<Answer, Cause> {
        let signature = match &self.scheme {
            Scheme::Cda { mode, .. } if asks_for_cda(*mode, request) => Signature::Cda,
            Scheme::Cda { .. } | Scheme::None => Signature::None,
            Scheme::Xda(_) => Signature::Xda,
        };
        let control = cryptogram::reference_control(request.kind, signature);
        let (cryptogram, values) = cryptogram::generate(dialogue, application, list, control)?;
        self.covered.extend(values);
        let refused = cryptogram.information.kind() == Some(CryptogramType::Aac);
        match (&self.scheme, signature) {
            (Scheme::Cda { .. }, Signature::Cda) if refused => {
                dialogue.conclude(&rules::CDA_NOT_DUE);
                unsigned(&cryptogram)
            }
            (Scheme::Cda { key, .. }, Signature::Cda) => {
                let answer = check_combined(dialogue, key, &cryptogram, &self.covered);
                if answer.authenticity == Authenticity::CdaFailed {
                    // EMV 4.4 Book 4, 6.3.2.1: what follows is an AAC, and that is never signed.
                    self.scheme = Scheme::None;
                }
                Ok(answer)
            }
            (Scheme::Xda(extended), _) => {
                let fresh = asks_for_number(&dialogue.card, list);
                let (authenticity, conclusion) =
                    judge_extended(extended, &cryptogram, &self.covered, fresh);
                if let Some(conclusion) = conclusion {
                    if conclusion.finding != Finding::NotApplicable {
                        dialogue.performed(Tsi::ODA_PERFORMED);
                    }
                    dialogue.conclude(conclusion);
                }
                if authenticity == Authenticity::XdaFailed {
                    self.scheme = Scheme::Xda(Extended::Over);
                }
                let answer = unsigned(&cryptogram)?;
                Ok(Answer {
                    authenticity,
                    ..answer
                })
            }
            (Scheme::Cda { .. } | Scheme::None, _) => unsigned(&cryptogram),
        }
    }
}

/// EMV 4.4 Book 2, 12.5.3, and EMV 4.4 Book 4, 6.3.2.2: what an answer that was to be signed with
/// an elliptic-curve key is worth, and what is concluded. An AAC needs no signature.
///
/// The signature covers the cryptogram in clear, which therefore must be there. It is `fresh` when
/// the card was told the terminal's number; without it, an old signature would do as well. The book
/// leaves that to the card's lists; here such a signature fails, as it does with DDA
/// (EMV 4.4 Book 2, 6.5.1).
fn judge_extended(
    extended: &Extended,
    cryptogram: &Cryptogram,
    covered: &[u8],
    fresh: bool,
) -> (Authenticity, Option<&'static Conclusion>) {
    let refused = cryptogram.information.kind() == Some(CryptogramType::Aac);
    let failed = |conclusion| (Authenticity::XdaFailed, Some(conclusion));
    match (extended, &cryptogram.signature) {
        (Extended::Over, _) => (Authenticity::NotInDoubt, None),
        (Extended::NoCaKey, _) => (Authenticity::XdaFailed, None),
        (Extended::NoKey, _) => failed(&rules::XDA_KEY_NOT_RECOVERED),
        (Extended::Key(_), _) if refused => (Authenticity::NotInDoubt, Some(&rules::XDA_NOT_DUE)),
        (Extended::Key(_), None) => failed(&rules::XDA_SIGNATURE_MISSING),
        (Extended::Key(_), Some(_)) if !fresh => failed(&rules::XDA_NOT_FRESH),
        (Extended::Key(key), Some(signature)) => {
            let exchanged = [covered, &cryptogram.signed_objects].concat();
            match ecc_certificate::dynamic_signature(key, signature, &exchanged) {
                Ok(()) => (Authenticity::NotInDoubt, Some(&rules::XDA_PASSED)),
                Err(_) => failed(&rules::XDA_FAILED),
            }
        }
    }
}

/// Whether PDOL or `list` asks for the unpredictable number.
fn asks_for_number(card: &CardData, list: &Dol) -> bool {
    let pdol = card
        .value(tag::PDOL)
        .and_then(|value| Dol::parse(value).ok());
    pdol.iter()
        .chain([list])
        .any(|list| list.contains(tag::UNPREDICTABLE_NUMBER))
}

/// An answer that needs no signature, and so has its cryptogram in clear.
fn unsigned(cryptogram: &Cryptogram) -> Result<Answer, Cause> {
    cryptogram.expect_value()?;
    Ok(Answer {
        information: cryptogram.information,
        authenticity: Authenticity::NotInDoubt,
    })
}

/// EMV 4.4 Book 2, Annex D4: which requests ask for a combined signature. An AAC is never signed;
/// where the card may approve alone a signature is always asked for.
const fn asks_for_cda(mode: CdaMode, request: Request) -> bool {
    match (request.kind, request.moment) {
        (CryptogramType::Aac, _) => false,
        (CryptogramType::Arqc, _) => matches!(mode, CdaMode::Mode1 | CdaMode::Mode2),
        (CryptogramType::Tc, Moment::First | Moment::WithoutIssuer) => true,
        (CryptogramType::Tc, Moment::AfterIssuer) => {
            matches!(mode, CdaMode::Mode1 | CdaMode::Mode4)
        }
    }
}

/// EMV 4.4 Book 2, 6.6.2: checks the combined signature of a TC or ARQC.
fn check_combined<P: Ports>(
    dialogue: &mut Dialogue<'_, P>,
    key: &PublicKey,
    cryptogram: &Cryptogram,
    covered: &[u8],
) -> Answer {
    let clear = cryptogram.information;
    let exchanged = Exchanged {
        unpredictable_number: dialogue
            .card
            .array(tag::UNPREDICTABLE_NUMBER)
            .unwrap_or_default(),
        information: clear.0,
        transaction_data: &[covered, &cryptogram.signed_objects].concat(),
    };
    let signature = cryptogram.signature.as_deref();
    let verified = verify_combined(dialogue.ports, key, signature, &exchanged);
    if let Ok(combined) = &verified {
        let card = &mut dialogue.card;
        card.set(tag::ICC_DYNAMIC_NUMBER, &combined.dynamic_number);
        card.set(tag::APPLICATION_CRYPTOGRAM, &combined.cryptogram);
    }
    dialogue.performed(Tsi::ODA_PERFORMED);
    let (information, conclusion) = judge_combined(clear, &verified);
    dialogue.conclude(conclusion);
    let authenticity = if verified.is_ok() {
        Authenticity::NotInDoubt
    } else {
        Authenticity::CdaFailed
    };
    Answer {
        information,
        authenticity,
    }
}

/// Opens a combined signature and checks it.
pub(crate) fn verify_combined<T: Tools>(
    tools: &mut T,
    key: &PublicKey,
    signature: Option<&[u8]>,
    exchanged: &Exchanged<'_>,
) -> Result<Combined, Unverified> {
    let signed = signature.ok_or(Refusal::Missing)?;
    let recovered = key_chain::recover(tools, key, signed)?;
    certificate::combined_signature(&recovered, exchanged)
}

/// Which Cryptogram Information Data counts, and what is concluded. EMV 4.4 Book 4, 6.3.2.1: the
/// one inside the signature, as soon as it could be read.
fn judge_combined(
    clear: Information,
    verified: &Result<Combined, Unverified>,
) -> (Information, &'static Conclusion) {
    let Err(failure) = verified else {
        return (clear, &rules::CDA_PASSED);
    };
    let conclusion = if failure.refusal == Refusal::Missing {
        &rules::CDA_SIGNATURE_MISSING
    } else if failure.refusal == Refusal::Information {
        &rules::CDA_INFORMATION_DIFFERS
    } else if failure.refusal == Refusal::TransactionData {
        &rules::CDA_TRANSACTION_DATA_DIFFERS
    } else {
        &rules::CDA_FAILED
    };
    (failure.information.map_or(clear, Information), conclusion)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_signature_covers_is_in_no_debug_text() {
        let authentication = AnswerAuthentication::new(Scheme::None, &[0x47, 0x61, 0x73]);
        let shown = format!("{authentication:?}");
        assert_eq!(shown, "AnswerAuthentication(3 bytes covered)");
    }

    #[test]
    fn the_mode_says_which_requests_ask_for_a_signature() {
        use CdaMode::{Mode1, Mode2, Mode3, Mode4};
        use CryptogramType::{Aac, Arqc, Tc};
        use Moment::{AfterIssuer, First, WithoutIssuer};
        for (kind, moment, asking) in [
            (Tc, First, &[Mode1, Mode2, Mode3, Mode4][..]),
            (Arqc, First, &[Mode1, Mode2]),
            (Aac, First, &[]),
            (Tc, AfterIssuer, &[Mode1, Mode4]),
            (Aac, AfterIssuer, &[]),
            (Tc, WithoutIssuer, &[Mode1, Mode2, Mode3, Mode4]),
            (Aac, WithoutIssuer, &[]),
        ] {
            for mode in [Mode1, Mode2, Mode3, Mode4] {
                let asked = asks_for_cda(mode, Request { kind, moment });
                assert_eq!(
                    asked,
                    asking.contains(&mode),
                    "{kind:?} {moment:?} {mode:?}"
                );
            }
        }
    }

    #[test]
    fn the_information_inside_counts_once_it_is_read() {
        let unverified = |refusal, information| {
            Err(Unverified {
                refusal,
                information,
            })
        };
        for (verified, counts, conclusion) in [
            (
                unverified(Refusal::Information, Some(0x40)),
                0x40,
                &rules::CDA_INFORMATION_DIFFERS,
            ),
            (
                unverified(Refusal::TransactionData, Some(0x80)),
                0x80,
                &rules::CDA_TRANSACTION_DATA_DIFFERS,
            ),
            (
                unverified(Refusal::Hash, Some(0x80)),
                0x80,
                &rules::CDA_FAILED,
            ),
            (unverified(Refusal::Header, None), 0x80, &rules::CDA_FAILED),
            (
                unverified(Refusal::Missing, None),
                0x80,
                &rules::CDA_SIGNATURE_MISSING,
            ),
        ] {
            let (information, concluded) = judge_combined(Information(0x80), &verified);
            assert_eq!((information.0, concluded), (counts, conclusion));
        }
    }
}
