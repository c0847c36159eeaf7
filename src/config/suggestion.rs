//! "Did you mean": the nearest of the words that would have been right.

/// How alike two words must be, from 0 to 1, to be mentioned.
const LIKENESS: f64 = 0.8;

/// The candidate that `wanted` is most probably a slip of.
pub(crate) fn nearest<'c>(wanted: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    if wanted.len() > 100 {
        return None;
    }
    let wanted = wanted.to_lowercase();
    let likeness = |candidate: &str| strsim::jaro_winkler(&candidate.to_lowercase(), &wanted);
    let mut nearest = (LIKENESS, None);
    for candidate in candidates {
        let likeness = likeness(candidate);
        if likeness > nearest.0 {
            nearest = (likeness, Some(candidate));
        }
    }
    nearest.1
}

/// `did you mean near?`, else all candidates: `expected one of …`.
pub(super) fn did_you_mean(wanted: &str, candidates: &[&str]) -> String {
    match (nearest(wanted, candidates.iter().copied()), candidates) {
        (Some(near), _) => format!("did you mean {near}?"),
        (None, [only]) => format!("expected {only}"),
        (None, [first @ .., last]) => format!("expected {} or {last}", first.join(", ")),
        (None, []) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::{did_you_mean, nearest};

    #[test]
    fn finds_the_nearest_word() {
        assert_eq!(
            nearest("legacy-token-secrets", ["legacy-token-secret", "token-lifetime"]),
            Some("legacy-token-secret")
        );
        assert_eq!(nearest("WARNING", ["deny", "warn"]), Some("warn"));
    }

    #[test]
    fn names_all_words_where_none_is_near() {
        assert_eq!(did_you_mean("xyz", &["deny", "warn", "off"]), "expected deny, warn or off");
    }
}
