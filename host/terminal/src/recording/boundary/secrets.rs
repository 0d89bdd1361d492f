//! PIN entry and cryptography.

use wasmtime::{Result, component::Resource};

use super::{Answer, Asked, Boundary, cross, kept};
use crate::{
    bindings::terminal::{crypto::crypto, pin_entry::pin_entry},
    card_reader::ActiveCard,
    pin_entry::EnteredPin,
};

impl pin_entry::Host for Boundary {
    async fn enter_pin(
        &mut self,
        rules: pin_entry::PinRules,
    ) -> Answer<Resource<EnteredPin>, pin_entry::ErrorCode> {
        type Kept = std::result::Result<u32, pin_entry::ErrorCode>;
        match self.ask::<_, Kept>("pin-entry.enter-pin", || (kept(&rules),))? {
            Asked::Answered(answer) => Ok(answer.map(Resource::new_own)),
            Asked::Terminal(terminal, tape) => {
                let answer = pin_entry::Host::enter_pin(terminal, rules).await?;
                tape.answered(&answer.as_ref().map(Resource::rep));
                Ok(answer)
            }
        }
    }

    async fn verify_offline(
        &mut self,
        pin: Resource<EnteredPin>,
        card: Resource<ActiveCard>,
        method: pin_entry::OfflineMethod,
    ) -> Answer<u16, pin_entry::ErrorCode> {
        cross!(
            self,
            "pin-entry.verify-offline",
            (pin.rep(), card.rep(), method),
            pin_entry::Host::verify_offline,
            pin,
            card,
            method
        )
    }
}

impl pin_entry::HostEnteredPin for Boundary {
    async fn drop(&mut self, pin: Resource<EnteredPin>) -> Result<()> {
        cross!(
            self,
            "pin-entry.drop-pin",
            (pin.rep()),
            pin_entry::HostEnteredPin::drop,
            pin
        )
    }
}

impl crypto::Host for Boundary {
    async fn encrypt_pin(
        &mut self,
        pin: Resource<EnteredPin>,
        pan: Vec<u8>,
        format: crypto::PinBlockFormat,
    ) -> Answer<crypto::Protected, crypto::ErrorCode> {
        cross!(
            self,
            "crypto.encrypt-pin",
            (pin.rep(), pan, format),
            crypto::Host::encrypt_pin,
            pin,
            pan,
            format
        )
    }

    async fn next_key_serial_number(
        &mut self,
        algorithm: crypto::MacAlgorithm,
    ) -> Answer<Vec<u8>, crypto::ErrorCode> {
        cross!(
            self,
            "crypto.next-key-serial-number",
            (algorithm),
            crypto::Host::next_key_serial_number,
            algorithm
        )
    }

    async fn generate_mac(
        &mut self,
        message: Vec<u8>,
        algorithm: crypto::MacAlgorithm,
    ) -> Answer<crypto::Protected, crypto::ErrorCode> {
        cross!(
            self,
            "crypto.generate-mac",
            (message, algorithm),
            crypto::Host::generate_mac,
            message,
            algorithm
        )
    }

    async fn verify_mac(
        &mut self,
        message: Vec<u8>,
        mac: Vec<u8>,
        key_serial_number: Vec<u8>,
        algorithm: crypto::MacAlgorithm,
    ) -> Answer<bool, crypto::ErrorCode> {
        cross!(
            self,
            "crypto.verify-mac",
            (message, mac, key_serial_number, algorithm),
            crypto::Host::verify_mac,
            message,
            mac,
            key_serial_number,
            algorithm
        )
    }

    async fn encrypt_data(
        &mut self,
        data: Vec<u8>,
    ) -> Answer<crypto::Protected, crypto::ErrorCode> {
        cross!(
            self,
            "crypto.encrypt-data",
            (data),
            crypto::Host::encrypt_data,
            data
        )
    }

    async fn rsa_recover(
        &mut self,
        modulus: Vec<u8>,
        exponent: Vec<u8>,
        data: Vec<u8>,
    ) -> Answer<Vec<u8>, crypto::ErrorCode> {
        cross!(
            self,
            "crypto.rsa-recover",
            (modulus, exponent, data),
            crypto::Host::rsa_recover,
            modulus,
            exponent,
            data
        )
    }

    async fn random(&mut self, length: u32) -> Result<Vec<u8>> {
        cross!(
            self,
            "crypto.random",
            (length),
            crypto::Host::random,
            length
        )
    }
}
