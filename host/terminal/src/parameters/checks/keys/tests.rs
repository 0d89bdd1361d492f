use serde_json::{Value, json};

use crate::parameters::Parameters;

fn right() -> Value {
    serde_json::from_str(include_str!("../../../../tests/parameters.json"))
        .expect("the test's parameters are JSON")
}

fn refused(set: &Value) -> Option<String> {
    Parameters::from_json(&set.to_string())
        .err()
        .map(|error| error.to_string())
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn a_wrong_key_refuses_the_set_and_is_named() {
    let rsa = "key A000000003 index 92";
    let curve = "key A000000003 index 93";
    for (pointer, value, named, expected) in [
        (
            "/ca_public_keys/0/rid",
            json!("A0000000"),
            "key A0000000 index 92",
            "rid: expected 5 bytes",
        ),
        (
            "/ca_public_keys/0/rid",
            json!("A00000000C"),
            "key A00000000C index 92",
            "decimal digits",
        ),
        (
            "/ca_public_keys/0/rid",
            json!("0000000000"),
            "key 0000000000 index 92",
            "more than zeros",
        ),
        (
            "/ca_public_keys/0/modulus",
            json!("C1".repeat(63)),
            rsa,
            "modulus: expected 64 to 248",
        ),
        (
            "/ca_public_keys/0/modulus",
            json!("C1".repeat(249)),
            rsa,
            "modulus: expected 64 to 248",
        ),
        (
            "/ca_public_keys/0/modulus",
            json!("7F".repeat(128)),
            rsa,
            "modulus: expected a first",
        ),
        (
            "/ca_public_keys/0/exponent",
            json!("02"),
            rsa,
            "exponent: expected 03 or 010001",
        ),
        (
            "/ca_public_keys/0/exponent",
            json!("0003"),
            rsa,
            "exponent: expected 03 or 010001",
        ),
        (
            "/ca_public_keys/0/expires",
            json!("270229"),
            rsa,
            "expires: expected a day",
        ),
        (
            "/ca_public_keys/0/checksum",
            json!("00".repeat(20)),
            rsa,
            "checksum: not the SHA-1",
        ),
        (
            "/ca_public_keys/0/checksum",
            json!(""),
            rsa,
            "checksum: not the SHA-1",
        ),
        (
            "/elliptic_ca_public_keys/0/x",
            json!("02".repeat(66)),
            curve,
            "x: expected 32 bytes",
        ),
        (
            "/elliptic_ca_public_keys/0/x",
            json!("FF".repeat(32)),
            curve,
            "x: no point",
        ),
        (
            "/elliptic_ca_public_keys/0/index",
            json!(0x94),
            "key A000000003 index 94",
            "checksum: not the SHA-256",
        ),
        (
            "/elliptic_ca_public_keys/0/suite",
            json!("ec_sdsa_sha_512_p_521"),
            curve,
            "x: expected 66 bytes",
        ),
        (
            "/elliptic_ca_public_keys/0/checksum",
            json!("00".repeat(32)),
            curve,
            "checksum: not the SHA-256",
        ),
        (
            "/elliptic_ca_public_keys/0/expires",
            json!("001332"),
            curve,
            "expires: expected a day",
        ),
    ] {
        let mut set = right();
        *set.pointer_mut(pointer).expect("the member exists") = value;
        let problem = refused(&set).expect(pointer);
        let (path, rest) = problem.split_once(": ").expect("a path");
        assert!(
            pointer.starts_with(&format!("/{}", path.split('[').next().expect("a list"))),
            "{problem}"
        );
        assert!(rest.starts_with(named), "{problem}");
        let member = expected
            .split(": ")
            .next()
            .filter(|_| expected.contains(": "));
        assert!(
            member.is_none_or(|member| path.ends_with(member)),
            "{problem}"
        );
        let words = expected.rsplit(": ").next().expect("words");
        assert!(rest.contains(words), "{problem}");
    }
}

#[test]
fn a_key_is_listed_once_of_each_kind() {
    for list in ["ca_public_keys", "elliptic_ca_public_keys"] {
        let mut set = right();
        let keys = set[list].as_array_mut().expect("a list");
        keys.push(keys[0].clone());
        let problem = refused(&set).expect(list);
        assert!(
            problem.starts_with(&format!("{list}[1]: key A000000003 index 9")),
            "{problem}"
        );
        assert!(problem.ends_with("listed twice"), "{problem}");
    }
    // The same index of both kinds is two keys.
    let mut set = right();
    set["elliptic_ca_public_keys"][0]["index"] = json!(0x92);
    let checksum = "E82305E15EEDC7109246C88867A1AF277E3BD82323CC924CBB99E9A6AFC2FDBC";
    set["elliptic_ca_public_keys"][0]["checksum"] = json!(checksum);
    assert_eq!(refused(&set), None);
}

#[test]
fn a_member_left_out_is_refused_and_null_is_an_answer() {
    for (list, member) in [
        ("ca_public_keys", "expires"),
        ("elliptic_ca_public_keys", "expires"),
        ("exception_file", "sequence_number"),
    ] {
        let mut set = right();
        set[list][0][member] = Value::Null;
        assert_eq!(refused(&set), None, "{list}");
        let element = set[list][0].as_object_mut().expect("an object");
        element.remove(member);
        let problem = refused(&set).expect(list);
        assert!(
            problem.contains(&format!("missing field `{member}`")),
            "{problem}"
        );
    }
}

#[test]
fn xda_is_claimed_with_a_key_only() {
    let mut set = right();
    set["elliptic_ca_public_keys"] = json!([]);
    assert_eq!(refused(&set), None);
    set["terminal"]["capabilities"] = json!("E0F8CC");
    let problem = refused(&set).expect("no key");
    assert!(
        problem.starts_with("terminal.capabilities: XDA is claimed"),
        "{problem}"
    );
    set["elliptic_ca_public_keys"] = right()["elliptic_ca_public_keys"].clone();
    assert_eq!(refused(&set), None);
}

#[test]
fn entries_of_the_lists_have_their_lengths() {
    for (pointer, value, path) in [
        (
            "/revoked_issuer_certificates/0/rid",
            json!("A0"),
            "revoked_issuer_certificates[0].rid",
        ),
        (
            "/revoked_issuer_certificates/0/serial_number",
            json!("2A"),
            "revoked_issuer_certificates[0].serial_number",
        ),
        (
            "/exception_file/0/sequence_number",
            json!("0A"),
            "exception_file[0].sequence_number",
        ),
        (
            "/exception_file/0/sequence_number",
            json!("0101"),
            "exception_file[0].sequence_number",
        ),
    ] {
        let mut set = right();
        *set.pointer_mut(pointer).expect("the member exists") = value;
        let problem = refused(&set).expect(pointer);
        assert!(problem.starts_with(&format!("{path}: ")), "{problem}");
    }
}

/// The kernel runs the same vectors: both read the standard alike.
#[test]
fn published_keys_are_taken_and_wrong_ones_refused() {
    let vectors: Value =
        serde_json::from_str(include_str!("../../../../../../tests/vectors/capk.json"))
            .expect("the vectors are JSON");
    let cases = vectors["cases"].as_array().expect("cases");
    for case in cases {
        let input = &case["input"];
        let index = input["index"].as_str().expect("an index");
        let given = &input["checksum"];
        let computed = &case["expect"]["sha1_rid_index_modulus_exponent"];
        let mut set = right();
        set["ca_public_keys"] = json!([{
            "rid": input["rid"],
            "index": u8::from_str_radix(index, 16).expect("hexadecimal"),
            "modulus": input["modulus"],
            "exponent": input["exponent"],
            "checksum": if given.is_null() { computed } else { given },
            "expires": null,
        }]);
        // EMV's longest modulus has 248 bytes; the kernel leaves such a key unused.
        let too_long = input["modulus_bits"].as_u64() > Some(1984);
        let loadable = case["expect"]["loadable"] == true && !too_long;
        assert_eq!(
            refused(&set).is_none(),
            loadable,
            "{}: {:?}",
            case["id"],
            refused(&set)
        );
    }
    assert_eq!(cases.len(), 150);
}
