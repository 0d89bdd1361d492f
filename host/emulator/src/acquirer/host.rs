//! What the acquirer decides: one message in, one answer out, no socket and no clock.

use super::{
    authorise::{self, Verdict},
    behaviour::{self, Behaviour, Conduct},
    codec::{self, Message},
    faults,
    fields::number as field,
    issuers::Issuers,
    kind::Kind,
    ledger::{Entry, Ledger, State, TransactionKey},
    security::MacKeys,
    service::Service,
};
use crate::keys;

/// The acquirer's books.
#[derive(Debug, Default)]
pub(super) struct Host {
    pub(super) ledger: Ledger,
    pub(super) issuers: Issuers,
    authorisations: u32,
}

/// An answer, and how it is given.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reply {
    /// The message with its code. `None`: the request cannot be answered.
    pub(super) bytes: Option<Vec<u8>>,
    /// How it is given.
    pub(super) behaviour: Behaviour,
}

impl Host {
    /// Answers one message. What is set takes the place of what the amount asks for.
    ///
    /// What cannot be read, is of a type an acquirer does not answer, or bears a wrong code gets no
    /// answer and changes nothing. An answer with a right code to a message with a wrong one would let
    /// whoever sits on the line make the terminal believe in a decline.
    pub(super) fn answer(&mut self, bytes: &[u8], set: Conduct) -> Reply {
        let reply = |bytes, behaviour| Reply { bytes, behaviour };
        let authentic = read(bytes).filter(|(_, _, authentic)| *authentic);
        let known = authentic.and_then(|(message, keys, _)| {
            Kind::of(message.message_type).map(|kind| (message, keys, kind))
        });
        let Some((message, keys, kind)) = known else {
            self.ledger.count_refused();
            return reply(None, Behaviour::Normal);
        };
        let mut answer = answer_to(&message, kind);
        let mut behaviour = set.behaviour;
        self.ledger.count_message(message.type_digits());
        self.decide(kind, &message, &mut answer, set);
        if behaviour == Behaviour::Normal && kind == Kind::Request {
            let amount = message.number(field::AMOUNT).unwrap_or_default();
            behaviour = behaviour::behaviour_for(amount);
        }
        reply(Some(faults::encode(answer, &keys, behaviour)), behaviour)
    }

    fn decide(&mut self, kind: Kind, message: &Message, answer: &mut Message, set: Conduct) {
        let missing = kind
            .mandatory()
            .iter()
            .any(|number| message.field(*number).is_none());
        let key = key_of(message);
        let (Some(key), false) = (key, missing) else {
            // ISO 8583:1987, field 39: 30 is a format error.
            answer.set(field::RESPONSE_CODE, "30");
            return;
        };
        match kind {
            Kind::Request => self.authorise(key, message, answer, set),
            Kind::Advice => self.advise(key, message, answer),
            Kind::Reversal => self.reverse(&key, message, answer),
            Kind::Upload => self.take_up(message, answer),
            Kind::Reconciliation | Kind::Closing => {
                self.reconcile(kind, message, answer, set.behaviour);
            }
            Kind::Network => {
                // Sign-on, sign-off and echo.
                let known = matches!(
                    message.text(field::NETWORK_CODE),
                    Some("001" | "002" | "301")
                );
                answer.set(field::RESPONSE_CODE, if known { "00" } else { "12" });
            }
        }
    }

    /// 0100 and 0200. A transaction that is known already is answered as before and not charged
    /// again; one that was reversed before it came is refused.
    fn authorise(
        &mut self,
        key: TransactionKey,
        message: &Message,
        answer: &mut Message,
        set: Conduct,
    ) {
        let known = self
            .ledger
            .entry(&key)
            .map(|known| repeated(known, message));
        let is_known = known.is_some();
        let service = Service::of(message);
        let verdict = known.unwrap_or_else(|| {
            let code = if service.refers() {
                self.response_code(service, &key, message, set)
            } else {
                authorise::response_code(&self.issuers, message, set)
            };
            Verdict {
                authorisation_code: behaviour::approves(&code)
                    .then(|| self.next_authorisation_code()),
                code,
            }
        });
        let state = if behaviour::approves(&verdict.code) {
            State::Approved
        } else {
            State::Declined
        };
        if !is_known && !self.record(key, message, state, &verdict) {
            answer.set(field::RESPONSE_CODE, "96");
            return;
        }
        if service == Service::BalanceInquiry && verdict.code == "00" {
            answer.set(field::ADDITIONAL_AMOUNTS, authorise::balance(message));
        }
        answer.set(field::RESPONSE_CODE, &verdict.code);
        if verdict.code == behaviour::PART_APPROVED {
            let part = granted(message, &verdict.code);
            answer.set(field::AMOUNT, format!("{part:012}"));
        }
        if let Some(code) = &verdict.authorisation_code {
            answer.set(field::AUTHORISATION_CODE, code);
        }
        let chip_data = authorise::issuer_data(&self.issuers, message, &verdict.code);
        if !chip_data.is_empty() {
            answer.set(field::CHIP_DATA, chip_data);
        }
    }

