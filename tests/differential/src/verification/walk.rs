//! What becomes of the rules of a list, one after the other, and the cardholder who is asked.

use std::cell::RefCell;

use emv_rs::contact::cardholder_verification::CvmExecutionResult;
use emv_rs::de::cardholder_verification_method_list::CardholderVerificationMethod as Method;

use super::{Entry, Input, Service};

/// The bits of tag 9F33, byte 2.
const PLAINTEXT_PIN: u8 = 0x80;
const ONLINE_PIN: u8 = 0x40;
const SIGNATURE: u8 = 0x20;
pub(super) const ENCIPHERED_PIN: u8 = 0x10;
const NO_CVM: u8 = 0x08;
pub(super) const ELLIPTIC_PIN: u8 = 0x01;

/// What became of a rule whose condition was met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Succeeded,
    Failed,
    Unsupported,
    Biometric,
    Unrecognised,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    pub(super) rule: [u8; 2],
    pub(super) fate: Fate,
}

/// The rules that the other kernel tries.
pub(super) fn steps(input: &Input) -> Vec<Step> {
    let seen = input.as_they_see_it();
    walk(&seen, &Cardholder::new(&seen.entries))
}

/// The rules whose condition is met, up to the one where verification ends.
pub(super) fn walk(input: &Input, cardholder: &Cardholder<'_>) -> Vec<Step> {
    let mut steps = Vec::new();
    for rule in &input.rules {
        let [code, condition] = *rule;
        let needed = match code & 0x3F {
            0x00 => Ok(0),
            0x01 => Ok(PLAINTEXT_PIN),
            0x02 => Ok(ONLINE_PIN),
            0x03 => Ok(PLAINTEXT_PIN | SIGNATURE),
            0x04 => Ok(ENCIPHERED_PIN),
            0x05 => Ok(ENCIPHERED_PIN | SIGNATURE),
            0x1E => Ok(SIGNATURE),
            0x1F => Ok(NO_CVM),
            0x06..=0x0F => Err(Fate::Biometric),
            _ => Err(Fate::Unrecognised),
        };
        let [_, methods, _] = input.capabilities;
        let supported = needed.is_ok_and(|needed| methods & needed == needed);
        if !condition_met(input, condition, supported) {
            continue;
        }
        let fate = match needed {
            Err(fate) => fate,
            Ok(_) if !supported => Fate::Unsupported,
            Ok(0) => Fate::Failed,
            Ok(_) => match cardholder.perform(Method::from_code(code)) {
                CvmExecutionResult::Successful | CvmExecutionResult::Unknown => Fate::Succeeded,
                _ => Fate::Failed,
            },
        };
        steps.push(Step { rule: *rule, fate });
        if fate == Fate::Succeeded || code & 0x40 == 0 || needed == Ok(0) {
            break;
        }
    }
    steps
}

fn condition_met(input: &Input, condition: u8, supported: bool) -> bool {
    let [x, y] = input.amounts.map(u64::from);
    let in_currency = input.in_application_currency;
    match condition {
        0x00 => true,
        0x01 => input.service == Service::UnattendedCash,
        0x02 => input.service == Service::Other,
        0x03 => supported,
        0x04 => input.service == Service::ManualCash,
        0x05 => input.service == Service::Cashback,
        0x06 => in_currency && input.amount < x,
        0x07 => in_currency && input.amount > x,
        0x08 => in_currency && input.amount < y,
        0x09 => in_currency && input.amount > y,
        _ => false,
    }
}

/// The cardholder. What is done for each method is what their flow does.
pub(super) struct Cardholder<'a> {
    entries: &'a [Entry],
    /// What came of each PIN entry.
    pub(super) attempts: RefCell<Vec<Entry>>,
}

impl<'a> Cardholder<'a> {
    pub(super) const fn new(entries: &'a [Entry]) -> Self {
        Self {
            entries,
            attempts: RefCell::new(Vec::new()),
        }
    }

    pub(super) fn perform(&self, method: Method) -> CvmExecutionResult {
        let bypassed = self.attempts.borrow().contains(&Entry::Bypassed);
        let exhausted = self.attempts.borrow().contains(&Entry::TryLimit);
        match method {
            Method::NoCvmRequired => CvmExecutionResult::Successful,
            Method::Signature => CvmExecutionResult::Unknown,
            // A PIN that was bypassed counts as bypassed for later rules too.
            _ if bypassed => CvmExecutionResult::PinEntryBypassed,
            Method::EncipheredPinVerifiedOnline => match self.enter() {
                // The terminal cannot know whether it is right.
                Entry::Wrong | Entry::TryLimit => self.attempt(Entry::Right),
                entry => self.attempt(entry),
            },
            // A card whose tries are used up is not tried again.
            _ if exhausted => CvmExecutionResult::PinTryLimitExceeded,
            _ => self.attempt(self.enter()),
        }
    }

    /// The next entry.
    fn enter(&self) -> Entry {
        let asked = self.attempts.borrow().len();
        let entry = self.entries.get(asked).or(self.entries.last());
        *entry.expect("an entry")
    }

    fn attempt(&self, entry: Entry) -> CvmExecutionResult {
        self.attempts.borrow_mut().push(entry);
        match entry {
            Entry::Right => CvmExecutionResult::Successful,
            Entry::Wrong => CvmExecutionResult::Failed,
            Entry::TryLimit => CvmExecutionResult::PinTryLimitExceeded,
            Entry::PinPadBroken => CvmExecutionResult::PinPadNotWorkingOrAbsent,
            Entry::Bypassed => CvmExecutionResult::PinEntryBypassed,
        }
    }
}
