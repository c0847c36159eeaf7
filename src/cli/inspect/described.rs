//! A token in words.

use std::io::Write;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::asked::Asked;
use crate::token::{Bound, ServiceAccountToken, TokenKind};

/// What is said of a token. Never a part of the token itself.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Described {
    kind: &'static str,
    namespace: String,
    service_account: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    bound: Option<DescribedBound>,
    #[serde(skip_serializing_if = "Option::is_none")]
    review: Option<Asked>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct DescribedBound {
    audiences: Vec<String>,
    issuer: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    bound_to: Option<String>,
    issued_at: Option<Timestamp>,
    expires_at: Option<Timestamp>,
    /// What the token is accepted for, in seconds.
    effective_seconds: i64,
    /// What was asked for, in seconds; less than the effective lifetime where the API server extended it.
    requested_seconds: i64,
    /// Below zero once it has expired.
    seconds_left: i64,
}

impl Described {
    /// `review` is what the API server says of it, where it was asked.
    pub(super) fn of(token: &ServiceAccountToken, now: Timestamp, review: Option<Asked>) -> Self {
        let (kind, secret, bound) = match &token.kind {
            TokenKind::Legacy { secret } => ("legacy", Some(secret.clone()), None),
            TokenKind::Bound(bound) => ("bound", None, Some(DescribedBound::of(bound, now))),
        };
        let (namespace, service_account) = (token.namespace.clone(), token.service_account.clone());
        Self { kind, namespace, service_account, secret, bound, review }
    }

    pub(super) fn write(&self, out: &mut impl Write) -> std::io::Result<()> {
        // The claims are somebody else's words and must not steer the terminal.
        let mut line = |name: &str, value: &str| {
            let value: String = value.chars().filter(|character| !character.is_control()).collect();
            writeln!(out, "{name:<12}{value}")
        };
        match (&self.secret, &self.bound) {
            (_, Some(bound)) => {
                line("kind", "bound token, issued by TokenRequest")?;
                line("account", &format!("{}/{}", self.namespace, self.service_account))?;
                line("audiences", &bound.audiences.join(", "))?;
                line("issuer", &bound.issuer)?;
                line("bound to", bound.bound_to.as_deref().unwrap_or("nothing: it lives as long as the account"))?;
                line("issued", &date(bound.issued_at))?;
                line("expires", &format!("{} ({})", date(bound.expires_at), bound.left()))?;
                line("lifetime", &bound.lifetime())?;
            }
            (secret, None) => {
                let secret = secret.as_deref().unwrap_or_default();
                line("kind", "legacy token: no audience, and it never expires")?;
                line("account", &format!("{}/{}", self.namespace, self.service_account))?;
                line("secret", &format!("{}/{secret}", self.namespace))?;
                line("ends", "when that Secret or the account is deleted")?;
            }
        }
        if let Some(review) = &self.review {
            line("review", &review.to_string())?;
        }
        Ok(())
    }
}

impl DescribedBound {
    fn of(bound: &Bound, now: Timestamp) -> Self {
        let requested = bound.warn_after.map_or(bound.lifetime(), |end| end.saturating_sub(bound.issued_at));
        Self {
            audiences: bound.audiences.clone(),
            issuer: bound.issuer.clone(),
            bound_to: bound.bound_to.as_ref().map(|(kind, name)| format!("{kind} {name}")),
            issued_at: Timestamp::from_second(bound.issued_at).ok(),
            expires_at: Timestamp::from_second(bound.expires_at).ok(),
            effective_seconds: bound.lifetime(),
            requested_seconds: requested,
            seconds_left: bound.expires_at.saturating_sub(now.as_second()),
        }
    }

    fn left(&self) -> String {
        match self.seconds_left {
            left if left > 0 => format!("{} left", duration(left)),
            left => format!("expired {} ago", duration(left.saturating_neg())),
        }
    }

    fn lifetime(&self) -> String {
        let effective = format!("{} s ({})", self.effective_seconds, duration(self.effective_seconds));
        if self.requested_seconds == self.effective_seconds {
            return effective;
        }
        format!("{effective}, though {} s were asked for: the API server extended it", self.requested_seconds)
    }
}

fn date(instant: Option<Timestamp>) -> String {
    instant.map_or_else(|| "out of range".to_owned(), |instant| instant.to_string())
}

/// The two largest units, such as `364d 23h`.
fn duration(seconds: i64) -> String {
    let whole = SignedDuration::from_secs(seconds);
    let units = [
        (whole.as_hours() / 24, "d"),
        (whole.as_hours() % 24, "h"),
        (whole.as_mins() % 60, "m"),
        (whole.as_secs() % 60, "s"),
    ];
    let first = units.iter().position(|(count, _)| *count != 0).unwrap_or(units.len() - 1);
    let shown = units[first..].iter().take(2).filter(|(count, unit)| *count != 0 || *unit == "s" && first == 3);
    shown.map(|(count, unit)| format!("{count}{unit}")).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::duration;

    #[test]
    fn a_duration_is_told_in_its_two_largest_units() {
        for (seconds, told) in
            [(0, "0s"), (59, "59s"), (3600, "1h"), (3607, "1h"), (5400, "1h 30m"), (31_536_000, "365d")]
        {
            assert_eq!(duration(seconds), told);
        }
    }
}
