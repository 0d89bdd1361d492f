//! What the acquirer and the merchant configured.

use engine::{
    iso8583::dialect::{
        Content, Dialect, Encoding, EntryModes, FieldFormat, FieldLength, LengthPrefix,
        MacAlgorithm, MacFormat, Padding, PinFormat, ProcessingCodes,
    },
    money::Currency,
    parameters::{
        AccountRange, Acquirer, AlgorithmSuite, Application, CaPublicKey, CdaMode,
        EllipticCaPublicKey, MagstripeRules, Scheme, StripeVerification, TerminalData, Timeouts,
    },
};

use crate::bindings::terminal::parameters::parameters as wit;

pub(crate) fn terminal(terminal: wit::Terminal) -> TerminalData {
    TerminalData {
        terminal_id: terminal.terminal_id,
        merchant_id: terminal.merchant_id,
        merchant_name: terminal.merchant_name,
        merchant_address: terminal.merchant_address,
        merchant_category_code: terminal.merchant_category_code,
        country: terminal.country,
        terminal_type: terminal.terminal_type,
        capabilities: terminal.capabilities,
        additional_capabilities: terminal.additional_capabilities,
        interface_device_serial_number: terminal.interface_device_serial_number,
        languages: terminal.languages,
        currencies: terminal
            .currencies
            .into_iter()
            .map(|currency| Currency {
                numeric: currency.numeric,
                alphabetic: currency.alphabetic,
                exponent: currency.exponent,
            })
            .collect(),
        pin_bypass_allowed: terminal.pin_bypass_allowed,
        cda_mode: match terminal.cda_mode {
            wit::CdaMode::Mode1 => CdaMode::Mode1,
            wit::CdaMode::Mode2 => CdaMode::Mode2,
            wit::CdaMode::Mode3 => CdaMode::Mode3,
            wit::CdaMode::Mode4 => CdaMode::Mode4,
        },
    }
}

pub(crate) fn timeouts(timeouts: wit::Timeouts) -> Timeouts {
    Timeouts {
        card_ms: timeouts.card_ms,
        key_ms: timeouts.key_ms,
        answer_ms: timeouts.answer_ms,
        decision_ms: timeouts.decision_ms,
    }
}

pub(crate) fn application(application: wit::Application) -> Application {
    Application {
        aid: application.aid,
        partial_selection: application.partial_selection,
        scheme: scheme(application.scheme),
        application_version: application.application_version,
        tac_default: application.tac_default,
        tac_denial: application.tac_denial,
        tac_online: application.tac_online,
        floor_limit_minor: application.floor_limit_minor,
        random_threshold_minor: application.random_threshold_minor,
        random_target_percent: application.random_target_percent,
        random_target_percent_max: application.random_target_percent_max,
        default_ddol: application.default_ddol,
        default_tdol: application.default_tdol,
    }
}

fn scheme(scheme: wit::Scheme) -> Scheme {
    match scheme {
        wit::Scheme::Visa => Scheme::Visa,
        wit::Scheme::Mastercard => Scheme::Mastercard,
        wit::Scheme::Amex => Scheme::Amex,
        wit::Scheme::Discover => Scheme::Discover,
        wit::Scheme::Jcb => Scheme::Jcb,
        wit::Scheme::Unionpay => Scheme::UnionPay,
        wit::Scheme::Eftpos => Scheme::Eftpos,
        wit::Scheme::Other => Scheme::Other,
    }
}

pub(crate) fn ca_public_key(key: wit::CaPublicKey) -> CaPublicKey {
    CaPublicKey {
        rid: key.rid,
        index: key.index,
        modulus: key.modulus,
        exponent: key.exponent,
        checksum: key.checksum,
        expires: key.expires,
    }
}

pub(crate) fn elliptic_ca_public_key(key: wit::EllipticCaPublicKey) -> EllipticCaPublicKey {
    EllipticCaPublicKey {
        rid: key.rid,
        index: key.index,
        suite: match key.suite {
            wit::AlgorithmSuite::EcSdsaSha256P256 => AlgorithmSuite::EcSdsaSha256P256,
            wit::AlgorithmSuite::EcSdsaSha512P521 => AlgorithmSuite::EcSdsaSha512P521,
        },
        x: key.x,
        expires: key.expires,
    }
}

pub(crate) fn acquirer(acquirer: wit::Acquirer) -> Acquirer {
    Acquirer {
        acquirer_id: acquirer.acquirer_id,
        network_id: acquirer.network_id,
        dialect: match acquirer.dialect {
            wit::DialectChoice::BuiltIn => None,
            wit::DialectChoice::Custom(custom) => Some(dialect(custom)),
        },
    }
}

