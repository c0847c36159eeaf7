//! `tokenward inspect`: what a token is.

use std::io::{Read, Write};
use std::path::PathBuf;

use anyhow::{Context, anyhow};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::{Exit, Failure};
use crate::token::{Bound, ServiceAccountToken, TokenKind, service_account_tokens};

/// The largest input, in bytes; a token has some 1 000.
const LARGEST: u64 = 16 * 1024 * 1024;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// A file that holds a token, in clear text or base64: a token file, a kubeconfig, a Secret. Standard input for -, and
    /// without a file.
    #[arg(default_value = "-")]
    file: PathBuf,
    /// How to print.
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

#[derive(Clone, Copy, Debug, Default, clap::ValueEnum)]
enum Output {
    /// For reading.
    #[default]
    Human,
    /// For programs.
    Json,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let input = read(&arguments.file)?;
    let found = service_account_tokens(&input);
    if found.is_empty() {
        return Err(anyhow!(
            "{} holds no service account token. Looked for are JWTs with the claims of Kubernetes, in clear text or base64",
            named(&arguments.file)
        )
        .into());
    }
    let now = Timestamp::now();
    let tokens: Vec<Described> = found.iter().map(|token| Described::of(token, now)).collect();
    let mut out = anstream::stdout();
    match arguments.output {
        Output::Json => writeln!(out, "{}", serde_json::to_string_pretty(&tokens)?)?,
        Output::Human => {
            for (index, token) in tokens.iter().enumerate() {
                if index > 0 {
                    writeln!(out)?;
                }
                token.write(&mut out)?;
            }
        }
    }
    Ok(Exit::Clean)
}

fn named(file: &std::path::Path) -> String {
    if file.as_os_str() == "-" { "standard input".to_owned() } else { file.display().to_string() }
}

fn read(file: &std::path::Path) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let reader: Box<dyn Read> = if file.as_os_str() == "-" {
        Box::new(std::io::stdin())
    } else {
        Box::new(std::fs::File::open(file).with_context(|| format!("cannot read {}", named(file)))?)
    };
    reader.take(LARGEST + 1).read_to_end(&mut bytes).with_context(|| format!("cannot read {}", named(file)))?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > LARGEST) {
        return Err(anyhow!("{} is larger than 16 MiB; a token has some 1 000 bytes", named(file)));
    }
    Ok(bytes)
}

/// What is said of a token. Never a part of the token itself.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Described {
    kind: &'static str,
    namespace: String,
    service_account: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    bound: Option<DescribedBound>,
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
    fn of(token: &ServiceAccountToken, now: Timestamp) -> Self {
        let (kind, secret, bound) = match &token.kind {
            TokenKind::Legacy { secret } => ("legacy", Some(secret.clone()), None),
            TokenKind::Bound(bound) => ("bound", None, Some(DescribedBound::of(bound, now))),
        };
        let (namespace, service_account) = (token.namespace.clone(), token.service_account.clone());
        Self { kind, namespace, service_account, secret, bound }
    }

    fn write(&self, out: &mut impl Write) -> std::io::Result<()> {
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
                line("lifetime", &bound.lifetime())
            }
            (secret, None) => {
                let secret = secret.as_deref().unwrap_or_default();
                line("kind", "legacy token: no audience, and it never expires")?;
                line("account", &format!("{}/{}", self.namespace, self.service_account))?;
                line("secret", &format!("{}/{secret}", self.namespace))?;
                line("ends", "when that Secret or the account is deleted")
            }
        }
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
