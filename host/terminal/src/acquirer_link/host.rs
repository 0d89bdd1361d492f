//! `terminal:acquirer-link` for the guest.

use std::time::Duration;

use wasmtime::{Result, bail};

use super::Fault;
use crate::{bindings::terminal::acquirer_link::acquirer_link as wit, terminal::Terminal};

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
        match self.spend_reason_to_send() {
            Ok(true) => {}
            Ok(false) => bail!("the guest sends a message and the journal does not say why"),
            // Nothing was sent.
            Err(_) => return Ok(Err(wit::ErrorCode::Unreachable)),
        }
        let timeout = Duration::from_millis(timeout_ms.into());
        let mut devices = self.devices.lock().await;
        let exchange = devices
            .acquirer_link
            .exchange(&request, timeout, self.observer.as_ref());
        let answer = tokio::time::timeout(timeout.saturating_add(DRIVER_GRACE), exchange)
            .await
            // Where a driver hangs nobody knows what it sent.
            .unwrap_or(Err(Fault::AnswerLost))
            .and_then(|answer| {
                if answer.len() > MESSAGE_LENGTH_MAX {
                    Err(Fault::AnswerTooLong)
                } else {
                    Ok(answer)
                }
            });
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
