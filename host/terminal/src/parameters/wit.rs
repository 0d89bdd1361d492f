//! Parameters as the records of `wit/deps/parameters.wit`, and the WIT implementation.

use super::{
    Acquirer, AlgorithmSuite, Application, CaPublicKey, CdaMode, Content, Currency, Dialect,
    DialectChoice, EllipticCaPublicKey, Encoding, EntryModes, FieldFormat, FieldLength,
    LengthPrefix, MacFormat, MacKind, Padding, Parameters, PinFormat, ProcessingCodes, Scheme,
    Terminal, Timeouts,
};
use crate::bindings::terminal::parameters::parameters as wit;

impl Parameters {
    /// One certification authority's RSA key (EMV 4.4 Book 2, 11.2.1).
    pub(crate) fn find_ca_public_key(&self, rid: &[u8], index: u8) -> Option<&CaPublicKey> {
        self.ca_public_keys
            .iter()
            .find(|key| key.index == index && *key.rid == *rid)
    }

    /// One certification authority's key on an elliptic curve (EMV 4.4 Book 2, 12.2).
    pub(crate) fn find_elliptic_ca_public_key(
        &self,
        rid: &[u8],
        index: u8,
    ) -> Option<&EllipticCaPublicKey> {
        self.elliptic_ca_public_keys
            .iter()
            .find(|key| key.index == index && *key.rid == *rid)
    }

    /// Whether an issuer's certificate is on the revocation list (EMV 4.4 Book 2, 5.1.2).
    pub(crate) fn is_issuer_certificate_revoked(
        &self,
        rid: &[u8],
        index: u8,
        serial_number: &[u8],
    ) -> bool {
        self.revoked_issuer_certificates.iter().any(|revoked| {
            (&*revoked.rid, revoked.index, &*revoked.serial_number) == (rid, index, serial_number)
        })
    }
}

impl From<&Terminal> for wit::Terminal {
    fn from(terminal: &Terminal) -> Self {
        Self {
            terminal_id: terminal.terminal_id.clone(),
            merchant_id: terminal.merchant_id.clone(),
            merchant_name: terminal.merchant_name.clone(),
            merchant_address: terminal.merchant_address.clone(),
            merchant_category_code: terminal.merchant_category_code,
            country: terminal.country,
            terminal_type: terminal.terminal_type,
            capabilities: terminal.capabilities.0.clone(),
            additional_capabilities: terminal.additional_capabilities.0.clone(),
            interface_device_serial_number: terminal.interface_device_serial_number.clone(),
            languages: terminal.languages.clone(),
            currencies: terminal.currencies.iter().map(Into::into).collect(),
            pin_bypass_allowed: terminal.pin_bypass_allowed,
            cda_mode: match terminal.cda_mode {
                CdaMode::Mode1 => wit::CdaMode::Mode1,
                CdaMode::Mode2 => wit::CdaMode::Mode2,
                CdaMode::Mode3 => wit::CdaMode::Mode3,
                CdaMode::Mode4 => wit::CdaMode::Mode4,
            },
        }
    }
}

impl From<&Currency> for wit::Currency {
    fn from(currency: &Currency) -> Self {
        Self {
            numeric: currency.numeric,
            alphabetic: currency.alphabetic.clone(),
            exponent: currency.exponent,
        }
    }
}

impl From<&Timeouts> for wit::Timeouts {
    fn from(timeouts: &Timeouts) -> Self {
        Self {
            card_ms: timeouts.card_ms,
            key_ms: timeouts.key_ms,
            answer_ms: timeouts.answer_ms,
            decision_ms: timeouts.decision_ms,
        }
    }
}

impl From<&Application> for wit::Application {
    fn from(application: &Application) -> Self {
        Self {
            aid: application.aid.0.clone(),
            partial_selection: application.partial_selection,
            scheme: application.scheme.into(),
            application_version: application.application_version,
            tac_default: application.tac_default.0.clone(),
            tac_denial: application.tac_denial.0.clone(),
            tac_online: application.tac_online.0.clone(),
            floor_limit_minor: application.floor_limit_minor,
            random_threshold_minor: application.random_threshold_minor,
            random_target_percent: application.random_target_percent,
            random_target_percent_max: application.random_target_percent_max,
            default_ddol: application.default_ddol.0.clone(),
            default_tdol: application.default_tdol.0.clone(),
        }
    }
}

impl From<Scheme> for wit::Scheme {
    fn from(scheme: Scheme) -> Self {
        match scheme {
            Scheme::Visa => Self::Visa,
            Scheme::Mastercard => Self::Mastercard,
            Scheme::Amex => Self::Amex,
            Scheme::Discover => Self::Discover,
            Scheme::Jcb => Self::Jcb,
            Scheme::Unionpay => Self::Unionpay,
            Scheme::Eftpos => Self::Eftpos,
            Scheme::Other => Self::Other,
        }
    }
}

impl From<&CaPublicKey> for wit::CaPublicKey {
    fn from(key: &CaPublicKey) -> Self {
        Self {
            rid: key.rid.0.clone(),
            index: key.index,
            modulus: key.modulus.0.clone(),
            exponent: key.exponent.0.clone(),
            checksum: key.checksum.0.clone(),
            expires: key.expires.as_ref().map(|expires| expires.0.clone()),
        }
    }
}

