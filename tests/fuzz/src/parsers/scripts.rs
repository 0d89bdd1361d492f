//! Issuer scripts.

use emv::parsers;

use super::holds;

/// The most scripts of one answer, and the most bytes of one kind.
const SCRIPTS_MAX: usize = 16;
const LENGTH_MAX: usize = 1024;

/// The scripts of an issuer's answer (EMV 4.4 Book 3, 10.10).
pub fn scripts(data: &[u8]) {
    let scripts = parsers::scripts(data);
    assert!(scripts.len() <= SCRIPTS_MAX);
    for before in [true, false] {
        let commands: Vec<&Vec<u8>> = scripts
            .iter()
            .filter(|script| script.before == before)
            .filter_map(|script| script.commands.as_ref())
            .flatten()
            .collect();
        let total: usize = commands.iter().map(|command| command.len()).sum();
        assert!(total <= LENGTH_MAX);
        for command in commands {
            assert!((4..=261).contains(&command.len()), "a command APDU");
            assert!(holds(data, command), "the issuer's own words");
        }
    }
}
