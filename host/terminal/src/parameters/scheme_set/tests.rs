use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::{APPLICATION_MEMBERS, FILES, SchemeSet, scheme_sets};
use crate::parameters::{Application, CaPublicKey, HexBytes, Parameters, to_hex};

/// A set that is right in every value.
fn right() -> Value {
    serde_json::from_str(include_str!("../../../tests/parameters.json"))
        .expect("the test's parameters are JSON")
}

/// The published table that the sets were made from.
fn table() -> Vec<Value> {
    let table: Value = serde_json::from_str(include_str!("../../../tests/schemes.json"))
        .expect("the table is JSON");
    table["schemes"].as_array().expect("rows").clone()
}

/// Parameters out of a set, with what its draft leaves open filled in.
fn filled(set: &SchemeSet) -> Value {
    let mut parameters = right();
    let mut draft = set.draft();
    for application in draft["applications"].as_array_mut().expect("a list") {
        for (name, value) in application.as_object_mut().expect("an object") {
            if value.is_null() {
                *value = match name.as_str() {
                    "tac_default" | "tac_denial" | "tac_online" => json!("1111111111"),
                    "default_ddol" | "default_tdol" => json!("9F3704"),
                    _ => json!(7),
                };
            }
        }
    }
    for key in draft["ca_public_keys"].as_array_mut().expect("a list") {
        key["expires"] = json!("301231");
    }
    for list in ["applications", "ca_public_keys"] {
        parameters[list] = draft[list].clone();
    }
    parameters
}

fn parsed(parameters: &Value) -> Result<Parameters, String> {
    Parameters::from_json(&parameters.to_string()).map_err(|refused| refused.to_string())
}

#[test]
fn every_set_is_one_and_passes_the_checks_once_it_is_filled_in() {
    assert_eq!(scheme_sets().len(), FILES.len(), "a file cannot be read");
    let names: BTreeSet<_> = scheme_sets().iter().map(|set| &set.name).collect();
    assert_eq!(names.len(), FILES.len());
    for set in scheme_sets() {
        let parameters = parsed(&filled(set)).expect(&set.name);
        assert_eq!(parameters.applications.len(), set.applications.len());
        assert_eq!(parameters.ca_public_keys.len(), set.ca_public_keys.len());
        for application in &parameters.applications {
            assert_eq!(
                application.floor_limit_minor, 7,
                "limits are the acquirer's"
            );
        }
    }
}

/// Hexadecimal digits at the beginning of a cell.
fn digits(cell: &Value) -> Option<&str> {
    let cell = cell.as_str()?;
    let end = cell
        .find(|character: char| !character.is_ascii_hexdigit() || character.is_lowercase())
        .unwrap_or(cell.len());
    cell.get(..end)
}

#[test]
fn every_set_is_its_row_of_the_table() {
    for (set, row) in scheme_sets().iter().zip(table()) {
        let title = &set.title;
        assert_eq!(*title, row["scheme"]);
        let cell = row["aid"].as_str().expect("a cell");
        let words = cell.split(|character: char| !character.is_ascii_alphanumeric());
        let aids = words.filter(|word| word.len() >= 10 && word.starts_with("A0"));
        let own = set
            .applications
            .iter()
            .map(|application| to_hex(&application.aid));
        assert_eq!(own.collect::<Vec<_>>(), aids.collect::<Vec<_>>(), "{title}");
        for application in &set.applications {
            assert_eq!(
                application.members["partial_selection"], row["partial"],
                "{title}"
            );
            for (column, member) in [
                ("avn_9F09", "application_version"),
                ("tac_default", "tac_default"),
                ("tac_denial", "tac_denial"),
                ("tac_online", "tac_online"),
                ("default_ddol", "default_ddol"),
            ] {
                // A value with a remark is a placeholder.
                let plain = digits(&row[column]).filter(|digits| row[column] == *digits);
                let marked = digits(&row[column]).filter(|digits| row[column] != *digits);
                let value = application
                    .members
                    .get(member)
                    .map(|value| match value.as_u64() {
                        Some(number) => format!("{number:04X}"),
                        None => value.as_str().expect("text").to_owned(),
                    });
                let placeholder = application.placeholders.get(member).and_then(Value::as_str);
                assert_eq!(
                    (value.as_deref(), placeholder),
                    (plain, marked),
                    "{title} {member}"
                );
            }
        }
    }
    assert_eq!(scheme_sets().len(), table().len());
}

