//! One application of a card: the commands after its selection, in the order EMV allows.

mod cryptogram;
mod scripts;

use crate::apdu::{Command, Outcome, Status};
use crate::authorization::Elements;
use crate::certificate;
use crate::cryptogram::{Block, equal};
use crate::issued::Issued;
use crate::personalization::{ApplicationData, Personalization, ResponseFormat, State};
use crate::pin::ReferencePin;
use crate::quirk::SignatureFault;
use crate::rsa::Drbg;
use crate::tlv;
use crate::verification::IssuerAuthentication;

/// An application, what it keeps between transactions, and the transaction in progress.
#[derive(Clone, Debug)]
pub(crate) struct Application {
    issued: Issued,
    pin: ReferencePin,
    blocked: bool,
    /// Application transaction counter, tag 9F36.
    counter: u16,
    /// The counter when the issuer last authenticated itself, tag 9F13.
    last_online_counter: u16,
    random: Drbg,
    challenge: Option<Block>,
    phase: Phase,
    /// Signed answers to GENERATE AC in this transaction.
    signatures: u32,
    /// Which of them is signed wrong, and how.
    signature_faults: Vec<(u32, SignatureFault)>,
}

/// How far the transaction is (EMV 4.4 Book 3, 10).
#[derive(Clone, Debug)]
enum Phase {
    /// Selected, or not even that: only GET PROCESSING OPTIONS starts something.
    Selected,
    /// Processing options were given.
    Initiated(Transaction),
    /// An ARQC was given: the issuer may speak, and a second GENERATE AC must come.
    Online(Transaction, FirstCryptogram),
    /// A TC or AAC was given. Scripts may follow an ARQC before it.
    Completed(Transaction, Option<FirstCryptogram>),
}

/// What the card knows of the transaction.
#[derive(Clone, Debug, Default)]
struct Transaction {
    /// The data of GET PROCESSING OPTIONS, as CDA hashes it.
    pdol_values: Vec<u8>,
    /// Whether the last offline PIN was right; `None` before any.
    pin: Option<bool>,
    scripts: u8,
    script_failed: bool,
}

/// What the card keeps of an online request.
#[derive(Clone, Debug)]
struct FirstCryptogram {
    arqc: Block,
    /// The values of CDOL1, as CDA hashes them.
    cdol_values: Vec<u8>,
    elements: Elements,
    issuer_authentication: IssuerAuthentication,
}

impl Application {
    pub(crate) fn new(card: &Personalization, data: &ApplicationData) -> Self {
        Self {
            issued: Issued::new(card, data),
            pin: ReferencePin::new(&card.pin, card.tries),
            blocked: data.state == State::Blocked,
            counter: data.counter,
            last_online_counter: data.last_online_counter,
            random: Drbg::new(&format!("random {}", card.pan)),
            challenge: None,
            phase: Phase::Selected,
            signatures: 0,
            signature_faults: Vec::new(),
        }
    }

    pub(crate) fn data(&self) -> &ApplicationData {
        &self.issued.data
    }

    /// Forgets the transaction, and answers SELECT with the file control information
    /// (EMV 4.4 Book 1, 11.3.4). A blocked application answers 6283 with it.
    pub(crate) fn select(&mut self) -> (Vec<u8>, Status) {
        self.reset();
        let data = &self.issued.data;
        let mut proprietary = vec![tlv::object(0x50, data.label.as_bytes())];
        proprietary.extend(data.priority.map(|priority| tlv::object(0x87, &[priority])));
        let optional = [0x9F38, 0x5F2D, 0x9F11, 0x9F12, 0xBF0C].map(|tag| (tag, data.element(tag)));
        let present = optional.iter().filter(|(_, value)| !value.is_empty());
        proprietary.extend(present.map(|(tag, value)| tlv::object(*tag, value)));
        let information = tlv::template(
            0x6F,
            &[
                tlv::object(0x84, &data.aid),
                tlv::template(0xA5, &proprietary),
            ],
        );
        (
            information,
            if self.blocked {
                Status::FILE_INVALIDATED
            } else {
                Status::OK
            },
        )
    }

    /// From now on, signs the nth answer of each transaction wrong.
    pub(crate) fn sign_wrong_at(&mut self, nth: u32, fault: SignatureFault) {
        self.signature_faults.push((nth, fault));
    }

    /// Forgets the transaction: power was lost, or another file was selected.
    pub(crate) fn reset(&mut self) {
        self.signatures = 0;
        self.phase = Phase::Selected;
        self.challenge = None;
    }

