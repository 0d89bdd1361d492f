//! The cardholder's answers to a point of sale's questions.

use async_trait::async_trait;
use terminal_host::input::{Fault, Form, Given, Input, Question};

use crate::controls::{Controls, Error, Key, KeypadMode, Press, State};

/// The input driver: a touch screen.
pub struct Touch {
    controls: Controls,
}

/// A question as it stands on the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// What is asked.
    pub prompt: String,
    /// The form of the answer, in the words of the Commerce API.
    pub form: &'static str,
    /// What can be chosen from.
    pub options: Vec<String>,
    /// Whether the last answer was not taken.
    pub again: bool,
}

impl Touch {
    /// The driver that these hands work.
    pub fn new(controls: &Controls) -> Self {
        Self {
            controls: controls.clone(),
        }
    }
}

#[async_trait]
impl Input for Touch {
    async fn ask(&mut self, question: &Question, again: bool) -> Result<Given, Fault> {
        let asked = Asked {
            prompt: question.prompt().to_owned(),
            form: name(question.form()),
            options: options(question.form()),
            again,
        };
        let text = words(&asked);
        let _open = Open::new(&self.controls, asked);
        self.controls.show(text);
        let form = question.form();
        match self.controls.until(|state| next(state, form)).await {
            Next::Given(given) => Ok(given),
            Next::Cancel => Err(Fault::Cancelled),
        }
    }
}

impl Controls {
    /// The point of sale's question on the screen.
    pub fn question(&self) -> Option<Asked> {
        self.state().question.clone()
    }

    /// Answers the question on the screen: with what is typed, an option or its number counted from
    /// one, `YES` or `NO`, or the rating's digit. [`Key::Cancel`] cancels it.
    ///
    /// Fails with [`Error::NoQuestion`].
    pub fn answer(&self, text: &str) -> Result<(), Error> {
        self.change(|state| {
            if state.question.is_none() {
                return Err(Error::NoQuestion);
            }
            state.typed = Some(text.to_owned());
            Ok(())
        })
    }
}

/// A question that is on the screen. Dropping it takes it away, whatever ends it.
struct Open<'controls>(&'controls Controls);

impl<'controls> Open<'controls> {
    fn new(controls: &'controls Controls, asked: Asked) -> Self {
        controls.change(|state| {
            state.typed = None;
            state.question = Some(asked);
        });
        Self(controls)
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.change(|state| state.question = None);
    }
}

/// What the cardholder does next.
enum Next {
    Given(Given),
    Cancel,
}

fn next(state: &mut State, form: &Form) -> Option<Next> {
    if let Some(text) = state.typed.take() {
        return Some(Next::Given(read(text, form)));
    }
    while let Some(press) = state.presses.pop_front() {
        // The keypad is for PINs: of its keys only cancel does something here.
        if matches!(press, Press::Key(Key::Cancel)) {
            return Some(Next::Cancel);
        }
    }
    let again = state.question.as_ref().is_some_and(|asked| asked.again);
    match state.keypad_mode {
        // An answer of its own that was not taken would not be taken again.
        KeypadMode::Automatic if again => Some(Next::Cancel),
        KeypadMode::Automatic => Some(Next::Given(automatic(form))),
        KeypadMode::Silent => None,
    }
}

/// What the hands typed, as an answer of this form. What is none is text, and not taken.
fn read(text: String, form: &Form) -> Given {
    match form {
        Form::Selection(options) => {
            let named = options.iter().position(|option| *option == text);
            let numbered = || text.parse::<usize>().ok()?.checked_sub(1);
            named
                .or_else(numbered)
                .map_or(Given::Text(text), Given::Option)
        }
        Form::YesNo => match text.as_str() {
            "YES" => Given::Yes(true),
            "NO" => Given::Yes(false),
            _ => Given::Text(text),
        },
        Form::Rating => text
            .parse()
            .map_or_else(|_| Given::Text(text), Given::Rating),
        Form::Text(_) | Form::Numeric(_) | Form::Email(_) | Form::Phone(_) => Given::Text(text),
    }
}

/// What a cardholder answers who is not there: as much as is asked for.
fn automatic(form: &Form) -> Given {
    let filled = |start: &str, more: char, min: usize, max: usize| {
        let more = std::iter::repeat_n(more, min.saturating_sub(start.len()));
        Given::Text(start.chars().chain(more).take(max).collect())
    };
    match form {
        Form::Text(lengths) => filled("Jane", 'e', lengths.min, lengths.max),
        Form::Numeric(lengths) => filled("42", '2', lengths.min, lengths.max),
        Form::Email(_) => Given::Text("jane@example.com".to_owned()),
        Form::Phone(_) => Given::Text("+64211234567".to_owned()),
        Form::Selection(_) => Given::Option(0),
        Form::YesNo => Given::Yes(true),
        Form::Rating => Given::Rating(5),
    }
}

fn name(form: &Form) -> &'static str {
    match form {
        Form::Text(_) => "TEXT",
        Form::Numeric(_) => "NUMERIC",
        Form::Email(_) => "EMAIL",
        Form::Phone(_) => "PHONE",
        Form::Selection(_) => "SELECTION",
        Form::YesNo => "YES_NO",
        Form::Rating => "RATING",
    }
}

fn options(form: &Form) -> Vec<String> {
    match form {
        Form::Selection(options) => options.clone(),
        Form::YesNo => vec!["YES".to_owned(), "NO".to_owned()],
        Form::Rating => ["1", "2", "3", "4", "5"].map(str::to_owned).into(),
        Form::Text(_) | Form::Numeric(_) | Form::Email(_) | Form::Phone(_) => Vec::new(),
    }
}

/// The screen of a question. An answer is not shown: it is the driver's.
fn words(asked: &Asked) -> String {
    let again = if asked.again { "PLEASE CORRECT\n" } else { "" };
    let mut words = format!("{again}{}", asked.prompt);
    for option in &asked.options {
        words.push_str("\n> ");
        words.push_str(option);
    }
    words
}
