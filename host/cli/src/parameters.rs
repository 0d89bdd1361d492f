//! `tenon parameters`: a terminal's parameters, checked, and what to start them from.

use std::{
    fs::File,
    io::{self, Read, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, Result, bail};
use jiff::Zoned;
use terminal_host::parameters::{Parameters, SchemeSet, scheme_sets};

use crate::paragraph;

/// The longest file that is read. An exception file is most of a long one.
const FILE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Check a terminal's parameters, or print what to start them from
///
///     tenon parameters check terminal.json
///     tenon parameters schemes
///     tenon parameters schemes visa
///
/// `tenon emulator --parameters FILE` runs a terminal with them.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    job: Job,
}

#[derive(Debug, clap::Subcommand)]
enum Job {
    /// Check a file as the terminal does when it starts
    ///
    /// A file with one wrong value is refused as a whole: the message says which
    /// and why, and the exit code is 1. Keys whose last day is over are named;
    /// the file is right with them, and no card is authenticated with them.
    #[command(verbatim_doc_comment)]
    Check {
        /// The parameters, as JSON
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// List the schemes, or print what to start the parameters of one from
    ///
    /// What is printed are elements for the lists of the parameters. They begin
    /// with published samples, which the acquirer confirms or replaces. `null`
    /// and YYMMDD stand for what is not public: the acquirer gives it, and the
    /// parameters are refused without.
    #[command(verbatim_doc_comment)]
    Schemes {
        /// The scheme
        #[arg(value_name = "NAME")]
        name: Option<String>,
    },
}

/// Does the job.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let mut out = io::stdout().lock();
    match &arguments.job {
        Job::Check { file } => {
            let parameters = read(file)?;
            write!(out, "{}", summary(&parameters))?;
            for key in parameters.expired_ca_keys(Zoned::now().date()) {
                writeln!(out, "ended: {key}")?;
            }
        }
        Job::Schemes { name: None } => {
            for set in scheme_sets() {
                writeln!(out, "{}", set.name)?;
                write!(out, "{}", paragraph::labelled("", &about(set)))?;
            }
        }
        Job::Schemes { name: Some(name) } => {
            let Some(set) = scheme_sets().iter().find(|set| set.name == *name) else {
                bail!("there is no scheme {name:?}; `tenon parameters schemes` lists them");
            };
            writeln!(out, "{:#}", set.draft())?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Reads and checks a file of parameters. Fails with the value that is wrong.
pub(crate) fn read(path: &Path) -> Result<Parameters> {
    let file = File::open(path).with_context(|| format!("reading {}", path.display()))?;
    let mut text = String::new();
    file.take(FILE_BYTES_MAX)
        .read_to_string(&mut text)
        .with_context(|| format!("reading {}", path.display()))?;
    Parameters::from_json(&text).with_context(|| format!("{} is refused", path.display()))
}

fn summary(parameters: &Parameters) -> String {
    let counts = [
        ("applications", parameters.applications.len()),
        ("RSA keys of authorities", parameters.ca_public_keys.len()),
        (
            "elliptic-curve keys of authorities",
            parameters.elliptic_ca_public_keys.len(),
        ),
        (
            "revoked issuer certificates",
            parameters.revoked_issuer_certificates.len(),
        ),
        (
            "entries of the exception file",
            parameters.exception_file.len(),
        ),
    ];
    counts
        .iter()
        .fold("right\n".to_owned(), |text, (what, count)| {
            text + &format!("{count:6} {what}\n")
        })
}

/// A scheme in a line, and the keys that an acquirer must give whole.
fn about(set: &SchemeSet) -> String {
    let left_out = set
        .keys_left_out()
        .map(|(index, reason)| format!("; not key {index:02X}: {reason}"));
    left_out.fold(set.title.clone(), |text, key| text + &key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(content: &str) -> String {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("terminal.json");
        std::fs::write(&path, content).expect("a file");
        let error = read(&path).map(|_| ()).expect_err("refused");
        format!("{error:#}")
    }

    #[test]
    fn a_refusal_says_which_file_which_key_and_why() {
        let right = emulator::PARAMETERS;
        let wrong = right.replace("CAFD23BBA5084274B1D3EF", "CAFD23BBA5084274B1D3EE");
        assert_ne!(wrong, right);
        let problem = refused(&wrong);
        assert!(problem.contains("terminal.json is refused: "), "{problem}");
        let why = "ca_public_keys[2].checksum: key A000000384 index F1: not the SHA-1 of RID, \
                   index, modulus and exponent";
        assert!(problem.ends_with(why), "{problem}");
    }

    #[test]
    fn the_emulators_parameters_are_summed_up() {
        let parameters = Parameters::from_json(emulator::PARAMETERS).expect("right parameters");
        let text = summary(&parameters);
        for line in [
            "right\n",
            "     7 applications\n",
            "     3 RSA keys",
            "     3 elliptic-curve keys",
            "     0 revoked",
            "     0 entries",
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
    }

    #[test]
    fn a_scheme_says_which_keys_it_has_not() {
        let mastercard = scheme_sets().iter().find(|set| set.name == "mastercard");
        let text = about(mastercard.expect("the set"));
        let keys = "not key 05: public lists have it with more than one modulus; not key 06";
        assert!(
            text.starts_with("Mastercard; ") && text.contains(keys),
            "{text}"
        );
    }
}
