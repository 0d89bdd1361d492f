//! The rules a set of parameters keeps.

mod dialect;
mod keys;
mod magstripe;

use std::collections::BTreeSet;

use super::{
    Acquirer, Application, Currency, DialectChoice, ExceptionEntry, Parameters, ParametersError,
    Terminal, Timeouts,
};

/// Checks the whole set; fails with the first value that breaks a rule.
pub(super) fn check(parameters: &Parameters) -> Result<(), ParametersError> {
    terminal(&parameters.terminal)?;
    timeouts(&parameters.timeouts)?;
    applications(&parameters.applications)?;
    keys::check(parameters)?;
    exception_file(&parameters.exception_file)?;
    acquirer(&parameters.acquirer)?;
    match &parameters.magstripe {
        Some(magstripe) => magstripe::check(magstripe),
        None => Ok(()),
    }
}

/// A rule: what is wrong at `path` unless it `holds`.
fn rule(holds: bool, path: impl Into<String>, problem: &str) -> Result<(), ParametersError> {
    if holds {
        Ok(())
    } else {
        Err(ParametersError::new(path, problem))
    }
}

fn terminal(terminal: &Terminal) -> Result<(), ParametersError> {
    printable("terminal.terminal_id", &terminal.terminal_id, 8, 8)?;
    printable("terminal.merchant_id", &terminal.merchant_id, 1, 15)?;
    line("terminal.merchant_name", &terminal.merchant_name)?;
    rule(
        terminal.merchant_address.len() <= 6,
        "terminal.merchant_address",
        "expected six lines or fewer",
    )?;
    for (index, text) in terminal.merchant_address.iter().enumerate() {
        line(&format!("terminal.merchant_address[{index}]"), text)?;
    }
    rule(
        terminal.merchant_category_code <= 9999,
        "terminal.merchant_category_code",
        "expected 0 to 9999",
    )?;
    rule(
        (1..=999).contains(&terminal.country),
        "terminal.country",
        "expected 1 to 999",
    )?;
    // EMV 4.4 Book 4, Annex A1: operational control 1 to 3, environment 1 to 6.
    rule(
        matches!(
            terminal.terminal_type,
            0x11..=0x16 | 0x21..=0x26 | 0x34..=0x36
        ),
        "terminal.terminal_type",
        "expected a terminal type of EMV 4.4 Book 4, Annex A1",
    )?;
    length("terminal.capabilities", &terminal.capabilities, 3, 3)?;
    length(
        "terminal.additional_capabilities",
        &terminal.additional_capabilities,
        5,
        5,
    )?;
    printable(
        "terminal.interface_device_serial_number",
        &terminal.interface_device_serial_number,
        8,
        8,
    )?;
    languages(&terminal.languages)?;
    currencies(&terminal.currencies)
}

fn languages(languages: &[String]) -> Result<(), ParametersError> {
    rule(
        (1..=8).contains(&languages.len()),
        "terminal.languages",
        "expected one to eight languages",
    )?;
    for (index, language) in languages.iter().enumerate() {
        rule(
            language.len() == 2 && language.bytes().all(|byte| byte.is_ascii_lowercase()),
            format!("terminal.languages[{index}]"),
            "expected two lower-case letters (ISO 639-1)",
        )?;
    }
    Ok(())
}

fn currencies(currencies: &[Currency]) -> Result<(), ParametersError> {
    rule(
        (1..=16).contains(&currencies.len()),
        "terminal.currencies",
        "expected one to sixteen currencies",
    )?;
    let mut seen = BTreeSet::new();
    for (index, currency) in currencies.iter().enumerate() {
        let path = format!("terminal.currencies[{index}]");
        let known = iso_currency::Currency::from_code(&currency.alphabetic)
            .ok_or_else(|| ParametersError::new(&path, "not a currency of ISO 4217"))?;
        rule(
            known.numeric() == currency.numeric,
            &path,
            "the numeric code is not that of the alphabetic code",
        )?;
        rule(
            known.exponent() == Some(u16::from(currency.exponent)),
            &path,
            "the exponent is not that of ISO 4217",
        )?;
        rule(
            seen.insert(currency.numeric),
            &path,
            "the currency is listed twice",
        )?;
    }
    Ok(())
}

