//! Whether an earlier transaction may be refunded, voided or completed.

use std::sync::Arc;

use super::{BeginError, Inner, OriginalRefused};
use crate::transaction::{Ending, Kind, Record, Request};

impl Inner {
    /// The earlier transaction that a request refers to, which allows it.
    pub(super) fn original(&self, request: &Request) -> Result<Option<Arc<Record>>, BeginError> {
        let needed = matches!(
            request.kind,
            Kind::Refund | Kind::Void | Kind::PreAuthComplete
        );
        let Some(id) = request.original.as_ref().filter(|_| needed) else {
            return if needed || request.original.is_some() {
                Err(OriginalRefused::Misplaced.into())
            } else {
                Ok(None)
            };
        };
        let original = self.journal.record(id)?.ok_or(OriginalRefused::Unknown)?;
        check(request, &original, self.journal.open_batch()?)?;
        Ok(Some(original))
    }
}

/// Whether `request` may be made of `original`, while `open_batch` is the batch that is open. Pure.
fn check(request: &Request, original: &Record, open_batch: u32) -> Result<(), OriginalRefused> {
    let approved = original
        .outcome
        .as_ref()
        .filter(|outcome| outcome.ending == Ending::Approved)
        .map(|outcome| outcome.approved_minor)
        .ok_or(OriginalRefused::NotApproved)?;
    if original.request.online_decision != request.online_decision {
        return Err(OriginalRefused::OtherAcquirer);
    }
    if original.request.currency != request.currency {
        return Err(OriginalRefused::OtherCurrency);
    }
    let (kind, referred) = (original.request.kind, original.referred);
    let asked = request
        .amount_minor
        .saturating_add(request.tip_minor)
        .saturating_add(request.cashback_minor);
    let within = |left_minor| {
        if asked <= left_minor {
            Ok(())
        } else {
            Err(OriginalRefused::TooMuch { left_minor })
        }
    };
    match (request.kind, kind) {
        (Kind::Refund, Kind::Sale | Kind::PreAuthComplete) if referred.voided => {
            Err(OriginalRefused::Used)
        }
        (Kind::Refund, Kind::Sale | Kind::PreAuthComplete) => {
            within(approved.saturating_sub(referred.refunded_minor))
        }
        (Kind::PreAuthComplete, Kind::PreAuth) if referred.voided || referred.completed => {
            Err(OriginalRefused::Used)
        }
        (Kind::PreAuthComplete, Kind::PreAuth) => within(approved),
        (Kind::Void, Kind::Sale | Kind::PreAuthComplete | Kind::PreAuth) => {
            if referred.voided || referred.completed || referred.refunded_minor > 0 {
                return Err(OriginalRefused::Used);
            }
            // A reservation belongs to no batch.
            if kind != Kind::PreAuth && original.batch != open_batch {
                return Err(OriginalRefused::BatchClosed);
            }
            if asked != approved {
                return Err(OriginalRefused::NotWhole {
                    whole_minor: approved,
                });
            }
            Ok(())
        }
        _ => Err(OriginalRefused::OtherKind),
    }
}
