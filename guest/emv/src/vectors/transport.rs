//! Dialogues as they were recorded on the wire of T=0.
//!
//! T=0 is the reader's, so a recording of it has commands that no kernel sends: GET RESPONSE, and
//! a command once more with the length that the card asked for. Here each such group becomes the
//! one command and the one response that reader and kernel exchange.
//!
//! EMV 4.4 Book 1, 9.2 and 9.3.

/// A command and its response.
type Exchange = (Vec<u8>, Vec<u8>);

/// What the card did with T=0, in the vectors' words.
const BOTH: &str = "61xx -> GET RESPONSE with Le=xx; 6Cxx -> repeat with Le=xx";

/// The exchanges as a kernel has them, and what the card used of T=0; `None` when that is not
/// both of its procedures. Fails where the reader did not do what the card asked for.
pub(super) fn unwrapped(
    recorded: &[Exchange],
) -> Result<(Vec<Exchange>, Option<&'static str>), String> {
    let mut exchanges = Vec::new();
    let (mut fetched, mut repeated) = (false, false);
    let mut rest = recorded.iter();
    while let Some((command, response)) = rest.next() {
        let mut response = response;
        if let [0x6C, length] = response.as_slice() {
            let (head, _) = command.split_at(4.min(command.len()));
            let expected = [head, &[*length]].concat();
            response = follow(rest.next(), &expected)?;
            repeated = true;
        } else if let [0x61, length] = response.as_slice() {
            response = follow(rest.next(), &[0x00, 0xC0, 0x00, 0x00, *length])?;
            fetched = true;
        }
        exchanges.push((application_command(command, response), response.clone()));
    }
    Ok((exchanges, (fetched && repeated).then_some(BOTH)))
}

/// The response to a command that the card asked for.
fn follow<'a>(next: Option<&'a Exchange>, expected: &[u8]) -> Result<&'a Vec<u8>, String> {
    match next {
        Some((command, response)) if command == expected => {
            let announced = expected.last().copied().map(usize::from);
            let given = response.len().checked_sub(2);
            (announced == given)
                .then_some(response)
                .ok_or_else(|| "the card gave another length than it announced".to_owned())
        }
        Some(_) | None => Err("the reader did not do what T=0 asks for".to_owned()),
    }
}

/// The command with the Le that the kernel writes: 00 where data comes back, none where data only
/// goes. What stands there on the wire of T=0 is the reader's choice.
fn application_command(command: &[u8], response: &[u8]) -> Vec<u8> {
    let Some((head, rest)) = command.split_at_checked(4) else {
        return command.to_vec();
    };
    match rest {
        [] | [_] => [head, &[0x00]].concat(),
        [length, data @ ..] => {
            let data = data.get(..usize::from(*length)).unwrap_or(data);
            let mut plain = [head, &[*length], data].concat();
            if response.len() > 2 {
                plain.push(0x00);
            }
            plain
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exchange(command: &[u8], response: &[u8]) -> Exchange {
        (command.to_vec(), response.to_vec())
    }

    #[test]
    fn what_the_reader_does_alone_is_folded() {
        let recorded = [
            exchange(&[0, 0xA4, 4, 0, 1, 7], &[0x61, 0x02]),
            exchange(&[0, 0xC0, 0, 0, 2], &[1, 2, 0x90, 0]),
            exchange(&[0, 0xB2, 1, 0x0C, 0], &[0x6C, 0x01]),
            exchange(&[0, 0xB2, 1, 0x0C, 1], &[3, 0x90, 0]),
            exchange(&[0, 0x20, 0, 0x80, 1, 9, 0], &[0x90, 0]),
            exchange(&[0x80, 0xCA, 0x9F, 0x36, 5], &[4, 0x90, 0]),
        ];
        let kernel = [
            exchange(&[0, 0xA4, 4, 0, 1, 7, 0], &[1, 2, 0x90, 0]),
            exchange(&[0, 0xB2, 1, 0x0C, 0], &[3, 0x90, 0]),
            exchange(&[0, 0x20, 0, 0x80, 1, 9], &[0x90, 0]),
            exchange(&[0x80, 0xCA, 0x9F, 0x36, 0], &[4, 0x90, 0]),
        ];
        assert_eq!(unwrapped(&recorded), Ok((kernel.to_vec(), Some(BOTH))));
        assert_eq!(unwrapped(&recorded[..2]).map(|(_, seen)| seen), Ok(None));
    }

    #[test]
    fn a_reader_that_asks_for_another_length_is_no_reader() {
        let select = exchange(&[0, 0xA4, 4, 0, 1, 7, 0], &[0x61, 0x02]);
        for next in [
            exchange(&[0, 0xC0, 0, 0, 3], &[1, 2, 3, 0x90, 0]),
            exchange(&[0, 0xC0, 0, 0, 2], &[1, 2, 3, 0x90, 0]),
            exchange(&[0, 0xB2, 1, 0x0C, 2], &[1, 2, 0x90, 0]),
        ] {
            assert!(unwrapped(&[select.clone(), next]).is_err());
        }
        assert!(unwrapped(&[select]).is_err());
        let record = exchange(&[0, 0xB2, 1, 0x0C, 0], &[0x6C, 0x01]);
        let other = exchange(&[0, 0xB2, 2, 0x0C, 1], &[3, 0x90, 0]);
        assert!(unwrapped(&[record, other]).is_err());
    }
}
