//! From a rule in CEL to the objects. Every field that the API server would fill in is written out, as in the webhook
//! configurations.

use std::collections::BTreeMap;

use k8s_openapi::api::admissionregistration::v1::{
    MatchCondition, MatchResources, NamedRuleWithOperations, RuleWithOperations, ValidatingAdmissionPolicy,
    ValidatingAdmissionPolicyBinding, ValidatingAdmissionPolicyBindingSpec, ValidatingAdmissionPolicySpec, Validation,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};

use super::Document;
use super::in_cel::{Check, InCel};
use super::literal::string;
use crate::install::NAME;
use crate::install::entry::Judge;
use crate::install::scope::Scope;
use crate::policy::{Action, UNKNOWN_POLICY};

/// The policy for a rule in the namespaces of one judge, and its bindings.
pub(super) fn of_a_policy(judge: &Judge<'_>, action: Action, in_cel: &InCel) -> Vec<Document> {
    let remark = if judge.label == UNKNOWN_POLICY {
        format!("The label tokenward.dev/policy of the namespace names no policy; {} applies. ", judge.policy.name)
    } else {
        String::new()
    };
    documents(&judge.label, &judge.scope, action, &remark, in_cel)
}

/// The policy for the labels of all namespaces.
pub(super) fn of_namespaces(action: Action, in_cel: &InCel) -> Vec<Document> {
    documents("namespaces", &Scope::All, action, "", in_cel)
}

fn documents(label: &str, scope: &Scope<'_>, action: Action, remark: &str, in_cel: &InCel) -> Vec<Document> {
    let code = in_cel.rule.code.to_lowercase();
    let name = format!("{label}.{code}.tokenward.dev");
    let mut documents =
        vec![Document { comment: comment(label, action, in_cel), object: policy(&name, remark, in_cel).into() }];
    let mut bind = |name_of_binding: &str, action, resources| {
        let object = binding(name_of_binding, &name, scope, action, resources).into();
        documents.push(Document { comment: String::new(), object });
    };
    if in_cel.templates.is_empty() || action < Action::Deny {
        bind(&name, action, None);
    } else {
        // Nobody is refused a template: its Pods are.
        bind(&name, action, Some(&in_cel.resources));
        bind(&format!("{label}.{code}.templates.tokenward.dev"), Action::Warn, Some(&in_cel.templates));
    }
    documents
}

fn comment(label: &str, action: Action, in_cel: &InCel) -> String {
    let rule = in_cel.rule;
    let mut comment = format!("{} {} under {label}: {action}. {}", rule.code, rule.name, rule.finding);
    if !in_cel.left_out.is_empty() {
        comment.push_str("\nNot decided here: ");
        comment.push_str(in_cel.left_out);
    }
    comment
}

fn policy(name: &str, remark: &str, in_cel: &InCel) -> ValidatingAdmissionPolicy {
    let resources = in_cel.resources.iter().chain(&in_cel.templates);
    let variables = in_cel.variables.iter().map(|variable| {
        let (name, expression) = (variable.name.to_owned(), variable.expression.clone());
        k8s_openapi::api::admissionregistration::v1::Variable { expression, name }
    });
    let validations = in_cel.checks.iter().map(|check| validation(check, remark, in_cel));
    ValidatingAdmissionPolicy {
        metadata: metadata(name),
        spec: Some(ValidatingAdmissionPolicySpec {
            audit_annotations: None,
            failure_policy: Some("Fail".to_owned()),
            match_conditions: Some(in_cel.conditions.iter().copied().map(MatchCondition::from).collect()),
            match_constraints: Some(matching(LabelSelector::default(), Some(resources))),
            param_kind: None,
            validations: Some(validations.collect()),
            variables: Some(variables.collect()),
        }),
        status: None,
    }
}

fn validation(check: &Check, remark: &str, in_cel: &InCel) -> Validation {
    let rule = in_cel.rule;
    let begin = format!("{} {}: ", rule.code, rule.name);
    let end = format!(" {remark}Details: tokenward explain {}", rule.code);
    Validation {
        expression: check.holds.to_owned(),
        message: Some(format!("{begin}{}{end}", rule.finding)),
        message_expression: Some(format!("{}\n+ {}\n+ {}", string(&begin), check.says, string(&end))),
        reason: Some("Forbidden".to_owned()),
    }
}

fn binding(
    name: &str,
    policy: &str,
    scope: &Scope<'_>,
    action: Action,
    resources: Option<&Vec<RuleWithOperations>>,
) -> ValidatingAdmissionPolicyBinding {
    let actions: &[&str] = match action {
        Action::Deny => &["Deny"],
        Action::Warn => &["Warn", "Audit"],
        Action::Audit | Action::Off => &["Audit"],
    };
    ValidatingAdmissionPolicyBinding {
        metadata: metadata(name),
        spec: Some(ValidatingAdmissionPolicyBindingSpec {
            match_resources: Some(matching(scope.selector(NAME), resources)),
            param_ref: None,
            policy_name: Some(policy.to_owned()),
            validation_actions: Some(actions.iter().map(|&action| action.to_owned()).collect()),
        }),
    }
}

fn matching<'r>(
    namespaces: LabelSelector,
    resources: Option<impl IntoIterator<Item = &'r RuleWithOperations>>,
) -> MatchResources {
    MatchResources {
        exclude_resource_rules: None,
        match_policy: Some("Equivalent".to_owned()),
        namespace_selector: Some(namespaces),
        object_selector: Some(LabelSelector::default()),
        resource_rules: resources.map(|rules| rules.into_iter().cloned().map(named).collect()),
    }
}

fn named(rule: RuleWithOperations) -> NamedRuleWithOperations {
    NamedRuleWithOperations {
        api_groups: rule.api_groups,
        api_versions: rule.api_versions,
        operations: rule.operations,
        resource_names: None,
        resources: rule.resources,
        scope: rule.scope,
    }
}

/// By these labels all of them can be listed and removed.
fn metadata(name: &str) -> ObjectMeta {
    let labels = [
        ("app.kubernetes.io/name", NAME),
        ("app.kubernetes.io/component", "admission-policy"),
        ("app.kubernetes.io/version", env!("CARGO_PKG_VERSION")),
    ];
    let labels: BTreeMap<_, _> = labels.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
    ObjectMeta { name: Some(name.to_owned()), labels: Some(labels), ..ObjectMeta::default() }
}
