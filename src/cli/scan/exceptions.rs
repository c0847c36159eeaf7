//! A TokenException for each legacy token Secret: what a cluster begins with, so that nothing breaks on the day on which
//! tokenward is switched on, and all of it has an owner and an end.

use std::hash::Hasher as _;
use std::io::{self, Write};
use std::str::FromStr;

use anyhow::anyhow;
use fnv::FnvHasher;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

use crate::cli::Failure;
use crate::cluster::LegacyToken;
use crate::config::{self, LONGEST_OWNER, LONGEST_REASON};
use crate::policy::{Exception, NamePattern, Rule};

/// The rules that the Secret of an exception would otherwise meet: when it is made anew, and when a Pod reaches it.
const RULES: [&str; 2] = ["TW101", "TW201"];

/// The longest name of a TokenException, in bytes.
const LONGEST_NAME: usize = 253;

/// How long exceptions hold, in whole days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ttl {
    days: i32,
}

impl Default for Ttl {
    /// Ninety days.
    fn default() -> Self {
        Self { days: 90 }
    }
}

impl FromStr for Ttl {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let expected = "expected a number of days or weeks, such as 90d or 12w";
        let (number, unit) = match (text.strip_suffix('d'), text.strip_suffix('w')) {
            (Some(number), _) => (number, 1),
            (_, Some(number)) => (number, 7),
            _ => return Err(expected),
        };
        if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(expected);
        }
        match number.parse::<i32>().ok().and_then(|number| number.checked_mul(unit)) {
            Some(0) => Err("an exception holds for a day at least, such as 90d or 12w"),
            Some(days) => Ok(Self { days }),
            None => Err("the end is too far away: an exception has to end"),
        }
    }
}

/// The owner, as a policy file takes it.
pub(super) fn owner(text: &str) -> Result<String, String> {
    config::words(text, LONGEST_OWNER).map(str::to_owned)
}

/// The reason, as a policy file takes it.
pub(super) fn reason(text: &str) -> Result<String, String> {
    config::words(text, LONGEST_REASON).map(str::to_owned)
}

/// What all exceptions of one scan have in common.
pub(super) struct Terms<'t> {
    pub(super) owner: &'t str,
    /// Where nobody gave a reason, each says what the cluster knows of the token's use.
    pub(super) reason: Option<&'t str>,
    pub(super) ttl: Ttl,
}

/// Writes the exceptions as a policy file, and tells on `notes` what they come to.
pub(super) fn write(
    out: &mut impl Write,
    notes: &mut impl Write,
    tokens: &[LegacyToken],
    terms: &Terms<'_>,
    now: Timestamp,
) -> Result<(), Failure> {
    let today = now.to_zoned(TimeZone::UTC).date();
    let (last_day, ends) =
        last_day(today, terms.ttl).ok_or_else(|| anyhow!("--ttl: the end is too far away: an exception has to end"))?;
    let mut documents = Vec::with_capacity(tokens.len());
    for token in tokens {
        if names_can_be(token) {
            let exception = exception(token, terms, today, (last_day, ends));
            documents.push(config::show_exception(&exception));
        } else {
            // Standard error may be closed; the exceptions are worth more than the notes.
            let _ = skipped(notes, token);
        }
    }
    out.write_all(documents.join("---\n").as_bytes())?;
    let noun = if documents.len() == 1 { "exception, which holds" } else { "exceptions, which hold" };
    if !documents.is_empty() {
        let _ = writeln!(notes, "{} {noun} until {last_day}.", documents.len());
    }
    Ok(())
}

fn last_day(today: Date, ttl: Ttl) -> Option<(Date, Timestamp)> {
    let last_day = today.checked_add(Span::new().try_days(ttl.days).ok()?).ok()?;
    Some((last_day, Exception::end_of(last_day)?))
}

/// The annotation that names the account takes any text; a pattern in it must not become one of a policy.
fn names_can_be(token: &LegacyToken) -> bool {
    [&token.namespace, &token.name, &token.service_account].into_iter().all(|name| config::is_subdomain(name))
}

fn skipped(notes: &mut impl Write, token: &LegacyToken) -> io::Result<()> {
    let name = super::table::printable(&format!("{}/{}", token.namespace, token.name));
    writeln!(notes, "note: Secret {name} names no service account that can be; no exception is written for it")
}

fn exception(token: &LegacyToken, terms: &Terms<'_>, today: Date, (expires, ends): (Date, Timestamp)) -> Exception {
    let exact = |name: &str| NamePattern::Exact(name.into());
    Exception {
        name: name(&token.namespace, &token.name),
        rules: RULES.into_iter().filter_map(Rule::find).collect(),
        namespace: exact(&token.namespace),
        secret: exact(&token.name),
        service_account: exact(&token.service_account),
        reason: terms.reason.map_or_else(|| found(token, today), str::to_owned),
        owner: terms.owner.to_owned(),
        expires,
        ends,
    }
}

fn found(token: &LegacyToken, today: Date) -> String {
    let use_on_record = match (&token.invalid_since, &token.last_used) {
        (Some(day), _) => format!("switched off since {day}"),
        (None, Some(day)) => format!("last used on {day}"),
        (None, None) => "no use on record".to_owned(),
    };
    super::table::printable(&format!("Found by tokenward scan on {today}, {use_on_record}"))
}

