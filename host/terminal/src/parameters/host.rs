//! `terminal:parameters` for the guest.

use wasmtime::Result;

use crate::{bindings::terminal::parameters::parameters as wit, terminal::Terminal};

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

    async fn acquirer_data(&mut self) -> Result<wit::Acquirer> {
        Ok((&self.parameters.acquirer).into())
    }

    async fn magstripe(&mut self) -> Result<Option<wit::MagstripeRules>> {
        Ok(self.parameters.magstripe.as_ref().map(Into::into))
    }
}