/// A key is in a set when public lists agree about it and give its checksum; one that the table
/// names and that is not so is left out with a reason.
#[test]
fn every_key_of_the_table_is_in_its_set_or_left_out_for_a_reason() {
    let vectors = include_str!("../../../../../tests/vectors/capk.json");
    let vectors: Value = serde_json::from_str(vectors).expect("the vectors are JSON");
    let published = vectors["cases"].as_array().expect("cases");
    for (set, row) in scheme_sets().iter().zip(table()) {
        let cells = row["capk"].as_array().cloned().unwrap_or_default();
        let mut left_out = set.keys_left_out();
        let mut held = set.ca_public_keys.iter();
        for cell in &cells {
            let index = digits(cell).expect("an index");
            let rid = to_hex(set.applications[0].aid.get(..5).expect("a RID"));
            let found: Vec<_> = published
                .iter()
                .filter(|case| case["input"]["rid"] == rid && case["input"]["index"] == index)
                .collect();
            let position = u8::from_str_radix(index, 16).expect("hexadecimal");
            let sure = match found.as_slice() {
                [case] => case["published_checksum"]
                    .get(0)
                    .map(|sum| (&case["input"], sum)),
                _ => None,
            };
            let Some((input, checksum)) = sure else {
                let (index, reason) = left_out.next().expect("a reason");
                assert_eq!(index, position, "{}", set.title);
                let why = match found.len() {
                    0 => "no public list",
                    1 => "without a checksum",
                    _ => "more than one modulus",
                };
                assert!(reason.contains(why), "{}: {reason}", set.title);
                continue;
            };
            let key = held.next().expect("a key");
            assert_eq!(key.index, position, "{}", set.title);
            let members = json!({
                "rid": rid,
                "modulus": input["modulus"],
                "exponent": input["exponent"],
                "checksum": checksum,
            });
            assert_eq!(Value::Object(key.members.clone()), members, "{}", set.title);
        }
        assert_eq!(
            (held.next(), left_out.next()),
            (None, None),
            "{}",
            set.title
        );
    }
}

/// An element of a list, in parameters that are right otherwise.
fn with(list: &str, element: &Value) -> Result<Parameters, String> {
    let mut parameters = right();
    parameters[list] = json!([element]);
    parsed(&parameters)
}

#[test]
fn what_is_not_public_must_be_given() {
    let jcb = json!({ "scheme_set": "jcb", "aid": "A0000000651010", "tac_denial": null });
    let refused = with("applications", &jcb).expect_err("refused");
    for part in [
        "applications[0]: the scheme set jcb leaves to the acquirer: ",
        "application_version (published as FFFF, a placeholder)",
        "tac_default (published as FFFFFFFFFF, a placeholder)",
        "tac_denial, ",
        "floor_limit_minor",
        "default_tdol",
    ] {
        assert!(refused.contains(part), "{part} is not in: {refused}");
    }
    assert!(!refused.contains("partial_selection"), "{refused}");
    assert!(
        refused.starts_with("line 1, column ") && refused.ends_with(", default_tdol"),
        "{refused}"
    );
    for set in scheme_sets() {
        for name in APPLICATION_MEMBERS {
            let mut parameters = filled(set);
            let first = &mut parameters["applications"][0];
            let given = first
                .as_object_mut()
                .expect("an object")
                .remove(name)
                .is_some();
            assert_eq!(parsed(&parameters).is_err(), given, "{} {name}", set.name);
        }
    }
}

#[test]
fn the_members_that_must_be_given_are_those_of_an_application() {
    let whole = right()["applications"][0].clone();
    let names: BTreeSet<_> = whole
        .as_object()
        .expect("an object")
        .keys()
        .cloned()
        .collect();
    assert_eq!(names, APPLICATION_MEMBERS.map(str::to_owned).into());
}