    /// Answers every command but SELECT.
    pub(crate) fn answer(&mut self, command: &Command<'_>) -> Outcome {
        // A challenge serves the very next command only (EMV 4.4 Book 3, 6.5.6).
        let challenge = self.challenge.take();
        match (command.class, command.instruction) {
            (0x80, 0xA8) => self.processing_options(command),
            (0x00, 0xB2) => self.read_record(command),
            (0x80, 0xCA) => self.data_object(command),
            (0x00, 0x84) => self.new_challenge(command),
            (0x00, 0x20) => self.verify(command, challenge),
            (0x00, 0x88) => self.internal_authenticate(command),
            (0x80, 0xAE) => self.generate_cryptogram(command),
            (0x00, 0x82) => self.external_authenticate(command),
            (0x84 | 0x8C, 0x16 | 0x18 | 0x1E | 0x24) | (0x04 | 0x84 | 0x8C, 0xDA) => {
                self.script_command(command)
            }
            (0x80 | 0x00, 0x16 | 0x18 | 0x1E | 0x24 | 0xDA) => {
                Err(Status::SECURE_MESSAGING_MISSING)
            }
            (0x00 | 0x04 | 0x80 | 0x84 | 0x8C, _) => Err(Status::INSTRUCTION_UNKNOWN),
            _ => Err(Status::CLASS_UNKNOWN),
        }
    }

    /// GET PROCESSING OPTIONS (EMV 4.4 Book 3, 6.5.8): counts the transaction, once a selection.
    fn processing_options(&mut self, command: &Command<'_>) -> Outcome {
        command.expect_parameters(0, 0)?;
        if self.blocked || !matches!(self.phase, Phase::Selected) {
            return Err(Status::CONDITIONS_NOT_SATISFIED);
        }
        let [0x83, length, values @ ..] = command.data else {
            return Err(Status::WRONG_LENGTH);
        };
        let list = self.issued.data.element(0x9F38);
        if usize::from(*length) != values.len() || tlv::split_by_dol(list, values).is_none() {
            return Err(Status::WRONG_LENGTH);
        }
        // A card whose counter is used up makes no cryptogram again.
        self.counter = self
            .counter
            .checked_add(1)
            .ok_or(Status::CONDITIONS_NOT_SATISFIED)?;
        self.phase = Phase::Initiated(Transaction {
            pdol_values: values.to_vec(),
            ..Transaction::default()
        });
        let (profile, files) = (self.issued.element(0x82), &self.issued.afl);
        Ok(match self.issued.data.response_format {
            ResponseFormat::One => tlv::object(0x80, &[profile, files].concat()),
            ResponseFormat::Two => tlv::template(
                0x77,
                &[tlv::object(0x82, profile), tlv::object(0x94, files)],
            ),
        })
    }

    /// READ RECORD (EMV 4.4 Book 3, 6.5.11).
    fn read_record(&self, command: &Command<'_>) -> Outcome {
        if command.p2 & 0x07 != 0x04 || command.p1 == 0 {
            return Err(Status::WRONG_P1_P2);
        }
        if matches!(self.phase, Phase::Selected) {
            return Err(Status::CONDITIONS_NOT_SATISFIED);
        }
        let file = command.p2 >> 3;
        let missing = if self.issued.has_file(file) {
            Status::RECORD_NOT_FOUND
        } else {
            Status::FILE_NOT_FOUND
        };
        self.issued.record(file, command.p1).ok_or(missing)
    }

    /// GET DATA (EMV 4.4 Book 3, 6.5.7) for the counters, and for the objects that PUT DATA changes.
    fn data_object(&self, command: &Command<'_>) -> Outcome {
        let tag = u32::from(u16::from_be_bytes([command.p1, command.p2]));
        let value = match tag {
            0x9F36 => self.counter.to_be_bytes().to_vec(),
            0x9F13 => self.last_online_counter.to_be_bytes().to_vec(),
            0x9F17 => vec![self.pin.tries()],
            0x9F14 | 0x9F23 => self.issued.element(tag).to_vec(),
            _ => return Err(Status::DATA_NOT_FOUND),
        };
        Ok(tlv::object(tag, &value))
    }

