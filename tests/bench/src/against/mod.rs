//! The kernel against another one in Rust, the crate `emv` of iohzrd/emv-rs, on the same bytes.
//!
//! Both read the same TLV, and both run the same recorded contact dialogue with DDA, from the
//! selection to the first GENERATE AC: two certificates and a signature are opened. Neither runs in a
//! sandbox, and both open with RSA on the same big integers.

mod recorded;

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use emv_rs::Tlv;

use crate::table::{Table, median};

/// How often each side is measured, in turn with the other, and for how long at least.
const TURNS: usize = 21;
const TURN: Duration = Duration::from_millis(20);

pub(crate) fn measure(table: &mut Table) -> Result<()> {
    let dialogues = recorded::dialogues()?;
    let records = dialogues.records();
    for (what, bytes) in [
        ("TLV of a card's records, against the crate emv", records),
        ("TLV of templates in templates, against it", nested()),
    ] {
        let ours = || emv::tlv::primitives(black_box(&bytes)).map(|found| found.len());
        let theirs = || Tlv::parse_all(black_box(&bytes)).map(|found| found.len());
        ensure!(ours().is_ok() && theirs().is_ok(), "no TLV: {what}");
        row(table, what, against(ours, theirs));
    }
    let (ours, theirs) = (|| dialogues.ours(), || dialogues.theirs());
    ensure!(
        ours() && theirs(),
        "the recorded card is not authentic to both"
    );
    let what = "a recorded dialogue with DDA, against it";
    row(table, what, against(ours, theirs));
    Ok(())
}

fn row(table: &mut Table, what: &str, ratio: f64) {
    let measured = format!("{ratio:.2} x");
    table.row(what, measured, "<= 1 x", Some(ratio <= 1.0));
}

/// The time ours takes as a share of theirs: the middle of a few turns.
fn against<A, B>(ours: impl Fn() -> A, theirs: impl Fn() -> B) -> f64 {
    let ratios = (0..TURNS).map(|_| seconds(&ours) / seconds(&theirs));
    median(ratios.collect())
}

/// How long one call takes, over as many as fill a turn.
fn seconds<T>(work: &impl Fn() -> T) -> f64 {
    let start = Instant::now();
    let mut calls = 0_u32;
    while start.elapsed() < TURN {
        black_box(work());
        calls = calls.saturating_add(1);
    }
    start.elapsed().as_secs_f64() / f64::from(calls)
}

/// A directory discretionary template as large as a card can give one, with templates in it.
fn nested() -> Vec<u8> {
    let template = |tag: u32, content: &[u8]| {
        let mut written = Vec::new();
        emv::tlv::encode(emv::Tag::new(tag), content, &mut written);
        written
    };
    let entry = [
        template(0x4F, &[0xA0, 0, 0, 0, 0x03, 0x10, 0x10]),
        template(0x50, b"VISA CREDIT"),
        template(0x87, &[0x01]),
        template(0x73, &template(0xBF0C, &template(0x9F4D, &[0x0B, 0x0A]))),
    ];
    let entries = template(0x61, &entry.concat()).repeat(40);
    template(0x6F, &template(0xA5, &template(0xBF0C, &entries)))
}
