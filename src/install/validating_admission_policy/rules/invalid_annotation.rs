//! TW209 in CEL.

use super::pod;
use crate::install::condition::Condition;
use crate::install::validating_admission_policy::in_cel::{Check, Given, InCel, variable};
use crate::install::validating_admission_policy::literal::strings;
use crate::policy::{InjectWhen, MountWhen};

/// The annotations; none for a mirror Pod, whoever says that it is one.
const ANNOTATIONS: &str = r#"has(object.metadata.annotations)
&& !("kubernetes.io/config.mirror" in object.metadata.annotations) ? object.metadata.annotations : {}"#;

/// The API server mounts its own token: the Pod says so, or it has been done.
const AUTOMOUNTED: &str = r#"has(variables.spec.automountServiceAccountToken)
? variables.spec.automountServiceAccountToken
: variables.containers.exists(container, has(container.volumeMounts) && container.volumeMounts.exists(mount,
    mount.mountPath == "/var/run/secrets/kubernetes.io/serviceaccount" && mount.name.startsWith("kube-api-access-")))"#;

const INJECT: Check = Check {
    holds: r#"!("tokenward.dev/inject" in variables.annotations)
|| variables.annotations["tokenward.dev/inject"] in variables.inject_values"#,
    says: r#""tokenward.dev/inject is none of " + variables.inject_values.join(", ") + ". Write one of them, in quotes.""#,
};

/// `int()` is only asked about what has few enough digits.
const EXPIRATION_SECONDS: Check = Check {
    holds: r#"!("tokenward.dev/expiration-seconds" in variables.annotations)
|| variables.annotations["tokenward.dev/expiration-seconds"].matches("^0*[0-9]{1,10}$")
  && int(variables.annotations["tokenward.dev/expiration-seconds"]) >= 600
  && int(variables.annotations["tokenward.dev/expiration-seconds"]) <= variables.maximum
  && int(variables.annotations["tokenward.dev/expiration-seconds"]) != 3607"#,
    says: r#""tokenward.dev/expiration-seconds is no whole number between 600 and " + string(variables.maximum)
+ ", or it is 3607. Ask for a lifetime in seconds within these bounds.""#,
};

const TOKENS: Check = Check {
    holds: r#"!("tokenward.dev/tokens" in variables.annotations)
|| variables.annotations["tokenward.dev/tokens"].split(",").all(name,
  name.trim() in variables.token_names && !(variables.automounted && name.trim() in variables.without_automount))"#,
    says: r#""tokenward.dev/tokens names what the policy does not give to this Pod. Name a token of the policy.""#,
};

const CONTAINERS: Check = Check {
    holds: r#"!("tokenward.dev/containers" in variables.annotations)
|| variables.annotations["tokenward.dev/containers"].split(",").all(name,
  variables.containers.exists(container, container.name == name.trim()))"#,
    says: r#""tokenward.dev/containers names a container that does not exist. "
+ "Name init, sidecar or regular containers of the Pod.""#,
};

pub(super) fn in_cel(given: &Given<'_>) -> InCel {
    let policy = given.policy;
    let inject_values: &[&str] = if policy.inject.when == InjectWhen::Never { &["false"] } else { &["true", "false"] };
    let tokens = &policy.inject.tokens;
    let without_automount = tokens.iter().filter(|token| token.mount == MountWhen::AutomountDisabled);
    InCel {
        rule: given.rule,
        resources: pod::created(),
        templates: Vec::new(),
        conditions: vec![Condition::NotMirrored],
        variables: vec![
            pod::spec(),
            pod::containers(),
            variable("annotations", ANNOTATIONS),
            variable("automounted", AUTOMOUNTED),
            variable("maximum", policy.tokens.max_expiration_seconds.to_string()),
            variable("inject_values", strings(inject_values.iter().copied())),
            variable("token_names", strings(tokens.iter().map(|token| token.name.as_str()))),
            variable("without_automount", strings(without_automount.map(|token| token.name.as_str()))),
        ],
        checks: vec![INJECT, EXPIRATION_SECONDS, TOKENS, CONTAINERS],
        left_out: "templates, and annotations of unknown names. A good annotation is honoured by the webhook alone.",
    }
}
