//! The `inject` part of a TokenPolicy, and what it must agree with.

use super::names::{LABEL, is_label};
use super::quoted::quoted;
use super::reader::Reader;
use super::token_policy::{Bounds, audience, seconds, word};
use super::tree::Id;
use crate::policy::{FurtherToken, InjectWhen, MountWhen, Policy};

const WHEN: [&str; 3] =
    [InjectWhen::AutomountDisabled.as_str(), InjectWhen::Requested.as_str(), InjectWhen::Never.as_str()];
const MOUNT: [&str; 3] =
    [MountWhen::Always.as_str(), MountWhen::AutomountDisabled.as_str(), MountWhen::Requested.as_str()];

/// The most further tokens of a policy. Each is a request to the API server for every Pod that is given it.
const MOST_TOKENS: usize = 100;

/// Reads `inject` into `policy`, which has its bounds on tokens already.
pub(super) fn read(reader: &mut Reader<'_>, inject: Option<Id>, bounds: &Bounds, policy: &mut Policy) {
    let fields = inject.and_then(|inject| reader.fields(inject, ["when", "apiToken", "tokens", "retuneAutomounted"]));
    let [when, api_token, tokens, retune] = fields.unwrap_or_default();
    if let Some(when) = when.and_then(|id| word(reader, id, "value", &WHEN)) {
        policy.inject.when = when;
    }
    if let Some(retune) = retune.and_then(|id| reader.truth(id)) {
        policy.inject.retune_automounted = retune;
    }
    read_api_token(reader, api_token, bounds, policy);
    if let Some(items) = tokens.and_then(|list| reader.short_sequence(list, MOST_TOKENS)) {
        let mut further: Vec<(FurtherToken, Id)> = Vec::new();
        for item in items {
            let Some((token, name)) = read_token(reader, *item, policy) else { continue };
            match further.iter().find(|(known, _)| known.name == token.name) {
                Some((_, first)) => reader.report_twice(name, *first),
                None => further.push((token, name)),
            }
        }
        policy.inject.tokens = further.into_iter().map(|(token, _)| token).collect();
    }
}

/// Reads `apiToken`. Where its default does not fit a bound, the bound is what somebody wrote.
fn read_api_token(reader: &mut Reader<'_>, api_token: Option<Id>, bounds: &Bounds, policy: &mut Policy) {
    let fields = api_token.and_then(|id| reader.fields(id, ["audience", "expirationSeconds"]));
    let [audience_id, seconds_id] = fields.unwrap_or_default();
    if let Some(audience) = audience_id.and_then(|id| audience(reader, id)) {
        policy.inject.api_token.audience = audience.to_owned();
    }
    if let Some(seconds) = seconds_id.and_then(|id| seconds(reader, id)) {
        policy.inject.api_token.expiration_seconds = seconds;
    }
    let (token, limits) = (&policy.inject.api_token, &policy.tokens);
    let injects = policy.inject.when != InjectWhen::Never;
    match (audience_id, bounds.audiences) {
        (Some(id), _) => check_audience(reader, id, &token.audience, policy),
        (None, Some(list)) if injects && !policy.allows_audience(&token.audience) => {
            let what = format!("the list does not allow the API token's audience, {}", quoted(&token.audience));
            let advice = format!("add {:?} to the list, or set spec.inject.apiToken.audience", token.audience);
            reader.report(list, what, advice);
        }
        _ => {}
    }
    let maximum = limits.max_expiration_seconds;
    match (seconds_id, bounds.maximum) {
        (Some(id), _) => check_seconds(reader, id, token.expiration_seconds, policy),
        (None, Some(id)) if token.expiration_seconds > maximum && (injects || policy.inject.retune_automounted) => {
            let what = format!("the API token's lifetime, {} seconds, is more than that", token.expiration_seconds);
            reader.report(id, what, format!("set spec.inject.apiToken.expirationSeconds to at most {maximum}"));
        }
        _ => {}
    }
}

fn read_token(reader: &mut Reader<'_>, item: Id, policy: &Policy) -> Option<(FurtherToken, Id)> {
    let [name, audience_id, seconds_id, mount] =
        reader.fields(item, ["name", "audience", "expirationSeconds", "mount"])?;
    if name.is_none() {
        reader.report_missing(item, "name", "name the file that the token is to be in");
    }
    if audience_id.is_none() {
        reader.report_missing(item, "audience", "name whom the token is for, such as https://vault.example.com");
    }
    let token_name = name.and_then(|id| file_name(reader, id));
    let audience = audience_id.and_then(|id| further_audience(reader, id, policy));
    let lifetime = match seconds_id {
        Some(id) => seconds(reader, id),
        None => Some(policy.inject.api_token.expiration_seconds),
    };
    let mount = match mount {
        Some(id) => word(reader, id, "value", &MOUNT),
        None => Some(MountWhen::Requested),
    };
    if let (Some(lifetime), Some(place)) = (lifetime, seconds_id.or(name)) {
        check_seconds(reader, place, lifetime, policy);
    }
    let token = FurtherToken {
        name: token_name?.to_owned(),
        audience: audience?.to_owned(),
        expiration_seconds: lifetime?,
        mount: mount?,
    };
    Some((token, name?))
}

fn file_name<'r>(reader: &mut Reader<'r>, id: Id) -> Option<&'r str> {
    let name = reader.string(id)?;
    if !is_label(name) {
        let what = format!("{} cannot be the file of a token", quoted(name));
        reader.report(id, what, format!("a name has {LABEL}"));
        return None;
    }
    Some(name)
}

fn further_audience<'r>(reader: &mut Reader<'r>, id: Id, policy: &Policy) -> Option<&'r str> {
    let audience = audience(reader, id)?;
    if audience.is_empty() {
        let advice = "the API token is spec.inject.apiToken; name another audience here";
        reader.report(id, "is empty, which means the API server", advice);
        return None;
    }
    check_audience(reader, id, audience, policy);
    Some(audience)
}

/// A policy must not give what it would find fault with.
fn check_audience(reader: &mut Reader<'_>, id: Id, audience: &str, policy: &Policy) {
    if !policy.allows_audience(audience) {
        let what = format!("the policy's own allowedAudiences do not allow the audience {}", quoted(audience));
        let advice = format!("add {audience:?} to spec.tokens.allowedAudiences, or choose another audience");
        reader.report(id, what, advice);
    }
}

fn check_seconds(reader: &mut Reader<'_>, id: Id, seconds: u64, policy: &Policy) {
    let maximum = policy.tokens.max_expiration_seconds;
    if seconds > maximum {
        let what =
            format!("the token would live for {seconds} seconds, which is more than maxExpirationSeconds, {maximum}");
        reader.report(id, what, "lower expirationSeconds, or raise maxExpirationSeconds");
    }
}
