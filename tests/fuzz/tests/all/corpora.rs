//! Every file of every corpus, as a plain test.

use std::collections::BTreeSet;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use fuzz::TARGETS;

/// What a corpus may grow to, in files and in bytes.
const FILES_MAX: usize = 200;
const BYTES_MAX: usize = 300 * 1024;

macro_rules! corpora {
    ($($target:ident),*) => {
        $(
            #[test]
            fn $target() {
                replay(stringify!($target), fuzz::$target);
            }
        )*

        const TESTED: &[&str] = &[$(stringify!($target)),*];
    };
}

corpora!(
    afl,
    answers,
    certificates,
    cvm_list,
    decode,
    dol,
    fci,
    iso8583,
    scripts,
    tlv,
    transaction
);

#[test]
fn every_target_has_a_test_a_corpus_and_a_binary() {
    let targets: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    let tested: BTreeSet<String> = TESTED.iter().map(|name| (*name).to_owned()).collect();
    let names = |path: &Path| -> BTreeSet<String> {
        let entries = fs::read_dir(path).unwrap();
        let stem = |path: PathBuf| path.file_stem().unwrap().to_str().unwrap().to_owned();
        entries.map(|entry| stem(entry.unwrap().path())).collect()
    };
    assert_eq!(tested, targets);
    assert_eq!(names(&folder("corpus")), targets);
    assert_eq!(names(&folder("libfuzzer/targets")), targets);
}

fn replay(name: &str, target: fn(&[u8])) {
    let entries = fs::read_dir(folder("corpus").join(name)).unwrap();
    let read = |path: PathBuf| (fs::read(&path).unwrap(), path);
    let corpus: Vec<(Vec<u8>, PathBuf)> =
        entries.map(|entry| read(entry.unwrap().path())).collect();
    let files = corpus.len();
    let bytes: usize = corpus.iter().map(|(data, _)| data.len()).sum();
    for (data, path) in &corpus {
        let run = catch_unwind(AssertUnwindSafe(|| target(data)));
        assert!(run.is_ok(), "{}", path.display());
    }
    assert!(files > 0, "the corpus of {name} is empty");
    assert!(
        files <= FILES_MAX && bytes <= BYTES_MAX,
        "{name}: {files} files, {bytes} bytes"
    );
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}
