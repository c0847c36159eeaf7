//! Exceptions: legacy tokens that a policy allows, each with an owner and an end date.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::fmt;

use globset::{Glob, GlobMatcher};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::registry::Rule;
use super::text::shortened;

/// Whoever is allowed something by an exception is told of its end from so long before it on.
const SOON: SignedDuration = SignedDuration::from_hours(14 * 24);

/// An exact name, or a glob of `*`, `?`, `[…]` and `{…}`.
#[derive(Clone)]
pub enum NamePattern {
    /// Matches one name.
    Exact(Box<str>),
    /// `*`: matches every name, and needs no automaton for it.
    Any,
    /// Matches many.
    Glob(Box<GlobMatcher>),
}

/// The pattern, without the program that a glob is compiled to.
impl fmt::Debug for NamePattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if matches!(self, Self::Exact(_)) { "Exact" } else { "Glob" };
        formatter.debug_tuple(kind).field(&self.as_str()).finish()
    }
}

impl NamePattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// When the glob is not well formed.
    pub fn parse(pattern: &str) -> Result<Self, globset::Error> {
        if pattern == "*" {
            Ok(Self::Any)
        } else if Self::is_glob(pattern) {
            Ok(Self::Glob(Box::new(Glob::new(pattern)?.compile_matcher())))
        } else {
            Ok(Self::Exact(pattern.into()))
        }
    }

    /// Whether `pattern` is a glob rather than an exact name.
    #[must_use]
    pub fn is_glob(pattern: &str) -> bool {
        pattern.contains(['*', '?', '[', '{', '\\'])
    }

    /// Whether the pattern matches `name` as a whole.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        match self {
            Self::Exact(exact) => **exact == *name,
            Self::Any => true,
            Self::Glob(glob) => glob.is_match(name),
        }
    }

    /// The pattern as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Exact(exact) => exact,
            Self::Any => "*",
            Self::Glob(glob) => glob.glob().glob(),
        }
    }
}

/// One TokenException of the policy file.
#[derive(Clone, Debug)]
pub struct Exception {
    /// `metadata.name`.
    pub name: String,
    /// The rules that it speaks of.
    pub rules: Vec<&'static Rule>,
    /// The namespace.
    pub namespace: NamePattern,
    /// The Secret.
    pub secret: NamePattern,
    /// The Secret's service account.
    pub service_account: NamePattern,
    /// Why it is needed.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// The last day on which it holds.
    pub expires: Date,
    /// The first instant at which it no longer holds: the end of that day, UTC.
    pub ends: Timestamp,
}

impl Exception {
    /// Whether it has ended at `now`.
    #[must_use]
    pub fn is_expired(&self, now: Timestamp) -> bool {
        now >= self.ends
    }

    /// The first instant at which an exception with this last day no longer holds: the end of that day, UTC. `None` at the
    /// end of the calendar.
    #[must_use]
    pub fn end_of(last_day: Date) -> Option<Timestamp> {
        let midnight = last_day.tomorrow().and_then(|day| day.to_zoned(TimeZone::UTC)).ok()?;
        Some(midnight.timestamp())
    }

    /// How it stands at `now`.
    #[must_use]
    pub fn state(&self, now: Timestamp) -> ExceptionState {
        match () {
            () if self.is_expired(now) => ExceptionState::Expired,
            () if self.ends.duration_since(now) <= SOON => ExceptionState::Expiring,
            () => ExceptionState::Active,
        }
    }

    /// Whether it speaks of `rule`.
    #[must_use]
    pub fn lifts(&self, rule: &Rule) -> bool {
        self.rules.iter().any(|named| named.code == rule.code)
    }

    /// What people are told of one that ends soon; at most 120 characters.
    pub(super) fn end(&self) -> String {
        format!("exception {} ends on {} (owner {})", shortened(&self.name), self.expires, shortened(&self.owner))
    }

    fn covers(&self, rule: &Rule, namespace: &str, secret: &str, service_account: &str) -> bool {
        self.lifts(rule)
            && self.namespace.matches(namespace)
            && self.secret.matches(secret)
            && self.service_account.matches(service_account)
    }
}

/// How an exception stands at some instant: it is in one state at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ExceptionState {
    /// It holds for more than another two weeks.
    Active,
    /// It holds, and ends within two weeks.
    Expiring,
    /// It has ended.
    Expired,
}

impl ExceptionState {
    /// All states.
    pub const ALL: [Self; 3] = [Self::Active, Self::Expiring, Self::Expired];

    /// The word in metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Expiring => "expiring",
            Self::Expired => "expired",
        }
    }
}

/// All exceptions, indexed so that a decision does not grow with their number: each lies under the names that it spells out.
#[derive(Clone, Debug, Default)]
pub struct Exceptions {
    all: Vec<Exception>,
    /// By namespace, then Secret, then service account.
    index: ByName<ByName<ByName<Vec<usize>>>>,
}

/// What lies under a name, and what lies under patterns, which have to be tried one by one.
#[derive(Clone, Debug, Default)]
struct ByName<T> {
    exact: HashMap<Box<str>, T>,
    patterns: T,
}

impl<T: Default> ByName<T> {
    fn under(&mut self, pattern: &NamePattern) -> &mut T {
        match pattern {
            NamePattern::Exact(name) => self.exact.entry(name.clone()).or_default(),
            NamePattern::Any | NamePattern::Glob(_) => &mut self.patterns,
        }
    }

    /// What may match `name`, the exact first.
    fn for_name(&self, name: &str) -> impl Iterator<Item = &T> {
        self.exact.get(name).into_iter().chain([&self.patterns])
    }
}

