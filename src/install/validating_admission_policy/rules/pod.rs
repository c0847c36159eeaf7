//! What the rules about Pods share.

use k8s_openapi::api::admissionregistration::v1::RuleWithOperations;

use crate::install::condition::Condition;
use crate::install::entry::rule as request;
use crate::install::validating_admission_policy::in_cel::{Variable, variable};
use crate::install::validating_admission_policy::literal::strings;
use crate::policy::Policy;
use crate::token::EXTENDED_SECONDS;

/// The specification of a Pod, or of the Pods that a template makes. The types of these differ, so none is declared.
const SPEC: &str = r#"request.resource.resource == "pods" ? dyn(object.spec)
: request.resource.resource == "podtemplates" ? dyn(dyn(object).template.spec)
: request.resource.resource == "cronjobs" ? dyn(dyn(object).spec.jobTemplate.spec.template.spec)
: has(dyn(object).spec.template) ? dyn(dyn(object).spec.template.spec) : dyn({})"#;

/// Volumes with sources.
const PROJECTED: &str = "has(variables.spec.volumes)
? variables.spec.volumes.filter(volume, has(volume.projected) && has(volume.projected.sources)) : []";

/// The tokens of each volume: a list of lists.
const TOKENS: &str = r#"variables.projected.map(volume, volume.projected.sources
  .filter(source, has(source.serviceAccountToken))
  .map(source, {
    "volume": dyn(volume.name),
    "audience": dyn(has(source.serviceAccountToken.audience) ? source.serviceAccountToken.audience : ""),
    "seconds": dyn(has(source.serviceAccountToken.expirationSeconds) ? source.serviceAccountToken.expirationSeconds : 3600)
  }))"#;

/// The sources of a volume of the API server's own making.
const PLUGIN_SOURCES: &str = r#"[
  {"serviceAccountToken": {"path": dyn("token"), "expirationSeconds": dyn(3607)}},
  {"configMap": {"name": dyn("kube-root-ca.crt"), "items": dyn([{"key": "ca.crt", "path": "ca.crt"}])}},
  {"downwardAPI": {"items": dyn([
    {"path": dyn("namespace"), "fieldRef": dyn({"apiVersion": "v1", "fieldPath": "metadata.namespace"})}
  ])}}
]"#;

/// What the API server of OpenShift adds to them.
const OPENSHIFT_SOURCES: &str = r#"[{"configMap": {
  "name": dyn("openshift-service-ca.crt"), "items": dyn([{"key": "service-ca.crt", "path": "service-ca.crt"}])
}}]"#;

/// The names of the volumes of the API server's own making: their name, exactly their content, and a Pod that does not refuse
/// them.
const BUILT_IN: &str = r#"has(variables.spec.automountServiceAccountToken) && !variables.spec.automountServiceAccountToken
? [] : variables.projected.filter(volume,
  volume.name.matches("^kube-api-access-[bcdfghjklmnpqrstvwxz2456789]{5}$")
  && dyn(volume.projected) in [
    {"defaultMode": dyn(420), "sources": dyn(variables.plugin_sources)},
    {"defaultMode": dyn(420), "sources": dyn(variables.plugin_sources + variables.openshift_sources)}
  ]).map(volume, volume.name)"#;

/// Init, sidecar and regular containers.
const CONTAINERS: &str = "(has(variables.spec.initContainers) ? variables.spec.initContainers : [])
+ (has(variables.spec.containers) ? variables.spec.containers : [])";

pub(super) fn spec() -> Variable {
    variable("spec", SPEC)
}

/// The variables `spec`, `projected` and `tokens`.
pub(super) fn tokens() -> Vec<Variable> {
    vec![spec(), variable("projected", PROJECTED), variable("tokens", TOKENS)]
}

/// The variable `built_in` and what it needs, after `spec` and `projected`.
pub(super) fn built_in() -> [Variable; 3] {
    [
        variable("plugin_sources", PLUGIN_SOURCES),
        variable("openshift_sources", OPENSHIFT_SOURCES),
        variable("built_in", BUILT_IN),
    ]
}

/// The variable `containers`, after `spec`.
pub(super) fn containers() -> Variable {
    variable("containers", CONTAINERS)
}

/// The audiences for which 3607 seconds become a year that is too long.
pub(super) fn extended_audiences(policy: &Policy) -> String {
    if policy.cluster.extends_token_expiration && EXTENDED_SECONDS > policy.tokens.max_expiration_seconds {
        own_audiences(policy)
    } else {
        "[]".to_owned()
    }
}

/// The audiences of the API server, the empty one among them.
pub(super) fn own_audiences(policy: &Policy) -> String {
    strings([""].into_iter().chain(policy.cluster.api_audiences.iter().map(String::as_str)))
}

/// The creation of Pods.
pub(super) fn created() -> Vec<RuleWithOperations> {
    vec![request("", &["pods"], &["CREATE"])]
}

/// Which Pods are not judged.
pub(super) fn conditions_of_pods() -> Vec<Condition> {
    vec![Condition::NotMirrored]
}

/// Which Pods and templates are not judged.
pub(super) fn conditions() -> Vec<Condition> {
    vec![Condition::NotBeingDeleted, Condition::NotMirrored, Condition::TemplateChanged]
}
