#![no_main]

libfuzzer_sys::fuzz_target!(init: fuzz::transaction::prepare(), |data: &[u8]| fuzz::transaction(data));