impl Exceptions {
    /// Indexes `all`.
    #[must_use]
    pub fn new(all: Vec<Exception>) -> Self {
        let mut index: ByName<ByName<ByName<Vec<usize>>>> = ByName::default();
        for (place, exception) in all.iter().enumerate() {
            let of_secret = index.under(&exception.namespace).under(&exception.secret);
            of_secret.under(&exception.service_account).push(place);
        }
        Self { all, index }
    }

    /// All exceptions in the order of the file.
    #[must_use]
    pub fn all(&self) -> &[Exception] {
        &self.all
    }

    /// The exceptions that may speak of a Secret and its service account, the more exact first, otherwise in the order of
    /// the file.
    fn candidates<'e>(&'e self, namespace: &str, secret: &str, account: &str) -> impl Iterator<Item = &'e Exception> {
        let of_secret = self.index.for_name(namespace).flat_map(move |secrets| secrets.for_name(secret));
        of_secret.flat_map(move |accounts| accounts.for_name(account)).flatten().map(|place| &self.all[*place])
    }

    /// The exception that speaks of a Secret and its service account under `rule`, whether it has ended or not: of several
    /// the one that ends last.
    #[must_use]
    pub fn covering<'e>(
        &'e self,
        rule: &Rule,
        namespace: &'e str,
        secret: &str,
        service_account: &str,
    ) -> Option<&'e Exception> {
        let candidates = self.candidates(namespace, secret, service_account);
        let covering = candidates.filter(|found| found.covers(rule, namespace, secret, service_account));
        covering.min_by_key(|exception| Reverse(exception.ends))
    }

    /// The service account of a Secret that an exception, of any rule and of any date, names without a glob: whoever
    /// wrote it knew the Secret as a legacy one. One that holds at `now` is believed before one that has ended.
    #[must_use]
    pub fn names_exactly(&self, namespace: &str, secret: &str, now: Timestamp) -> Option<&str> {
        let accounts = &self.index.exact.get(namespace)?.exact.get(secret)?.exact;
        let named = accounts.iter().flat_map(|(account, places)| places.iter().map(move |place| (*place, account)));
        named.min_by_key(|(place, _)| (self.all[*place].is_expired(now), *place)).map(|(_, account)| &**account)
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use jiff::civil::date;

    use super::{Exception, ExceptionState, Exceptions, NamePattern};
    use crate::policy::rules::legacy_token_secret::RULE;

    fn exception(namespace: &str, secret: &str, service_account: &str) -> Exception {
        let pattern = |text: &str| NamePattern::parse(text).unwrap();
        Exception {
            name: format!("{namespace}/{secret}/{service_account}"),
            rules: vec![&RULE],
            namespace: pattern(namespace),
            secret: pattern(secret),
            service_account: pattern(service_account),
            reason: String::new(),
            owner: String::new(),
            expires: date(2027, 3, 31),
            ends: Timestamp::MAX,
        }
    }

    /// So many, some of them with patterns in one or two of the names.
    fn many(count: usize) -> Exceptions {
        let of = |index: usize| {
            let (namespace, secret, account) =
                (format!("team-{}", index % 500), format!("token-{index}"), format!("bot-{index}"));
            match index % 10 {
                0 => exception("team-*", &secret, &account),
                1 => exception(&namespace, &format!("{secret}-*"), &account),
                2 => exception("*", "*", &account),
                3 => exception(&namespace, "*", &account),
                _ => exception(&namespace, &secret, &account),
            }
        };
        Exceptions::new((0..count).map(of).collect())
    }

    #[test]
    fn ends_with_its_last_day() {
        let end = Exception::end_of(date(2027, 3, 31)).unwrap();
        assert_eq!(end, "2027-04-01T00:00:00Z".parse::<Timestamp>().unwrap());
        assert_eq!(Exception::end_of(date(9999, 12, 31)), None);
    }

    #[test]
    fn has_a_word_for_each_state_and_one_for_itself() {
        assert_eq!(ExceptionState::ALL.map(ExceptionState::as_str), ["active", "expiring", "expired"]);
        let patterns = ["a", "*", "a-*"].map(|text| format!("{:?}", NamePattern::parse(text).unwrap()));
        assert_eq!(patterns, ["Exact(\"a\")", "Glob(\"*\")", "Glob(\"a-*\")"]);
    }

    #[test]
    fn a_decision_looks_at_few_of_many_exceptions() {
        let exceptions = many(10_000);
        for index in 0..10_000 {
            let (namespace, secret, account) =
                (format!("team-{}", index % 500), format!("token-{index}"), format!("bot-{index}"));
            let looked_at = exceptions.candidates(&namespace, &secret, &account).count();
            assert!(looked_at <= 4, "{looked_at} exceptions are looked at for {namespace}/{secret}");
        }
    }

    #[test]
    fn the_index_finds_what_a_search_through_all_finds() {
        let exceptions = many(1000);
        for index in (0..1000).step_by(7) {
            for secret in [format!("token-{index}"), format!("token-{index}-x"), "other".to_owned()] {
                let (namespace, account) = (format!("team-{}", index % 500), format!("bot-{index}"));
                let covers = |found: &&Exception| found.covers(&RULE, &namespace, &secret, &account);
                let found = exceptions.covering(&RULE, &namespace, &secret, &account).map(|exception| &exception.name);
                let all: Vec<&String> = exceptions.all().iter().filter(covers).map(|found| &found.name).collect();
                assert_eq!(found.is_some(), !all.is_empty(), "{namespace}/{secret}/{account}");
                assert!(found.is_none_or(|found| all.contains(&found)));
            }
        }
    }
}
