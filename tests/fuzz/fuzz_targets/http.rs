#![no_main]

mod in_time;

libfuzzer_sys::fuzz_target!(|data: &[u8]| in_time::run("http", data));
