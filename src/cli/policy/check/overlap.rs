//! Exceptions that allow the same.

use std::collections::HashMap;

use jiff::Timestamp;

use crate::config::Placed;
use crate::policy::{Exception, NamePattern, Rule};
use crate::review::Candidates;

/// The most overlaps that are told of one exception; the others are counted.
const MOST: usize = 5;

/// What an exception has in common with others that stand before it.
#[derive(Default)]
pub(super) struct Overlaps<'d> {
    pub(super) told: Vec<Overlap<'d>>,
    /// How many there are beyond those.
    pub(super) more: usize,
}

/// What two exceptions both allow.
pub(super) struct Overlap<'d> {
    /// The other one.
    pub(super) with: &'d Placed<Exception>,
    /// Under which rule.
    pub(super) rule: &'static Rule,
    /// Such as `team-a/ci-*`.
    pub(super) secret: String,
    /// Whose.
    pub(super) service_account: String,
}

/// What each of the exceptions that hold has in common with those before it, in their order.
pub(super) fn of<'d>(
    exceptions: &'d [Placed<Exception>],
    candidates: Option<&Candidates>,
    now: Timestamp,
) -> Vec<Overlaps<'d>> {
    // Most exceptions name one Secret each, and have nothing in common with those that name another.
    let mut by_secret: HashMap<(&str, &str), Vec<usize>> = HashMap::new();
    let (mut of_patterns, mut holding) = (Vec::new(), Vec::new());
    let mut all = Vec::with_capacity(exceptions.len());
    for (index, exception) in exceptions.iter().enumerate() {
        let mut overlaps = Overlaps::default();
        // One that has ended is told of by itself, and what renews it allows the same on purpose.
        if !exception.value.is_expired(now) {
            let exact = match (&exception.value.namespace, &exception.value.secret) {
                (NamePattern::Exact(namespace), NamePattern::Exact(secret)) => Some((&**namespace, &**secret)),
                _ => None,
            };
            let mut before: Vec<usize> = match exact {
                Some(secret) => by_secret.get(&secret).into_iter().flatten().chain(&of_patterns).copied().collect(),
                None => holding.clone(),
            };
            before.sort_unstable();
            for other in before.into_iter().map(|other| &exceptions[other]) {
                overlaps.add(between(&exception.value, other, candidates));
            }
            match exact {
                Some(secret) => by_secret.entry(secret).or_default().push(index),
                None => of_patterns.push(index),
            }
            holding.push(index);
        }
        all.push(overlaps);
    }
    all
}

impl<'d> Overlaps<'d> {
    fn add(&mut self, overlap: Option<Overlap<'d>>) {
        match overlap {
            Some(overlap) if self.told.len() < MOST => self.told.push(overlap),
            Some(_) => self.more += 1,
            None => {}
        }
    }
}

fn between<'d>(one: &Exception, other: &'d Placed<Exception>, candidates: Option<&Candidates>) -> Option<Overlap<'d>> {
    let with = other;
    let other = &other.value;
    let rule = one.rules.iter().copied().find(|rule| other.lifts(rule))?;
    let common = [
        common(&one.namespace, &other.namespace),
        common(&one.secret, &other.secret),
        common(&one.service_account, &other.service_account),
    ];
    match common {
        [Common::Of(namespace), Common::Of(secret), Common::Of(service_account)] => {
            Some(Overlap { with, rule, secret: format!("{namespace}/{secret}"), service_account })
        }
        common if common.contains(&Common::Nothing) => None,
        // Whether two globs have a name in common is seen where there is one that both match.
        _ => {
            let both = candidates?.covered_by(one).find(|candidate| candidate.is_covered_by(other))?;
            let secret = format!("{}/{}", both.namespace, both.secret);
            Some(Overlap { with, rule, secret, service_account: both.service_account.clone().unwrap_or_default() })
        }
    }
}

/// What two patterns both match.
#[derive(PartialEq, Eq)]
enum Common {
    Nothing,
    /// This name, or what this pattern matches.
    Of(String),
    /// That cannot be seen from the patterns.
    Unknown,
}

fn common(one: &NamePattern, other: &NamePattern) -> Common {
    let of = |pattern: &NamePattern| Common::Of(pattern.as_str().to_owned());
    match (one, other) {
        (NamePattern::Any, pattern) | (pattern, NamePattern::Any) => of(pattern),
        (NamePattern::Exact(name), pattern) | (pattern, NamePattern::Exact(name)) => {
            if pattern.matches(name) {
                Common::Of(name.to_string())
            } else {
                Common::Nothing
            }
        }
        (NamePattern::Glob(_), NamePattern::Glob(_)) if one.as_str() == other.as_str() => of(one),
        (NamePattern::Glob(_), NamePattern::Glob(_)) => Common::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::{Common, common};
    use crate::policy::NamePattern;

    #[test]
    fn finds_what_two_patterns_both_match_where_that_can_be_seen() {
        let of = |one: &str, other: &str| {
            let [one, other] = [one, other].map(|text| NamePattern::parse(text).unwrap());
            match (common(&one, &other), common(&other, &one)) {
                (Common::Of(name), Common::Of(same)) => {
                    assert_eq!(name, same);
                    name
                }
                (Common::Nothing, Common::Nothing) => "nothing".to_owned(),
                (Common::Unknown, Common::Unknown) => "unknown".to_owned(),
                _ => panic!("{one:?} and {other:?} are told apart by their order"),
            }
        };
        assert_eq!(of("ci", "ci"), "ci");
        assert_eq!(of("ci", "web"), "nothing");
        assert_eq!(of("ci-1", "ci-*"), "ci-1");
        assert_eq!(of("web-1", "ci-*"), "nothing");
        assert_eq!(of("*", "ci"), "ci");
        assert_eq!(of("*", "ci-*"), "ci-*");
        assert_eq!(of("*", "*"), "*");
        assert_eq!(of("ci-*", "ci-*"), "ci-*");
        assert_eq!(of("ci-*", "*-1"), "unknown");
    }
}
