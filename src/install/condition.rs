//! The `matchConditions`: which of the matching requests are not worth a call.
//!
//! An expression that ends in an error refuses the request where an entry fails closed and skips the webhook silently
//! where it fails open, so each one is total: it looks at nothing that it has not shown to be there. An object can be
//! null, and every field of it can be missing or null; the fields of `request` have a type and are never null.
//!
//! Nothing here may be in the hand of whoever sends the request, or a rule could be gone around: what is skipped is either
//! told from what the API server knows by itself (`oldObject`, `userInfo`) or is of no interest to any rule.

use k8s_openapi::api::admissionregistration::v1::MatchCondition;

/// A condition of an entry, all of which must hold for a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    /// Whatever is being deleted must be let go: finalizers are removed by updates. Asked of the stored object, since a
    /// user can write a deletion timestamp into a new one. A Secret is let go as it is: the token controller fills it with
    /// tokens as long as it is there (kubernetes `pkg/controller/serviceaccount/tokens_controller.go`, `generateTokenIfNeeded`).
    NotBeingDeleted,
    /// The API server notes the last use of a legacy token in its Secret while the user of the token waits.
    NotLastUsed,
    /// A node tells of its static Pods by mirror Pods. They run anyway, and may not reach for Secrets or tokens.
    NotMirrored,
    /// No rule of the policy looks into Secrets of other types.
    TokenSecretsOnly,
    /// Scaling and annotating a workload does not change its Pods.
    TemplateChanged,
    /// Kubelets ask for the tokens of Pods that were judged when they were made.
    NotOfNode,
    /// Of a namespace only the policy label is looked at.
    PolicyLabelChanged,
}

impl Condition {
    const fn name(self) -> &'static str {
        match self {
            Self::NotBeingDeleted => "not-being-deleted",
            Self::NotLastUsed => "not-last-used",
            Self::NotMirrored => "not-mirrored",
            Self::TokenSecretsOnly => "token-secrets-only",
            Self::TemplateChanged => "template-changed",
            Self::NotOfNode => "not-of-node",
            Self::PolicyLabelChanged => "policy-label-changed",
        }
    }

    const fn expression(self) -> &'static str {
        match self {
            Self::NotBeingDeleted => {
                "oldObject == null
|| !has(oldObject.metadata) || oldObject.metadata == null
|| !has(oldObject.metadata.deletionTimestamp) || oldObject.metadata.deletionTimestamp == null
|| (request.resource.resource == 'secrets' && (object == null || !has(object.metadata) || object.metadata == null
  || [has(object.data) ? object.data : null] != [has(oldObject.data) ? oldObject.data : null]
  || [has(object.metadata.labels) ? object.metadata.labels : null]
    != [has(oldObject.metadata.labels) ? oldObject.metadata.labels : null]
  || [has(object.metadata.annotations) ? object.metadata.annotations : null]
    != [has(oldObject.metadata.annotations) ? oldObject.metadata.annotations : null]))"
            }
            Self::NotLastUsed => {
                r#"request.resource.resource != "secrets" || request.operation != "UPDATE"
|| !has(request.userInfo.username) || request.userInfo.username != "system:apiserver""#
            }
            Self::NotMirrored => {
                r#"request.resource.resource != "pods" || request.operation != "CREATE"
|| !has(request.userInfo.groups) || !("system:nodes" in request.userInfo.groups)
|| object == null
|| !has(object.metadata) || object.metadata == null
|| !has(object.metadata.annotations) || object.metadata.annotations == null
|| !("kubernetes.io/config.mirror" in object.metadata.annotations)"#
            }
            Self::TokenSecretsOnly => {
                r#"request.resource.resource != "secrets"
|| object == null
|| (has(object.type) && object.type == "kubernetes.io/service-account-token")"#
            }
            Self::TemplateChanged => {
                r#"request.operation != "UPDATE"
|| object == null || !has(object.spec) || object.spec == null || !has(object.spec.template)
|| oldObject == null || !has(oldObject.spec) || oldObject.spec == null || !has(oldObject.spec.template)
|| object.spec.template != oldObject.spec.template"#
            }
            Self::NotOfNode => r#"!has(request.userInfo.groups) || !("system:nodes" in request.userInfo.groups)"#,
            Self::PolicyLabelChanged => {
                r#"(object == null || !has(object.metadata) || object.metadata == null
  || !has(object.metadata.labels) || object.metadata.labels == null
  || !("tokenward.dev/policy" in object.metadata.labels)
  ? [] : [object.metadata.labels["tokenward.dev/policy"]])
!= (oldObject == null || !has(oldObject.metadata) || oldObject.metadata == null
  || !has(oldObject.metadata.labels) || oldObject.metadata.labels == null
  || !("tokenward.dev/policy" in oldObject.metadata.labels)
  ? [] : [oldObject.metadata.labels["tokenward.dev/policy"]])"#
            }
        }
    }
}

impl From<Condition> for MatchCondition {
    fn from(condition: Condition) -> Self {
        Self { name: condition.name().to_owned(), expression: condition.expression().to_owned() }
    }
}