#[test]
fn an_elements_own_members_stand_in_place_of_the_sets() {
    let visa = json!({
        "scheme_set": "visa", "aid": "A0000000031010", "tac_denial": "FFFFFFFFFF", "tac_online": null,
        "floor_limit_minor": 5000, "random_threshold_minor": 0, "random_target_percent": 10,
        "random_target_percent_max": 20, "default_tdol": "",
    });
    let parameters = with("applications", &visa).expect("right parameters");
    let hex = |text: &str| HexBytes(crate::parameters::bytes::from_hex(text).expect("digits"));
    let Application {
        application_version,
        tac_default,
        tac_denial,
        tac_online,
        floor_limit_minor,
        default_ddol,
        ..
    } = &parameters.applications[0];
    assert_eq!((*application_version, *floor_limit_minor), (0x0096, 5000));
    assert_eq!(
        (tac_denial, tac_online),
        (&hex("FFFFFFFFFF"), &hex("584004F800"))
    );
    assert_eq!(
        (tac_default, default_ddol),
        (&hex("584004F800"), &hex("9F3704"))
    );

    let key = json!({ "scheme_set": "visa", "index": 9, "expires": "321231" });
    let parameters = with("ca_public_keys", &key).expect("right parameters");
    let CaPublicKey {
        rid,
        index,
        modulus,
        expires,
        ..
    } = &parameters.ca_public_keys[0];
    assert_eq!((rid, *index, modulus.len()), (&hex("A000000003"), 9, 248));
    assert_eq!(expires.as_ref(), Some(&hex("321231")));
}

#[test]
fn what_no_set_has_is_refused() {
    for (list, element, problem) in [
        (
            "applications",
            json!({ "scheme_set": "viza" }),
            "there is no scheme set \"viza\"; there are visa,",
        ),
        (
            "applications",
            json!({ "scheme_set": "visa" }),
            "beside scheme_set stands aid",
        ),
        (
            "applications",
            json!({ "scheme_set": "visa", "aid": 3 }),
            "aid: invalid type",
        ),
        (
            "applications",
            json!({ "scheme_set": "visa", "aid": "A000000004" }),
            "no application A000000004",
        ),
        (
            "ca_public_keys",
            json!({ "scheme_set": "mastercard", "index": 5, "expires": null }),
            "has no key of index 5: public lists have it with more than one modulus",
        ),
        (
            "ca_public_keys",
            json!({ "scheme_set": "visa", "index": 1, "expires": null }),
            "has no key of index 1; the acquirer must give it whole",
        ),
        (
            "ca_public_keys",
            json!({ "scheme_set": "visa", "index": 8 }),
            "missing field `expires`",
        ),
        (
            "ca_public_keys",
            json!({ "scheme_set": "visa", "index": 8, "expires": "YYMMDD" }),
            "expected an even number of hexadecimal digits",
        ),
        (
            "ca_public_keys",
            json!({ "scheme_set": "visa", "index": 8, "expires": null, "bits": 1 }),
            "unknown field `bits`",
        ),
        ("ca_public_keys", json!("visa"), "expected an object"),
    ] {
        let refused = with(list, &element).expect_err(problem);
        assert!(refused.contains(problem), "{refused}");
    }
}

#[test]
fn a_member_stands_once() {
    let text = right().to_string();
    let twice = text.replace(
        "\"floor_limit_minor\":0",
        "\"floor_limit_minor\":0,\"floor_limit_minor\":9",
    );
    assert_ne!(text, twice);
    let refused = Parameters::from_json(&twice)
        .expect_err("refused")
        .to_string();
    assert!(
        refused.contains("\"floor_limit_minor\" stands twice"),
        "{refused}"
    );
}

#[test]
fn a_draft_names_what_is_missing_and_is_refused_as_it_is() {
    for set in scheme_sets() {
        let draft = set.draft();
        let mut parameters = right();
        parameters["applications"] = draft["applications"].clone();
        let refused = parsed(&parameters).expect_err(&set.name);
        let first: &Map<String, Value> = draft["applications"][0].as_object().expect("an object");
        for (name, value) in first.iter().filter(|(_, value)| value.is_null()) {
            assert!(refused.contains(name.as_str()), "{name} {value}: {refused}");
        }
        if !set.ca_public_keys.is_empty() {
            let mut parameters = filled(set);
            parameters["ca_public_keys"] = draft["ca_public_keys"].clone();
            assert!(parsed(&parameters).is_err(), "{}", set.name);
        }
    }
}
