//! What holds of every transaction, whatever card, cardholder and issuer do.
//!
//! The laws look at what the kernel sends, asks, traces and answers, and know nothing of its inside.

use emv::bits::Tvr;
use emv::dol::Dol;
use emv::{CryptogramType, Tag, tag, tlv};

use super::bench::Exchange;
use super::play::{Command, Word};
use super::stage::{Outcome, Run};
use crate::input::hexadecimal;

/// A law: its name, and what is wrong with a run.
type Law = (&'static str, fn(&Run) -> Result<(), String>);

/// All laws.
const LAWS: [Law; 14] = [
    ("there is one outcome", one_outcome),
    (
        "nothing is sent after the outcome",
        nothing_after_the_outcome,
    ),
    ("at most two GENERATE AC", two_cryptograms),
    (
        "at most one EXTERNAL AUTHENTICATE",
        one_external_authenticate,
    ),
    (
        "one GET PROCESSING OPTIONS for each selection",
        one_initiation,
    ),
    ("a TVR bit once set stays set", tvr_only_grows),
    ("an AAC is never an approval", approvals_have_a_certificate),
    ("what the issuer declines stays declined", issuer_is_obeyed),
    (
        "all action codes for denial, and nothing is in order",
        denial_is_final,
    ),
    ("no PIN try without a try left", pin_tries_end),
    (
        "no more PIN tries than the card has",
        pin_tries_are_the_cards,
    ),
    (
        "a signature that was asked for is there",
        signatures_are_there,
    ),
    ("no card number in the trace", no_number_is_shown),
    ("everything is bounded", bounded),
];

/// The most commands of the kernel in one transaction.
const COMMANDS_MAX: usize = 256;

/// The most times that anyone is asked for an offline PIN: what tag 9F17 and 63Cx can count, and
/// one more.
const PROMPTS_MAX: usize = 16;

/// The most lines of a trace.
const EVENTS_MAX: usize = 1024;

impl Run {
    /// The laws that this run breaks, each with what is wrong.
    pub fn broken_laws(&self) -> Vec<String> {
        let broken = LAWS.iter().filter_map(|(name, law)| {
            let what = law(self).err()?;
            Some(format!("{name}: {what}"))
        });
        broken.collect()
    }

    /// What a kernel sends by itself: not the keypad's commands, nor the issuer's.
    pub(super) fn own(&self, name: Command) -> impl Iterator<Item = (usize, &Exchange)> {
        let exchanges = self.exchanges.iter().enumerate();
        exchanges.filter(move |(_, exchange)| {
            exchange.name == name && !exchange.scripted && !exchange.keypad
        })
    }

    fn approved(&self) -> bool {
        matches!(self.end.outcome, Outcome::Completed(true, _))
    }
}

fn holds(condition: bool, what: impl FnOnce() -> String) -> Result<(), String> {
    if condition { Ok(()) } else { Err(what()) }
}

fn one_outcome(run: &Run) -> Result<(), String> {
    let outcomes = run
        .events
        .iter()
        .filter(|noted| noted.event.rule == "CMP-01");
    holds(outcomes.count() <= 1, || {
        "two of them in the trace".to_owned()
    })?;
    let end = &run.end;
    let issuer_approved = end.asked == Some(Word::Approves);
    let right = match end.outcome {
        Outcome::Completed(true, declined_by) => declined_by.is_none() && !end.reversal_required,
        Outcome::Completed(false, declined_by) => {
            declined_by.is_some() && end.reversal_required == issuer_approved
        }
        Outcome::Ended(_) => end.reversal_required == issuer_approved,
    };
    holds(right, || format!("{end:?}"))
}

fn nothing_after_the_outcome(run: &Run) -> Result<(), String> {
    run.sent_after
        .map_or(Ok(()), |what| Err(format!("a command after {what}")))
}

fn two_cryptograms(run: &Run) -> Result<(), String> {
    let count = run.own(Command::GenerateAc).count();
    holds(count <= 2, || format!("{count} of them"))
}

fn one_external_authenticate(run: &Run) -> Result<(), String> {
    let sent: Vec<usize> = run.own(Command::ExternalAuthenticate).map(first).collect();
    holds(sent.len() <= 1, || format!("{} of them", sent.len()))?;
    let cryptograms: Vec<usize> = run.own(Command::GenerateAc).map(first).collect();
    let between = |at: &usize| match cryptograms.as_slice() {
        [] => false,
        [one] => one < at,
        [one, rest @ ..] => one < at && rest.iter().all(|other| at < other),
    };
    holds(sent.iter().all(between), || "not between them".to_owned())
}

fn first<T>((position, _): (usize, T)) -> usize {
    position
}

fn one_initiation(run: &Run) -> Result<(), String> {
    let mut allowed = false;
    for exchange in run.exchanges.iter().filter(|one| !one.scripted) {
        if exchange.name == Command::Select {
            allowed = true;
        } else if exchange.name == Command::GetProcessingOptions {
            holds(allowed, || "a second one".to_owned())?;
            allowed = false;
        }
    }
    Ok(())
}

/// In the trace, in what the card is told, and in the end. The last application selected counts.
fn tvr_only_grows(run: &Run) -> Result<(), String> {
    let selected =
        |noted: &&super::bench::Noted| noted.event.statement != "The application was selected.";
    let events = run.events.iter().rev().take_while(selected);
    let shown = events.filter_map(|noted| {
        let elements = noted.event.elements.iter();
        let (_, value) = elements.clone().find(|(tag, _)| *tag == tag::TVR)?;
        Some((noted.after.saturating_mul(2), parse_tvr(value)?))
    });
    let mut shown: Vec<(usize, Tvr)> = shown.collect();
    shown.reverse();
    let told = told_tvr(run).into_iter();
    // A command comes after the lines that were written before it.
    shown.extend(told.map(|(at, tvr)| (at.saturating_mul(2).saturating_add(1), tvr)));
    shown.sort_by_key(|(at, _)| *at);
    shown.push((usize::MAX, run.card.tvr()));
    let mut known = Tvr::empty();
    for (_, tvr) in shown {
        holds(tvr.contains(known), || {
            format!("{known:?} and then {tvr:?}")
        })?;
        known = tvr;
    }
    Ok(())
}

/// The TVR that the card is told with each GENERATE AC, when it asks for it.
fn told_tvr(run: &Run) -> Vec<(usize, Tvr)> {
    let lists = [tag::CDOL1, tag::CDOL2];
    run.own(Command::GenerateAc)
        .zip(lists)
        .filter_map(|((at, exchange), list)| {
            let list = Dol::parse(run.card.value(list)?).ok()?;
            Some((at, parse_tvr(told(&list, &exchange.command, tag::TVR)?)?))
        })
        .collect()
}

/// What a command tells the card of an element.
fn told<'a>(list: &Dol, command: &'a [u8], tag: Tag) -> Option<&'a [u8]> {
    let entries = list.entries().iter();
    let before = entries.take_while(|(other, _)| *other != tag);
    let offset: usize = before.map(|(_, length)| usize::from(*length)).sum();
    let (_, length) = list.entries().iter().find(|(other, _)| *other == tag)?;
    // Five bytes of header come before.
    command.get(5..)?.get(offset..)?.get(..usize::from(*length))
}

