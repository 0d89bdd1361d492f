//! `terminal:acquirer-link` for the guest.

use std::time::Duration;

use wasmtime::{Result, bail};

use super::Fault;
use crate::{
    bindings::terminal::acquirer_link::acquirer_link as wit,
    journal::{StorageFault, in_scope},
    terminal::{Scope, Terminal},
};

/// The longest request, and the longest answer that is handed on.
const MESSAGE_LENGTH_MAX: usize = 8192;

/// What the driver may take beyond its time-out before the host gives up on it.
const DRIVER_GRACE: Duration = Duration::from_secs(2);

impl wit::Host for Terminal {
    async fn exchange(
        &mut self,
        request: Vec<u8>,
        timeout_ms: u32,
    ) -> Result<std::result::Result<Vec<u8>, wit::ErrorCode>> {
        if request.len() > MESSAGE_LENGTH_MAX {
            bail!("the guest sends a message that is too long");
        }
        in_scope(&self.scope)?;
        let closes_a_batch = matches!(self.scope, Scope::Reconciliation { .. });
        let is_due = || Ok(closes_a_batch || self.journal.is_due()?);
        let reason = match self.conduct.reason_to_send::<StorageFault>(is_due) {
            Ok(Some(reason)) => reason,
            Ok(None) => bail!("the guest sends a message and the journal does not say why"),
            // The journal cannot be read. Nothing was sent.
            Err(_) => return Ok(Err(wit::ErrorCode::Unreachable)),
        };
        let timeout = Duration::from_millis(timeout_ms.into());
        let mut devices = self.devices.lock().await;
        let exchange = devices
            .acquirer_link
            .exchange(&request, timeout, self.observer.as_ref());
        // Where a driver hangs nobody knows what it sent. An abort cuts short what an older transaction
        // has due: that stays due. A request is past every abort.
        let answer = self
            .abort
            .bound(timeout.saturating_add(DRIVER_GRACE), exchange)
            .await
            .unwrap_or(Err(Fault::AnswerLost))
            .and_then(|answer| {
                if answer.len() > MESSAGE_LENGTH_MAX {
                    Err(Fault::AnswerTooLong)
                } else {
                    Ok(answer)
                }
            });
        drop(devices);
        self.conduct
            .exchanged(reason, answer.as_ref().map(|_| ()).map_err(|fault| *fault));
        Ok(answer.map_err(|fault| {
            tracing::warn!(%fault, "the acquirer gave no answer");
            fault.into()
        }))
    }
}

impl From<Fault> for wit::ErrorCode {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Unreachable => Self::Unreachable,
            Fault::PeerRefused => Self::PeerRefused,
            Fault::AnswerLost => Self::AnswerLost,
            Fault::AnswerTooLong => Self::AnswerTooLong,
        }
    }
}
