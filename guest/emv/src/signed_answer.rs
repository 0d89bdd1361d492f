//! Whether and how the answers to GENERATE AC are signed, and what a signature covers.
//!
//! Combined data authentication (CDA) signs the cryptogram and everything card and terminal told
//! each other. The card's key is recovered before the first GENERATE AC; what is left for after
//! it is here.
//!
//! EMV 4.4 Book 2, 6.6; EMV 4.4 Book 4, 6.3.2.1.

use core::fmt;

use zeroize::Zeroizing;

use crate::bits::Tsi;
use crate::card_data::CryptogramType;
use crate::certificate::{self, Combined, Exchanged, PublicKey, Refusal, Unverified};
use crate::cryptogram::{self, Cryptogram, Information, Signature};
use crate::dialogue::Dialogue;
use crate::dol::Dol;
use crate::key_chain;
use crate::outcome::Cause;
use crate::parameters::{Application, CdaMode};
use crate::ports::{Ports, Tools};
use crate::rules::{self, Conclusion};
use crate::tag;

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
    /// Whether a signature was asked for, due and not valid.
    pub(crate) unauthenticated: bool,
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
                if answer.unauthenticated {
                    // EMV 4.4 Book 4, 6.3.2.1: what follows is an AAC, and that is never signed.
                    self.scheme = Scheme::None;
                }
                Ok(answer)
            }
            (Scheme::Cda { .. } | Scheme::None, _) => unsigned(&cryptogram),
        }
    }
}

/// An answer that needs no signature, and so has its cryptogram in clear.
fn unsigned(cryptogram: &Cryptogram) -> Result<Answer, Cause> {
    cryptogram.expect_value()?;
    Ok(Answer {
        information: cryptogram.information,
        unauthenticated: false,
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
    Answer {
        information,
        unauthenticated: verified.is_err(),
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
