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
    match connection {
        Connection::OnlineOnly => (CryptogramType::Aac, &rules::DEFAULT_DENIED_ONLINE_ONLY),
        Connection::OfflineWithOnline | Connection::OfflineOnly => without_issuer(tvr, codes),
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

    #[test]
    fn an_online_only_terminal_never_approves_alone() {
        let none = Tvr::empty();
        let codes = ActionCodes {
            denial: none,
            online: none,
            default: none,
        };
        let (requested, _) = unable_to_go_online(none, codes, Connection::OnlineOnly);
        assert_eq!(requested, CryptogramType::Aac);
    }
}
