//! How a transaction ended: one line, and the exit code.

use std::process::ExitCode;

use serde_json::Value;

use super::{call::Answer, money, table::printable};

/// The exit code when nobody knows yet whether money moved.
pub(super) const UNKNOWN: u8 = 6;

/// The errors of status 503 that promise that nothing was charged.
const NOTHING_CHARGED: [&str; 4] = [
    "CARD_READ_ERROR",
    "COMMUNICATION_ERROR",
    "TERMINAL_BUSY",
    "TERMINAL_UNAVAILABLE",
];

/// The exit code of what was refused or failed.
pub(super) const REFUSED: u8 = 5;

/// What the exit codes of a transaction mean.
pub(super) const EXIT_CODES: &str = "\
Progress goes to stderr. The last line, on stdout, begins with the status.

Exit codes:
  0  approved
  1  the command failed; see stderr
  2  the command line is wrong
  3  declined
  4  cancelled, or reversed: nothing was charged
  5  refused or failed: nothing was charged
  6  unknown: money may have moved; ask again with the same key
  7  your acquirer is to decide: `tenon decide`";

/// What is true now, in one line.
pub(crate) fn last_line(answer: &Answer) -> String {
    let body = &answer.body;
    if body.get("error").is_some() {
        return refusal(answer);
    }
    let mut line = vec![text(body, "status").unwrap_or("UNKNOWN").to_owned()];
    line.extend(amount(body));
    line.extend(card(body));
    if text(body, "type") == Some("CARD_READ") {
        line.extend(text(body, "entryMode").map(str::to_lowercase));
        line.extend(text(body, "applicationLabel").map(str::to_owned));
    }
    line.extend(text(body, "authorizationCode").map(|code| format!("authorization {code}")));
    if text(body, "status") == Some("DECLINED") {
        let response = text(body, "responseCode").map(|code| format!("response {code}"));
        line.push(response.unwrap_or_else(|| "by the card or the terminal".to_owned()));
    }
    if body.get("reversalRequired") == Some(&Value::Bool(true)) {
        line.push("reverse it at your acquirer".to_owned());
    }
    line.extend(text(body, "originalTransactionId").map(|id| format!("of {id}")));
    line.extend(text(body, "transactionId").map(str::to_owned));
    printable(&line.join("  "))
}

/// An error of the API in one line.
pub(super) fn refusal(answer: &Answer) -> String {
    let body = &answer.body;
    let mut line = vec![
        text(body, "error").unwrap_or("INTERNAL_ERROR").to_owned(),
        text(body, "message").unwrap_or_default().to_owned(),
    ];
    if answer.status == 401 {
        let permission = answer.operation.permission.as_str();
        line.push(format!("a key with {permission} is needed"));
    }
    line.extend(about(body).map(str::to_owned));
    printable(&line.join("  "))
}

/// The transaction that an answer is about.
pub(super) fn about(body: &Value) -> Option<&str> {
    let of_error = || body.pointer("/details/transactionId")?.as_str();
    text(body, "transactionId").or_else(of_error)
}

/// What a person does next, when that is not over yet: to be said on stderr.
pub(super) fn next_step(answer: &Answer) -> Option<String> {
    let id = about(&answer.body)?;
    if text(&answer.body, "status") == Some("PENDING_ONLINE") {
        return Some(format!(
            "ask your acquirer, then: tenon decide {id} --response-code 00"
        ));
    }
    (code(answer) == UNKNOWN).then(|| format!("what became of it: tenon transaction {id}"))
}

/// The exit code of a transaction.
pub(super) fn exit_code(answer: &Answer) -> ExitCode {
    ExitCode::from(code(answer))
}

