//! TW102 in CEL.

use crate::install::condition::Condition;
use crate::install::entry::rule as request;
use crate::install::validating_admission_policy::in_cel::{Check, Given, InCel, variable};

const ACCOUNT: &str = r#"has(object.metadata.annotations)
&& "kubernetes.io/service-account.name" in object.metadata.annotations
? object.metadata.annotations["kubernetes.io/service-account.name"] : """#;

const BEFORE: &str = r#"has(oldObject.metadata.annotations)
&& "kubernetes.io/service-account.name" in oldObject.metadata.annotations
? oldObject.metadata.annotations["kubernetes.io/service-account.name"] : """#;

const HAS_TOKEN: &str = r#"has(object.data) && "token" in object.data && size(object.data["token"]) > 0"#;

const HAD_TOKEN: &str = r#"has(oldObject.data) && "token" in oldObject.data && size(oldObject.data["token"]) > 0"#;

/// Switched off by the legacy token cleaner.
const IS_OFF: &str = r#"has(object.metadata.labels)
&& "kubernetes.io/legacy-token-invalid-since" in object.metadata.labels
&& object.metadata.labels["kubernetes.io/legacy-token-invalid-since"] != """#;

const WAS_OFF: &str = r#"has(oldObject.metadata.labels)
&& "kubernetes.io/legacy-token-invalid-since" in oldObject.metadata.labels
&& oldObject.metadata.labels["kubernetes.io/legacy-token-invalid-since"] != """#;

const RETARGETED: Check = Check {
    holds: r#"variables.account == "" || variables.account == variables.before"#,
    says: r#""Secret " + request.namespace + "/" + object.metadata.name + " would hold a token for ServiceAccount "
+ variables.account + " instead of " + variables.before
+ ". Use a projected token, or kubectl create token " + variables.account + ".""#,
};

const EMPTIED: Check = Check {
    holds: "!variables.had_token || variables.has_token",
    says: r#""Secret " + request.namespace + "/" + object.metadata.name + " would be filled with a new token for ServiceAccount "
+ variables.account + " that never expires. Use a projected token, or kubectl create token " + variables.account + ".""#,
};

const REVIVED: Check = Check {
    holds: "!variables.was_off || variables.is_off",
    says: r#""Secret " + request.namespace + "/" + object.metadata.name + " was switched off and would be valid again for "
+ "ServiceAccount " + variables.account
+ ". Use a projected token, or kubectl create token " + variables.account + ".""#,
};

pub(super) fn in_cel(given: &Given<'_>) -> InCel {
    InCel {
        rule: given.rule,
        resources: vec![request("", &["secrets"], &["UPDATE"])],
        templates: Vec::new(),
        conditions: vec![Condition::NotBeingDeleted, Condition::TokenSecretsOnly],
        variables: vec![
            variable("account", ACCOUNT),
            variable("before", BEFORE),
            variable("has_token", HAS_TOKEN),
            variable("had_token", HAD_TOKEN),
            variable("is_off", IS_OFF),
            variable("was_off", WAS_OFF),
        ],
        checks: vec![RETARGETED, EMPTIED, REVIVED],
        left_out: "exceptions. On an update CEL has no clock to end them by, so none counts: delete the Secret and create it \
                   anew under its exception instead.",
    }
}
