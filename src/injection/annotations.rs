//! What a Pod asks for by its annotations, checked against the policy and never beyond it.

use super::plan;
use crate::policy::{FurtherToken, InjectWhen, MountWhen, PodReview, Policy};
use crate::resource::PodSpec;
use crate::token::{AUTOMOUNT_SECONDS, Automount};

/// What all our annotations begin with.
pub const PREFIX: &str = "tokenward.dev/";
/// `true` asks for the API token, `false` refuses every token.
pub const INJECT: &str = "tokenward.dev/inject";
/// The lifetime of the API token in seconds.
pub const EXPIRATION_SECONDS: &str = "tokenward.dev/expiration-seconds";
/// The further tokens that are asked for, by name.
pub const TOKENS: &str = "tokenward.dev/tokens";
/// The containers that are given tokens, by name; all where it is missing.
pub const CONTAINERS: &str = "tokenward.dev/containers";
/// Written by us on every Pod that was injected; never read.
pub const INJECTED: &str = "tokenward.dev/injected";

/// The annotations that have a meaning.
pub const KNOWN: [&str; 5] = [INJECT, EXPIRATION_SECONDS, TOKENS, CONTAINERS, INJECTED];

/// The shortest lifetime that the API server grants, in seconds.
pub const LEAST_SECONDS: u64 = 600;

/// What a Pod asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Requests<'r> {
    /// Whether the API token is asked for, or every token refused.
    pub inject: Option<bool>,
    /// The lifetime of the API token, in seconds.
    pub expiration_seconds: Option<u64>,
    /// Further tokens, sorted.
    tokens: Vec<&'r str>,
    /// The chosen containers, sorted; `None` for all.
    containers: Option<Vec<&'r str>>,
}

impl Requests<'_> {
    /// Whether the Pod refuses every token.
    #[must_use]
    pub fn refuses_all(&self) -> bool {
        self.inject == Some(false)
    }

    /// Whether the further token of this name is asked for.
    #[must_use]
    pub fn names_token(&self, token: &str) -> bool {
        self.tokens.binary_search(&token).is_ok()
    }

    /// Whether the container of this name is given tokens.
    #[must_use]
    pub fn chooses_container(&self, container: &str) -> bool {
        self.containers.as_ref().is_none_or(|chosen| chosen.binary_search(&container).is_ok())
    }
}

/// An annotation that cannot be honoured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadRequest<'r> {
    /// The annotation.
    pub key: &'static str,
    /// What is wrong with it.
    pub fault: Fault<'r>,
}

/// Why an annotation cannot be honoured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault<'r> {
    /// Neither `true` nor `false`.
    NotTrueOrFalse,
    /// The policy injects no API token.
    InjectsNothing,
    /// No decimal number.
    NotANumber,
    /// Below what the API server grants, or above what the policy allows.
    OutOfBounds {
        /// The policy's maximum, in seconds.
        most: u64,
    },
    /// 3607 seconds, which the API server turns into a year.
    Extended,
    /// An entry that is no name of anything: empty, or not of lower-case letters, digits and `-`.
    NotAName,
    /// The policy has no token of this name.
    NoSuchToken(&'r str),
    /// The policy gives this token only to Pods whose automount is off.
    OnlyWithoutAutomount(&'r str),
    /// The Pod has no init, sidecar or regular container of this name.
    NoSuchContainer(&'r str),
}

/// Reads the annotations of a Pod or template under a policy whose API token is injected `when`.
///
/// # Errors
/// All annotations that cannot be honoured, each with its first fault. Such a Pod is left alone.
pub fn read<'r>(review: &'r PodReview<'_>, when: InjectWhen) -> Result<Requests<'r>, Vec<BadRequest<'r>>> {
    let mut requests = Requests::default();
    let mut bad = Vec::new();
    for (key, value) in review.pod.metadata.annotations.iter() {
        if !key.starts_with(PREFIX) {
            continue;
        }
        let read = match &**key {
            INJECT => inject(value, when).map(|inject| requests.inject = Some(inject)).map_err(|fault| (INJECT, fault)),
            EXPIRATION_SECONDS => seconds(value, review.context.policy)
                .map(|seconds| requests.expiration_seconds = Some(seconds))
                .map_err(|fault| (EXPIRATION_SECONDS, fault)),
            TOKENS => tokens(value, review).map(|names| requests.tokens = names).map_err(|fault| (TOKENS, fault)),
            CONTAINERS => containers(value, &review.pod.spec)
                .map(|names| requests.containers = Some(names))
                .map_err(|fault| (CONTAINERS, fault)),
            _ => Ok(()),
        };
        if let Err((key, fault)) = read {
            bad.push(BadRequest { key, fault });
        }
    }
    if bad.is_empty() { Ok(requests) } else { Err(bad) }
}

fn inject(value: &str, when: InjectWhen) -> Result<bool, Fault<'_>> {
    match value {
        "true" if when == InjectWhen::Never => Err(Fault::InjectsNothing),
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(Fault::NotTrueOrFalse),
    }
}

fn seconds<'r>(value: &'r str, policy: &Policy) -> Result<u64, Fault<'r>> {
    if value.is_empty() || !value.bytes().all(|digit| digit.is_ascii_digit()) {
        return Err(Fault::NotANumber);
    }
    let most = policy.tokens.max_expiration_seconds;
    match value.parse::<u64>() {
        Ok(AUTOMOUNT_SECONDS) => Err(Fault::Extended),
        Ok(seconds) if (LEAST_SECONDS..=most).contains(&seconds) => Ok(seconds),
        // Digits that do not fit are a number all the same.
        _ => Err(Fault::OutOfBounds { most }),
    }
}

fn tokens<'r>(value: &'r str, review: &PodReview<'_>) -> Result<Vec<&'r str>, Fault<'r>> {
    let names = names(value)?;
    for name in &names {
        let known = |token: &&FurtherToken| token.name == *name;
        let token = review.context.policy.inject.tokens.iter().find(known).ok_or(Fault::NoSuchToken(name))?;
        if token.mount == MountWhen::AutomountDisabled && review.automount() == Automount::Enabled {
            return Err(Fault::OnlyWithoutAutomount(name));
        }
    }
    Ok(names)
}

fn containers<'r>(value: &'r str, spec: &PodSpec<'_>) -> Result<Vec<&'r str>, Fault<'r>> {
    let names = names(value)?;
    let mut present: Vec<&str> = plan::containers(spec).map(|(_, found)| &*found.name).collect();
    present.sort_unstable();
    match names.iter().find(|name| present.binary_search(name).is_err()) {
        Some(missing) => Err(Fault::NoSuchContainer(missing)),
        None => Ok(names),
    }
}

/// The names of a comma-separated list, sorted, each once.
fn names(value: &str) -> Result<Vec<&str>, Fault<'_>> {
    let mut names: Vec<&str> = value.split(',').map(str::trim).collect();
    if !names.iter().all(|name| is_label(name)) {
        return Err(Fault::NotAName);
    }
    names.sort_unstable();
    names.dedup();
    Ok(names)
}

/// Whether this is a label of RFC 1123, as all names of tokens and containers are. Nothing else is ever repeated in a
/// message.
fn is_label(name: &str) -> bool {
    let inner = |letter: u8| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == b'-';
    (1..=63).contains(&name.len()) && name.bytes().all(inner) && !name.starts_with('-') && !name.ends_with('-')
}