/// `<namespace>.<secret>`: a namespace has no dot, so no two are alike. One that is too long ends in a digest of the whole.
fn name(namespace: &str, secret: &str) -> String {
    let whole = format!("{namespace}.{secret}");
    if whole.len() <= LONGEST_NAME {
        return whole;
    }
    let mut hasher = FnvHasher::default();
    hasher.write(whole.as_bytes());
    let digest = format!("-{:016x}", hasher.finish());
    let head: String = whole.chars().take(LONGEST_NAME - digest.len()).collect();
    format!("{}{digest}", head.trim_end_matches(['-', '.']))
}

#[cfg(test)]
mod tests {
    use super::{LONGEST_NAME, Terms, Timestamp, Ttl, name, write};
    use crate::cluster::LegacyToken;
    use crate::config::{Documents, Source, is_subdomain};

    const NOW: Timestamp = Timestamp::constant(1_795_000_000, 0);

    fn token(namespace: &str, name: &str, account: &str) -> LegacyToken {
        LegacyToken {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            service_account: account.to_owned(),
            created_at: None,
            last_used: None,
            invalid_since: None,
            origin: None,
        }
    }

    fn written(tokens: &[LegacyToken], reason: Option<&str>) -> (String, String) {
        let terms = Terms { owner: "platform@example.com", reason, ttl: Ttl { days: 90 } };
        let (mut out, mut notes) = (Vec::new(), Vec::new());
        write(&mut out, &mut notes, tokens, &terms, NOW).unwrap();
        (String::from_utf8(out).unwrap(), String::from_utf8(notes).unwrap())
    }

    #[test]
    fn reads_days_and_weeks() {
        let days = |text: &str| text.parse::<Ttl>().map(|ttl| ttl.days);
        assert_eq!((days("90d"), days("12w"), days("1d")), (Ok(90), Ok(84), Ok(1)));
        for text in ["", "d", "90", "90h", "1y", "-1d", "+1d", "1.5d", "90 d", "90D", "w12", "9d9"] {
            assert!(days(text).unwrap_err().starts_with("expected a number of days or weeks"), "{text}");
        }
        assert!(
            days("0d").is_err() && days("0w").is_err() && days("99999999999d").is_err() && days("2147483647w").is_err()
        );
    }

    #[test]
    fn an_end_beyond_the_calendar_is_an_error() {
        for days in [2_912_500, 9_999_999, i32::MAX] {
            let terms = Terms { owner: "me", reason: None, ttl: Ttl { days } };
            let refused = write(&mut Vec::new(), &mut Vec::new(), &[token("a", "b", "c")], &terms, NOW);
            assert!(refused.is_err(), "{days}");
        }
    }

    #[test]
    fn names_are_good_and_unlike_whatever_their_length() {
        assert_eq!(name("team-a", "legacy.ci"), "team-a.legacy.ci");
        let namespace = "n".repeat(63);
        let secret = |end: &str| format!("{}{end}", "s".repeat(253 - end.len()));
        let dotted = format!("{}.{}", "a".repeat(171), "b".repeat(81));
        let names =
            [secret("1"), secret("2"), "s".repeat(189), "s".repeat(190), dotted].map(|it| name(&namespace, &it));
        for name in &names {
            assert!(is_subdomain(name) && name.len() <= LONGEST_NAME, "{name}");
        }
        let unlike: std::collections::BTreeSet<&String> = names.iter().collect();
        assert_eq!(unlike.len(), names.len());
        assert_eq!(names[2].len(), 253, "one that just fits is left alone");
        assert_eq!(name(&namespace, &secret("1")), names[0]);
    }

    #[test]
    fn what_is_written_is_a_policy_file() {
        let mut used = token("team-a", "legacy-ci", "ci");
        used.last_used = Some("2026-11-10".to_owned());
        let mut off = token("team-b", "old", "default");
        off.invalid_since = Some("2026-06-01".to_owned());
        let (text, notes) = written(&[used, off, token(&"n".repeat(63), &"s".repeat(253), "ci")], None);
        assert_eq!(notes, "3 exceptions, which hold until 2027-02-16.\n");
        let documents = Documents::parse(&[Source::new("exceptions.yaml", text.clone())]).unwrap();
        assert_eq!(documents.exceptions.len(), 3);
        let first = text.split("---\n").next().unwrap();
        insta::assert_snapshot!(first, @r#"
        apiVersion: tokenward.dev/v1alpha1
        kind: TokenException
        metadata:
          name: team-a.legacy-ci
        spec:
          rules: [legacy-token-secret, legacy-token-reference]
          namespace: team-a
          secret: legacy-ci
          serviceAccount: ci
          reason: "Found by tokenward scan on 2026-11-18, last used on 2026-11-10"
          owner: platform@example.com
          expires: 2027-02-16
        "#);
        assert!(text.contains("scan on 2026-11-18, switched off since 2026-06-01"));
        assert!(text.contains("scan on 2026-11-18, no use on record"));
    }

    #[test]
    fn a_reason_of_ones_own_is_for_all() {
        let (text, _) = written(&[token("a", "b", "c"), token("a", "d", "c")], Some("Until: we move\nto bound tokens"));
        assert_eq!(text.matches(r#"reason: "Until: we move\nto bound tokens""#).count(), 2);
    }

    #[test]
    fn an_account_that_is_a_pattern_gets_no_exception() {
        let (text, notes) = written(&[token("a", "b", "*"), token("a", "c", ""), token("a", "d\u{7}", "c")], None);
        assert_eq!(text, "");
        assert!(notes.starts_with("note: Secret a/b names no service account that can be;"), "{notes}");
        assert!(notes.contains("note: Secret a/d? names"), "{notes}");
    }
}
