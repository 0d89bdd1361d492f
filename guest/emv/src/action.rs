//! Terminal action analysis: what do issuer and acquirer want done about the TVR?
//!
//! EMV 4.4 Book 3, 10.7.

use crate::bits::Tvr;
use crate::card_data::{CardData, CryptogramType};
use crate::parameters::{Application, Connection};
use crate::rules::{self, Conclusion};
use crate::tag;

/// The action codes of issuer and acquirer together: a bit of either counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ActionCodes {
    pub(crate) denial: Tvr,
    pub(crate) online: Tvr,
    pub(crate) default: Tvr,
}

/// Tags 9F0E, 9F0F and 9F0D, as far as the card gave them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct IssuerActionCodes {
    pub(crate) denial: Option<Tvr>,
    pub(crate) online: Option<Tvr>,
    pub(crate) default: Option<Tvr>,
}

impl ActionCodes {
    /// The codes for the card and the application selected.
    pub(crate) fn of(card: &CardData, application: &Application) -> Self {
        let issuer = |tag| card.array(tag).map(Tvr::from_bytes);
        Self::join(
            IssuerActionCodes {
                denial: issuer(tag::IAC_DENIAL),
                online: issuer(tag::IAC_ONLINE),
                default: issuer(tag::IAC_DEFAULT),
            },
            Self {
                denial: application.tac_denial,
                online: application.tac_online,
                default: application.tac_default,
            },
        )
    }

    /// Joins the codes. EMV 4.4 Book 3, 10.7: without the issuer's, nothing is denied, and any
    /// bit sends the transaction online or declines it when that is impossible.
    pub(crate) fn join(issuer: IssuerActionCodes, acquirer: Self) -> Self {
        let ones = Tvr::from_bytes([0xFF; 5]);
        Self {
            denial: issuer.denial.unwrap_or_default() | acquirer.denial,
            online: issuer.online.unwrap_or(ones) | acquirer.online,
            default: issuer.default.unwrap_or(ones) | acquirer.default,
        }
    }
}

/// Which cryptogram the first GENERATE AC asks for.
pub(crate) fn first(
    tvr: Tvr,
    codes: ActionCodes,
    connection: Connection,
) -> (CryptogramType, &'static Conclusion) {
    if tvr.intersects(codes.denial) {
        return (CryptogramType::Aac, &rules::DENIED);
    }
    match connection {
        Connection::OnlineOnly => (CryptogramType::Arqc, &rules::ONLINE_ALWAYS),
        Connection::OfflineWithOnline if tvr.intersects(codes.online) => {
            (CryptogramType::Arqc, &rules::ONLINE_NEEDED)
        }
        Connection::OfflineWithOnline => (CryptogramType::Tc, &rules::OFFLINE_ALLOWED),
        Connection::OfflineOnly => without_issuer(tvr, codes),
    }
}

/// Which cryptogram the second GENERATE AC asks for when the issuer could not be asked.
///
/// An online-only terminal may check the default codes or decline at once (EMV 4.4 Book 3, 10.7);
/// this one declines, since its acquirer never allowed it to approve alone.
pub(crate) fn unable_to_go_online(
    tvr: Tvr,
    codes: ActionCodes,
    connection: Connection,
) -> (CryptogramType, &'static Conclusion) {
    if tvr.intersects(XDA_FAILURES) {
        return (CryptogramType::Aac, &rules::XDA_FAILURE_WITHOUT_ISSUER);
    }
    match connection {
        Connection::OnlineOnly => (CryptogramType::Aac, &rules::DEFAULT_DENIED_ONLINE_ONLY),
        Connection::OfflineWithOnline | Connection::OfflineOnly => without_issuer(tvr, codes),
    }
}

/// The three ways in which extended data authentication fails.
const XDA_FAILURES: Tvr = Tvr::XDA_FAILED
    .union(Tvr::CA_ECC_KEY_MISSING)
    .union(Tvr::ECC_KEY_RECOVERY_FAILED);

/// Whether the issuer is asked although extended data authentication failed with the first
/// GENERATE AC (EMV 4.4 Book 4, 6.3.2.2.4). Two of its three TVR bits are set after terminal action
/// analysis, so the denial codes are looked at once more. The issuer decides even where the card
/// gave a TC.
pub(crate) fn after_xda_failure(
    tvr: Tvr,
    codes: ActionCodes,
    connection: Connection,
) -> (bool, &'static Conclusion) {
    if tvr.intersects(codes.denial) {
        return (false, &rules::XDA_FAILURE_DENIED);
    }
    match connection {
        Connection::OnlineOnly | Connection::OfflineWithOnline => {
            (true, &rules::XDA_FAILURE_ASKS_ISSUER)
        }
        Connection::OfflineOnly => (false, &rules::XDA_FAILURE_OFFLINE),
    }
}

/// The default codes.
fn without_issuer(tvr: Tvr, codes: ActionCodes) -> (CryptogramType, &'static Conclusion) {
    if tvr.intersects(codes.default) {
        (CryptogramType::Aac, &rules::DEFAULT_DENIED)
    } else {
        (CryptogramType::Tc, &rules::DEFAULT_ALLOWED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTHING: ActionCodes = ActionCodes {
        denial: Tvr::empty(),
        online: Tvr::empty(),
        default: Tvr::empty(),
    };

    #[test]
    fn without_extended_authentication_the_issuer_is_asked_or_it_is_over() {
        use Connection::{OfflineOnly, OfflineWithOnline, OnlineOnly};
        let denying = ActionCodes {
            denial: Tvr::XDA_FAILED,
            ..NOTHING
        };
        for (codes, connection, asks) in [
            (NOTHING, OfflineWithOnline, true),
            (NOTHING, OnlineOnly, true),
            (NOTHING, OfflineOnly, false),
            (denying, OfflineWithOnline, false),
            (denying, OnlineOnly, false),
        ] {
            let (asked, _) = after_xda_failure(Tvr::XDA_FAILED, codes, connection);
            assert_eq!(asked, asks, "{connection:?}");
        }
        for (tvr, requested) in [
            (Tvr::empty(), CryptogramType::Tc),
            (Tvr::CDA_FAILED, CryptogramType::Tc),
            (Tvr::XDA_FAILED, CryptogramType::Aac),
            (Tvr::CA_ECC_KEY_MISSING, CryptogramType::Aac),
            (Tvr::ECC_KEY_RECOVERY_FAILED, CryptogramType::Aac),
        ] {
            let (kind, _) = unable_to_go_online(tvr, NOTHING, OfflineWithOnline);
            assert_eq!(kind, requested, "{tvr:?}");
        }
    }

    #[test]
    fn an_online_only_terminal_never_approves_alone() {
        let (requested, _) = unable_to_go_online(Tvr::empty(), NOTHING, Connection::OnlineOnly);
        assert_eq!(requested, CryptogramType::Aac);
    }
}
