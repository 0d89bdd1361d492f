//! Questions of a point of sale to the cardholder: an e-mail address, a choice, a rating.
//!
//! No question is about the card. The secure keypad never serves this: it takes PINs and nothing else,
//! and what is typed here reaches the point of sale in clear. So a question that mentions a PIN or a
//! card's data is refused before a driver sees it ([`Question::new`]), and an answer that reads like a
//! card number is not taken. The engine does not reach this driver.

mod answer;
mod card_number;
mod secrets;

use std::collections::BTreeSet;

use async_trait::async_trait;

use crate::text::is_printable;

/// The most characters of a question.
pub const PROMPT_CHARS_MAX: usize = 100;

/// The fewest and the most options of a choice.
pub const OPTIONS_MIN: usize = 2;
/// The most options of a choice.
pub const OPTIONS_MAX: usize = 20;

/// The most characters of an option.
pub const OPTION_CHARS_MAX: usize = 64;

/// The most characters of an answer, by its form. An e-mail address: RFC 5321, 4.5.3.1.3. A telephone
/// number: the fifteen digits of ITU-T E.164 and a plus sign.
pub const TEXT_ANSWER_CHARS_MAX: usize = 100;
/// The most digits of an answer in digits.
pub const NUMERIC_ANSWER_CHARS_MAX: usize = 32;
/// The most characters of an e-mail address.
pub const EMAIL_ANSWER_CHARS_MAX: usize = 254;
/// The most characters of a telephone number.
pub const PHONE_ANSWER_CHARS_MAX: usize = 16;

/// The best rating; the worst is 1.
pub const RATING_MAX: u8 = 5;

/// What asks the cardholder: a touch screen, or keys outside the secure area.
#[async_trait]
pub trait Input: Send {
    /// Shows the question and waits until the cardholder answers. `again` says that the last answer
    /// to the same question was not taken. Dropping the future ends the question; the host clears the
    /// display.
    ///
    /// The driver logs neither question nor answer.
    async fn ask(&mut self, question: &Question, again: bool) -> Result<Given, Fault>;
}

/// A question that may be asked.
#[derive(Clone, PartialEq, Eq)]
pub struct Question {
    prompt: String,
    form: Form,
}

/// The form of an answer.
#[derive(Clone, PartialEq, Eq)]
pub enum Form {
    /// Any printable characters.
    Text(Lengths),
    /// Digits.
    Numeric(Lengths),
    /// An e-mail address.
    Email(Lengths),
    /// A telephone number.
    Phone(Lengths),
    /// One of these.
    Selection(Vec<String>),
    /// Yes or no.
    YesNo,
    /// From 1 to [`RATING_MAX`].
    Rating,
}

/// How many characters an answer may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lengths {
    /// The fewest.
    pub min: usize,
    /// The most.
    pub max: usize,
}

/// What the cardholder gave. The host takes it, or lets the driver ask again.
#[derive(Clone, PartialEq, Eq)]
pub enum Given {
    /// What was typed.
    Text(String),
    /// The option's place, counted from zero.
    Option(usize),
    /// Yes, or no.
    Yes(bool),
    /// From 1 to [`RATING_MAX`].
    Rating(u8),
}

/// Why a driver has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The cardholder pressed cancel.
    #[error("the cardholder pressed cancel")]
    Cancelled,
    /// The device cannot take an answer of this form.
    #[error("the device cannot take an answer of this form")]
    NotSupported,
    /// The device failed.
    #[error("the device failed")]
    Input,
}

/// Why a question may not be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum QuestionRefused {
    /// The prompt is empty, too long, or not printable.
    #[error("the prompt is empty, too long or not printable")]
    Prompt,
    /// It mentions a PIN, a password or a card's data.
    #[error("the prompt or an option mentions a PIN, a password or a card's data")]
    Secret,
    /// Too few options, too many, one twice, or one that is empty, too long or not printable.
    #[error("the options are too few, too many, alike, empty, too long or not printable")]
    Options,
    /// The lengths exclude every answer, or allow too long ones.
    #[error("the lengths exclude every answer, or allow too long ones")]
    Lengths,
}

impl Question {
    /// A question, when it may be asked.
    pub fn new(prompt: String, form: Form) -> Result<Self, QuestionRefused> {
        if !is_line(&prompt, PROMPT_CHARS_MAX) {
            return Err(QuestionRefused::Prompt);
        }
        let options = form.options();
        if let Form::Selection(_) = form {
            let distinct: BTreeSet<&String> = options.iter().collect();
            let lines = options.iter().all(|text| is_line(text, OPTION_CHARS_MAX));
            let count = OPTIONS_MIN..=OPTIONS_MAX;
            if !lines || !count.contains(&options.len()) || distinct.len() != options.len() {
                return Err(QuestionRefused::Options);
            }
        }
        if let Some((lengths, max)) = form.lengths()
            && (lengths.max > max || lengths.max == 0 || lengths.min > lengths.max)
        {
            return Err(QuestionRefused::Lengths);
        }
        let is_secret = |text: &String| secrets::mentioned(text) || card_number::is_in(text);
        if is_secret(&prompt) || options.iter().any(is_secret) {
            return Err(QuestionRefused::Secret);
        }
        Ok(Self { prompt, form })
    }

    /// What is asked.
    pub fn prompt(&self) -> &str {
        &self.prompt
    }

    /// The form of its answer.
    pub fn form(&self) -> &Form {
        &self.form
    }
}

impl Form {
    fn options(&self) -> &[String] {
        match self {
            Self::Selection(options) => options,
            Self::Text(_)
            | Self::Numeric(_)
            | Self::Email(_)
            | Self::Phone(_)
            | Self::YesNo
            | Self::Rating => &[],
        }
    }

    /// How long what is typed may be, and the most that this form allows.
    fn lengths(&self) -> Option<(Lengths, usize)> {
        match self {
            Self::Text(lengths) => Some((*lengths, TEXT_ANSWER_CHARS_MAX)),
            Self::Numeric(lengths) => Some((*lengths, NUMERIC_ANSWER_CHARS_MAX)),
            Self::Email(lengths) => Some((*lengths, EMAIL_ANSWER_CHARS_MAX)),
            Self::Phone(lengths) => Some((*lengths, PHONE_ANSWER_CHARS_MAX)),
            Self::Selection(_) | Self::YesNo | Self::Rating => None,
        }
    }
}

/// One line that can be read: not blank, not too long, printable.
fn is_line(text: &str, chars_max: usize) -> bool {
    !text.trim().is_empty() && text.chars().count() <= chars_max && text.chars().all(is_printable)
}

/// Neither question nor answer is ever logged.
impl std::fmt::Debug for Question {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Question").finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Form {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Text(_) => "Text",
            Self::Numeric(_) => "Numeric",
            Self::Email(_) => "Email",
            Self::Phone(_) => "Phone",
            Self::Selection(_) => "Selection",
            Self::YesNo => "YesNo",
            Self::Rating => "Rating",
        })
    }
}

impl std::fmt::Debug for Given {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Given")
    }
}

#[cfg(test)]
mod tests;
