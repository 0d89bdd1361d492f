//! How far a run came, so that nobody praises laws for what never happened.

use emv::CryptogramType;

use super::play::Command;
use super::stage::{Outcome, Run};

impl Run {
    /// What happened in it, in words: each at most once.
    pub fn reached(&self) -> Vec<&'static str> {
        let cryptograms = self.own(Command::GenerateAc).count();
        let verified = |p2| {
            let verify = |exchange: &&super::bench::Exchange| {
                exchange.name == Command::Verify && exchange.command.get(3) == Some(&p2)
            };
            self.exchanges.iter().any(|exchange| verify(&exchange))
        };
        let traced = |rule: &str, words: &str| {
            let mut events = self.events.iter();
            events.any(|noted| noted.event.rule == rule && noted.event.statement.contains(words))
        };
        let completed = |approved, asked| match self.end.outcome {
            Outcome::Completed(this, _) => this == approved && self.end.asked.is_some() == asked,
            Outcome::Ended(_) => false,
        };
        let facts = [
            ("first GENERATE AC", cryptograms >= 1),
            ("second GENERATE AC", cryptograms == 2),
            (
                "EXTERNAL AUTHENTICATE",
                self.own(Command::ExternalAuthenticate).next().is_some(),
            ),
            ("approved offline", completed(true, false)),
            ("declined offline", completed(false, false)),
            ("approved online", completed(true, true)),
            ("declined online", completed(false, true)),
            ("ended", matches!(self.end.outcome, Outcome::Ended(_))),
            ("reversal", self.end.reversal_required),
            ("plaintext offline PIN", verified(0x80)),
            ("enciphered offline PIN", verified(0x88)),
            ("offline PIN asked again", self.prompts.len() > 1),
            (
                "issuer script",
                self.exchanges.iter().any(|exchange| exchange.scripted),
            ),
            ("CDA passed", traced("ODA-07", "The card signed")),
            ("XDA passed", traced("ODA-08", "The card signed")),
            (
                "AAC",
                self.card.cryptogram_type() == Some(CryptogramType::Aac),
            ),
            ("card identified", self.identity.is_some()),
            (
                "every TVR bit denies",
                cryptograms >= 1 && self.setting.action_codes.first() == Some(&[0xFF; 5]),
            ),
        ];
        let happened = facts.into_iter().filter(|(_, happened)| *happened);
        happened.map(|(name, _)| name).collect()
    }
}
