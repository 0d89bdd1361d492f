//! The kinds of vectors: one table.

use serde_json::Value;

use crate::{ac, dukpt_aes, dukpt_tdes, iso8583, mac, oda_rsa, pinblock};

/// A case, and the file it stands in.
#[derive(Clone, Copy)]
pub(crate) struct Case<'a> {
    pub(crate) file: &'a Value,
    pub(crate) case: &'a Value,
}

/// What came out of a case, in the form of what it expects. An error says why it cannot be run.
pub(crate) type Outcome = Result<Value, String>;

/// How the cases of a kind are run.
pub(crate) struct Kind {
    name: &'static str,
    /// What a case expects.
    pub(crate) expected: fn(&Value) -> Outcome,
    pub(crate) run: fn(Case<'_>) -> Outcome,
}

impl Kind {
    /// A kind whose cases say in `expect` what they expect.
    const fn new(name: &'static str, run: fn(Case<'_>) -> Outcome) -> Self {
        Self {
            name,
            expected: expect,
            run,
        }
    }
}

/// Every kind there is.
const KINDS: [Kind; 21] = [
    Kind::new("tlv", |case| kernel("tlv", case)),
    Kind::new("dol", |case| kernel("dol", case)),
    Kind::new("app_selection", |case| kernel("app_selection", case)),
    Kind::new("init_and_read", |case| kernel("init_and_read", case)),
    Kind::new("oda_rsa", |case| oda_rsa::run(case.case)),
    Kind::new("oda_ecc", |case| kernel("oda_ecc", case)),
    Kind::new("capk", |case| kernel("capk", case)),
    Kind::new("restrictions", |case| kernel("restrictions", case)),
    Kind::new("cvm", |case| kernel("cvm", case)),
    Kind::new("risk_management", |case| kernel("risk_management", case)),
    Kind::new("action_analysis", |case| kernel("action_analysis", case)),
    Kind::new("completion", |case| kernel("completion", case)),
    Kind::new("entry_point", not_covered),
    Kind::new("transcripts", |case| kernel("transcripts", case)),
    Kind::new("ac", |case| ac::run(case.case)),
    Kind::new("dukpt_tdes", |case| dukpt_tdes::run(case.case)),
    Kind::new("dukpt_aes", |case| dukpt_aes::run(case.case)),
    Kind::new("pinblock", |case| pinblock::run(case.case)),
    Kind::new("tr31", not_covered),
    Kind::new("mac", |case| mac::run(case.case)),
    Kind {
        name: "iso8583",
        expected: iso8583::expected,
        run: iso8583::run,
    },
];

/// The kind of a name.
pub(crate) fn find(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.name == name)
}

/// A kind of the kernel, whose steps are not public but for this.
fn kernel(kind: &str, case: Case<'_>) -> Outcome {
    emv::vectors::run(kind, case.case)
}

fn not_covered(_: Case<'_>) -> Outcome {
    Err("not covered yet".to_owned())
}

/// The member `expect`, and nothing else that looks like an expectation.
fn expect(case: &Value) -> Outcome {
    no_other_expectation(case, &["expect"])?;
    match case["expect"].as_object() {
        Some(members) if !members.is_empty() => Ok(case["expect"].clone()),
        Some(_) => Err("the case expects nothing".to_owned()),
        None => Err("the case has no expect".to_owned()),
    }
}

/// Fails for a member that says what is expected and is not one of `known`.
pub(crate) fn no_other_expectation(case: &Value, known: &[&str]) -> Result<(), String> {
    let members = case.as_object().ok_or("the case is no object")?;
    let mut others = members.keys().filter(|name| name.starts_with("expect"));
    match others.find(|name| !known.contains(&name.as_str())) {
        Some(name) => Err(format!("{name}: this expectation is not known")),
        None => Ok(()),
    }
}
