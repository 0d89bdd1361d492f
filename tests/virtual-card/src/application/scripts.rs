//! Script commands of the issuer, each with a MAC (EMV 4.4 Book 2, 9; Book 3, 6.5 and 10.10).

use super::{Application, FirstCryptogram, Phase, Transaction};
use crate::apdu::{Command, Outcome, Status};
use crate::authorization::script_mac;
use crate::cryptogram::{Block, equal};
use crate::verification::IssuerAuthentication;

/// Bytes of the MAC at the end of the data.
const MAC_LENGTH: usize = 8;

/// Data objects that PUT DATA may change: the consecutive offline limits. None of them is signed.
const WRITABLE: [u32; 2] = [0x9F14, 0x9F23];

impl Application {
    /// Checks the MAC of a script command, and executes it.
    pub(super) fn script_command(&mut self, command: &Command<'_>) -> Outcome {
        let Some((transaction, first)) = self.phase.online() else {
            return Err(Status::CONDITIONS_NOT_SATISFIED);
        };
        if first.issuer_authentication == IssuerAuthentication::Failed {
            return Err(Status::CONDITIONS_NOT_SATISFIED);
        }
        let (arqc, nth) = (first.arqc, transaction.scripts);
        // More than the card can count would let a MAC be used twice.
        transaction.scripts = nth.checked_add(1).ok_or(Status::CONDITIONS_NOT_SATISFIED)?;
        let result = self
            .authentic(command, arqc, nth)
            .and_then(|data| self.execute(command, data, arqc, nth));
        if let (Err(_), Some((transaction, _))) = (result, self.phase.online()) {
            transaction.script_failed = true;
        }
        result.map(|()| Vec::new())
    }

    /// The data before the MAC. Fails with 6987 when there is none, with 6988 when it is wrong.
    fn authentic<'a>(
        &self,
        command: &Command<'a>,
        arqc: Block,
        nth: u8,
    ) -> Result<&'a [u8], Status> {
        let at = command.data.len().checked_sub(MAC_LENGTH);
        let at = at.ok_or(Status::SECURE_MESSAGING_MISSING)?;
        let (data, mac) = command
            .data
            .split_at_checked(at)
            .ok_or(Status::WRONG_LENGTH)?;
        let length = u8::try_from(command.data.len()).map_err(|_| Status::WRONG_LENGTH)?;
        let header = [
            command.class,
            command.instruction,
            command.p1,
            command.p2,
            length,
        ];
        let counter = self.counter.to_be_bytes();
        let version = self.issued.data.cryptogram;
        let key = version.script_key(&self.issued.keys.script_mac, (arqc, counter), nth);
        let expected = script_mac(&key, header, counter, data);
        if equal(&expected, mac) {
            Ok(data)
        } else {
            Err(Status::SECURE_MESSAGING_WRONG)
        }
    }

    fn execute(
        &mut self,
        command: &Command<'_>,
        data: &[u8],
        arqc: Block,
        nth: u8,
    ) -> Result<(), Status> {
        match command.instruction {
            // APPLICATION BLOCK and UNBLOCK (EMV 4.4 Book 3, 6.5.1 and 6.5.2).
            0x1E | 0x18 => {
                command.expect_parameters(0, 0)?;
                command.expect_length(MAC_LENGTH)?;
                self.blocked = command.instruction == 0x1E;
                Ok(())
            }
            // PIN CHANGE/UNBLOCK (EMV 4.4 Book 3, 6.5.10).
            0x24 => self.change_pin(command, data, arqc, nth),
            // PUT DATA (ISO 7816-4:2005, 7.4.2).
            0xDA => {
                let tag = u32::from(u16::from_be_bytes([command.p1, command.p2]));
                if !WRITABLE.contains(&tag) {
                    return Err(Status::DATA_NOT_FOUND);
                }
                command.expect_length(MAC_LENGTH.saturating_add(1))?;
                self.issued.elements.insert(tag, data.to_vec());
                Ok(())
            }
            // CARD BLOCK is not personalized on these cards.
            _ => Err(Status::INSTRUCTION_UNKNOWN),
        }
    }

    fn change_pin(
        &mut self,
        command: &Command<'_>,
        data: &[u8],
        arqc: Block,
        nth: u8,
    ) -> Result<(), Status> {
        match (command.p1, command.p2) {
            (0, 0) => {
                command.expect_length(MAC_LENGTH)?;
                self.pin.unblock();
                Ok(())
            }
            // A new PIN, enciphered without the old one.
            (0, 2) => {
                let block = Block::try_from(data).map_err(|_| Status::WRONG_LENGTH)?;
                let master = &self.issued.keys.script_confidentiality;
                let version = self.issued.data.cryptogram;
                let counter = self.counter.to_be_bytes();
                let (key, _) = version.script_key(master, (arqc, counter), nth);
                self.pin.change(key.decipher(block))
            }
            _ => Err(Status::WRONG_P1_P2),
        }
    }
}

impl Phase {
    /// The transaction and its online request, when there was one.
    fn online(&mut self) -> Option<(&mut Transaction, &mut FirstCryptogram)> {
        match self {
            Self::Online(transaction, first) | Self::Completed(transaction, Some(first)) => {
                Some((transaction, first))
            }
            Self::Selected | Self::Initiated(_) | Self::Completed(_, None) => None,
        }
    }
}
