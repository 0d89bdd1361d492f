use super::*;

const ANY: Lengths = Lengths { min: 1, max: 16 };

fn question(form: Form) -> Question {
    Question::new("What?".into(), form).expect("a question")
}

fn text(text: &str) -> Given {
    Given::Text(text.into())
}

fn options(texts: &[&str]) -> Form {
    Form::Selection(texts.iter().map(|text| (*text).to_owned()).collect())
}

#[test]
fn a_question_is_one_readable_line_that_asks_for_no_secret() {
    let long = "x".repeat(PROMPT_CHARS_MAX);
    for prompt in ["What?", "Téléphone", "何ですか", &long] {
        assert!(
            Question::new(prompt.into(), Form::YesNo).is_ok(),
            "{prompt}"
        );
    }
    let longer = format!("{long}x");
    for prompt in ["", "  ", "a\nb", "a\u{1b}[2J", "a\u{202e}b", &longer] {
        let refused = Question::new(prompt.into(), Form::YesNo);
        assert_eq!(refused, Err(QuestionRefused::Prompt), "{prompt:?}");
    }
    for prompt in ["Enter PIN", "Is it 4111 1111 1111 1111?"] {
        for form in [
            Form::YesNo,
            Form::Rating,
            Form::Numeric(ANY),
            options(&["a", "b"]),
        ] {
            let refused = Question::new(prompt.into(), form);
            assert_eq!(refused, Err(QuestionRefused::Secret));
        }
    }
    let refused = Question::new("Which?".into(), options(&["Name", "Card number"]));
    assert_eq!(refused, Err(QuestionRefused::Secret));
}

#[test]
fn options_are_two_or_more_and_differ() {
    let many: Vec<String> = (0..=OPTIONS_MAX).map(|number| number.to_string()).collect();
    let long = "x".repeat(OPTION_CHARS_MAX + 1);
    for form in [
        options(&[]),
        options(&["a"]),
        options(&["a", "a"]),
        options(&["a", ""]),
        options(&["a", "b\u{7}"]),
        options(&["a", &long]),
        Form::Selection(many.clone()),
    ] {
        let refused = Question::new("Which?".into(), form);
        assert_eq!(refused, Err(QuestionRefused::Options));
    }
    assert!(Question::new("Which?".into(), Form::Selection(many[1..].to_vec())).is_ok());
}

#[test]
fn lengths_leave_room_for_an_answer_and_not_for_too_much() {
    let form = |min, max| Form::Numeric(Lengths { min, max });
    for (form, fine) in [
        (form(0, 1), true),
        (form(4, 4), true),
        (form(1, NUMERIC_ANSWER_CHARS_MAX), true),
        (form(5, 4), false),
        (form(0, 0), false),
        (form(1, NUMERIC_ANSWER_CHARS_MAX + 1), false),
    ] {
        assert_eq!(Question::new("How many?".into(), form).is_ok(), fine);
    }
}

#[test]
fn an_answer_is_taken_when_it_is_one_to_the_question() {
    let email = Lengths { min: 1, max: 254 };
    let cases = [
        (Form::Text(ANY), text("Jane"), Some("Jane")),
        (Form::Text(ANY), text(""), None),
        (Form::Text(Lengths { min: 0, max: 4 }), text(""), Some("")),
        (Form::Text(ANY), text("seventeen letters"), None),
        (Form::Text(ANY), text("a\u{1b}b"), None),
        (Form::Text(ANY), Given::Yes(true), None),
        (Form::Numeric(ANY), text("007"), Some("007")),
        (Form::Numeric(ANY), text("7a"), None),
        (Form::Numeric(ANY), text("4111111111111111"), None),
        (
            Form::Numeric(ANY),
            text("4111111111111112"),
            Some("4111111111111112"),
        ),
        (
            Form::Email(email),
            text(" jane@example.co.nz "),
            Some("jane@example.co.nz"),
        ),
        (Form::Email(email), text("jane"), None),
        (Form::Email(email), text("jane@example"), None),
        (Form::Email(email), text("jane..doe@example.com"), None),
        (Form::Email(email), text("jane@-example.com"), None),
        (Form::Email(email), text("jane doe@example.com"), None),
        (Form::Email(email), text("jane@exa@mple.com"), None),
        (
            Form::Email(email),
            text("4111111111111111@example.com"),
            None,
        ),
        (
            Form::Phone(ANY),
            text("+64 (21) 123-4567"),
            Some("+64211234567"),
        ),
        (Form::Phone(ANY), text("021.123.4567"), Some("0211234567")),
        (Form::Phone(ANY), text("123"), None),
        (Form::Phone(ANY), text("12+34"), None),
        (Form::Phone(ANY), text("3782 822463 10005"), None),
        (options(&["a", "b"]), Given::Option(1), Some("b")),
        (options(&["a", "b"]), Given::Option(2), None),
        (options(&["a", "b"]), text("b"), None),
        (Form::YesNo, Given::Yes(true), Some("YES")),
        (Form::YesNo, Given::Yes(false), Some("NO")),
        (Form::Rating, Given::Rating(1), Some("1")),
        (Form::Rating, Given::Rating(5), Some("5")),
        (Form::Rating, Given::Rating(0), None),
        (Form::Rating, Given::Rating(6), None),
    ];
    for (number, (form, given, value)) in cases.into_iter().enumerate() {
        let taken = question(form).taken(given);
        assert_eq!(taken.as_deref(), value, "case {number}");
    }
}

#[test]
fn neither_question_nor_answer_can_be_logged() {
    let asked = Question::new("Your name, Jane?".into(), options(&["Jane", "John"]));
    let shown = format!(
        "{asked:?} {:?} {:?}",
        text("Jane"),
        options(&["Jane", "John"])
    );
    assert!(!shown.contains('J'), "{shown}");
}
