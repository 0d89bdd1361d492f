use serde_json::{Value, json};

use crate::parameters::Parameters;

/// A set that is right in every value.
fn right() -> Value {
    serde_json::from_str(include_str!("../../../tests/parameters.json"))
        .expect("the test's parameters are JSON")
}

fn dialect() -> Value {
    json!({
        "name": "test", "header": "6000010000", "header_is_tpdu": true,
        "message_type_encoding": "bcd", "bitmap_encoding": "binary",
        "fields": [
            { "number": 3, "content": "numeric", "encoding": "bcd", "length": { "fixed": 6 },
              "padding": "zeros_left" },
            { "number": 53, "content": "binary", "encoding": "binary", "padding": "zeros_right",
              "length": { "prefixed": { "digits": 2, "encoding": "bcd", "length_max": 48,
                                        "counts_bytes": true } } },
            { "number": 4, "content": "numeric", "encoding": "bcd", "length": { "fixed": 12 },
              "padding": "zeros_left" },
            { "number": 11, "content": "numeric", "encoding": "bcd", "length": { "fixed": 6 },
              "padding": "zeros_left" },
            { "number": 39, "content": "characters", "encoding": "ascii",
              "length": { "fixed": 2 }, "padding": "spaces_right" },
            { "number": 41, "content": "characters", "encoding": "ascii",
              "length": { "fixed": 8 }, "padding": "spaces_right" },
            { "number": 2, "content": "numeric", "encoding": "bcd", "padding": "f_right",
              "length": { "prefixed": { "digits": 2, "encoding": "bcd", "length_max": 10,
                                        "counts_bytes": true } } }
        ],
        "mac": { "kind": "retail_padding_1", "length": 8, "encoding": "binary",
                 "key_serial_number_field": 53 },
        "pin": { "block_format": 0, "key_serial_number_field": null },
        "processing_codes": { "sale": "000000", "sale_with_cashback": "090000",
            "refund": "200000", "balance_inquiry": "310000", "pre_auth": "000000",
            "pre_auth_complete": "000000" },
        "chip_data_tags": [0x9f26], "approved_codes": ["00"], "reversal_is_advice": true
    })
}

fn magstripe() -> Value {
    json!({
        "ranges": [{ "prefix": "4", "scheme": "visa" }, { "prefix": "55", "scheme": "mastercard" }],
        "verification": "online_pin", "fallback_after_fault": true
    })
}

fn refused_at(set: &Value) -> Option<String> {
    Parameters::from_json(&set.to_string())
        .err()
        .map(|error| error.path)
}

#[test]
fn accepts_a_right_set_and_a_custom_dialect() {
    assert_eq!(refused_at(&right()), None);
    let mut custom = right();
    custom["acquirer"]["dialect"] = json!({ "custom": dialect() });
    assert_eq!(refused_at(&custom), None);
}

#[test]
fn stripes_are_taken_and_fallen_back_to_only_where_it_is_written() {
    let parsed = |set: &Value| Parameters::from_json(&set.to_string()).expect("a right set");
    assert_eq!(parsed(&right()).magstripe, None);
    let mut set = right();
    set["magstripe"] = magstripe();
    let rules = parsed(&set).magstripe.expect("rules");
    assert!(rules.fallback_after_fault);
    assert!(!rules.fallback_without_application);
    for (change, value, path) in [
        ("/magstripe/ranges", json!([]), "magstripe.ranges"),
        (
            "/magstripe/ranges/1/prefix",
            json!("4"),
            "magstripe.ranges[1]",
        ),
        (
            "/magstripe/ranges/0/prefix",
            json!("4A"),
            "magstripe.ranges[0].prefix",
        ),
        (
            "/magstripe/ranges/0/prefix",
            json!(""),
            "magstripe.ranges[0].prefix",
        ),
        (
            "/magstripe/ranges/0/prefix",
            json!("123456789012"),
            "magstripe.ranges[0].prefix",
        ),
    ] {
        let mut wrong = set.clone();
        *wrong.pointer_mut(change).expect("a member") = value;
        assert_eq!(refused_at(&wrong).as_deref(), Some(path), "{change}");
    }
}

