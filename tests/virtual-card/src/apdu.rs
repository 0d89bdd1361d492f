//! Commands and status words (ISO 7816-4:2005, 5.1; EMV 4.4 Book 3, 6.3).

/// A command, its header checked against nothing yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Command<'a> {
    pub(crate) class: u8,
    pub(crate) instruction: u8,
    pub(crate) p1: u8,
    pub(crate) p2: u8,
    pub(crate) data: &'a [u8],
}

impl<'a> Command<'a> {
    /// Reads a short command of any of the four cases. A Le is taken and not looked at: fitting it is
    /// the reader's part. Extended lengths are refused.
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, Status> {
        let [class, instruction, p1, p2, rest @ ..] = bytes else {
            return Err(Status::WRONG_LENGTH);
        };
        let data = match rest {
            [] | [_] => &[],
            [length, body @ ..] => {
                let length = usize::from(*length);
                let fits = body.len() == length || body.len().checked_sub(1) == Some(length);
                body.get(..length)
                    .filter(|_| fits && length > 0)
                    .ok_or(Status::WRONG_LENGTH)?
            }
        };
        Ok(Self {
            class: *class,
            instruction: *instruction,
            p1: *p1,
            p2: *p2,
            data,
        })
    }

    /// Refuses parameters other than these.
    pub(crate) fn expect_parameters(&self, p1: u8, p2: u8) -> Result<(), Status> {
        if (self.p1, self.p2) == (p1, p2) {
            Ok(())
        } else {
            Err(Status::WRONG_P1_P2)
        }
    }

    /// Refuses data that is not of this length.
    pub(crate) fn expect_length(&self, length: usize) -> Result<(), Status> {
        if self.data.len() == length {
            Ok(())
        } else {
            Err(Status::WRONG_LENGTH)
        }
    }
}

/// SW1 and SW2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Status(pub(crate) u16);

impl Status {
    pub(crate) const OK: Self = Self(0x9000);
    /// The selected application is blocked, yet its FCI follows.
    pub(crate) const FILE_INVALIDATED: Self = Self(0x6283);
    pub(crate) const AUTHENTICATION_FAILED: Self = Self(0x6300);
    pub(crate) const WRONG_LENGTH: Self = Self(0x6700);
    pub(crate) const METHOD_BLOCKED: Self = Self(0x6983);
    pub(crate) const DATA_INVALIDATED: Self = Self(0x6984);
    pub(crate) const CONDITIONS_NOT_SATISFIED: Self = Self(0x6985);
    pub(crate) const SECURE_MESSAGING_MISSING: Self = Self(0x6987);
    pub(crate) const SECURE_MESSAGING_WRONG: Self = Self(0x6988);
    pub(crate) const WRONG_DATA: Self = Self(0x6A80);
    pub(crate) const FILE_NOT_FOUND: Self = Self(0x6A82);
    pub(crate) const RECORD_NOT_FOUND: Self = Self(0x6A83);
    pub(crate) const WRONG_P1_P2: Self = Self(0x6A86);
    pub(crate) const DATA_NOT_FOUND: Self = Self(0x6A88);
    pub(crate) const INSTRUCTION_UNKNOWN: Self = Self(0x6D00);
    pub(crate) const CLASS_UNKNOWN: Self = Self(0x6E00);

    /// A wrong PIN, and how many tries are left (EMV 4.4 Book 3, 6.5.12.5).
    pub(crate) fn tries_left(tries: u8) -> Self {
        Self(0x63C0 | u16::from(tries.min(0x0F)))
    }
}

/// What a command came to: data with 9000, or a status alone.
pub(crate) type Outcome = Result<Vec<u8>, Status>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_four_cases_and_refuses_others() {
        for (bytes, data) in [
            (&[0, 0xB2, 1, 0x0C][..], Ok(&[][..])),
            (&[0, 0xB2, 1, 0x0C, 0], Ok(&[])),
            (&[0, 0xA4, 4, 0, 1, 7], Ok(&[7])),
            (&[0, 0xA4, 4, 0, 1, 7, 0], Ok(&[7])),
            (&[0, 0xA4, 4, 0, 2, 7], Err(Status::WRONG_LENGTH)),
            (&[0, 0xA4, 4, 0, 1, 7, 0, 0], Err(Status::WRONG_LENGTH)),
            (&[0, 0xA4, 4, 0, 0, 7], Err(Status::WRONG_LENGTH)),
            (&[0, 0xA4, 4], Err(Status::WRONG_LENGTH)),
            (&[], Err(Status::WRONG_LENGTH)),
        ] {
            assert_eq!(
                Command::parse(bytes).map(|command| command.data),
                data,
                "{bytes:02X?}"
            );
        }
    }
}
