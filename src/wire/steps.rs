//! Buckets as JSON: one flat list of steps, each the distance in microseconds from the bucket before and how many it
//! holds. Half as long as pairs of times and counts would be.

use std::fmt;

use serde::de::{Error, SeqAccess, Visitor};
use serde::ser::SerializeSeq;
use serde::{Deserializer, Serializer};

use crate::limits::BUCKETS_MAX;

/// How long the list gets, brackets apart: far quicker than writing it.
pub(crate) fn bytes(buckets: &[(u64, u32)]) -> usize {
    let digits = |number: u64| number.checked_ilog10().unwrap_or(0) as usize + 1;
    let before = [0].into_iter().chain(buckets.iter().map(|&(us, _)| us));
    let steps = buckets.iter().zip(before);
    // A comma behind each number but the last.
    let bytes: usize =
        steps.map(|(&(us, count), before)| digits(us - before) + digits(count.into()) + 2).sum();
    bytes.saturating_sub(1)
}

pub(crate) fn serialize<S: Serializer>(buckets: &[(u64, u32)], serializer: S) -> Result<S::Ok, S::Error> {
    let mut list = serializer.serialize_seq(Some(buckets.len() * 2))?;
    let mut before = 0;
    for &(us, count) in buckets {
        list.serialize_element(&(us - before))?;
        list.serialize_element(&count)?;
        before = us;
    }
    list.end()
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<(u64, u32)>, D::Error> {
    deserializer.deserialize_seq(Steps)
}

struct Steps;

impl<'de> Visitor<'de> for Steps {
    type Value = Vec<(u64, u32)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("steps in microseconds, each followed by a count")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut buckets = Vec::new();
        let mut us = 0_u64;
        while let Some(step) = list.next_element::<u64>()? {
            let count = list.next_element()?.ok_or_else(|| A::Error::custom("the last step has no count"))?;
            us = us.checked_add(step).ok_or_else(|| A::Error::custom("steps pass all bounds of time"))?;
            if buckets.len() == BUCKETS_MAX {
                return Err(A::Error::custom(format_args!("more than {BUCKETS_MAX} steps")));
            }
            buckets.push((us, count));
        }
        Ok(buckets)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_as_long_as_it_is_said_to_be() {
        for buckets in [&[][..], &[(0, 1)], &[(9, 10), (10, 9), (110, 100)], &[(3_600_000_000, u32::MAX)]] {
            let mut json = Vec::new();
            serialize(buckets, &mut serde_json::Serializer::new(&mut json)).unwrap();
            assert_eq!(bytes(buckets) + 2, json.len(), "{}", String::from_utf8_lossy(&json));
        }
    }
}
