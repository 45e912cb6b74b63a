//! Which word somebody may have meant.

/// Longest word that is compared, bytes: a longer one is no slip of the hand.
const WORD_BYTES_MAX: usize = 40;
/// Most letters that may be wrong.
const SLIPS_MAX: usize = 2;

/// The candidate that differs from `word` in case alone, or else in the fewest letters, at most two; none when `word` is
/// longer than 40 bytes.
#[must_use]
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if word.len() > WORD_BYTES_MAX {
        return None;
    }
    let lower = word.to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| (slips(&lower, &candidate.to_lowercase()), candidate))
        // A short word is all slips: half of it must be right.
        .filter(|&(slips, candidate)| slips <= SLIPS_MAX && 2 * slips < candidate.len())
        .min()
        .map(|(_, candidate)| candidate)
}

/// Letters to insert, delete, exchange with another, or swap with their neighbour, to make one word of the
/// other (the optimal string alignment distance).
fn slips(one: &str, other: &str) -> usize {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let mut rows: Vec<Vec<usize>> = vec![(0..=other.len()).collect()];
    for (i, a) in one.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in other.iter().enumerate() {
            let mut least = (rows[i][j] + usize::from(a != b)).min(rows[i][j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *a == other[j - 1] && one[i - 1] == *b {
                least = least.min(rows[i - 1][j - 1] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[one.len()][other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_words_are_found_and_far_ones_are_not() {
        let check = |word, meant| {
            assert_eq!(nearest(word, ["qps", "durationInSecond", "nodePort", "ipv4"]), meant, "{word}")
        };
        check("nodeport", Some("nodePort"));
        check("durationInSeconds", Some("durationInSecond"));
        check("noedPort", Some("nodePort"));
        check("qsp", Some("qps"));
        check("ipv5", Some("ipv4"));
        check("xyz", None);
        check("timeout", None);
        check(&"q".repeat(1_000_000), None);
    }
}