fn timeouts(timeouts: &Timeouts) -> Result<(), ParametersError> {
    for (path, value) in [
        ("timeouts.card_ms", timeouts.card_ms),
        ("timeouts.key_ms", timeouts.key_ms),
        ("timeouts.answer_ms", timeouts.answer_ms),
        ("timeouts.decision_ms", timeouts.decision_ms),
    ] {
        rule(
            (1..=600_000).contains(&value),
            path,
            "expected 1 to 600000 milliseconds",
        )?;
    }
    Ok(())
}

fn applications(applications: &[Application]) -> Result<(), ParametersError> {
    rule(
        (1..=128).contains(&applications.len()),
        "applications",
        "expected 1 to 128 applications",
    )?;
    let mut seen = BTreeSet::new();
    for (index, application) in applications.iter().enumerate() {
        let path = format!("applications[{index}]");
        length(&format!("{path}.aid"), &application.aid, 5, 16)?;
        length(
            &format!("{path}.tac_default"),
            &application.tac_default,
            5,
            5,
        )?;
        length(&format!("{path}.tac_denial"), &application.tac_denial, 5, 5)?;
        length(&format!("{path}.tac_online"), &application.tac_online, 5, 5)?;
        length(
            &format!("{path}.default_ddol"),
            &application.default_ddol,
            0,
            252,
        )?;
        length(
            &format!("{path}.default_tdol"),
            &application.default_tdol,
            0,
            252,
        )?;
        // Tag 9F1B has four bytes.
        rule(
            u32::try_from(application.floor_limit_minor).is_ok(),
            format!("{path}.floor_limit_minor"),
            "expected 4294967295 or less",
        )?;
        // EMV 4.4 Book 3, 10.6.2: the target is a percentage, and the maximum is not below it.
        rule(
            application.random_target_percent_max <= 99,
            format!("{path}.random_target_percent_max"),
            "expected 0 to 99",
        )?;
        rule(
            application.random_target_percent <= application.random_target_percent_max,
            format!("{path}.random_target_percent"),
            "expected no more than random_target_percent_max",
        )?;
        rule(
            seen.insert(application.aid.0.as_slice()),
            format!("{path}.aid"),
            "the application is listed twice",
        )?;
    }
    Ok(())
}

fn exception_file(entries: &[ExceptionEntry]) -> Result<(), ParametersError> {
    rule(
        entries.len() <= 100_000,
        "exception_file",
        "expected 100000 or fewer",
    )?;
    for (index, entry) in entries.iter().enumerate() {
        let bcd = |byte: &u8| byte >> 4 < 10 && byte & 0x0F < 10;
        let number = entry.sequence_number.as_deref();
        rule(
            number.is_none_or(|bytes| bytes.len() == 1 && bytes.iter().all(bcd)),
            format!("exception_file[{index}].sequence_number"),
            "expected two decimal digits, or null",
        )?;
    }
    Ok(())
}

fn acquirer(acquirer: &Acquirer) -> Result<(), ParametersError> {
    digits("acquirer.acquirer_id", &acquirer.acquirer_id, 1, 11)?;
    digits("acquirer.network_id", &acquirer.network_id, 3, 3)?;
    match &acquirer.dialect {
        DialectChoice::BuiltIn => Ok(()),
        DialectChoice::Custom(dialect) => dialect::check(dialect),
    }
}

fn length(path: &str, bytes: &[u8], min: usize, max: usize) -> Result<(), ParametersError> {
    rule(
        (min..=max).contains(&bytes.len()),
        path,
        &if min == max {
            format!("expected {min} bytes")
        } else {
            format!("expected {min} to {max} bytes")
        },
    )
}

fn digits(path: &str, text: &str, min: usize, max: usize) -> Result<(), ParametersError> {
    rule(
        (min..=max).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit()),
        path,
        &format!("expected {min} to {max} digits"),
    )
}

fn printable(path: &str, text: &str, min: usize, max: usize) -> Result<(), ParametersError> {
    rule(
        (min..=max).contains(&text.len()) && text.bytes().all(|byte| matches!(byte, b' '..=b'~')),
        path,
        &format!("expected {min} to {max} printable ASCII characters"),
    )
}

/// A line of a receipt: one to forty characters, none a control character.
fn line(path: &str, text: &str) -> Result<(), ParametersError> {
    rule(
        (1..=40).contains(&text.chars().count()) && !text.chars().any(char::is_control),
        path,
        "expected 1 to 40 characters without control characters",
    )
}

#[cfg(test)]
mod tests;
