//! Whatever a target sends back over a connection: responses, or an error, the same in whatever pieces it comes.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| netreach_agent::fuzz::read_responses(input));
