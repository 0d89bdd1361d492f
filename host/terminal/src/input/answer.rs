//! Whether an answer is one to the question.

use super::{Form, Given, Lengths, Question, RATING_MAX, card_number};
use crate::text::is_printable;

/// The longest part of an e-mail address before its `@` (RFC 5321, 4.5.3.1.1).
const LOCAL_PART_CHARS_MAX: usize = 64;

/// The longest label of a domain (RFC 1035, 2.3.4).
const LABEL_CHARS_MAX: usize = 63;

/// The digits of a telephone number: the longest is that of ITU-T E.164.
const PHONE_DIGITS: std::ops::RangeInclusive<usize> = 4..=15;

/// What people write between the digits of a telephone number.
const PHONE_SEPARATORS: [char; 5] = [' ', '-', '.', '(', ')'];

impl Question {
    /// The value of an answer that is taken. `None` lets the cardholder try again: it has another
    /// form or length, or reads like a card number.
    pub(crate) fn taken(&self, given: Given) -> Option<String> {
        let value = match (&self.form, given) {
            (Form::Text(lengths), Given::Text(text)) => {
                fits(text, *lengths).filter(|text| text.chars().all(is_printable))
            }
            (Form::Numeric(lengths), Given::Text(text)) => {
                fits(text, *lengths).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))
            }
            (Form::Email(lengths), Given::Text(text)) => {
                fits(text.trim().to_owned(), *lengths).filter(|text| is_email(text))
            }
            (Form::Phone(lengths), Given::Text(text)) => {
                fits(phone(&text), *lengths).filter(|text| is_phone(text))
            }
            (Form::Selection(options), Given::Option(place)) => options.get(place).cloned(),
            (Form::YesNo, Given::Yes(yes)) => Some(if yes { "YES" } else { "NO" }.to_owned()),
            (Form::Rating, Given::Rating(rating)) => (1..=RATING_MAX)
                .contains(&rating)
                .then(|| rating.to_string()),
            // A driver that answers another question has no answer.
            (
                Form::Text(_)
                | Form::Numeric(_)
                | Form::Email(_)
                | Form::Phone(_)
                | Form::Selection(_)
                | Form::YesNo
                | Form::Rating,
                _,
            ) => None,
        };
        value.filter(|value| !card_number::is_in(value))
    }
}

fn fits(text: String, lengths: Lengths) -> Option<String> {
    let length = text.chars().count();
    (lengths.min..=lengths.max)
        .contains(&length)
        .then_some(text)
}

/// An address as HTML's `type=email` has it, with a dot in its domain.
fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else {
        return false;
    };
    let is_atom =
        |byte: u8| byte.is_ascii_alphanumeric() || b".!#$%&'*+/=?^_`{|}~-".contains(&byte);
    let dots = !local.starts_with('.') && !local.ends_with('.') && !local.contains("..");
    let is_label = |label: &str| {
        (1..=LABEL_CHARS_MAX).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    (1..=LOCAL_PART_CHARS_MAX).contains(&local.len())
        && local.bytes().all(is_atom)
        && dots
        && domain.contains('.')
        && domain.split('.').all(is_label)
}

/// A telephone number without what is written between its digits.
fn phone(text: &str) -> String {
    text.chars()
        .filter(|character| !PHONE_SEPARATORS.contains(character))
        .collect()
}

fn is_phone(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or(text);
    PHONE_DIGITS.contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
}