impl From<&EllipticCaPublicKey> for wit::EllipticCaPublicKey {
    fn from(key: &EllipticCaPublicKey) -> Self {
        Self {
            rid: key.rid.0.clone(),
            index: key.index,
            suite: match key.suite {
                AlgorithmSuite::EcSdsaSha256P256 => wit::AlgorithmSuite::EcSdsaSha256P256,
                AlgorithmSuite::EcSdsaSha512P521 => wit::AlgorithmSuite::EcSdsaSha512P521,
            },
            x: key.x.0.clone(),
            expires: key.expires.as_ref().map(|expires| expires.0.clone()),
        }
    }
}

impl From<&Acquirer> for wit::Acquirer {
    fn from(acquirer: &Acquirer) -> Self {
        Self {
            acquirer_id: acquirer.acquirer_id.clone(),
            network_id: acquirer.network_id.clone(),
            dialect: match &acquirer.dialect {
                DialectChoice::BuiltIn => wit::DialectChoice::BuiltIn,
                DialectChoice::Custom(dialect) => {
                    wit::DialectChoice::Custom(dialect.as_ref().into())
                }
            },
        }
    }
}

impl From<&Dialect> for wit::Dialect {
    fn from(dialect: &Dialect) -> Self {
        Self {
            name: dialect.name.clone(),
            header: dialect.header.0.clone(),
            header_is_tpdu: dialect.header_is_tpdu,
            message_type_encoding: dialect.message_type_encoding.into(),
            bitmap_encoding: dialect.bitmap_encoding.into(),
            fields: dialect.fields.iter().map(Into::into).collect(),
            mac: dialect.mac.as_ref().map(Into::into),
            pin: dialect.pin.as_ref().map(Into::into),
            processing_codes: (&dialect.processing_codes).into(),
            entry_modes: (&dialect.entry_modes).into(),
            chip_data_tags: dialect.chip_data_tags.clone(),
            approved_codes: dialect.approved_codes.clone(),
            reversal_is_advice: dialect.reversal_is_advice,
            batch_number_field: dialect.batch_number_field,
        }
    }
}

impl From<&EntryModes> for wit::EntryModes {
    fn from(modes: &EntryModes) -> Self {
        Self {
            manual: modes.manual.clone(),
            magstripe: modes.magstripe.clone(),
            magstripe_fallback: modes.magstripe_fallback.clone(),
            contact: modes.contact.clone(),
            contactless: modes.contactless.clone(),
        }
    }
}

impl From<&FieldFormat> for wit::FieldFormat {
    fn from(field: &FieldFormat) -> Self {
        Self {
            number: field.number,
            content: match field.content {
                Content::Numeric => wit::Content::Numeric,
                Content::Characters => wit::Content::Characters,
                Content::SignedNumeric => wit::Content::SignedNumeric,
                Content::Track => wit::Content::Track,
                Content::Binary => wit::Content::Binary,
            },
            encoding: field.encoding.into(),
            length: match field.length {
                FieldLength::Fixed(length) => wit::FieldLength::Fixed(length),
                FieldLength::Prefixed(prefix) => wit::FieldLength::Prefixed(prefix.into()),
            },
            padding: match field.padding {
                Padding::ZerosLeft => wit::Padding::ZerosLeft,
                Padding::ZerosRight => wit::Padding::ZerosRight,
                Padding::SpacesRight => wit::Padding::SpacesRight,
                Padding::FRight => wit::Padding::FRight,
            },
        }
    }
}

impl From<Encoding> for wit::Encoding {
    fn from(encoding: Encoding) -> Self {
        match encoding {
            Encoding::Ascii => Self::Ascii,
            Encoding::Bcd => Self::Bcd,
            Encoding::Binary => Self::Binary,
            Encoding::HexAscii => Self::HexAscii,
            Encoding::Ebcdic => Self::Ebcdic,
        }
    }
}

impl From<LengthPrefix> for wit::LengthPrefix {
    fn from(prefix: LengthPrefix) -> Self {
        Self {
            digits: prefix.digits,
            encoding: prefix.encoding.into(),
            length_max: prefix.length_max,
            counts_bytes: prefix.counts_bytes,
        }
    }
}

impl From<&MacFormat> for wit::MacFormat {
    fn from(mac: &MacFormat) -> Self {
        Self {
            kind: match mac.kind {
                MacKind::RetailPadding1 => wit::MacKind::RetailPadding1,
                MacKind::RetailPadding2 => wit::MacKind::RetailPadding2,
                MacKind::CmacAes => wit::MacKind::CmacAes,
            },
            length: mac.length,
            encoding: mac.encoding.into(),
            key_serial_number_field: mac.key_serial_number_field,
        }
    }
}

impl From<&PinFormat> for wit::PinFormat {
    fn from(pin: &PinFormat) -> Self {
        Self {
            block_format: pin.block_format,
            key_serial_number_field: pin.key_serial_number_field,
        }
    }
}

impl From<&ProcessingCodes> for wit::ProcessingCodes {
    fn from(codes: &ProcessingCodes) -> Self {
        Self {
            sale: codes.sale.clone(),
            sale_with_cashback: codes.sale_with_cashback.clone(),
            refund: codes.refund.clone(),
            balance_inquiry: codes.balance_inquiry.clone(),
            pre_auth: codes.pre_auth.clone(),
            pre_auth_complete: codes.pre_auth_complete.clone(),
            void: codes.void.clone(),
        }
    }
}
