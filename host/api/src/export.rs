//! A settlement's transactions as a file.

use serde::Deserialize;

use crate::response::TransactionResponse;

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Format {
    /// RFC 4180, with a line of names first.
    Csv,
    /// One JSON object a line.
    Jsonl,
}

impl Format {
    pub(crate) const fn extension(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Jsonl => "jsonl",
        }
    }

    pub(crate) const fn content_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::Jsonl => "application/jsonl",
        }
    }
}

/// The columns of CSV: the reference's in its order, then what it takes to add a batch up.
const COLUMNS: [&str; 13] = [
    "transactionId",
    "type",
    "status",
    "amount",
    "currency",
    "cardScheme",
    "maskedPan",
    "authorizationCode",
    "timestamp",
    "tipAmount",
    "cashbackAmount",
    "originalTransactionId",
    "referenceId",
];

/// Writes the whole file.
pub(crate) fn write(format: Format, transactions: &[TransactionResponse]) -> String {
    match format {
        Format::Jsonl => transactions
            .iter()
            .filter_map(|transaction| serde_json::to_string(transaction).ok())
            .map(|line| line + "\n")
            .collect(),
        Format::Csv => {
            let mut file = COLUMNS.join(",") + "\r\n";
            for transaction in transactions {
                let members = serde_json::to_value(transaction).unwrap_or_default();
                let values = COLUMNS.map(|column| match members.get(column) {
                    Some(serde_json::Value::String(text)) => cell(text),
                    Some(other) => other.to_string(),
                    None => String::new(),
                });
                file.push_str(&values.join(","));
                file.push_str("\r\n");
            }
            file
        }
    }
}

/// A text between quotes where RFC 4180 wants them. One that a spreadsheet would take for a formula
/// gets an apostrophe.
fn cell(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = if formula {
        format!("'{text}")
    } else {
        text.to_owned()
    };
    if text.contains([',', '"', '\r', '\n']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::cell;

    #[test]
    fn a_cell_is_quoted_where_it_must_be() {
        for (text, written) in [
            ("VISA", "VISA"),
            ("a,b", "\"a,b\""),
            ("a\"b", "\"a\"\"b\""),
            ("=1+1", "'=1+1"),
            ("", ""),
        ] {
            assert_eq!(cell(text), written);
        }
    }
}