    /// Field 39 for a void or a completion: 12 when there is no such transaction, or it cannot be
    /// undone or completed any more; 13 when the amount does not fit; then the amount decides.
    fn response_code(
        &self,
        service: Service,
        key: &TransactionKey,
        message: &Message,
        set: Conduct,
    ) -> String {
        let original =
            original_of(message, &key.terminal_id).and_then(|name| self.ledger.entry(&name));
        let amount = message.number(field::AMOUNT).unwrap_or_default();
        let pan = message.text(field::PAN).map(authorise::masked);
        let Some(original) = original.filter(|known| {
            matches!(known.state, State::Approved | State::Advised)
                && pan.as_deref() == Some(known.masked_pan.as_str())
        }) else {
            return "12".to_owned();
        };
        let fits = match (service, original.service) {
            (Service::PreAuthComplete, Service::PreAuth) => amount <= original.amount_minor,
            (Service::Void, Service::PreAuth) => amount == original.amount_minor,
            (Service::Void, Service::Sale | Service::PreAuthComplete) if !original.settled => {
                amount == original.amount_minor
            }
            _ => return "12".to_owned(),
        };
        if fits {
            behaviour::response_code_for(amount, set)
        } else {
            "13".to_owned()
        }
    }

    /// Records a transaction, and what it makes of the one that it refers to.
    fn record(
        &mut self,
        key: TransactionKey,
        message: &Message,
        state: State,
        verdict: &Verdict,
    ) -> bool {
        let mut new = entry(message, state, verdict);
        let refers = new.service.refers() && state == State::Approved;
        if let Some(original) = original_of(message, &key.terminal_id).filter(|_| refers)
            && let Some(replaced) = self.ledger.entry_mut(&original)
        {
            new.replaces = Some((original, replaced.state));
            replaced.state = State::Replaced;
        }
        self.ledger.record(key, new)
    }

    /// 0220: what was decided already is accepted. An advice of a transaction whose request came
    /// too is the same transaction, charged once.
    fn advise(&mut self, key: TransactionKey, message: &Message, answer: &mut Message) {
        let verdict = Verdict {
            code: "00".to_owned(),
            authorisation_code: None,
        };
        let accepted = match self.ledger.entry(&key).map(|known| known.state) {
            // Reversed before it came: the reversal was the later decision.
            Some(State::Reversed | State::Advised | State::Replaced) => true,
            Some(State::Approved | State::Declined) | None => self
                .ledger
                .record(key, entry(message, State::Advised, &verdict)),
        };
        answer.set(field::RESPONSE_CODE, if accepted { "00" } else { "96" });
    }

    /// 0400 and 0420. What was never seen is accepted too, and remembered, so that it is refused
    /// should it still come.
    fn reverse(&mut self, key: &TransactionKey, message: &Message, answer: &mut Message) {
        let Some(original) = original_of(message, &key.terminal_id) else {
            answer.set(field::RESPONSE_CODE, "30");
            return;
        };
        let remaining = message
            .text(field::REPLACEMENT_AMOUNTS)
            .and_then(|amounts| amounts.get(..12))
            .and_then(|amount| amount.parse::<u64>().ok())
            .filter(|amount| *amount > 0);
        let accepted = match (self.ledger.entry_mut(&original), remaining) {
            (Some(known), Some(remaining)) => {
                let fits = remaining <= known.amount_minor;
                if fits {
                    known.amount_minor = remaining;
                }
                fits
            }
            (Some(known), None) => {
                if known.state != State::Declined {
                    known.state = State::Reversed;
                }
                if let Some((replaced, before)) = known.replaces.take()
                    && let Some(replaced) = self.ledger.entry_mut(&replaced)
                {
                    replaced.state = before;
                }
                true
            }
            (None, _) => {
                let verdict = Verdict {
                    code: "12".to_owned(),
                    authorisation_code: None,
                };
                let mut unknown = entry(message, State::Reversed, &verdict);
                unknown.trace_number.clone_from(&original.trace_number);
                unknown.transmitted.clone_from(&original.transmitted);
                if !self.ledger.record(original, unknown) {
                    answer.set(field::RESPONSE_CODE, "96");
                    return;
                }
                true
            }
        };
        answer.set(field::RESPONSE_CODE, if accepted { "00" } else { "13" });
    }

