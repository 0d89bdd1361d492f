//! `terminal:parameters` for the guest.

use wasmtime::{Result, bail};
use zeroize::Zeroizing;

use crate::{bindings::terminal::parameters::parameters as wit, terminal::Terminal};

/// How often one call of a guest may ask about the exception file: a transaction needs it once.
const EXCEPTION_QUESTIONS_MAX: u32 = 32;

impl wit::Host for Terminal {
    async fn terminal_data(&mut self) -> Result<wit::Terminal> {
        Ok((&self.parameters.terminal).into())
    }

    async fn time_limits(&mut self) -> Result<wit::Timeouts> {
        Ok((&self.parameters.timeouts).into())
    }

    async fn applications(&mut self) -> Result<Vec<wit::Application>> {
        Ok(self
            .parameters
            .applications
            .iter()
            .map(Into::into)
            .collect())
    }

    async fn find_ca_public_key(
        &mut self,
        rid: Vec<u8>,
        index: u8,
    ) -> Result<Option<wit::CaPublicKey>> {
        Ok(self
            .parameters
            .find_ca_public_key(&rid, index)
            .map(Into::into))
    }

    async fn find_elliptic_ca_public_key(
        &mut self,
        rid: Vec<u8>,
        index: u8,
    ) -> Result<Option<wit::EllipticCaPublicKey>> {
        Ok(self
            .parameters
            .find_elliptic_ca_public_key(&rid, index)
            .map(Into::into))
    }

    async fn is_issuer_certificate_revoked(
        &mut self,
        rid: Vec<u8>,
        index: u8,
        serial_number: Vec<u8>,
    ) -> Result<bool> {
        Ok(self
            .parameters
            .is_issuer_certificate_revoked(&rid, index, &serial_number))
    }

    async fn is_on_exception_file(
        &mut self,
        pan: Vec<u8>,
        sequence_number: Option<u8>,
    ) -> Result<bool> {
        let pan = Zeroizing::new(pan);
        if self.exception_questions >= EXCEPTION_QUESTIONS_MAX {
            bail!("the guest reads the exception file");
        }
        self.exception_questions = self.exception_questions.saturating_add(1);
        Ok(self.parameters.is_on_exception_file(&pan, sequence_number))
    }

    async fn acquirer_data(&mut self) -> Result<wit::Acquirer> {
        Ok((&self.parameters.acquirer).into())
    }

    async fn magstripe(&mut self) -> Result<Option<wit::MagstripeRules>> {
        Ok(self.parameters.magstripe.as_ref().map(Into::into))
    }
}
