//! The parameters, parsed once into types before a transaction begins.

use emv::bits::{AdditionalTerminalCapabilities, TerminalCapabilities, Tvr};
use emv::parameters as kernel;

use crate::iso8583::{Codec, fields};
use crate::money::Currency;
use crate::outcome::Error;
use crate::parameters::{
    Acquirer, Application, CaPublicKey, EllipticCaPublicKey, MagstripeRules, Scheme, TerminalData,
    Timeouts,
};
use crate::ports::Terminal;

/// Most applications and certification authority lookups of one table.
const APPLICATION_COUNT_MAX: usize = 256;

/// Most ranges of accounts whose stripes are taken.
const RANGE_COUNT_MAX: usize = 256;

/// Everything a transaction needs to know, checked.
#[derive(Debug, Clone)]
pub(crate) struct Configuration {
    /// As the kernel takes it.
    pub(crate) terminal: kernel::Terminal,
    /// As the kernel takes them.
    pub(crate) applications: Vec<kernel::Application>,
    /// The scheme of each application, in the same order.
    schemes: Vec<Scheme>,
    /// The name on the receipt, and the lines under it.
    pub(crate) merchant: Vec<String>,
    /// The currencies, the usual one first.
    pub(crate) currencies: Vec<Currency>,
    /// How long to wait.
    pub(crate) timeouts: Timeouts,
    /// Whether a cardholder may press enter instead of a PIN.
    pub(crate) pin_bypass_allowed: bool,
    /// ISO 8583 field 32.
    pub(crate) acquirer_id: String,
    /// ISO 8583 field 24.
    pub(crate) network_id: String,
    /// The acquirer's dialect.
    pub(crate) codec: Codec,
    /// How stripes are taken. `None`: not at all.
    pub(crate) magstripe: Option<MagstripeRules>,
}

impl Configuration {
    /// Reads and checks every table.
    pub(crate) fn load<T: Terminal>(terminal: &mut T) -> Result<Self, Error> {
        let data = terminal.terminal_data();
        let applications = terminal.applications();
        let timeouts = terminal.time_limits();
        let acquirer = terminal.acquirer_data();
        let magstripe = terminal.magstripe_rules();
        let mut configuration = Self::parse(data, &applications, timeouts, acquirer)
            .filter(|_| magstripe.as_ref().is_none_or(magstripe_valid))
            .ok_or(Error::ParametersInvalid)?;
        configuration.magstripe = magstripe;
        Ok(configuration)
    }

    fn parse(
        data: TerminalData,
        applications: &[Application],
        timeouts: Timeouts,
        acquirer: Acquirer,
    ) -> Option<Self> {
        let waits = [timeouts.card_ms, timeouts.key_ms, timeouts.answer_ms];
        let count = (1..=APPLICATION_COUNT_MAX).contains(&applications.len());
        if !count || waits.contains(&0) || !currencies_valid(&data.currencies) {
            return None;
        }
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let acquirer_id_valid =
            (1..=11).contains(&acquirer.acquirer_id.len()) && digits(&acquirer.acquirer_id);
        if !acquirer_id_valid || acquirer.network_id.len() != 3 || !digits(&acquirer.network_id) {
            return None;
        }
        let merchant = [
            core::slice::from_ref(&data.merchant_name),
            data.merchant_address.as_slice(),
        ]
        .concat();
        Some(Self {
            terminal: terminal(&data)?,
            applications: applications
                .iter()
                .map(application)
                .collect::<Option<_>>()?,
            schemes: applications
                .iter()
                .map(|application| application.scheme)
                .collect(),
            merchant,
            currencies: data.currencies,
            timeouts,
            pin_bypass_allowed: data.pin_bypass_allowed,
            acquirer_id: acquirer.acquirer_id,
            network_id: acquirer.network_id,
            codec: Codec::new(acquirer.dialect.unwrap_or_else(fields::built_in)).ok()?,
            magstripe: None,
        })
    }

