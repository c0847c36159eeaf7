//! A team that begins with tokenward: the tokens that it has are listed as exceptions, and only new ones are refused.

use std::fs;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use super::manifest::{pod, token_secret};
use super::{create, installed};
use crate::installation::{POLICY_LABEL, output_of, tokenward};
use crate::rig::audit_log::AuditFilter;
use crate::rig::eventually::eventually;
use crate::rig::namespace::Namespace;
use crate::rig::users::User;

/// How long the webhook's look at its files may take.
const PATIENCE: Duration = Duration::from_secs(20);

fn scan(namespace: &Namespace<'_>, arguments: &[&str]) -> Command {
    let mut scan = tokenward();
    let kubeconfig = namespace.rig().kubeconfig(User::Developer);
    scan.args(["scan", "-n", &namespace.name, "-o", "exceptions"]).args(arguments);
    scan.arg("--kubeconfig").arg(kubeconfig);
    scan
}

/// Accepted as it stands, by the command that a pipeline runs.
fn check(directory: &std::path::Path, exceptions: &str) -> Value {
    let file = directory.join("exceptions.yaml");
    fs::write(&file, exceptions).unwrap();
    let mut check = tokenward();
    check.args(["policy", "check", "-o", "json"]).arg(file);
    serde_json::from_str(&output_of(check).unwrap_or_else(|error| panic!("{error}"))).unwrap()
}

#[test]
fn what_a_cluster_holds_goes_on_working_under_the_exceptions_that_scan_writes() {
    let installation = installed();
    let namespace = installation.rig.namespace("scanned", &[]);
    namespace.service_account("ci", Some(false));
    let long_name = format!("legacy-{}", "x".repeat(240));
    let secrets = [token_secret("legacy-ci", "ci"), token_secret(&long_name, "ci")];
    for secret in &secrets {
        create(&namespace, secret).ok();
    }
    let exceptions = output_of(scan(&namespace, &["--ttl", "12w", "--owner", "platform@example.com"])).unwrap();
    let again = output_of(scan(&namespace, &["--ttl", "12w", "--owner", "platform@example.com"])).unwrap();
    assert_eq!(exceptions, again, "a second scan writes the same");

    let directory = tempfile::tempdir().unwrap();
    let report = check(directory.path(), &exceptions);
    let listed = report["exceptions"].as_array().unwrap();
    assert_eq!(listed.len(), 2, "{report:#}");
    let name = format!("{}.legacy-ci", namespace.name);
    assert!(listed.iter().any(|exception| exception["name"] == name), "{report:#}");
    // The last day is twelve weeks from now, and counts whole.
    assert!(listed.iter().all(|exception| exception["days"] == 84), "{report:#}");

    // The namespace opts in. What is made anew is refused now, under the names of before too.
    namespace.rig().kubectl(["label", "namespace", &namespace.name, &format!("{POLICY_LABEL}=restricted")]).ok();
    for secret in &secrets {
        let name = secret["metadata"]["name"].as_str().unwrap();
        namespace.kubectl(["delete", "secret", name]).ok();
    }
    let dry_run =
        |secret: &Value| namespace.rig().post(User::Developer, &namespace.path("secrets?dryRun=All"), secret).code;
    eventually(PATIENCE, || match secrets.each_ref().map(dry_run) {
        [403, 403] => Ok(()),
        codes => Err(format!("HTTP {codes:?} without an exception")),
    });

    installation.webhook.policy.put("scanned.yaml", &exceptions);
    eventually(PATIENCE, || match secrets.each_ref().map(dry_run) {
        [201, 201] => Ok(()),
        codes => Err(format!("HTTP {codes:?}, though the exceptions are there")),
    });
    for secret in &secrets {
        let output = create(&namespace, secret).ok();
        assert_eq!(output.warnings(), [""; 0], "they end later than in two weeks");
    }
    let reaches = json!({"volumes": [{"name": "token", "secret": {"secretName": "legacy-ci"}}]});
    create(&namespace, &pod("web", "ci", &reaches)).ok();
    for (resource, object) in [("secrets", "legacy-ci"), ("pods", "web")] {
        let (namespace_name, verb) = (&namespace.name, "create");
        let filter = AuditFilter { namespace: namespace_name, resource, name: object, verb };
        let event = namespace.rig().audit_event(filter);
        assert_eq!(event.annotation("restricted.validate.tokenward.dev/exceptions"), Some(&*name), "{resource}");
    }
    // They are for these and for nothing else.
    create(&namespace, &token_secret("legacy-ci-2", "ci")).refused();
    installation.webhook.policy.remove("scanned.yaml");
}

#[test]
fn who_uses_an_exception_that_ends_soon_is_told_by_kubectl() {
    let installation = installed();
    let namespace = installation.rig.namespace("scanned-soon", &[]);
    namespace.service_account("ci", Some(false));
    create(&namespace, &token_secret("legacy-ci", "ci")).ok();
    let exceptions = output_of(scan(&namespace, &["--ttl", "7d", "--owner", "platform@example.com"])).unwrap();
    let last_day = exceptions.lines().find_map(|line| line.strip_prefix("  expires: ")).unwrap().to_owned();
    namespace.rig().kubectl(["label", "namespace", &namespace.name, &format!("{POLICY_LABEL}=baseline")]).ok();
    namespace.kubectl(["delete", "secret", "legacy-ci"]).ok();

    installation.webhook.policy.put("scanned-soon.yaml", &exceptions);
    let warning = format!("exception {}.legacy-ci ends on {last_day} (owner platform@example.com)", namespace.name);
    eventually(PATIENCE, || {
        let create = ["create", "--dry-run=server", "-f", "-"];
        let output =
            namespace.kubectl_as(User::Developer, create).stdin(token_secret("legacy-ci", "ci").to_string()).run();
        if output.warnings() == [&*warning] { Ok(()) } else { Err(format!("no warning: {output}")) }
    });
    installation.webhook.policy.remove("scanned-soon.yaml");
}