fn parse_tvr(bytes: &[u8]) -> Option<Tvr> {
    bytes.try_into().ok().map(Tvr::from_bytes)
}

/// EMV 4.4 Book 3, 9.3: a TC that was asked for, last.
fn approvals_have_a_certificate(run: &Run) -> Result<(), String> {
    if !run.approved() {
        return Ok(());
    }
    let last = run.own(Command::GenerateAc).last();
    let (_, last) = last.ok_or("approved without a cryptogram")?;
    let asked = last
        .command
        .get(2)
        .and_then(|control| CryptogramType::from_cid(*control));
    let given = last.answer.as_deref().and_then(cryptogram_type);
    let both = [asked, given];
    holds(both == [Some(CryptogramType::Tc); 2], || {
        format!("{both:?}")
    })
}

/// Tag 9F27 of an answer to GENERATE AC, by this file's own reading (EMV 4.4 Book 3, 6.5.5.4).
fn cryptogram_type(answer: &[u8]) -> Option<CryptogramType> {
    let (data, [0x90, 0x00]) = answer.split_last_chunk::<2>()? else {
        return None;
    };
    let (template, _) = tlv::object(data).ok()?;
    let information = match template.tag.number() {
        0x80 => template.value.first()?,
        0x77 => {
            let objects = tlv::primitives(template.value).ok()?;
            let own = |object: &&tlv::Object<'_>| object.tag.number() == 0x9F27;
            objects.iter().find(own)?.value.first()?
        }
        _ => return None,
    };
    CryptogramType::from_cid(*information)
}

fn issuer_is_obeyed(run: &Run) -> Result<(), String> {
    let declined = run.end.asked == Some(Word::Declines);
    holds(!declined || !run.approved(), || "approved".to_owned())
}

