#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| cortex_tests::fuzz::check("markers", input));
