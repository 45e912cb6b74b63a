//! Whatever a caller sends over a connection: requests, or a fault, the same in whatever pieces it comes.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| netreach_serve::fuzz::read_requests(input));
