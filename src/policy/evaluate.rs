//! From a request to a decision.

use std::cmp::Reverse;

use jiff::Timestamp;

use super::decision::{Decision, Phase};
use super::facts::Facts;
use super::finding::{Finding, Findings, Notes};
use super::labelling;
use super::registry::{Check, RULES};
use super::review::{Change, Context, PodReview, PodScope};
use super::{Action, Policy};
use crate::admission::{Object, Operation, Request, Resource};
use crate::injection;
use crate::resource::{FieldPath, Namespace, Secret, ServiceAccount, TokenRequest};
use crate::token::Automount;

/// Decides on a request.
///
/// The mutating phase says what to change and never refuses; the validating phase judges the object as it would be stored.
/// What no rule reads is allowed.
#[must_use]
pub fn evaluate(phase: Phase, request: &Request<'_>, facts: &dyn Facts, policy: &Policy, now: Timestamp) -> Decision {
    let mut decision = Decision {
        policy: policy.name.clone(),
        requested_policy: None,
        findings: Vec::new(),
        patch: None,
        injected: None,
        remarks: Vec::new(),
        notes: Notes::default(),
    };
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
    let request = context.request;
    if request.resource == Resource::Other {
        decision.notes.unknown("resource");
    }
    let Some(subject) = subject(context) else { return };
    run(&subject, context.policy, decision);
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
        notes.unknown(&format!("serviceaccount/{}", review.pod.spec.service_account_name()));
    }
}

fn run(subject: &Subject<'_>, policy: &Policy, decision: &mut Decision) {
    let limit =
        if matches!(subject, Subject::Pod(review) if review.is_template()) { Action::Warn } else { Action::Deny };
    for (rule, action) in policy.actions().filter(|(_, action)| *action > Action::Off) {
        let mut findings =
            Findings { rule, action: action.min(limit), found: &mut decision.findings, notes: &mut decision.notes };
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
    decision.findings.sort_by_key(|finding: &Finding| Reverse(finding.action));
}

/// What a review is about, as the rules see it.
enum Subject<'r> {
    Pod(PodReview<'r>),
    Secret(Change<'r, Secret<'r>>),
    ServiceAccount(Change<'r, ServiceAccount<'r>>),
    TokenRequest(Change<'r, TokenRequest<'r>>),
    Namespace(Change<'r, Namespace<'r>>),
}

fn created_pod(context: Context<'_>) -> Option<PodReview<'_>> {
    match (context.request.resource, context.request.operation, context.request.object.as_ref()?) {
        (Resource::Pod, Operation::Create, Object::Pod(pod)) => {
            Some(PodReview { context, pod, scope: PodScope::Create, base: FieldPath::default() })
        }
        _ => None,
    }
}

/// Updates of Pods change nothing that a rule reads, and objects that are being deleted must be let go.
fn subject(context: Context<'_>) -> Option<Subject<'_>> {
    let request = context.request;
    if !matches!(request.operation, Operation::Create | Operation::Update) {
        return None;
    }
    match (request.object.as_ref()?, request.old_object.as_ref()) {
        (Object::Pod(_), None) => created_pod(context).map(Subject::Pod),
        (Object::Pod(pod), Some(Object::Pod(old)))
            if request.resource == Resource::EphemeralContainers && !pod.metadata.is_being_deleted() =>
        {
            let scope = PodScope::EphemeralContainers { old };
            Some(Subject::Pod(PodReview { context, pod, scope, base: FieldPath::default() }))
        }
        (Object::Workload(workload), _) if !workload.metadata.is_being_deleted() => {
            let pod = workload.template.as_ref()?;
            let base = workload.template_path();
            Some(Subject::Pod(PodReview { context, pod, scope: PodScope::Template, base }))
        }
        (Object::Secret(new), old) if !new.metadata.is_being_deleted() => {
            let old = old.and_then(|old| if let Object::Secret(old) = old { Some(&**old) } else { None });
            Some(Subject::Secret(Change { context, new, old }))
        }
        (Object::ServiceAccount(new), old) if !new.metadata.is_being_deleted() => {
            let old = old.and_then(|old| if let Object::ServiceAccount(old) = old { Some(&**old) } else { None });
            Some(Subject::ServiceAccount(Change { context, new, old }))
        }
        (Object::TokenRequest(new), _) if request.operation == Operation::Create => {
            Some(Subject::TokenRequest(Change { context, new, old: None }))
        }
        (Object::Namespace(new), old) if !new.metadata.is_being_deleted() => {
            let old = old.and_then(|old| if let Object::Namespace(old) = old { Some(&**old) } else { None });
            Some(Subject::Namespace(Change { context, new, old }))
        }
        _ => None,
    }
}