    /// GET CHALLENGE (EMV 4.4 Book 3, 6.5.6).
    fn new_challenge(&mut self, command: &Command<'_>) -> Outcome {
        command.expect_parameters(0, 0)?;
        command.expect_length(0)?;
        let challenge = <Block>::try_from(self.random.bytes(8)).unwrap_or_default();
        self.challenge = Some(challenge);
        Ok(challenge.to_vec())
    }

    /// VERIFY (EMV 4.4 Book 3, 6.5.12): P2 80 for a plaintext PIN, 88 for an enciphered one.
    fn verify(&mut self, command: &Command<'_>, challenge: Option<Block>) -> Outcome {
        let Phase::Initiated(transaction) = &mut self.phase else {
            return Err(Status::CONDITIONS_NOT_SATISFIED);
        };
        let result = match (command.p1, command.p2) {
            (0, 0x80) => {
                command.expect_length(8)?;
                self.pin.verify(command.data)
            }
            (0, 0x88) => {
                let key = &self.issued.keys.pin;
                command.expect_length(key.length())?;
                let challenge = challenge.ok_or(Status::CONDITIONS_NOT_SATISFIED)?;
                self.pin.verify_enciphered(key, challenge, command.data)
            }
            _ => return Err(Status::WRONG_P1_P2),
        };
        transaction.pin = Some(result.is_ok());
        result.map(|()| Vec::new())
    }

    /// INTERNAL AUTHENTICATE (EMV 4.4 Book 2, 6.5.1): signed dynamic data over the values of the DDOL.
    fn internal_authenticate(&mut self, command: &Command<'_>) -> Outcome {
        command.expect_parameters(0, 0)?;
        if !matches!(self.phase, Phase::Initiated(_)) {
            return Err(Status::CONDITIONS_NOT_SATISFIED);
        }
        // A card without a list of its own takes the terminal's, whatever that is.
        let list = self.issued.element(0x9F49);
        if !list.is_empty() && tlv::split_by_dol(list, command.data).is_none() {
            return Err(Status::WRONG_LENGTH);
        }
        let dynamic_data = [vec![8], self.random.bytes(8)].concat();
        let signature = certificate::dynamic_data(
            &self.issued.keys.rsa,
            &dynamic_data,
            command.data,
            &self.issued.data.alterations,
        );
        Ok(match self.issued.data.response_format {
            ResponseFormat::One => tlv::object(0x80, &signature),
            ResponseFormat::Two => tlv::template(0x77, &[tlv::object(0x9F4B, &signature)]),
        })
    }

    /// EXTERNAL AUTHENTICATE (EMV 4.4 Book 3, 6.5.4): once, between the two GENERATE ACs.
    fn external_authenticate(&mut self, command: &Command<'_>) -> Outcome {
        command.expect_parameters(0, 0)?;
        // Bit 3 of the profile's first byte: the card supports it as a command of its own.
        let supported = self
            .issued
            .element(0x82)
            .first()
            .is_some_and(|byte| byte & 0x04 != 0);
        let Phase::Online(_, first) = &self.phase else {
            return Err(Status::CONDITIONS_NOT_SATISFIED);
        };
        if !supported || first.issuer_authentication != IssuerAuthentication::NotPerformed {
            return Err(Status::CONDITIONS_NOT_SATISFIED);
        }
        command.expect_length(10)?;
        match self.authenticate_issuer(command.data) {
            IssuerAuthentication::Passed => Ok(Vec::new()),
            IssuerAuthentication::Failed | IssuerAuthentication::NotPerformed => {
                Err(Status::AUTHENTICATION_FAILED)
            }
        }
    }

    /// Checks tag 91, an ARPC of method 1 and its ARC (EMV 4.4 Book 2, 8.2.1), and remembers it.
    fn authenticate_issuer(&mut self, data: &[u8]) -> IssuerAuthentication {
        let counter = self.counter;
        let Phase::Online(_, first) = &mut self.phase else {
            return IssuerAuthentication::NotPerformed;
        };
        let master = &self.issued.keys.application_cryptogram;
        let version = self.issued.data.cryptogram;
        let key = version.response_key(master, counter.to_be_bytes());
        let passed = data.split_at_checked(8).is_some_and(|(arpc, arc)| {
            let arc = <[u8; 2]>::try_from(arc);
            arc.is_ok_and(|arc| equal(&key.arpc_method_1(first.arqc, arc), arpc))
        });
        first.issuer_authentication = if passed {
            IssuerAuthentication::Passed
        } else {
            IssuerAuthentication::Failed
        };
        if passed {
            self.last_online_counter = counter;
        }
        first.issuer_authentication
    }
}
