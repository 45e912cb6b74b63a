//! The epoch of the versions that this process tells.

use jiff::Timestamp;
use netreach_store::{Store, StoreError};

/// Since when seconds are counted that make epochs: 2026 began.
const SINCE_S: i64 = 1_767_225_600;

/// An epoch above those of all managers before, where there is only one at a time: above every one that the store knows, and where it
/// has lost them, or cannot take another, as high as the clock says. Waits for the store.
#[must_use]
pub fn epoch_alone(store: &Store, now: Timestamp) -> u32 {
    epoch_in_turn(store, now).unwrap_or_else(|error| {
        let at_least = by_clock(now);
        tracing::warn!(%error, at_least, "the clock alone says that versions are above those of before");
        at_least
    })
}

/// An epoch above those of all managers before, where several take turns: no clock says what another's has said. Waits for the store.
///
/// # Errors
/// When the store cannot take one.
pub fn epoch_in_turn(store: &Store, now: Timestamp) -> Result<u32, StoreError> {
    store.next_epoch(by_clock(now))
}

/// Seconds since then; from 1, and for 136 years.
fn by_clock(now: Timestamp) -> u32 {
    let seconds = now.as_second().saturating_sub(SINCE_S).max(1);
    u32::try_from(seconds).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use netreach_store::Location;

    use super::*;

    #[test]
    fn epochs_rise_by_the_clock_and_by_what_is_known() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        assert_eq!(by_clock(at("2026-01-01T00:01:00Z")), 60);
        assert_eq!(by_clock(at("1999-01-01T00:00:00Z")), 1);
        assert_eq!(by_clock(Timestamp::MAX), u32::MAX);
        let dir = tempfile::tempdir().unwrap();
        let open = |name: &str| Store::open(&Location::Directory(dir.path().join(name))).unwrap();
        let (now, store) = (at("2026-01-01T01:00:00Z"), open("a"));
        assert_eq!(epoch_alone(&store, now), 3_600);
        // Begun in the same second, or by a clock that was set back.
        assert_eq!(epoch_alone(&store, now), 3_601);
        assert_eq!(epoch_alone(&store, at("2026-01-01T00:00:01Z")), 3_602);
        // Another leader's clock is behind.
        assert_eq!(epoch_in_turn(&open("a"), at("2026-01-01T00:59:00Z")).unwrap(), 3_603);
        // The volume is lost.
        assert_eq!(epoch_alone(&open("b"), at("2026-01-01T01:00:09Z")), 3_609);
        // Nothing can be written.
        let (folder, away) = (dir.path().join("d"), open("d"));
        std::fs::remove_dir_all(&folder).unwrap();
        std::fs::write(&folder, "").unwrap();
        assert_eq!(epoch_alone(&away, now), 3_600);
        assert!(epoch_in_turn(&away, now).is_err());
    }
}
