//! Objects as they lie on the disk: JSON in one zstd frame with its checksum, bounded both ways.

use std::io::{self, BufReader, Read, Write};

use serde::Serialize;
use serde::de::DeserializeOwned;
use zstd::stream::{read::Decoder, write::Encoder};

use crate::limits::{PACKED_BYTES_MAX, UNPACKED_BYTES_MAX, WINDOW_LOG_MAX};

/// zstd's default: about 300 MB a second, a tenth of the JSON's size.
const LEVEL: i32 = 3;

/// Packs `value`.
///
/// # Errors
/// When it passes a bound: what cannot be read back is not written.
pub(crate) fn pack(value: &impl Serialize) -> io::Result<Vec<u8>> {
    let packed = Bounded { inner: Vec::new(), left: PACKED_BYTES_MAX };
    let mut encoder = Encoder::new(packed, LEVEL)?;
    encoder.include_checksum(true)?;
    let mut unpacked = Bounded { inner: encoder, left: UNPACKED_BYTES_MAX };
    serde_json::to_writer(&mut unpacked, value)?;
    Ok(unpacked.inner.finish()?.inner)
}

/// Unpacks what [`pack`] made, never more than the bound of it, however much it claims to hold.
///
/// # Errors
/// When it is torn, altered, too large, or not such a value.
pub(crate) fn unpack<T: DeserializeOwned>(packed: &[u8]) -> io::Result<T> {
    unpack_bounded(packed, UNPACKED_BYTES_MAX)
}

fn unpack_bounded<T: DeserializeOwned>(packed: &[u8], left: u64) -> io::Result<T> {
    let mut decoder = Decoder::new(packed)?;
    decoder.window_log_max(WINDOW_LOG_MAX)?;
    Ok(serde_json::from_reader(BufReader::new(Bounded { inner: decoder, left }))?)
}

/// Lets so many bytes through and is an error from there on.
struct Bounded<T> {
    inner: T,
    left: u64,
}

impl<T> Bounded<T> {
    fn pass(&mut self, bytes: usize) -> io::Result<usize> {
        let left = self.left.checked_sub(bytes as u64);
        self.left = left.ok_or_else(|| io::Error::other("it passes the bound on its size"))?;
        Ok(bytes)
    }
}

impl<W: Write> Write for Bounded<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.pass(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(bytes)?;
        self.pass(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_comes_back_and_is_small() {
        let value = vec!["AgentPodV4IP_agent_127.0.0.1"; 1_000];
        let packed = pack(&value).unwrap();
        assert!(packed.len() < 1_000, "{} bytes", packed.len());
        assert_eq!(unpack::<Vec<String>>(&packed).unwrap(), value);
    }

    #[test]
    fn a_torn_or_altered_object_is_an_error_at_every_byte() {
        let packed = pack(&vec![1u32, 2, 3]).unwrap();
        for at in 0..packed.len() {
            assert!(unpack::<Vec<u32>>(&packed[..at]).is_err(), "torn at {at}");
            let mut altered = packed.clone();
            altered[at] ^= 0x10;
            assert!(unpack::<Vec<u32>>(&altered).map_or(true, |value| value == [1, 2, 3]), "altered at {at}");
        }
        let tailed = [packed.as_slice(), b"tail"].concat();
        assert!(unpack::<Vec<u32>>(&tailed).is_err());
    }

    #[test]
    fn a_bomb_is_not_unpacked() {
        // 64 MiB of blanks in a few KiB.
        let mut encoder = Encoder::new(Vec::new(), LEVEL).unwrap();
        let blanks = vec![b' '; 1 << 20];
        (0..64).for_each(|_| encoder.write_all(&blanks).unwrap());
        let bomb = encoder.finish().unwrap();
        assert!(bomb.len() < 64 << 10, "{} bytes", bomb.len());
        let error = unpack_bounded::<Vec<u32>>(&bomb, 1 << 20).unwrap_err();
        assert!(error.to_string().contains("passes the bound on its size"), "{error}");
    }
}
