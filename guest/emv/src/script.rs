//! Issuer scripts: commands the issuer sends to its card (EMV 4.4 Book 3, 10.10).

use crate::tag::{self, Tag};
use crate::tlv;

/// How many bytes of scripts of one kind are accepted. The standard asks for 128
/// (EMV 4.4 Book 4, 6.3.9); issuers send more.
const LENGTH_MAX: usize = 1024;

/// How many scripts one answer may hold.
const SCRIPTS_MAX: usize = 16;

/// When a script is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    /// Template 71: before the second GENERATE AC.
    BeforeFinal,
    /// Template 72: after it.
    AfterFinal,
}

/// One script of the issuer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Script {
    /// When it is due.
    pub(crate) moment: Moment,
    /// Tag 9F18, zeros when the script has none.
    pub(crate) identifier: [u8; 4],
    /// The commands; `None` when the script is malformed and must not be run.
    pub(crate) commands: Option<Vec<Vec<u8>>>,
}

/// How far a script got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// No command was sent.
    NotPerformed,
    /// The command of this number, counted from one, failed.
    FailedAt(usize),
    /// Every command was carried out.
    Succeeded,
}

/// Reads the scripts of an answer. Other objects between them are passed over; what is not TLV
/// counts as one malformed script.
pub(crate) fn parse(bytes: &[u8]) -> Vec<Script> {
    let mut scripts: Vec<Script> = Vec::new();
    let mut accepted = [0_usize; 2];
    let mut objects = tlv::objects(bytes);
    loop {
        let tag = objects.next_tag();
        let script = match objects.next() {
            None => break,
            Some(Ok(object)) => match moment(object.tag) {
                Some(moment) => {
                    let length = match moment {
                        Moment::BeforeFinal => accepted.first_mut(),
                        Moment::AfterFinal => accepted.last_mut(),
                    };
                    let within = length.is_some_and(|length| {
                        *length = length.saturating_add(object.value.len());
                        *length <= LENGTH_MAX
                    });
                    parse_one(moment, object.value, within)
                }
                None => continue,
            },
            // Where the template ends is not known, so nothing of it nor after it can be run.
            Some(Err(_)) => malformed(tag.and_then(moment).unwrap_or(Moment::AfterFinal)),
        };
        scripts.push(script);
        if scripts.len() >= SCRIPTS_MAX {
            break;
        }
    }
    scripts
}

/// Whether a command of a script was carried out (EMV 4.4 Book 3, 10.10): warnings do not stop it.
pub(crate) fn carried_out(status: u16) -> bool {
    matches!(status.to_be_bytes(), [0x90 | 0x62 | 0x63, _])
}

/// One entry of the Issuer Script Results, tag 9F5B (EMV 4.4 Book 4, Annex A5).
pub(crate) fn result(identifier: [u8; 4], progress: Progress) -> [u8; 5] {
    let first = match progress {
        Progress::NotPerformed => 0x00,
        Progress::FailedAt(number) => 0x10 | u8::try_from(number.min(15)).unwrap_or(15),
        Progress::Succeeded => 0x20,
    };
    let [a, b, c, d] = identifier;
    [first, a, b, c, d]
}

/// The moment a template stands for.
fn moment(tag: Tag) -> Option<Moment> {
    match tag {
        tag::ISSUER_SCRIPT_TEMPLATE_1 => Some(Moment::BeforeFinal),
        tag::ISSUER_SCRIPT_TEMPLATE_2 => Some(Moment::AfterFinal),
        _ => None,
    }
}

/// A script whose end or content is not known.
fn malformed(moment: Moment) -> Script {
    Script {
        moment,
        identifier: [0; 4],
        commands: None,
    }
}

/// Reads the content of one template.
fn parse_one(moment: Moment, value: &[u8], within_limit: bool) -> Script {
    let identifier =
        tlv::find(value, tag::ISSUER_SCRIPT_IDENTIFIER).and_then(|bytes| bytes.try_into().ok());
    let commands = if within_limit { commands(value) } else { None };
    Script {
        moment,
        identifier: identifier.unwrap_or_default(),
        commands,
    }
}

/// The commands of one template. `None` when it is not TLV, holds a wrong identifier, or a
/// command that is no APDU.
fn commands(value: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut commands = Vec::new();
    for object in tlv::objects(value) {
        let object = object.ok()?;
        match object.tag {
            tag::ISSUER_SCRIPT_IDENTIFIER if object.value.len() != 4 => return None,
            tag::ISSUER_SCRIPT_COMMAND if !(4..=261).contains(&object.value.len()) => return None,
            tag::ISSUER_SCRIPT_COMMAND => commands.push(object.value.to_vec()),
            _ => {}
        }
    }
    Some(commands)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_says_how_far_the_script_got() {
        for (progress, first) in [
            (Progress::NotPerformed, 0x00),
            (Progress::FailedAt(1), 0x11),
            (Progress::FailedAt(14), 0x1E),
            (Progress::FailedAt(15), 0x1F),
            (Progress::FailedAt(40), 0x1F),
            (Progress::Succeeded, 0x20),
        ] {
            assert_eq!(result([1, 2, 3, 4], progress), [first, 1, 2, 3, 4]);
        }
    }

    #[test]
    fn what_is_malformed_or_too_long_is_not_run() {
        let long = {
            let mut command = Vec::new();
            tlv::encode(tag::ISSUER_SCRIPT_COMMAND, &[0x84; 200], &mut command);
            let mut script = Vec::new();
            tlv::encode(
                tag::ISSUER_SCRIPT_TEMPLATE_2,
                &command.repeat(6),
                &mut script,
            );
            script
        };
        for (bytes, moment) in [
            (&[0x71, 0x05, 0x86][..], Moment::BeforeFinal),
            (&[0x72, 0x05, 0x86], Moment::AfterFinal),
            (&[0x00, 0x71, 0x05, 0x86], Moment::BeforeFinal),
            (&[0x91, 0x00, 0x71, 0x05, 0x86], Moment::BeforeFinal),
            (&[0x71], Moment::BeforeFinal),
            (&[0x9F], Moment::AfterFinal),
            (&[0x72, 0x04, 0x86, 0x03, 0x84, 0x24], Moment::AfterFinal),
            (
                &[0x72, 0x05, 0x86, 0x03, 0x84, 0x24, 0x00],
                Moment::AfterFinal,
            ),
            (&[0x71, 0x04, 0x9F, 0x18, 0x01, 0x00], Moment::BeforeFinal),
            (&long, Moment::AfterFinal),
        ] {
            let scripts = parse(bytes);
            assert_eq!(scripts.len(), 1, "{bytes:02X?}");
            assert_eq!(
                (scripts[0].moment, &scripts[0].commands),
                (moment, &None),
                "{bytes:02X?}"
            );
        }
        assert!(parse(&[]).is_empty());
        assert!(parse(&[0x91, 0x01, 0x00]).is_empty());
        assert_eq!(parse(&[0x72, 0x00].repeat(99)).len(), SCRIPTS_MAX);
    }
}
