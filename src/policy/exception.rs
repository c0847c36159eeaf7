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

    fn covers(&self, rule: &Rule, secret: &str, service_account: &str) -> bool {
        self.lifts(rule) && self.secret.matches(secret) && self.service_account.matches(service_account)
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

/// What the exceptions say of one Secret.
#[derive(Clone, Copy, Debug)]
pub enum Excuse<'e> {
    /// An exception allows it.
    Active(&'e Exception),
    /// One allowed it until it ended.
    Expired(&'e Exception),
    /// None speaks of it.
    None,
}

/// All exceptions, indexed by namespace so that a decision does not grow with their number.
#[derive(Clone, Debug, Default)]
pub struct Exceptions {
    all: Vec<Exception>,
    by_namespace: HashMap<Box<str>, Vec<usize>>,
    any_namespace: Vec<usize>,
}

impl Exceptions {
    /// Indexes `all`.
    #[must_use]
    pub fn new(all: Vec<Exception>) -> Self {
        let mut by_namespace: HashMap<Box<str>, Vec<usize>> = HashMap::new();
        let mut any_namespace = Vec::new();
        for (index, exception) in all.iter().enumerate() {
            match &exception.namespace {
                NamePattern::Exact(namespace) => by_namespace.entry(namespace.clone()).or_default().push(index),
                NamePattern::Any | NamePattern::Glob(_) => any_namespace.push(index),
            }
        }
        Self { all, by_namespace, any_namespace }
    }

    /// All exceptions in the order of the file.
    #[must_use]
    pub fn all(&self) -> &[Exception] {
        &self.all
    }

    fn of_namespace<'e>(&'e self, namespace: &'e str) -> impl Iterator<Item = &'e Exception> {
        let exact = self.by_namespace.get(namespace).into_iter().flatten().map(|index| &self.all[*index]);
        let globs = self.any_namespace.iter().map(|index| &self.all[*index]);
        exact.chain(globs.filter(move |exception| exception.namespace.matches(namespace)))
    }

    /// What is said of a Secret and its service account under `rule`: of several exceptions the one that ends last speaks.
    #[must_use]
    pub fn excuse<'e>(
        &'e self,
        rule: &Rule,
        namespace: &'e str,
        secret: &str,
        service_account: &str,
        now: Timestamp,
    ) -> Excuse<'e> {
        let covering = self.of_namespace(namespace).filter(|found| found.covers(rule, secret, service_account));
        match covering.min_by_key(|exception| Reverse(exception.ends)) {
            Some(exception) if exception.is_expired(now) => Excuse::Expired(exception),
            Some(exception) => Excuse::Active(exception),
            None => Excuse::None,
        }
    }

    /// The service account of a Secret that an exception, of any rule and of any date, names without a glob: whoever
    /// wrote it knew the Secret as a legacy one. One that holds at `now` is believed before one that has ended.
    #[must_use]
    pub fn names_exactly<'e>(&'e self, namespace: &'e str, secret: &str, now: Timestamp) -> Option<&'e str> {
        let named = self.of_namespace(namespace).filter_map(|exception| {
            match (&exception.namespace, &exception.secret, &exception.service_account) {
                (NamePattern::Exact(_), NamePattern::Exact(name), NamePattern::Exact(account)) if **name == *secret => {
                    Some((exception.is_expired(now), &**account))
                }
                _ => None,
            }
        });
        named.min_by_key(|(expired, _)| *expired).map(|(_, account)| account)
    }
}
