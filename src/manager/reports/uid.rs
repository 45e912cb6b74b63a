//! The uid of a report. Pure.

use sha2::{Digest, Sha256};

/// What is put before a NetReach's uid, so that nothing else comes to the same.
const NAMESPACE: &[u8] = b"kdoctorreports.system.kdoctor.io\0";

/// The uid of the report of a NetReach: the same for ever, and nobody else's. It is not the NetReach's own, for two objects of one uid
/// are one object to whoever collects garbage.
#[must_use]
pub(super) fn report_uid(uid: &str) -> String {
    let digest = Sha256::new().chain_update(NAMESPACE).chain_update(uid).finalize();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    // Version 8 of RFC 9562: made of whatever its maker likes.
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uid_is_the_same_for_ever_and_looks_like_one() {
        let uid = report_uid("2f9e1a52-6b1c-4a47-8d49-6d1b8c6c5a10");
        // Written down by releases: another one would be another object to whoever watches.
        assert_eq!(uid, "83e0dee4-f17f-817e-a43c-d32802728671");
        assert_ne!(uid, report_uid("2f9e1a52-6b1c-4a47-8d49-6d1b8c6c5a11"));
        let parts: Vec<usize> = uid.split('-').map(str::len).collect();
        assert_eq!(parts, [8, 4, 4, 4, 12]);
        for odd in ["", "u"] {
            assert_eq!(&report_uid(odd)[14..15], "8");
        }
    }
}