    /// The scheme of the application a card's name belongs to: the longest that matches.
    pub(crate) fn scheme_of(&self, aid: &[u8]) -> Scheme {
        self.applications
            .iter()
            .zip(&self.schemes)
            .filter(|(application, _)| aid.starts_with(application.aid.as_bytes()))
            .max_by_key(|(application, _)| application.aid.as_bytes().len())
            .map_or(Scheme::Other, |(_, scheme)| *scheme)
    }

    /// Whether a PIN can be taken and sent to the issuer (tag 9F33).
    pub(crate) fn online_pin_possible(&self) -> bool {
        self.terminal
            .capabilities
            .contains(TerminalCapabilities::ONLINE_PIN)
            && self.codec.dialect().pin.is_some()
    }

    /// The currency of a number, when the terminal takes it.
    pub(crate) fn currency(&self, numeric: u16) -> Option<&Currency> {
        self.currencies
            .iter()
            .find(|currency| currency.numeric == numeric)
    }
}

/// A certification authority's RSA key as the kernel takes it. `None` when a length is wrong: the
/// card is then treated as if the terminal had no such key.
pub(crate) fn ca_public_key(key: CaPublicKey) -> Option<kernel::CaPublicKey> {
    Some(kernel::CaPublicKey {
        rid: key.rid.try_into().ok()?,
        index: key.index,
        modulus: key.modulus,
        exponent: key.exponent,
        checksum: key.checksum.try_into().ok()?,
        expires: last_day(key.expires).ok()?,
    })
}

/// The same for a key on an elliptic curve.
pub(crate) fn elliptic_ca_public_key(key: EllipticCaPublicKey) -> Option<kernel::EccCaPublicKey> {
    Some(kernel::EccCaPublicKey {
        rid: key.rid.try_into().ok()?,
        index: key.index,
        suite: key.suite,
        x: key.x,
        expires: last_day(key.expires).ok()?,
    })
}

/// Fails when there is a last day and it has not three bytes.
fn last_day(expires: Option<Vec<u8>>) -> Result<Option<[u8; 3]>, Vec<u8>> {
    expires.map(TryInto::try_into).transpose()
}

fn magstripe_valid(rules: &MagstripeRules) -> bool {
    let prefix = |prefix: &str| {
        (1..=11).contains(&prefix.len()) && prefix.bytes().all(|byte| byte.is_ascii_digit())
    };
    rules.ranges.len() <= RANGE_COUNT_MAX && rules.ranges.iter().all(|range| prefix(&range.prefix))
}

fn currencies_valid(currencies: &[Currency]) -> bool {
    let valid = |currency: &Currency| {
        currency.numeric <= 999 && currency.exponent <= 4 && currency.alphabetic.len() == 3
    };
    !currencies.is_empty() && currencies.iter().all(valid)
}

fn terminal(data: &TerminalData) -> Option<kernel::Terminal> {
    let printable = |text: &str| text.bytes().all(|byte| (0x20..0x7F).contains(&byte));
    let language = |text: &String| <[u8; 2]>::try_from(text.as_bytes()).ok();
    if !printable(&data.terminal_id) || !printable(&data.merchant_id) {
        return None;
    }
    if data.merchant_id.len() > 15 || data.merchant_category_code > 9999 || data.country > 999 {
        return None;
    }
    Some(kernel::Terminal {
        terminal_id: data.terminal_id.as_bytes().try_into().ok()?,
        merchant_id: format!("{:<15}", data.merchant_id)
            .into_bytes()
            .try_into()
            .ok()?,
        merchant_name_and_location: data.merchant_name.as_bytes().to_vec(),
        merchant_category_code: data.merchant_category_code,
        country: data.country,
        kind: kernel::TerminalType::parse(data.terminal_type)?,
        capabilities: TerminalCapabilities::from_bytes(
            data.capabilities.as_slice().try_into().ok()?,
        ),
        additional_capabilities: AdditionalTerminalCapabilities::from_bytes(
            data.additional_capabilities.as_slice().try_into().ok()?,
        ),
        interface_device_serial_number: data
            .interface_device_serial_number
            .as_bytes()
            .try_into()
            .ok()?,
        languages: data.languages.iter().map(language).collect::<Option<_>>()?,
        cda_mode: data.cda_mode,
    })
}