fn code(answer: &Answer) -> u8 {
    let (status, error) = (text(&answer.body, "status"), text(&answer.body, "error"));
    match (answer.status, status, error) {
        (200, Some("APPROVED"), None) => 0,
        (200, Some("DECLINED"), None) => 3,
        (200, Some("CANCELLED" | "REVERSED"), None) => 4,
        (200, Some("PENDING_ONLINE"), None) => 7,
        (400..500, _, Some(_)) => REFUSED,
        (503, _, Some(error)) if NOTHING_CHARGED.contains(&error) => REFUSED,
        // A timeout leaves a reversal on its way, an internal error says nothing, and what is no
        // answer of a terminal may have come from something in between.
        _ => UNKNOWN,
    }
}

/// What was or would be charged in all, with its parts; the balance where that was asked.
fn amount(body: &Value) -> Option<String> {
    let currency = text(body, "currency")?;
    match text(body, "type") {
        Some("CARD_READ") => return None,
        Some("BALANCE_INQUIRY") => {
            let told = text(body, "status") == Some("APPROVED");
            let balance = minor(body, "amount").filter(|_| told)?;
            return Some(format!("balance {}", money::display(balance, currency)));
        }
        _ => {}
    }
    let mut said = money::display(total(body), currency);
    if let Some(requested) = minor(body, "requestedAmount") {
        let approved = minor(body, "amount").unwrap_or_default();
        let whole = total(body)
            .saturating_sub(approved)
            .saturating_add(requested);
        said = format!("{said} of {}", money::number(whole, currency));
    }
    for (name, member) in [("tip", "tipAmount"), ("cashback", "cashbackAmount")] {
        if let Some(part) = minor(body, member).filter(|part| *part > 0) {
            said = format!("{said}  {name} {}", money::number(part, currency));
        }
    }
    Some(said)
}

/// Amount, tip and cashback.
pub(super) fn total(body: &Value) -> i64 {
    ["amount", "tipAmount", "cashbackAmount"]
        .iter()
        .filter_map(|member| minor(body, member))
        .fold(0, i64::saturating_add)
}

fn card(body: &Value) -> impl Iterator<Item = String> {
    [text(body, "cardScheme"), text(body, "maskedPan")]
        .into_iter()
        .flatten()
        .map(str::to_owned)
}

/// A member that is a text.
pub(super) fn text<'a>(body: &'a Value, member: &str) -> Option<&'a str> {
    body.get(member).and_then(Value::as_str)
}

