//! From a request to a decision.

use std::cmp::Reverse;
use std::collections::HashSet;
use std::sync::Arc;

use jiff::Timestamp;

use super::decision::{Decision, Phase};
use super::facts::Facts;
use super::finding::{Finding, Findings, Notes};
use super::labelling;
use super::registry::{Check, RULES};
use super::review::{Context, PodReview};
use super::subject::{Subject, created_pod};
use super::text::shortened;
use super::{Action, Policy};
use crate::admission::{Request, Resource};
use crate::injection;
use crate::token::Automount;

/// Decides on a request.
///
/// The mutating phase says what to change and never refuses; the validating phase judges the object as it would be stored.
/// What no rule reads is allowed.
#[must_use]
pub fn evaluate(phase: Phase, request: &Request<'_>, facts: &dyn Facts, policy: &Policy, now: Timestamp) -> Decision {
    let mut decision = Decision {
        policy: Arc::clone(&policy.name),
        requested_policy: None,
        findings: Vec::new(),
        patch: None,
        injected: None,
        remarks: Vec::new(),
        notes: Notes::default(),
    };
    if request.resource == Resource::Other {
        decision.notes.unknown("resource");
    }
    let context = Context { request, facts, policy, now };
    match phase {
        Phase::Mutate => mutate(context, &mut decision),
        Phase::Validate => validate(context, &mut decision),
    }
    decision
}

fn mutate(context: Context<'_>, decision: &mut Decision) {
    if let Some(review) = created_pod(context) {
        note_unknown_account(&review, &mut decision.notes);
        injection::apply(&review, decision);
    }
}

fn validate(context: Context<'_>, decision: &mut Decision) {
    let Some(subject) = Subject::of(context) else { return };
    let Results { mut found, mut remarks, notes } = run(&subject, context.policy);
    if let Some(before) = Subject::template_before(context) {
        let known = run(&before, context.policy);
        let known_findings: HashSet<_> = known.found.iter().map(Finding::identity).collect();
        let known_remarks: HashSet<&str> = known.remarks.iter().map(String::as_str).collect();
        found.retain(|finding| !known_findings.contains(&finding.identity()));
        remarks.retain(|remark| !known_remarks.contains(&**remark));
    }
    decision.findings = found;
    decision.remarks = remarks;
    decision.notes = notes;
    if let Subject::Namespace(change) = &subject {
        decision.remarks.extend(labelling::preview(change));
    }
    if let Some(review) = created_pod(context) {
        note_unknown_account(&review, &mut decision.notes);
        injection::foretell(&review, decision);
    }
}

/// Where the service account decides on automounting and is not known, neither do we know what the Pod will hold.
fn note_unknown_account(review: &PodReview<'_>, notes: &mut Notes) {
    if review.automount() == Automount::Unknown && !review.pod.is_mirror() {
        notes.unknown(&format!("serviceaccount/{}", shortened(review.pod.spec.service_account_name())));
    }
}

/// What the rules say of a subject.
#[derive(Default)]
struct Results {
    /// Most severe first.
    found: Vec<Finding>,
    remarks: Vec<String>,
    notes: Notes,
}

fn run(subject: &Subject<'_>, policy: &Policy) -> Results {
    let Results { mut found, mut remarks, mut notes } = Results::default();
    let limit = if subject.is_template() { Action::Warn } else { Action::Deny };
    for (rule, action) in policy.actions().filter(|(_, action)| *action > Action::Off) {
        let action = action.min(limit);
        let mut findings = Findings { rule, action, found: &mut found, remarks: &mut remarks, notes: &mut notes };
        match (&rule.check, subject) {
            (Check::Pod(check), Subject::Pod(review)) => check(review, &mut findings),
            (Check::Secret(check), Subject::Secret(change)) => check(change, &mut findings),
            (Check::ServiceAccount(check), Subject::ServiceAccount(change)) => check(change, &mut findings),
            (Check::TokenRequest(check), Subject::TokenRequest(change)) => check(change, &mut findings),
            (Check::Namespace(check), Subject::Namespace(change)) => check(change, &mut findings),
            _ => {}
        }
    }
    debug_assert!(RULES.is_sorted_by_key(|rule| rule.code));
    found.sort_by_key(|finding: &Finding| Reverse(finding.action));
    Results { found, remarks, notes }
}