fn application(raw: &Application) -> Option<kernel::Application> {
    let code = |bytes: &[u8]| Some(Tvr::from_bytes(bytes.try_into().ok()?));
    let percent = raw.random_target_percent <= raw.random_target_percent_max
        && raw.random_target_percent_max <= 99;
    if !percent || raw.default_ddol.len() > 252 || raw.default_tdol.len() > 252 {
        return None;
    }
    Some(kernel::Application {
        aid: kernel::Aid::parse(&raw.aid)?,
        partial_selection: raw.partial_selection,
        version: raw.application_version,
        tac_default: code(&raw.tac_default)?,
        tac_denial: code(&raw.tac_denial)?,
        tac_online: code(&raw.tac_online)?,
        floor_limit: raw.floor_limit_minor,
        random_selection: kernel::RandomSelection {
            threshold: raw.random_threshold_minor,
            target_percent: raw.random_target_percent,
            target_percent_max: raw.random_target_percent_max,
        },
        default_ddol: raw.default_ddol.clone(),
        default_tdol: raw.default_tdol.clone(),
    })
}

#[cfg(test)]
mod tests {
    use emv::parameters::{AlgorithmSuite, CdaMode};

    use super::*;

    fn data(capabilities: &[u8], cda_mode: CdaMode) -> TerminalData {
        TerminalData {
            terminal_id: "TERM0001".into(),
            merchant_id: "MERCHANT01".into(),
            merchant_name: "CORNER SHOP".into(),
            merchant_address: Vec::new(),
            merchant_category_code: 5411,
            country: 554,
            terminal_type: 0x22,
            capabilities: capabilities.to_vec(),
            additional_capabilities: vec![0; 5],
            interface_device_serial_number: "00000001".into(),
            languages: Vec::new(),
            currencies: Vec::new(),
            pin_bypass_allowed: false,
            cda_mode,
        }
    }

    #[test]
    fn the_kernel_gets_the_capabilities_and_the_mode_as_they_are() {
        let modes = [
            CdaMode::Mode1,
            CdaMode::Mode2,
            CdaMode::Mode3,
            CdaMode::Mode4,
        ];
        for (mode, bytes) in modes.into_iter().zip([
            [0xE0, 0xF8, 0xCC],
            [0xE0, 0xF8, 0xC8],
            [0xE0, 0xF8, 0x04],
            [0xE0, 0xF8, 0x00],
        ]) {
            let kernel = terminal(&data(&bytes, mode)).expect("right parameters");
            assert_eq!(kernel.capabilities, TerminalCapabilities::from_bytes(bytes));
            assert_eq!(kernel.cda_mode, mode);
        }
        assert_eq!(terminal(&data(&[0xE0, 0xF8], CdaMode::Mode1)), None);
    }

    #[test]
    fn a_key_with_a_wrong_length_is_no_key() {
        let key = |rid: &[u8], expires: Option<&[u8]>| {
            elliptic_ca_public_key(EllipticCaPublicKey {
                rid: rid.to_vec(),
                index: 0x93,
                suite: AlgorithmSuite::EcSdsaSha512P521,
                x: vec![1; 66],
                expires: expires.map(<[u8]>::to_vec),
            })
        };
        let whole = kernel::EccCaPublicKey {
            rid: [0xA0, 0, 0, 0, 3],
            index: 0x93,
            suite: AlgorithmSuite::EcSdsaSha512P521,
            x: vec![1; 66],
            expires: Some([0x30, 0x12, 0x31]),
        };
        let rid = [0xA0, 0, 0, 0, 3];
        let last_day = Some(&[0x30, 0x12, 0x31][..]);
        assert_eq!(key(&rid, last_day), Some(whole.clone()));
        let endless = kernel::EccCaPublicKey {
            expires: None,
            ..whole
        };
        assert_eq!(key(&rid, None), Some(endless));
        // No last day is not what two bytes mean.
        assert_eq!(key(&rid, Some(&[0x30, 0x12])), None);
        assert_eq!(key(&rid[..4], last_day), None);
    }
}