/// Where every TVR bit denies, a transaction with any bit set ends with the first AAC asked for. A
/// terminal without keys never has none set: no card can prove to it who it is.
fn denial_is_final(run: &Run) -> Result<(), String> {
    let [denial, _, _] = run.setting.action_codes;
    if denial != [0xFF; 5] {
        return Ok(());
    }
    let asked = run.own(Command::GenerateAc).next();
    let asked = asked.and_then(|(_, exchange)| exchange.command.get(2).copied());
    let decided = asked.is_some_and(|control| control & 0xC0 != 0);
    if run.setting.has(super::Setting::NO_KEYS) {
        holds(!decided && !run.approved(), || {
            "no card was authenticated".to_owned()
        })?;
    }
    match told_tvr(run).first() {
        Some((_, tvr)) if !tvr.is_empty() => holds(!decided, || format!("{tvr:?}")),
        Some(_) | None => Ok(()),
    }
}

/// EMV 4.4 Book 3, 10.5.1: once the card said that no try is left, nobody is asked for its PIN.
fn pin_tries_end(run: &Run) -> Result<(), String> {
    let mut left = None;
    let mut at = 0;
    for prompt in &run.prompts {
        for exchange in run.exchanges.iter().take(prompt.after).skip(at) {
            left = tries_left(exchange).or(left);
        }
        at = prompt.after;
        holds(left != Some(0), || "asked when none was left".to_owned())?;
    }
    Ok(())
}

/// The tries left, when this answer tells (EMV 4.4 Book 3, 6.5.7 and 6.5.12).
fn tries_left(exchange: &Exchange) -> Option<u8> {
    let answer = exchange.answer.as_deref()?;
    match (exchange.name, answer) {
        (Command::GetData, [0x9F, 0x17, 0x01, tries, 0x90, 0x00]) => Some(*tries),
        (Command::Verify, [.., 0x63, tries @ 0xC0..=0xCF]) => Some(tries & 0x0F),
        (Command::Verify, [.., 0x69, 0x83 | 0x84]) => Some(0),
        _ => None,
    }
}

/// A card that tells the truth is never given more PINs than it first had tries, and no card more
/// than a counter can hold.
fn pin_tries_are_the_cards(run: &Run) -> Result<(), String> {
    let prompts = run.prompts.len();
    holds(prompts <= PROMPTS_MAX, || {
        format!("{prompts} PINs asked for")
    })?;
    let first = run.exchanges.iter().find_map(tries_left);
    let spent = run.prompts.iter().filter(|prompt| prompt.spent).count();
    let allowed = first.map_or(PROMPTS_MAX, usize::from);
    holds(!run.own_pin_answers || spent <= allowed, || {
        format!("{spent} PINs given to a card with {allowed} tries")
    })
}

/// EMV 4.4 Book 4, 6.3.2.1 and 6.3.2.2: unless the issuer decided, an approval that was to be signed
/// is signed, and the trace says so.
fn signatures_are_there(run: &Run) -> Result<(), String> {
    let last = run.own(Command::GenerateAc).last();
    let asked = last.and_then(|(_, exchange)| exchange.command.get(2).copied());
    let signed = asked.is_some_and(|control| control & 0x18 != 0);
    let alone = !matches!(run.end.asked, Some(Word::Approves));
    if !(run.approved() && signed && alone) {
        return Ok(());
    }
    let mut answer = last.and_then(|(_, exchange)| exchange.answer.as_deref());
    let found = answer.take().is_some_and(|answer| {
        let objects = answer.split_last_chunk::<2>().map(|(data, _)| data);
        let template = objects.and_then(|data| tlv::object(data).ok());
        template.is_some_and(|(template, _)| {
            tlv::find(template.value, tag::SIGNED_DYNAMIC_APPLICATION_DATA).is_some()
        })
    });
    holds(found, || "there is none".to_owned())
}

fn no_number_is_shown(run: &Run) -> Result<(), String> {
    let Some(identity) = &run.identity else {
        return Ok(());
    };
    let digits = String::from_utf8_lossy(identity.pan.digits()).into_owned();
    for noted in &run.events {
        for (tag, value) in &noted.event.elements {
            let text = hexadecimal(value);
            // What a card was made to say in the place of something else is not known for a number.
            let known = *tag == tag::PAN || run.own_records;
            holds(!known || !text.contains(&digits), || {
                format!("{tag} in the trace")
            })?;
        }
    }
    holds(!run.shown.contains(&digits), || {
        "in what Debug shows".to_owned()
    })
}

fn bounded(run: &Run) -> Result<(), String> {
    let commands = run.exchanges.iter().filter(|one| !one.keypad).count();
    holds(commands <= COMMANDS_MAX, || format!("{commands} commands"))?;
    let events = run.events.len();
    holds(events <= EVENTS_MAX, || {
        format!("{events} lines of the trace")
    })?;
    let offered = run.offered;
    holds(offered <= 16, || format!("{offered} applications offered"))?;
    let long = |exchange: &Exchange| exchange.command.len() > 261;
    holds(!run.exchanges.iter().any(long), || {
        "a long command".to_owned()
    })
}