/// A member that is an amount or a count.
pub(super) fn minor(body: &Value, member: &str) -> Option<i64> {
    body.get(member).and_then(Value::as_i64)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn answer(status: u16, body: Value) -> Answer {
        Answer::made_up("createSale", status, body)
    }

    fn lines<const N: usize>(cases: [(u16, Value, &str); N]) {
        for (status, body, expected) in cases {
            assert_eq!(last_line(&answer(status, body)), expected);
        }
    }

    #[test]
    fn the_last_line_begins_with_the_status() {
        let approved = json!({
            "status": "APPROVED", "type": "SALE", "amount": 2500, "tipAmount": 250,
            "currency": "NZD", "cardScheme": "VISA", "maskedPan": "****1234",
            "authorizationCode": "A12345", "responseCode": "00", "transactionId": "txn_1",
        });
        let declined = json!({
            "status": "DECLINED", "amount": 2551, "currency": "NZD", "responseCode": "51",
            "transactionId": "txn_2",
        });
        let refused = json!({
            "error": "TIMEOUT", "message": "No valid answer came.",
            "details": {"transactionId": "txn_3"},
        });
        lines([
            (
                200,
                approved,
                "APPROVED  NZD 27.50  tip 2.50  VISA  ****1234  authorization A12345  txn_1",
            ),
            (200, declined, "DECLINED  NZD 25.51  response 51  txn_2"),
            (504, refused, "TIMEOUT  No valid answer came.  txn_3"),
            (200, json!({"status": "A\u{1b}[2J"}), "A\u{fffd}[2J"),
        ]);
    }

    #[test]
    fn each_kind_shows_what_it_was_asked_for() {
        let partial = json!({
            "status": "APPROVED", "type": "SALE", "amount": 2000, "requestedAmount": 2500,
            "cashbackAmount": 1000, "currency": "NZD", "transactionId": "txn_1",
        });
        let balance = json!({
            "status": "APPROVED", "type": "BALANCE_INQUIRY", "amount": -8750, "currency": "NZD",
        });
        let no_balance = json!({
            "status": "DECLINED", "type": "BALANCE_INQUIRY", "amount": 0, "currency": "NZD",
            "responseCode": "05",
        });
        let card = json!({
            "status": "APPROVED", "type": "CARD_READ", "amount": 0, "currency": "NZD",
            "cardScheme": "VISA", "maskedPan": "****1234", "entryMode": "CONTACT",
            "applicationLabel": "Visa Credit",
        });
        let void = json!({
            "status": "APPROVED", "type": "VOID", "amount": 2500, "currency": "NZD",
            "originalTransactionId": "txn_1", "transactionId": "txn_2",
        });
        let reverse = json!({
            "status": "CANCELLED", "type": "SALE", "amount": 2500, "currency": "NZD",
            "reversalRequired": true,
        });
        lines([
            (
                200,
                partial,
                "APPROVED  NZD 30.00 of 35.00  cashback 10.00  txn_1",
            ),
            (
                200,
                json!({"status": "DECLINED", "amount": 5, "currency": "NZD"}),
                "DECLINED  NZD 0.05  by the card or the terminal",
            ),
            (200, balance, "APPROVED  balance NZD -87.50"),
            (200, no_balance, "DECLINED  response 05"),
            (200, card, "APPROVED  VISA  ****1234  contact  Visa Credit"),
            (200, void, "APPROVED  NZD 25.00  of txn_1  txn_2"),
            (
                200,
                reverse,
                "CANCELLED  NZD 25.00  reverse it at your acquirer",
            ),
        ]);
    }

    #[test]
    fn a_key_that_is_not_known_is_told_what_it_must_permit() {
        let unknown = json!({"error": "UNAUTHORIZED", "message": "No key."});
        lines([(
            401,
            unknown,
            "UNAUTHORIZED  No key.  a key with transactions:write is needed",
        )]);
    }

    #[test]
    fn exit_codes_tell_whether_money_moved() {
        let cases = [
            (200, json!({"status": "APPROVED"}), 0),
            (200, json!({"status": "DECLINED"}), 3),
            (200, json!({"status": "CANCELLED"}), 4),
            (200, json!({"status": "REVERSED"}), 4),
            (400, json!({"error": "INVALID_AMOUNT"}), 5),
            (503, json!({"error": "CARD_READ_ERROR"}), 5),
            (504, json!({"error": "TIMEOUT"}), 6),
            (200, json!({"status": "ERROR"}), 6),
            (502, json!("<html>"), 6),
            (500, json!({"error": "INTERNAL_ERROR"}), 6),
            (502, json!({"error": "Bad Gateway"}), 6),
            (503, json!({"error": "Service Unavailable"}), 6),
            (409, json!({"error": "IDEMPOTENCY_CONFLICT"}), 5),
            (200, json!({"status": "PENDING_ONLINE"}), 7),
        ];
        for (status, body, expected) in cases {
            assert_eq!(code(&answer(status, body.clone())), expected, "{body}");
        }
    }

    #[test]
    fn what_is_not_over_says_what_to_do_next() {
        let said = |status, body| next_step(&answer(status, body)).unwrap_or_default();
        let lost = json!({"error": "TIMEOUT", "details": {"transactionId": "txn_3"}});
        assert!(said(504, lost).ends_with("tenon transaction txn_3"));
        let asked = json!({"status": "PENDING_ONLINE", "transactionId": "txn_3"});
        assert!(said(200, asked).contains("tenon decide txn_3"));
        let over = json!({"status": "APPROVED", "transactionId": "txn_3"});
        assert_eq!(said(200, over), "");
    }
}
