//! How long the caller waits: `?timeout=`, written as Go writes durations.

use std::time::Duration;

/// Taken where the caller says nothing; also what the API server takes.
const DEFAULT: Duration = Duration::from_secs(10);
/// The longest `timeoutSeconds` that a webhook configuration can have.
const LONGEST: Duration = Duration::from_secs(30);

/// How long an answer may take: what the query says less a tenth, so that the refusal is back before the caller gives up.
/// Other parameters are ignored, and so is a value that is none.
pub(super) fn time_allowed(query: Option<&str>) -> Duration {
    let stated = query.and_then(|query| query.split('&').find_map(|pair| pair.strip_prefix("timeout=")));
    let timeout = stated.and_then(parse_go_duration).filter(|timeout| !timeout.is_zero()).unwrap_or(DEFAULT);
    timeout.min(LONGEST).mul_f64(0.9)
}

/// Reads a Go duration such as `3s`, `2.5s`, `1m0s` or `500ms`; never a negative one.
///
/// The grammar is that of Go's `time.ParseDuration`.
#[must_use]
pub fn parse_go_duration(text: &str) -> Option<Duration> {
    if text == "0" {
        return Some(Duration::ZERO);
    }
    let mut rest = text;
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let number_end = rest.find(|character: char| !character.is_ascii_digit() && character != '.')?;
        let (number, after) = rest.split_at(number_end);
        let unit_end =
            after.find(|character: char| character.is_ascii_digit() || character == '.').unwrap_or(after.len());
        let (unit, after) = after.split_at(unit_end);
        let seconds = match unit {
            "ns" => 1e-9,
            "us" | "µs" | "μs" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            _ => return None,
        };
        let number: f64 = number.parse().ok()?;
        total = total.checked_add(Duration::try_from_secs_f64(number * seconds).ok()?)?;
        rest = after;
    }
    (!text.is_empty()).then_some(total)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{parse_go_duration, time_allowed};

    #[test]
    fn reads_what_go_writes() {
        let expected = [
            ("3s", 3000),
            ("2.5s", 2500),
            ("1m0s", 60_000),
            ("500ms", 500),
            ("1h2m3.5s", 3_723_500),
            (".5s", 500),
            ("0", 0),
        ];
        for (text, milliseconds) in expected {
            assert_eq!(parse_go_duration(text), Some(Duration::from_millis(milliseconds)), "{text}");
        }
    }

    #[test]
    fn refuses_what_go_refuses() {
        for text in ["", "3", "s", "-3s", "3 s", "1.2.3s", "3x", "99999999999999999999h", "é"] {
            assert_eq!(parse_go_duration(text), None, "{text}");
        }
    }

    #[test]
    fn a_tenth_is_left_for_the_way_back() {
        assert_eq!(time_allowed(Some("timeout=3s")), Duration::from_millis(2700));
        assert_eq!(time_allowed(Some("dryRun=All&timeout=1s&x")), Duration::from_millis(900));
    }

    #[test]
    fn ten_seconds_without_a_usable_value_and_never_more_than_thirty() {
        for query in [None, Some(""), Some("timeout="), Some("timeout=0s"), Some("timeout=soon"), Some("Timeout=1s")] {
            assert_eq!(time_allowed(query), Duration::from_secs(9), "{query:?}");
        }
        assert_eq!(time_allowed(Some("timeout=5m")), Duration::from_secs(27));
    }
}
