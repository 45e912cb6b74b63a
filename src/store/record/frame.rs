//! One zstd frame with its checksum, bounded when it is unpacked.

use std::io::Read as _;

use zstd::bulk::Compressor;
use zstd::stream::read::Decoder;

use super::{Part, RecordError};
use crate::limits::WINDOW_LOG_MAX;

/// zstd's default. A tenth more of time would save a hundredth of the bytes: see `benches/record`.
const LEVEL: i32 = 3;
const MAGIC: [u8; 4] = 0xFD2F_B528_u32.to_le_bytes();
/// In the byte after the magic: whether a checksum follows the content.
const HAS_CHECKSUM: u8 = 1 << 2;
/// What a frame takes beyond its content, should that not shrink.
const OVERHEAD_MAX: u64 = 4 << 10;

/// Packs parts of a record.
pub(super) struct Packer(Compressor<'static>);

impl Packer {
    pub(super) fn new() -> Result<Self, RecordError> {
        let packer = Compressor::new(LEVEL).and_then(|mut packer| {
            packer.include_checksum(true)?;
            Ok(Self(packer))
        });
        packer.map_err(|error| RecordError::Unwritable { part: Part::Whole, why: error.to_string() })
    }

    /// # Errors
    /// When `content` has more than `bytes_max`: what cannot be read back is not written.
    pub(super) fn pack(
        &mut self,
        content: &[u8],
        part: Part,
        bytes_max: usize,
    ) -> Result<Vec<u8>, RecordError> {
        if content.len() > bytes_max {
            return Err(too_large(part, content.len() as u64, bytes_max as u64));
        }
        self.0.compress(content).map_err(|error| RecordError::Unwritable { part, why: error.to_string() })
    }
}

pub(super) fn too_large(part: Part, bytes: u64, bytes_max: u64) -> RecordError {
    RecordError::TooLarge { part, bytes, bytes_max }
}

/// Whether that many bytes can be a frame of at most so much content.
pub(super) fn check_length(bytes: u64, part: Part, bytes_max: usize) -> Result<(), RecordError> {
    if bytes <= bytes_max as u64 + OVERHEAD_MAX {
        return Ok(());
    }
    Err(RecordError::Corrupt { part, why: format!("it claims {bytes} bytes (at most {bytes_max})") })
}

/// Unpacks one frame, which must be all of `packed`, to at most so many bytes, however many it claims to hold.
pub(super) fn unpack(packed: &[u8], part: Part, bytes_max: usize) -> Result<Vec<u8>, RecordError> {
    let corrupt = |why: String| RecordError::Corrupt { part, why };
    let begins = packed.split_first_chunk::<4>().filter(|(magic, _)| **magic == MAGIC);
    // The decoder goes by what the frame says of itself: one that denies its checksum would not be checked.
    if begins.and_then(|(_, rest)| rest.first()).is_none_or(|flags| flags & HAS_CHECKSUM == 0) {
        return Err(corrupt("no frame with a checksum begins there".to_owned()));
    }
    let unpacked = Decoder::with_buffer(packed).and_then(|decoder| {
        let mut decoder = decoder.single_frame();
        decoder.window_log_max(WINDOW_LOG_MAX)?;
        let mut content = Vec::new();
        decoder.by_ref().take(bytes_max as u64 + 1).read_to_end(&mut content)?;
        Ok((content, decoder.finish()))
    });
    match unpacked {
        Ok((content, _)) if content.len() > bytes_max => {
            Err(corrupt(format!("it unpacks to more than {bytes_max} bytes")))
        }
        Ok((content, [])) => Ok(content),
        Ok((_, rest)) => Err(corrupt(format!("{} bytes follow it", rest.len()))),
        Err(error) => Err(corrupt(error.to_string())),
    }
}
