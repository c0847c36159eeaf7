//! An export, applied to a real API server.

use std::fs;
use std::time::Duration;

use serde_json::{Value, json};

use crate::installation::{POLICY_LABEL, output_of, tokenward};
use crate::rig::eventually::{eventually, try_eventually};
use crate::rig::kubectl::Output;
use crate::rig::users::User;
use crate::rig::{self, ControlPlane};

/// How long the API server may take to learn of policies, and the controller to check their types.
const PATIENCE: Duration = Duration::from_mins(1);

/// Exported policies that the API server obeys, and nothing else of ours.
pub(super) struct Applied<'rig> {
    rig: &'rig ControlPlane,
    yaml: String,
}

impl<'rig> Applied<'rig> {
    /// Exports what is built in and what is in `policy`, with this inventory, applies it, and waits until it counts.
    pub(super) fn on(rig: &'rig ControlPlane, policy: &str, inventory: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut command = tokenward();
        command.args(["policy", "export", "--format", "vap"]);
        for (option, text) in [("--policy", policy), ("--inventory", inventory)] {
            let file = directory.path().join(format!("{option}.yaml"));
            if !text.is_empty() {
                fs::write(&file, text).unwrap();
                command.arg(option).arg(file);
            }
        }
        let applied = Self { rig, yaml: output_of(command).unwrap() };
        let output = applied.kubectl(["apply", "-f", "-"]).expect_success();
        assert_eq!(output.warnings(), [""; 0], "{output}");
        eventually(PATIENCE, || if applied.is_obeyed() { Ok(()) } else { Err("the API server does not obey") });
        applied
    }

    pub(super) fn kubectl<const N: usize>(&self, arguments: [&str; N]) -> Output {
        self.rig.kubectl(arguments).stdin(self.yaml.as_str()).run()
    }

    /// What judges the labels of namespaces is applied last.
    fn is_obeyed(&self) -> bool {
        let labels = json!({POLICY_LABEL: "no-such-policy"});
        let namespace =
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "probe-labels", "labels": labels}});
        let answer = self.rig.post(User::Administrator, "/api/v1/namespaces?dryRun=All", &namespace);
        answer.warnings.iter().any(|warning| warning.contains("TW501 "))
    }
}

impl Drop for Applied<'_> {
    fn drop(&mut self) {
        self.kubectl(["delete", "--ignore-not-found", "-f", "-"]);
        // The next one finds out by itself if this takes longer.
        let _ = try_eventually(PATIENCE, || if self.is_obeyed() { Err(()) } else { Ok(()) });
    }
}

#[test]
fn the_api_server_takes_every_policy_and_finds_no_fault_in_its_types() {
    let rig = rig::solitary();
    let applied = Applied::on(&rig, include_str!("policy.yaml"), include_str!("inventory.yaml"));
    let policies = eventually(PATIENCE, || {
        let list = rig.kubectl(["get", "validatingadmissionpolicies"]).json();
        let policies = list["items"].as_array().unwrap().clone();
        let is_checked = |it: &Value| it["status"]["observedGeneration"] == it["metadata"]["generation"];
        if policies.iter().all(is_checked) { Ok(policies) } else { Err("types are not checked yet") }
    });
    assert!(policies.len() > 40, "{}", policies.len());
    for policy in &policies {
        assert_eq!(policy["status"]["typeChecking"], json!({}), "{}", policy["metadata"]["name"]);
    }
    // What is stored is what was written.
    let output = applied.kubectl(["diff", "-f", "-"]);
    assert!(output.status.success(), "{output}");
}
