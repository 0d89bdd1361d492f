//! What the acquirer decides.

use std::collections::BTreeMap;

use virtual_card::Issuer;

use super::{
    amounts::{self, Behaviour},
    chip_data,
    ledger::{Authorisation, Ledger, Original, State},
    message::Message,
    security,
};

/// Bytes of a message type and its fields that every answer repeats.
const ECHOED: [u8; 8] = [3, 4, 7, 11, 12, 13, 41, 49];

/// The acquirer's state.
#[derive(Default)]
pub(super) struct Host {
    pub(super) ledger: Ledger,
    /// Overrules what the amount says, while it is set.
    pub(super) behaviour: Option<Behaviour>,
    /// Counts authorisation codes.
    codes: u32,
}

/// What goes back.
pub(super) struct Reply {
    /// The answer on the wire, without its length. Empty when there is none.
    pub(super) bytes: Vec<u8>,
    /// How it is sent.
    pub(super) behaviour: Behaviour,
}

impl Host {
    /// Decides one request. A request that cannot be read gets no answer.
    pub(super) fn answer(&mut self, bytes: &[u8]) -> Reply {
        let Ok(request) = Message::parse(bytes) else {
            self.ledger.broken = self.ledger.broken.saturating_add(1);
            return Reply {
                bytes: Vec::new(),
                behaviour: Behaviour::Close,
            };
        };
        if !security::is_authentic(&request, bytes) {
            self.ledger.not_authentic = self.ledger.not_authentic.saturating_add(1);
            let answer = answer_to(&request, "96");
            return Reply {
                bytes: answer.encode(),
                behaviour: Behaviour::Normal,
            };
        }
        match request.kind {
            100 | 101 | 200 | 201 => self.financial(&request),
            220 | 221 => normal(&request, &self.advice(&request)),
            400 | 401 | 420 | 421 => normal(&request, &self.reversal(&request)),
            500 => normal(&request, &self.reconciliation(&request)),
            800 => normal(&request, &answer_to(&request, "00")),
            _ => normal(&request, &answer_to(&request, "12")),
        }
    }

    /// A request for money. The same request is decided once, however often it comes.
    fn financial(&mut self, request: &Message) -> Reply {
        let amount = request.number(4).unwrap_or_default();
        let behaviour = self.behaviour.unwrap_or_else(|| amounts::behaviour(amount));
        let decided = self.decide(request, amount);
        let mut answer = answer_to(request, &decided.code);
        if let Some(code) = &decided.authorisation_code {
            answer.set(38, code.as_bytes());
        }
        if !decided.chip_data.is_empty() {
            answer.set(55, decided.chip_data);
        }
        Reply {
            bytes: spoil(&answer, request, behaviour),
            behaviour,
        }
    }

    fn decide(&mut self, request: &Message, amount: u64) -> Decided {
        let original = original_of(request);
        if let Some(known) = self.ledger.find(&original) {
            known.times_sent = known.times_sent.saturating_add(1);
            let code = match known.state {
                State::Reversed => "12".to_owned(),
                State::Approved | State::Advised | State::Declined => known.response_code.clone(),
            };
            let approved = code == "00";
            let authorisation_code = known.authorisation_code.clone().filter(|_| approved);
            let chip_data = chip_answer(request, &code);
            return Decided {
                code,
                authorisation_code,
                chip_data,
            };
        }
        if self.ledger.reversed_before.contains(&original) {
            return Decided::refused("12");
        }
        if self.ledger.is_full() {
            return Decided::refused("96");
        }
        let code = judge(request, amount);
        let authorisation_code = (code == "00").then(|| self.next_code());
        self.ledger.authorisations.push(Authorisation {
            original,
            amount_minor: amount,
            currency: request.text(49).to_owned(),
            masked_pan: masked(&pan_of(request)),
            response_code: code.to_owned(),
            authorisation_code: authorisation_code.clone(),
            state: if code == "00" {
                State::Approved
            } else {
                State::Declined
            },
            times_sent: 1,
        });
        Decided {
            code: code.to_owned(),
            authorisation_code,
            chip_data: chip_answer(request, code),
        }
    }

