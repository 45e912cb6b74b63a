//! Inputs that are nearly right: what a fuzzer begins with, cut up and joined anew.

use std::fs::DirEntry;
use std::path::Path;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

/// Most spans behind the front of an input, each after a byte of anything or after none.
const SPANS_MAX: usize = 6;

/// Inputs that begin like one of those in `tests/fuzz/corpus/{corpus}` and go on with spans of them.
///
/// # Panics
/// When there are none.
pub fn mangled(corpus: &str) -> impl Strategy<Value = Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(corpus);
    let files = folder.read_dir().unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let read = |file: std::io::Result<DirEntry>| file.and_then(|file| std::fs::read(file.path()));
    let mut seeds: Vec<_> =
        files.map(|file| read(file).expect("the repository's file can be read")).collect();
    seeds.sort();
    let front = (select(seeds.clone()), any::<Index>())
        .prop_map(|(seed, end)| seed[..end.index(seed.len() + 1)].to_vec());
    let span = (select(seeds), any::<[Index; 2]>()).prop_map(|(seed, ends)| {
        let [a, b] = ends.map(|end| end.index(seed.len() + 1));
        seed[a.min(b)..a.max(b)].to_vec()
    });
    (front, vec((any::<Option<u8>>(), span), 0..SPANS_MAX)).prop_map(|(mut input, spans)| {
        for (byte, span) in spans {
            input.extend(byte);
            input.extend(span);
        }
        input
    })
}