pub(crate) fn magstripe_rules(rules: wit::MagstripeRules) -> MagstripeRules {
    MagstripeRules {
        ranges: rules
            .ranges
            .into_iter()
            .map(|range| AccountRange {
                prefix: range.prefix,
                scheme: scheme(range.scheme),
            })
            .collect(),
        verification: match rules.verification {
            wit::StripeVerification::Signature => StripeVerification::Signature,
            wit::StripeVerification::OnlinePin => StripeVerification::Pin,
            wit::StripeVerification::None => StripeVerification::None,
        },
        fallback_after_fault: rules.fallback_after_fault,
        fallback_without_application: rules.fallback_without_application,
    }
}

fn dialect(dialect: wit::Dialect) -> Dialect {
    Dialect {
        name: dialect.name,
        header: dialect.header,
        header_is_tpdu: dialect.header_is_tpdu,
        message_type_encoding: encoding(dialect.message_type_encoding),
        bitmap_encoding: encoding(dialect.bitmap_encoding),
        fields: dialect.fields.into_iter().map(field).collect(),
        mac: dialect.mac.map(mac),
        pin: dialect.pin.map(|pin| PinFormat {
            block_format: pin.block_format,
            key_serial_number_field: pin.key_serial_number_field,
        }),
        processing_codes: ProcessingCodes {
            sale: dialect.processing_codes.sale,
            sale_with_cashback: dialect.processing_codes.sale_with_cashback,
            refund: dialect.processing_codes.refund,
            balance_inquiry: dialect.processing_codes.balance_inquiry,
            pre_auth: dialect.processing_codes.pre_auth,
            pre_auth_complete: dialect.processing_codes.pre_auth_complete,
            void: dialect.processing_codes.void,
        },
        entry_modes: EntryModes {
            manual: dialect.entry_modes.manual,
            magstripe: dialect.entry_modes.magstripe,
            magstripe_fallback: dialect.entry_modes.magstripe_fallback,
            contact: dialect.entry_modes.contact,
            contactless: dialect.entry_modes.contactless,
        },
        chip_data_tags: dialect.chip_data_tags,
        approved_codes: dialect.approved_codes,
        reversal_is_advice: dialect.reversal_is_advice,
        batch_number_field: dialect.batch_number_field,
    }
}

fn field(field: wit::FieldFormat) -> FieldFormat {
    FieldFormat {
        number: field.number,
        content: match field.content {
            wit::Content::Numeric => Content::Numeric,
            wit::Content::Characters => Content::Characters,
            wit::Content::SignedNumeric => Content::SignedNumeric,
            wit::Content::Track => Content::Track,
            wit::Content::Binary => Content::Binary,
        },
        encoding: encoding(field.encoding),
        length: match field.length {
            wit::FieldLength::Fixed(length) => FieldLength::Fixed(length),
            wit::FieldLength::Prefixed(prefix) => FieldLength::Prefixed(LengthPrefix {
                digits: prefix.digits,
                encoding: encoding(prefix.encoding),
                length_max: prefix.length_max,
                counts_bytes: prefix.counts_bytes,
            }),
        },
        padding: match field.padding {
            wit::Padding::ZerosLeft => Padding::ZerosLeft,
            wit::Padding::ZerosRight => Padding::ZerosRight,
            wit::Padding::SpacesRight => Padding::SpacesRight,
            wit::Padding::FRight => Padding::FRight,
        },
    }
}

fn mac(mac: wit::MacFormat) -> MacFormat {
    MacFormat {
        algorithm: match mac.kind {
            wit::MacKind::RetailPadding1 => MacAlgorithm::RetailPadding1,
            wit::MacKind::RetailPadding2 => MacAlgorithm::RetailPadding2,
            wit::MacKind::CmacAes => MacAlgorithm::CmacAes,
        },
        length: mac.length,
        encoding: encoding(mac.encoding),
        key_serial_number_field: mac.key_serial_number_field,
    }
}

fn encoding(encoding: wit::Encoding) -> Encoding {
    match encoding {
        wit::Encoding::Ascii => Encoding::Ascii,
        wit::Encoding::Bcd => Encoding::Bcd,
        wit::Encoding::Binary => Encoding::Binary,
        wit::Encoding::HexAscii => Encoding::HexAscii,
        wit::Encoding::Ebcdic => Encoding::Ebcdic,
    }
}
