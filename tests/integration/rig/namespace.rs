//! Namespaces, one for each test, so that tests do not see each other.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::ControlPlane;
use super::eventually::eventually;
use super::kubectl::Kubectl;
use super::users::User;

/// How long its service account, its CA bundle and its role binding may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A namespace that is ready for Pods and in which [`User::Developer`] has the cluster role `edit`.
pub(crate) struct Namespace<'rig> {
    pub(crate) name: String,
    rig: &'rig ControlPlane,
}

impl<'rig> Namespace<'rig> {
    pub(super) fn numbered(rig: &'rig ControlPlane, prefix: &str, labels: &[(&str, &str)]) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(1);
        Self::create(rig, format!("{prefix}-{}", NUMBER.fetch_add(1, Ordering::Relaxed)), labels)
    }

    pub(super) fn create(rig: &'rig ControlPlane, name: String, labels: &[(&str, &str)]) -> Self {
        let labels: Map<String, Value> = labels.iter().map(|&(key, value)| (key.to_owned(), value.into())).collect();
        let admin = User::Administrator;
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}});
        rig.post(admin, "/api/v1/namespaces", &namespace).expect_success();
        let binding = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": {"name": "developers"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "edit"},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": User::Developer.name()}],
        });
        let bindings = format!("/apis/rbac.authorization.k8s.io/v1/namespaces/{name}/rolebindings");
        rig.post(admin, &bindings, &binding).expect_success();

        let namespace = Self { name, rig };
        // Made by controllers, and known to the authorizer a moment later.
        namespace.wait_for(admin, "serviceaccounts/default");
        namespace.wait_for(admin, "configmaps/kube-root-ca.crt");
        namespace.wait_for(User::Developer, "secrets?limit=1");
        namespace
    }

    fn wait_for(&self, user: User, what: &str) {
        let path = self.path(what);
        eventually(PATIENCE, || match self.rig.get(user, &path) {
            answer if answer.code == 200 => Ok(()),
            answer => Err(format!("{path} for {}: HTTP {} {}", user.name(), answer.code, answer.body)),
        });
    }

    /// The control plane that it is in.
    pub(crate) fn rig(&self) -> &'rig ControlPlane {
        self.rig
    }

    /// The path of something of the core group in this namespace: `pods/web`, `serviceaccounts/ci/token`.
    pub(crate) fn path(&self, what: &str) -> String {
        format!("/api/v1/namespaces/{}/{what}", self.name)
    }

    /// A `kubectl` command of the administrator in this namespace.
    pub(crate) fn kubectl<S: AsRef<str>>(&self, arguments: impl IntoIterator<Item = S>) -> Kubectl {
        self.kubectl_as(User::Administrator, arguments)
    }

    /// A `kubectl` command of `user` in this namespace.
    pub(crate) fn kubectl_as<S: AsRef<str>>(&self, user: User, arguments: impl IntoIterator<Item = S>) -> Kubectl {
        self.rig.kubectl_as(user, ["-n", &self.name]).args(arguments)
    }

    /// The stored object, by the names that `kubectl get` knows: `pod/web`, `secret/ci-token`.
    #[track_caller]
    pub(crate) fn stored(&self, what: &str) -> Value {
        self.kubectl(["get", what]).json()
    }

    /// Makes a service account, with `automountServiceAccountToken` set if given.
    #[track_caller]
    pub(crate) fn service_account(&self, name: &str, automount: Option<bool>) {
        let account = json!({
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"name": name},
            "automountServiceAccountToken": automount,
        });
        self.rig.post(User::Administrator, &self.path("serviceaccounts"), &account).expect_success();
    }
}
