//! Cards of every scheme, in a terminal with the scheme's published parameters.
//!
//! The sets are the host's data; they are read here as data, since the kernel knows no host.

use conformance::{Case, Run};
use serde_json::Value;

const SETS: [&str; 11] = [
    include_str!("../../../../host/terminal/src/parameters/scheme_set/visa.json"),
    include_str!("../../../../host/terminal/src/parameters/scheme_set/visa_electron.json"),
    include_str!("../../../../host/terminal/src/parameters/scheme_set/mastercard.json"),
    include_str!("../../../../host/terminal/src/parameters/scheme_set/maestro.json"),
    include_str!("../../../../host/terminal/src/parameters/scheme_set/amex.json"),
    include_str!("../../../../host/terminal/src/parameters/scheme_set/discover.json"),
    include_str!("../../../../host/terminal/src/parameters/scheme_set/jcb.json"),
    include_str!("../../../../host/terminal/src/parameters/scheme_set/unionpay.json"),
    include_str!("../../../../host/terminal/src/parameters/scheme_set/eftpos_australia.json"),
    include_str!("../../../../host/terminal/src/parameters/scheme_set/interac.json"),
    include_str!("../../../../host/terminal/src/parameters/scheme_set/us_common_debit.json"),
];

/// What a terminal does, the byte and bit of the TVR that it sets, and how the case says it.
const MARKS: [(&str, usize, u8); 3] = [
    ("exception-file yes", 0, 0x10),
    ("floor-limit 2000", 3, 0x80),
    ("forced-online yes", 3, 0x08),
];

/// Every application of every set. What is not published, which an acquirer gives, is not here.
fn applications() -> Vec<Value> {
    let sets = SETS.map(|text| serde_json::from_str::<Value>(text).expect("a set is JSON"));
    let lists = sets.map(|set| set["applications"].as_array().expect("a list").clone());
    lists.concat()
}

fn text(value: &Value) -> Option<&str> {
    value.as_str()
}

/// A terminal that accepts all of them, and has the rules of one; a card of `name` in it.
fn case(application: &Value, name: &str, lines: &str) -> Case {
    let all: Vec<String> = applications()
        .iter()
        .map(|application| {
            let partial = application["partial_selection"] == true;
            let aid = text(&application["aid"]).expect("an AID");
            format!("{aid}{}", if partial { "" } else { "=" })
        })
        .collect();
    let code = |member: &str| {
        text(&application[member])
            .unwrap_or("0000000000")
            .to_owned()
    };
    let version = application["application_version"].as_u64().unwrap_or(1);
    let text = format!(
        "card visa-offline-approve\n\
         + SEL-04-01 A card of the scheme\n\
         aid {name}\ncounter 20\nlast-online-counter 19\n9F08 = {version:04X}\n\
         9F0D = 0000000000\n9F0E = 0000000000\n9F0F = 0000000000\n\
         accepts {}\nversion {version:04X}\n\
         tac-default {}\ntac-denial {}\ntac-online {}\ndefault-ddol {}\n{lines}",
        all.join(" "),
        code("tac_default"),
        code("tac_denial"),
        code("tac_online"),
        text(&application["default_ddol"]).unwrap_or("9F3704"),
    );
    let mut cases = Case::parse_file("SEL-04", &text).expect(&text);
    cases.remove(0)
}

fn wrong(case: &Case) -> Vec<String> {
    let run: Run = case.run();
    case.check(&run)
}

/// By the directory and by the list, with the AID itself and with a longer name.
#[test]
fn a_card_of_every_aid_is_selected_and_approved() {
    let mut count = 0_usize;
    for application in applications() {
        let aid = text(&application["aid"]).expect("an AID");
        let longer = format!("{aid}01");
        let partial = application["partial_selection"] == true;
        for (name, accepted) in [(aid, true), (longer.as_str(), partial)] {
            for directory in ["", "directory none\n"] {
                let end = if accepted {
                    format!(
                        "ends approved\ntvr 0000000000\nvalue 84 = {name}\n\
                         commands ..., SELECT {name}, GET PROCESSING OPTIONS, ..."
                    )
                } else {
                    "ends not accepted no-application\nvalue 84 = absent".to_owned()
                };
                let case = case(&application, name, &format!("{directory}{end}"));
                assert_eq!(wrong(&case), Vec::<String>::new(), "{name} {directory}");
                count = count.saturating_add(1);
            }
        }
    }
    assert_eq!(count, 19 * 4);
}

/// The published action codes decide: denial, then online, else the card approves.
#[test]
fn the_published_action_codes_decide() {
    let mut met = [0_usize; 3];
    for application in applications() {
        let aid = text(&application["aid"]).expect("an AID");
        for (line, byte, bit) in MARKS {
            let has = |member: &str| {
                let code = text(&application[member]).unwrap_or("0000000000");
                let byte = code
                    .get(byte.saturating_mul(2)..)
                    .and_then(|rest| rest.get(..2));
                let byte = byte.and_then(|digits| u8::from_str_radix(digits, 16).ok());
                byte.expect("five bytes") & bit != 0
            };
            let (which, end) = if has("tac_denial") {
                (0, "ends declined by terminal\narc Z1")
            } else if has("tac_online") {
                (1, "host 00\nends approved\narc 00")
            } else {
                (2, "ends approved\narc Y1")
            };
            let case = case(&application, aid, &format!("{line}\n{end}"));
            assert_eq!(wrong(&case), Vec::<String>::new(), "{aid} {line}");
            if let Some(count) = met.get_mut(which) {
                *count = count.saturating_add(1);
            }
        }
    }
    let [denied, online, offline] = met;
    assert!(online > 10 && offline > 10, "{met:?}");
    // Of the codes that are published none denies what is tried here; those of an acquirer may.
    assert_eq!(denied, 0);
}
