//! The API server's audit log.

use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use super::eventually::eventually;

/// The log is written after the answer was sent.
const PATIENCE: Duration = Duration::from_secs(10);

/// One finished request, an `audit.k8s.io/v1` Event.
#[derive(Clone, Debug)]
pub(crate) struct AuditEvent(pub(crate) Value);

impl AuditEvent {
    pub(crate) fn user(&self) -> &str {
        self.0["user"]["username"].as_str().unwrap_or_default()
    }

    /// The HTTP status code of the answer.
    pub(crate) fn code(&self) -> u64 {
        self.0["responseStatus"]["code"].as_u64().unwrap_or_default()
    }

    /// The annotation of this name. A webhook's own begin with its name and a slash.
    pub(crate) fn annotation(&self, name: &str) -> Option<&str> {
        self.0["annotations"][name].as_str()
    }

    /// The one annotation whose name ends in `/suffix`, whichever webhook wrote it.
    pub(crate) fn annotation_ending(&self, suffix: &str) -> Option<&str> {
        let annotations = self.0["annotations"].as_object()?;
        let found = annotations.iter().find(|(name, _)| name.rsplit('/').next() == Some(suffix))?;
        found.1.as_str()
    }
}

/// Which requests are meant. Parts that are empty match everything.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct AuditFilter<'a> {
    pub(crate) namespace: &'a str,
    /// `pods`, `secrets`, …
    pub(crate) resource: &'a str,
    /// The object's name; a request with `generateName` has none.
    pub(crate) name: &'a str,
    /// `create`, `update`, `patch`, `delete`. Reading is not logged.
    pub(crate) verb: &'a str,
}

impl AuditFilter<'_> {
    fn matches(&self, event: &Value) -> bool {
        let object = &event["objectRef"];
        let is = |wanted: &str, found: &Value| wanted.is_empty() || found == wanted;
        is(self.namespace, &object["namespace"])
            && is(self.resource, &object["resource"])
            && is(self.name, &object["name"])
            && is(self.verb, &event["verb"])
    }
}

/// The events so far that `filter` matches, oldest first.
pub(crate) fn events(log: &Path, filter: AuditFilter<'_>) -> Vec<AuditEvent> {
    // A line that is still being written does not parse yet.
    fs::read_to_string(log)
        .unwrap_or_default()
        .lines()
        .filter(|line| line.contains(filter.namespace) && line.contains(filter.name))
        .filter_map(|line| serde_json::from_str(line).ok())
        .filter(|event| filter.matches(event))
        .map(AuditEvent)
        .collect()
}

/// The newest event that `filter` matches, waited for.
#[track_caller]
pub(crate) fn event(log: &Path, filter: AuditFilter<'_>) -> AuditEvent {
    eventually(PATIENCE, || events(log, filter).pop().ok_or_else(|| format!("no audit event for {filter:?}")))
}