    fn next_authorisation_code(&mut self) -> String {
        self.authorisations = self.authorisations.checked_add(1).unwrap_or_default();
        let six_digits = self
            .authorisations
            .checked_rem(1_000_000)
            .unwrap_or_default();
        format!("{six_digits:06}")
    }
}

/// The message, its keys, and whether its code is right. `None` when it is no message, or names no
/// key.
fn read(bytes: &[u8]) -> Option<(Message, MacKeys, bool)> {
    let received = match codec::decode(bytes) {
        Ok(received) => received,
        Err(error) => {
            tracing::warn!(%error, "a message cannot be read");
            return None;
        }
    };
    let message = received.message;
    let serial_number = message.field(field::MAC_KEY_SERIAL_NUMBER)?;
    let keys = MacKeys::of(&keys::MAC_BASE_DERIVATION_KEY, serial_number)?;
    let authenticated = bytes.get(received.authenticated)?;
    let code = message.field(message.mac_field())?;
    let authentic = keys.verifies(authenticated, code);
    Some((message, keys, authentic))
}

fn answer_to(message: &Message, kind: Kind) -> Message {
    // A repeat is answered as the original is (ISO 8583:1987, 4.1.4).
    let original = message.message_type & !1;
    let mut answer = Message::new(original.saturating_add(10));
    for number in kind.echoed() {
        answer.copy(*number, message);
    }
    answer
}

/// How a transaction that is known already is answered.
fn repeated(known: &Entry, message: &Message) -> Verdict {
    let same = granted(message, &known.response_code) == known.amount_minor
        && message.text(field::PAN).map(authorise::masked).as_deref()
            == Some(known.masked_pan.as_str());
    let refused = |code: &str| Verdict {
        code: code.to_owned(),
        authorisation_code: None,
    };
    match known.state {
        State::Reversed => refused("12"),
        // The same names for something else: a terminal that lost count.
        _ if !same => refused("94"),
        State::Approved | State::Declined | State::Advised | State::Replaced => Verdict {
            code: known.response_code.clone(),
            authorisation_code: known.authorisation_code.clone(),
        },
    }
}

fn key_of(message: &Message) -> Option<TransactionKey> {
    Some(TransactionKey {
        terminal_id: message.text(field::TERMINAL_ID)?.to_owned(),
        trace_number: message.text(field::TRACE_NUMBER)?.to_owned(),
        transmitted: message.text(field::TRANSMISSION_TIME)?.to_owned(),
    })
}

/// Field 90: message type, trace number, transmission time, two institutions
/// (ISO 8583:1987, 4.4, field 90).
pub(super) fn original_of(message: &Message, terminal_id: &str) -> Option<TransactionKey> {
    let original = message.text(field::ORIGINAL_DATA)?;
    Some(TransactionKey {
        terminal_id: terminal_id.to_owned(),
        trace_number: original.get(4..10)?.to_owned(),
        transmitted: original.get(10..20)?.to_owned(),
    })
}

/// The amount that an answer with this code is about: the part that was approved, or the whole.
fn granted(message: &Message, code: &str) -> u64 {
    let asked = message.number(field::AMOUNT).unwrap_or_default();
    if code == behaviour::PART_APPROVED {
        behaviour::part_of(asked)
    } else {
        asked
    }
}

pub(super) fn entry(message: &Message, state: State, verdict: &Verdict) -> Entry {
    let text = |number| message.text(number).unwrap_or_default().to_owned();
    Entry {
        terminal_id: text(field::TERMINAL_ID),
        trace_number: text(field::TRACE_NUMBER),
        transmitted: text(field::TRANSMISSION_TIME),
        retrieval_reference: message.text(field::RETRIEVAL_REFERENCE).map(str::to_owned),
        masked_pan: message
            .text(field::PAN)
            .map(authorise::masked)
            .unwrap_or_default(),
        amount_minor: granted(message, &verdict.code),
        service: Service::of(message),
        batch: text(field::BATCH),
        currency: text(field::CURRENCY),
        state,
        response_code: verdict.code.clone(),
        authorisation_code: verdict.authorisation_code.clone(),
        settled: false,
        uploaded: false,
        replaces: None,
    }
}
