//! A record's first and last bytes.

use std::ops::Range;

use super::{RecordError, VERSION};

const MAGIC: [u8; 8] = *b"netround";
/// The magic and the version.
pub(super) const OPENING_BYTES: u64 = 10;
/// How long the names and the head are, the version, the magic.
pub(super) const TAIL_BYTES: u64 = 26;

/// Where a record's parts lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tail {
    pub(super) agents: Range<u64>,
    pub(super) names: Range<u64>,
    pub(super) head: Range<u64>,
}

/// How every record begins.
pub(super) fn opening() -> Vec<u8> {
    [MAGIC.as_slice(), &VERSION.to_le_bytes()].concat()
}

/// How one with so many bytes of names, then of head, ends.
pub(super) fn tail(names_bytes: usize, head_bytes: usize) -> Vec<u8> {
    let lengths = [names_bytes as u64, head_bytes as u64].map(u64::to_le_bytes);
    [lengths.as_flattened(), &VERSION.to_le_bytes(), &MAGIC].concat()
}

/// Holds against the first bytes of a record what its last ones have said already.
pub(super) fn check_opening(bytes: &[u8]) -> Result<(), RecordError> {
    if bytes == opening() { Ok(()) } else { Err(RecordError::Foreign) }
}

impl Tail {
    /// Read from the last bytes of a record of that size. The lengths are believed only so far as the parts between them fit:
    /// each part is a frame that must end where its range does.
    pub(super) fn parse(last: &[u8], size: u64) -> Result<Self, RecordError> {
        let parts = last.last_chunk::<{ TAIL_BYTES as usize }>().and_then(|tail| {
            let (names_bytes, rest) = tail.split_first_chunk()?;
            let (head_bytes, rest) = rest.split_first_chunk()?;
            let (form, magic) = rest.split_first_chunk()?;
            let [names_bytes, head_bytes] = [*names_bytes, *head_bytes].map(u64::from_le_bytes);
            (magic == MAGIC).then_some((names_bytes, head_bytes, u16::from_le_bytes(*form)))
        });
        let (names_bytes, head_bytes, found) = parts.ok_or(RecordError::Foreign)?;
        if found != VERSION {
            return Err(RecordError::Form { found });
        }
        let head_end = size.checked_sub(TAIL_BYTES);
        let head = head_end.and_then(|end| Some(end.checked_sub(head_bytes)?..end));
        let names = head.as_ref().and_then(|head| Some(head.start.checked_sub(names_bytes)?..head.start));
        match names.zip(head).filter(|(names, _)| names.start >= OPENING_BYTES) {
            Some((names, head)) => Ok(Self { agents: OPENING_BYTES..names.start, names, head }),
            None => Err(RecordError::Foreign),
        }
    }
}