    /// An approval that the terminal made offline. It is charged, once.
    fn advice(&mut self, request: &Message) -> Message {
        let original = original_of(request);
        if let Some(known) = self.ledger.find(&original) {
            known.times_sent = known.times_sent.saturating_add(1);
        } else if !self.ledger.is_full() {
            self.ledger.authorisations.push(Authorisation {
                original,
                amount_minor: request.number(4).unwrap_or_default(),
                currency: request.text(49).to_owned(),
                masked_pan: masked(&pan_of(request)),
                response_code: request.text(39).to_owned(),
                authorisation_code: None,
                state: State::Advised,
                times_sent: 1,
            });
        } else {
            return answer_to(request, "96");
        }
        answer_to(request, "00")
    }

    /// A reversal: accepted, whatever it reverses. What has not come yet is refused when it comes.
    fn reversal(&mut self, request: &Message) -> Message {
        let Some(original) = reversed_by(request) else {
            return answer_to(request, "30");
        };
        if let Some(known) = self.ledger.find(&original) {
            if matches!(known.state, State::Approved | State::Advised) {
                known.state = State::Reversed;
            }
        } else if !self.ledger.reversed_before.contains(&original) {
            if self.ledger.is_full() {
                return answer_to(request, "96");
            }
            self.ledger.reversed_before.push(original);
        }
        answer_to(request, "00")
    }

    /// Totals: 95 when they differ from the ledger's (field 76 debits, 88 their sum).
    fn reconciliation(&mut self, request: &Message) -> Message {
        let terminal = request.text(41);
        let (count, sum) = self
            .ledger
            .charged()
            .filter(|each| each.original.terminal_id == terminal)
            .fold((0_u64, 0_u64), |(count, sum), each| {
                (
                    count.saturating_add(1),
                    sum.saturating_add(each.amount_minor),
                )
            });
        let balanced = request.number(76) == Some(count) && request.number(88) == Some(sum);
        let mut answer = answer_to(request, if balanced { "00" } else { "95" });
        answer.set(66, if balanced { "1" } else { "2" });
        answer
    }

    fn next_code(&mut self) -> String {
        self.codes = self.codes.wrapping_add(1);
        format!("T{:05}", self.codes % 100_000)
    }
}

struct Decided {
    code: String,
    authorisation_code: Option<String>,
    chip_data: Vec<u8>,
}

impl Decided {
    fn refused(code: &str) -> Self {
        Self {
            code: code.to_owned(),
            authorisation_code: None,
            chip_data: Vec::new(),
        }
    }
}

/// The issuer's decision on a request that is new.
fn judge(request: &Message, amount: u64) -> &'static str {
    let pan = pan_of(request);
    let Some(issuer) = Issuer::for_pan(&pan) else {
        return "14";
    };
    let Some(expiry) = request.bytes(14) else {
        return "30";
    };
    if expiry != issuer.expiry().as_bytes() || is_past(request, issuer.expiry()) {
        return "54";
    }
    let Some(elements) = request.bytes(55).and_then(chip_data::parse) else {
        return "30";
    };
    if !amounts_agree(&elements, amount) {
        return "13";
    }
    if !issuer.verify_cryptogram(&elements) {
        return "05";
    }
    // The issuer alone knows the PIN; it answers whether the one in the block is right.
    if let Some(false) = right_pin(request, &pan) {
        return "55";
    }
    amounts::response_code(amount)
}

/// Whether the PIN block holds the cardholder's PIN; `None` without one.
fn right_pin(request: &Message, pan: &str) -> Option<bool> {
    let issuer = Issuer::for_pan(pan)?;
    let right = virtual_card::catalogue()
        .iter()
        .find(|card| issuer.pin_matches(card.pin))?;
    security::pin_is_right(request, pan, right.pin)
}

/// Whether the month of an expiry date (`2812`) lies before the month of the request (field 13, and
/// the year of this computer's clock, since a message carries none).
fn is_past(request: &Message, expiry: &str) -> bool {
    let year = jiff::Zoned::now().year() % 100;
    let month = request.text(13).get(..2).unwrap_or_default();
    expiry < format!("{year:02}{month}").as_str()
}

