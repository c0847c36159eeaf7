//! The legacy token cleaner of the controller manager, on the day after the tokens have been forgotten.

use std::process::Command;

use serde_json::json;

use super::users::User;
use super::{ControlPlane, binaries, process::Process};

impl ControlPlane {
    /// Runs the cleaner, in a controller manager of its own that takes a token for forgotten after a second and not after a
    /// year. It goes over all Secrets once, when it starts, and then sleeps for a day; it ends when it is dropped.
    #[track_caller]
    pub(crate) fn run_legacy_token_cleaner(&self) -> Process {
        // The API server notes since when it tracks the use of tokens; before that has been long enough nothing is cleaned.
        let tracking = "/api/v1/namespaces/kube-system/configmaps/kube-apiserver-legacy-service-account-token-tracking";
        let long_ago = json!({"data": {"since": "2020-01-01"}});
        self.merge(User::Administrator, tracking, &long_ago).expect_success();
        let program = binaries::find("kube-controller-manager").unwrap_or_else(|error| panic!("{error}"));
        let mut command = Command::new(program);
        command
            .env_clear()
            .arg(format!("--kubeconfig={}", self.kubeconfig(User::ControllerManager).display()))
            .arg("--controllers=legacy-serviceaccount-token-cleaner-controller")
            .arg("--legacy-service-account-token-clean-up-period=1s")
            .args(["--use-service-account-credentials", "--leader-elect=false", "--secure-port=0"]);
        self.run_beside("the legacy token cleaner", "legacy-token-cleaner", command)
    }
}
