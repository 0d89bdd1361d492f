//! The test cases of the documentation: what to do to see something, and what is answered.
//!
//! `docs/test-cards-and-amounts.md` is their one source. `GET /emulator/cards` serves them, and an
//! end-to-end test runs each.

use std::sync::LazyLock;

use serde::Serialize;

const DOCUMENT: &str = include_str!("../../../docs/test-cards-and-amounts.md");

/// What stands before a step that is done while the request before it runs.
const MEANWHILE: &str = "meanwhile";

/// Every case, in the document's order.
pub static CASES: LazyLock<Vec<Case>> = LazyLock::new(|| read(DOCUMENT));

/// One row of the document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Case {
    /// What there is to see.
    pub see: String,
    /// What to do for it, in this order.
    #[serde(rename = "do")]
    pub steps: Vec<Step>,
    /// What the last request is answered: the HTTP status, then members, as `status: DECLINED`.
    pub answer: Vec<String>,
    /// The status of its transaction as it stands once nothing waits for the acquirer any more. `None` when
    /// that is the answer's, or there is no transaction.
    pub later: Option<String>,
    /// What all requests together charged then, in major units.
    pub charged: String,
    /// What a point of sale does about it.
    pub then: String,
}

/// One thing to do: a card's name, an amount to sell for, another request, or a control.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// As the document has it.
    pub text: String,
    /// Whether it is done while the request before it runs.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub meanwhile: bool,
}

/// The rows of every table with five columns. A row without a step is a heading.
fn read(document: &str) -> Vec<Case> {
    document.lines().filter_map(case).collect()
}

fn case(line: &str) -> Option<Case> {
    let cells = line.strip_prefix('|')?.strip_suffix('|')?;
    let cells: Vec<&str> = cells.split('|').map(str::trim).collect();
    let [see, steps, answer, charged, then] = cells.as_slice() else {
        return None;
    };
    let steps = self::steps(steps);
    if steps.is_empty() {
        return None;
    }
    // `answer, then later`: what follows the words is of later.
    let (now, later) = answer.split_once("later").unwrap_or((answer, ""));
    Some(Case {
        see: plain(see),
        steps,
        answer: code_spans(now).map(|(_, text)| text.to_owned()).collect(),
        later: code_spans(later).next().map(|(_, text)| text.to_owned()),
        charged: (*charged).to_owned(),
        then: plain(then),
    })
}

fn steps(cell: &str) -> Vec<Step> {
    code_spans(cell)
        .map(|(before, text)| Step {
            text: text.to_owned(),
            meanwhile: before.contains(MEANWHILE),
        })
        .collect()
}

/// The texts in code, each with the words before it.
fn code_spans(cell: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = cell;
    std::iter::from_fn(move || {
        let (before, after) = rest.split_once('`')?;
        let (text, after) = after.split_once('`')?;
        rest = after;
        Some((before, text))
    })
}

fn plain(cell: &str) -> String {
    cell.replace('`', "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_read_and_a_heading_is_none() {
        let read = read(
            "| To see | Do | Answer | Charged | Then |\n|---|---|---|---|---|\n| **Lost** | | | | |\n\
             | no `answer` | `visa-credit`, `90.02`, meanwhile `26.00` | `504` `error: TIMEOUT`, later `REVERSED` | 0.00 | ask |\n",
        );
        let step = |text: &str, meanwhile| Step {
            text: text.into(),
            meanwhile,
        };
        let expected = Case {
            see: "no answer".into(),
            steps: vec![
                step("visa-credit", false),
                step("90.02", false),
                step("26.00", true),
            ],
            answer: vec!["504".into(), "error: TIMEOUT".into()],
            later: Some("REVERSED".into()),
            charged: "0.00".into(),
            then: "ask".into(),
        };
        assert_eq!(read, [expected]);
    }

    #[test]
    fn the_document_has_a_case_for_every_answer_that_can_be_chosen() {
        use crate::acquirer::{RESPONSE_CODES, SPECIAL_AMOUNTS};
        let steps: Vec<&str> = CASES
            .iter()
            .flat_map(|case| &case.steps)
            .map(|step| step.text.as_str())
            .collect();
        for code in RESPONSE_CODES {
            let shown = CASES.iter().any(|case| {
                let amount = format!(".{}", code.code);
                let asked = case.steps.iter().any(|step| step.text.ends_with(&amount));
                asked
                    && case
                        .answer
                        .contains(&format!("responseCode: {}", code.code))
            });
            assert!(shown, "{code:?}");
        }
        for special in SPECIAL_AMOUNTS {
            let amount = special.amount_minor;
            let amount = format!("{}.{:02}", amount.div_euclid(100), amount.rem_euclid(100));
            assert!(steps.contains(&amount.as_str()), "{special:?}");
        }
        for card in virtual_card::catalogue() {
            assert!(steps.contains(&card.name), "{}", card.name);
        }
    }
}