/// Whether the amount the card saw (tag 9F02) is the one that is asked for.
fn amounts_agree(elements: &BTreeMap<u32, Vec<u8>>, amount: u64) -> bool {
    elements.get(&0x9F02).is_some_and(|seen| {
        let digits: String = seen.iter().map(|byte| format!("{byte:02X}")).collect();
        digits.parse() == Ok(amount)
    })
}

/// Field 55 of the answer: issuer authentication data, and scripts for the cards that get them.
fn chip_answer(request: &Message, code: &str) -> Vec<u8> {
    let elements = request.bytes(55).and_then(chip_data::parse);
    let issuer = Issuer::for_pan(&pan_of(request));
    let arc = code.as_bytes().first_chunk::<2>().copied();
    let (Some(elements), Some(issuer), Some(arc)) = (elements, issuer, arc) else {
        return Vec::new();
    };
    let mut data = chip_data::element(0x91, &issuer.authentication_data(&elements, arc));
    data.extend(issuer.scripts(&elements, arc));
    data
}

/// The answer to a request, with everything that is echoed and its response code.
fn answer_to(request: &Message, code: &str) -> Message {
    // Request 0200 and its repeat 0201 are answered by 0210.
    let mut answer = Message::new((request.kind / 10 * 10).saturating_add(10));
    for field in ECHOED.into_iter().chain([37, 70]) {
        if let Some(value) = request.bytes(field) {
            answer.set(field, value);
        }
    }
    answer.set(39, code);
    answer
}

fn normal(request: &Message, answer: &Message) -> Reply {
    Reply {
        bytes: security::authenticated(answer, request),
        behaviour: Behaviour::Normal,
    }
}

/// The answer on the wire, spoiled as the behaviour says.
fn spoil(answer: &Message, request: &Message, behaviour: Behaviour) -> Vec<u8> {
    let mut answer = answer.clone();
    match behaviour {
        Behaviour::OtherTraceNumber => {
            let other = request.number(11).unwrap_or_default().saturating_add(1) % 1_000_000;
            answer.set(11, format!("{other:06}"));
        }
        Behaviour::OtherTerminal => answer.set(41, "SOMEBODY"),
        Behaviour::OtherAmount => {
            let other = request.number(4).unwrap_or_default().saturating_add(1);
            answer.set(4, format!("{other:012}"));
        }
        Behaviour::WrongArpc => answer.set(55, chip_data::element(0x91, &[0; 10])),
        Behaviour::NoMac => return answer.encode(),
        Behaviour::Normal
        | Behaviour::Late
        | Behaviour::Never
        | Behaviour::Close
        | Behaviour::Half
        | Behaviour::BrokenMac
        | Behaviour::Garbage
        | Behaviour::TooLong
        | Behaviour::Dribble
        | Behaviour::Refuse => {}
    }
    let mut bytes = security::authenticated(&answer, request);
    if behaviour == Behaviour::BrokenMac
        && let Some(last) = bytes.last_mut()
    {
        *last ^= 1;
    }
    bytes
}

fn original_of(request: &Message) -> Original {
    Original {
        terminal_id: request.text(41).to_owned(),
        trace_number: request.text(11).to_owned(),
        transmitted: request.text(7).to_owned(),
    }
}

/// What a reversal names: field 90 holds message type (4), trace number (6), transmission time (10).
fn reversed_by(request: &Message) -> Option<Original> {
    let original = request.text(90);
    Some(Original {
        terminal_id: request.text(41).to_owned(),
        trace_number: original.get(4..10)?.to_owned(),
        transmitted: original.get(10..20)?.to_owned(),
    })
}

/// The card number: field 2, else the front of track 2.
fn pan_of(request: &Message) -> String {
    let number = request.text(2);
    if number.is_empty() {
        request
            .text(35)
            .split(['=', 'D'])
            .next()
            .unwrap_or_default()
            .to_owned()
    } else {
        number.to_owned()
    }
}

fn masked(pan: &str) -> String {
    let hidden = pan.len().saturating_sub(4);
    pan.chars()
        .enumerate()
        .map(|(at, digit)| if at < hidden { '*' } else { digit })
        .collect()
}
