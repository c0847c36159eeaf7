//! What `kubectl label` shows of a namespace that goes from one policy to another.

use serde_json::Value;

use super::installed;
use crate::installation::POLICY_LABEL;
use crate::rig::kubectl::Output;
use crate::rig::namespace::Namespace;

/// Sets the label as an administrator does, or removes it, and is never refused.
#[track_caller]
fn label(namespace: &Namespace<'_>, policy: Option<&str>, more: &[&str]) -> Output {
    let label = policy.map_or_else(|| format!("{POLICY_LABEL}-"), |policy| format!("{POLICY_LABEL}={policy}"));
    let command = ["label", "--overwrite", "namespace", &namespace.name, &label];
    namespace.rig().kubectl(command.iter().chain(more)).ok()
}

/// The label that is stored.
fn stored(namespace: &Namespace<'_>) -> Value {
    namespace.rig().kubectl(["get", "namespace", &namespace.name]).json()["metadata"]["labels"][POLICY_LABEL].take()
}

#[test]
fn tightening_names_the_known_legacy_tokens_and_refuses_nothing_also_in_a_dry_run() {
    let namespace = installed().rig.namespace_named("labelled-with-tokens", &[]);
    let warning = "4 legacy token Secrets would be refused at restricted: ci-bot, grafana and 2 others";
    let output = label(&namespace, Some("restricted"), &["--dry-run=server"]);
    assert_eq!(output.warnings(), [warning], "{output}");
    assert!(stored(&namespace).is_null(), "a dry run stores nothing");

    // Where Pods may go on reaching them there is nothing to tell.
    for policy in ["audit", "warn", "baseline"] {
        let output = label(&namespace, Some(policy), &[]);
        assert_eq!(output.warnings(), [""; 0], "{output}");
        assert_eq!(stored(&namespace), policy);
    }
    for more in [&["--dry-run=server"][..], &[]] {
        let output = label(&namespace, Some("restricted"), more);
        assert_eq!(output.warnings(), [warning], "{output}");
    }
    assert_eq!(stored(&namespace), "restricted");
    // Nothing is told again of what is as it was.
    let output = namespace.rig().kubectl(["label", "namespace", &namespace.name, "team=a"]).ok();
    assert_eq!(output.warnings(), [""; 0], "{output}");
}

#[test]
fn a_namespace_without_known_tokens_is_tightened_without_a_word() {
    let namespace = installed().rig.namespace_named("labelled-without-tokens", &[]);
    for policy in ["audit", "warn", "baseline", "payments", "restricted"] {
        let output = label(&namespace, Some(policy), &[]);
        assert_eq!(output.warnings(), [""; 0], "{output}");
    }
    assert_eq!(stored(&namespace), "restricted");
}

#[test]
fn loosening_or_removing_the_label_is_warned_about_and_not_refused() {
    let namespace = installed().rig.namespace_named("labelled-ever-milder", &[(POLICY_LABEL, "restricted")]);
    let mut before = "restricted";
    for policy in ["payments", "warn", "audit"] {
        let warning =
            format!("TW501 namespace-policy: Namespace labelled-ever-milder goes from {before} to the milder {policy}");
        for more in [&["--dry-run=server"][..], &[]] {
            let output = label(&namespace, Some(policy), more);
            assert_eq!(output.warnings(), [&*warning], "{output}");
        }
        assert_eq!(stored(&namespace), policy);
        before = policy;
    }
    let output = label(&namespace, None, &[]);
    let warning = "TW501 namespace-policy: Namespace labelled-ever-milder goes from audit to no policy";
    assert_eq!(output.warnings(), [warning], "{output}");
    assert!(stored(&namespace).is_null());
}

#[test]
fn a_label_that_names_no_policy_is_warned_about_when_it_is_set() {
    let namespace = installed().rig.namespace_named("labelled-with-a-slip", &[(POLICY_LABEL, "baseline")]);
    let output = label(&namespace, Some("restrictd"), &[]);
    let warning =
        "TW501 namespace-policy: no policy is named restrictd; Namespace labelled-with-a-slip is judged as restricted";
    assert_eq!(output.warnings(), [warning], "{output}");
    assert_eq!(stored(&namespace), "restrictd");
}
