//! Exceptions in CEL.
//!
//! They are written into the policy, and not into an object that it takes as its parameter: one that is missing either opens or
//! closes. With `parameterNotFoundAction: Allow` the policy says nothing without it, and with `Deny` every request is refused,
//! Secrets of other types among them and where the binding only warns, since the API server looks for the parameter before it
//! asks for the conditions. What is written in the policy cannot be missing, and is checked when it is applied.
//!
//! The clock is `metadata.creationTimestamp`, which the API server sets on every CREATE, over whatever the user wrote, before it
//! validates (kubernetes `staging/src/k8s.io/apiserver/pkg/registry/rest/meta.go`). An UPDATE carries no such instant.

use jiff::Timestamp;

use super::ExportError;
use super::in_cel::{Given, Variable, variable};
use super::literal::{regex, string};
use crate::policy::Exception;

/// The exceptions that match the Secret that is created and its `variables.account`, ended or not.
const COVERING: &str = r"variables.exceptions.filter(exception,
  request.namespace.matches(exception.namespace)
  && object.metadata.name.matches(exception.secret)
  && variables.account.matches(exception.account))";

/// One of them has not ended.
pub(super) const ONE_HOLDS: &str = r"has(object.metadata.creationTimestamp) && variables.covering.exists(exception,
  timestamp(object.metadata.creationTimestamp) < timestamp(exception.ends))";

/// What a message says of the one that ended last.
const EXPIRED: &str = r#"variables.covering
  .filter(exception, variables.covering.all(other, other.ends <= exception.ends))
  .map(exception, "; exception " + exception.name + " expired on " + exception.expires + " (owner " + exception.owner + ")")"#;

/// The variables `exceptions`, `covering` and `expired`.
///
/// # Errors
/// When an exception cannot be said in CEL, or when there are too many of them.
pub(super) fn variables(given: &Given<'_>) -> Result<[Variable; 3], ExportError> {
    let of_rule = |exception: &&Exception| exception.rules.iter().any(|named| named.code == given.rule.code);
    let entries: Vec<String> =
        given.policy.exceptions.all().iter().filter(of_rule).map(entry).collect::<Result<_, ExportError>>()?;
    let list = if entries.is_empty() { "[]".to_owned() } else { format!("[\n{}\n]", entries.join(",\n")) };
    let list = ExportError::unless_too_long("exceptions", list)?;
    Ok([variable("exceptions", list), variable("covering", COVERING), variable("expired", EXPIRED)])
}

fn entry(exception: &Exception) -> Result<String, ExportError> {
    let fields = [
        ("name", exception.name.clone()),
        ("namespace", regex(&exception.namespace)?),
        ("secret", regex(&exception.secret)?),
        ("account", regex(&exception.service_account)?),
        ("expires", exception.expires.to_string()),
        // CEL knows no instant before the year 1.
        ("ends", exception.ends.max(Timestamp::UNIX_EPOCH).to_string()),
        // A message must have one line.
        ("owner", exception.owner.replace('\n', " ")),
    ];
    let fields: Vec<String> = fields.iter().map(|(key, value)| format!("{}: {}", string(key), string(value))).collect();
    Ok(format!("  {{{}}}", fields.join(", ")))
}