#[test]
fn a_dialect_says_how_a_fallback_is_marked_or_it_is_the_usual_way() {
    let mut set = right();
    set["acquirer"]["dialect"] = json!({ "custom": dialect() });
    for (modes, refused) in [
        (json!({ "magstripe_fallback": "92" }), None),
        (
            json!({ "magstripe_fallback": "9" }),
            Some("acquirer.dialect.custom.entry_modes.magstripe_fallback"),
        ),
    ] {
        set["acquirer"]["dialect"]["custom"]["entry_modes"] = modes;
        assert_eq!(refused_at(&set).as_deref(), refused);
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn names_the_value_that_breaks_a_rule() {
    let cases = [
        (
            "/terminal/terminal_id",
            json!("SHORT"),
            "terminal.terminal_id",
        ),
        ("/terminal/merchant_id", json!(""), "terminal.merchant_id"),
        (
            "/terminal/merchant_name",
            json!("a\u{1b}b"),
            "terminal.merchant_name",
        ),
        (
            "/terminal/merchant_category_code",
            json!(10_000),
            "terminal.merchant_category_code",
        ),
        ("/terminal/country", json!(0), "terminal.country"),
        (
            "/terminal/terminal_type",
            json!(0x20),
            "terminal.terminal_type",
        ),
        (
            "/terminal/capabilities",
            json!("E0F0"),
            "terminal.capabilities",
        ),
        (
            "/terminal/languages",
            json!(["EN"]),
            "terminal.languages[0]",
        ),
        ("/terminal/currencies", json!([]), "terminal.currencies"),
        (
            "/terminal/currencies/0/numeric",
            json!(555),
            "terminal.currencies[0]",
        ),
        (
            "/terminal/currencies/0/exponent",
            json!(3),
            "terminal.currencies[0]",
        ),
        (
            "/terminal/currencies/0/alphabetic",
            json!("ZZZ"),
            "terminal.currencies[0]",
        ),
        ("/timeouts/card_ms", json!(0), "timeouts.card_ms"),
        ("/applications", json!([]), "applications"),
        (
            "/applications/0/aid",
            json!("A0000000"),
            "applications[0].aid",
        ),
        (
            "/applications/0/tac_denial",
            json!("00000000"),
            "applications[0].tac_denial",
        ),
        (
            "/applications/0/floor_limit_minor",
            json!(4_294_967_296_u64),
            "applications[0].floor_limit_minor",
        ),
        (
            "/applications/0/random_target_percent",
            json!(99),
            "applications[0].random_target_percent",
        ),
        (
            "/acquirer/acquirer_id",
            json!("12a"),
            "acquirer.acquirer_id",
        ),
        ("/acquirer/network_id", json!("1"), "acquirer.network_id"),
    ];
    for (pointer, value, path) in cases {
        let mut set = right();
        *set.pointer_mut(pointer).expect("the member exists") = value;
        assert_eq!(refused_at(&set).as_deref(), Some(path), "{pointer}");
    }
}

#[test]
fn names_the_part_of_a_dialect_that_breaks_a_rule() {
    let cases = [
        ("/header", json!("60"), "header_is_tpdu"),
        ("/bitmap_encoding", json!("bcd"), "bitmap_encoding"),
        (
            "/message_type_encoding",
            json!("binary"),
            "message_type_encoding",
        ),
        ("/fields/0/number", json!(65), "fields[0].number"),
        ("/fields/1/number", json!(3), "fields[1].number"),
        ("/fields/0/encoding", json!("binary"), "fields[0].encoding"),
        (
            "/fields/0/length",
            json!({ "fixed": 0 }),
            "fields[0].length",
        ),
        (
            "/fields/1/length/prefixed/length_max",
            json!(100),
            "fields[1].length",
        ),
        (
            "/fields/0/content",
            json!("signed_numeric"),
            "fields[0].encoding",
        ),
        ("/fields/6/padding", json!("zeros_left"), "fields[6].length"),
        // Without one of these no answer is told from another.
        ("/fields/2/number", json!(5), "fields"),
        ("/fields/3/number", json!(5), "fields"),
        ("/fields/4/number", json!(5), "fields"),
        ("/fields/5/number", json!(5), "fields"),
        ("/mac/length", json!(9), "mac.length"),
        (
            "/mac/key_serial_number_field",
            json!(3),
            "mac.key_serial_number_field",
        ),
        (
            "/mac/key_serial_number_field",
            json!(54),
            "mac.key_serial_number_field",
        ),
        ("/pin/block_format", json!(2), "pin.block_format"),
        (
            "/processing_codes/refund",
            json!("2"),
            "processing_codes.refund",
        ),
        ("/approved_codes", json!([]), "approved_codes"),
        ("/approved_codes/0", json!("0 "), "approved_codes[0]"),
    ];
    for (pointer, value, path) in cases {
        let mut dialect = dialect();
        *dialect.pointer_mut(pointer).expect("the member exists") = value;
        let mut set = right();
        set["acquirer"]["dialect"] = json!({ "custom": dialect });
        let expected = format!("acquirer.dialect.custom.{path}");
        assert_eq!(refused_at(&set), Some(expected), "{pointer}");
    }
}

#[test]
fn refuses_unknown_members_and_lists_nothing_twice() {
    let mut set = right();
    set["terminal"]["floor_limit"] = json!(1);
    assert!(refused_at(&set).is_some_and(|path| path.starts_with("line ")));
    for list in ["/applications", "/terminal/currencies"] {
        let mut set = right();
        let members = set
            .pointer_mut(list)
            .and_then(Value::as_array_mut)
            .expect("a list");
        members.push(members[0].clone());
        assert!(refused_at(&set).is_some(), "{list}");
    }
}
