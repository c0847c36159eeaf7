//! Whether the API server mounts its own token into a Pod.

use super::built_in::NAME_PREFIX;
use super::directory::API_DIRECTORY;
use crate::resource::PodSpec;

/// The effective automount of a Pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Automount {
    /// The Pod says so, or the built-in plugin has mounted its volume.
    Enabled,
    /// The Pod says so, or the plugin has been here and mounted nothing: then the service account said `false`.
    Disabled,
    /// The Pod says nothing, and the plugin has not seen it: the service account decides, and it is not known.
    Unknown,
}

impl Automount {
    /// The automount of a Pod. `resolved` says that the built-in plugin has run on it; it does so before any webhook
    /// (kubernetes `plugin/pkg/admission/serviceaccount/admission.go`, and the order of plugins in
    /// `pkg/kubeapiserver/options/plugins.go`).
    #[must_use]
    pub fn of(spec: &PodSpec<'_>, resolved: bool) -> Self {
        match spec.automount_service_account_token {
            Some(true) => Self::Enabled,
            Some(false) => Self::Disabled,
            None if plugin_has_mounted(spec) => Self::Enabled,
            None if resolved => Self::Disabled,
            None => Self::Unknown,
        }
    }
}

/// The plugin writes its directory in one spelling and takes any volume whose name has its prefix for its own.
fn plugin_has_mounted(spec: &PodSpec<'_>) -> bool {
    spec.containers
        .iter()
        .chain(&spec.init_containers)
        .flat_map(|container| &container.volume_mounts)
        .any(|mount| mount.mount_path == API_DIRECTORY && mount.name.starts_with(NAME_PREFIX))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::Automount;
    use crate::resource::PodSpec;

    fn automount(spec: &Value, resolved: bool) -> Automount {
        let text = spec.to_string();
        Automount::of(&serde_json::from_str::<PodSpec<'_>>(&text).unwrap(), resolved)
    }

    fn mounting(volume: &str, path: &str) -> Value {
        json!({"name": "app", "volumeMounts": [{"name": volume, "mountPath": path}]})
    }

    const DIRECTORY: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

    // rows 2 and 4
    #[test]
    fn is_what_the_pod_says() {
        let mounted = mounting("kube-api-access-x2b9k", DIRECTORY);
        assert_eq!(
            automount(&json!({"automountServiceAccountToken": false, "containers": [mounted]}), true),
            Automount::Disabled
        );
        assert_eq!(automount(&json!({"automountServiceAccountToken": true}), true), Automount::Enabled);
        assert_eq!(automount(&json!({"automountServiceAccountToken": true}), false), Automount::Enabled);
        assert_eq!(automount(&json!({"automountServiceAccountToken": false}), false), Automount::Disabled);
    }

    // rows 1 and 5
    #[test]
    fn is_on_where_the_plugin_has_mounted_its_volume() {
        let mounted = mounting("kube-api-access-x2b9k", DIRECTORY);
        assert_eq!(automount(&json!({"containers": [{"name": "own"}, mounted]}), true), Automount::Enabled);
        assert_eq!(automount(&json!({"initContainers": [mounted]}), true), Automount::Enabled);
        assert_eq!(automount(&json!({"containers": [mounted]}), false), Automount::Enabled);
    }

    // row 3
    #[test]
    fn is_off_where_the_plugin_ran_and_mounted_nothing() {
        assert_eq!(automount(&json!({"containers": [{"name": "app"}]}), true), Automount::Disabled);
        let elsewhere = mounting("kube-api-access-x2b9k", "/token");
        assert_eq!(automount(&json!({"containers": [elsewhere]}), true), Automount::Disabled);
        let own = mounting("vault-token", DIRECTORY);
        assert_eq!(automount(&json!({"containers": [own]}), true), Automount::Disabled);
    }

    #[test]
    fn takes_no_notice_of_ephemeral_containers() {
        let mounted = mounting("kube-api-access-x2b9k", DIRECTORY);
        assert_eq!(automount(&json!({"ephemeralContainers": [mounted]}), true), Automount::Disabled);
    }

    #[test]
    fn is_unknown_where_the_plugin_did_not_run_and_the_pod_says_nothing() {
        assert_eq!(automount(&json!({"containers": [{"name": "app"}]}), false), Automount::Unknown);
    }
}
