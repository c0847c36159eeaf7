//! Pods: what they mount, what they read from Secrets, and whose tokens they hold.

use serde::Deserialize;

use super::sparse::Telling;
use super::volume::LocalReference;
use super::{List, LongText, Metadata, Sparse, Text, Volume};

/// A Pod.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Pod<'a> {
    /// `metadata`.
    #[serde(borrow)]
    pub metadata: Metadata<'a>,
    /// `spec`.
    pub spec: PodSpec<'a>,
}

impl Pod<'_> {
    /// Whether the Pod shows a static one of a kubelet, which runs whatever an API server says, and which neither the
    /// built-in plugin nor injection changes.
    #[must_use]
    pub fn is_mirror(&self) -> bool {
        self.metadata.annotations.get("kubernetes.io/config.mirror").is_some()
    }
}

/// The specification of a Pod or of a template.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PodSpec<'a> {
    #[serde(borrow)]
    service_account_name: Text<'a>,
    // The deprecated alias; the newer field wins (kubernetes pkg/apis/core/v1/conversion.go).
    service_account: Text<'a>,
    /// What the Pod itself says of automounting; where it says nothing the service account decides.
    pub automount_service_account_token: Option<bool>,
    /// `volumes`.
    pub volumes: List<Volume<'a>>,
    /// Init containers and sidecars.
    pub init_containers: List<Container<'a>>,
    /// Regular containers.
    pub containers: List<Container<'a>>,
    /// Ephemeral containers; only in updates of the subresource.
    pub ephemeral_containers: List<Container<'a>>,
    /// `imagePullSecrets`.
    pub image_pull_secrets: List<LocalReference<'a>>,
}

impl PodSpec<'_> {
    /// The Pod's service account; `default` where none is named.
    #[must_use]
    pub fn service_account_name(&self) -> &str {
        [&self.service_account_name, &self.service_account]
            .into_iter()
            .find(|name| !name.is_empty())
            .map_or("default", |name| name)
    }
}

/// A container of any kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Container<'a> {
    /// `name`.
    #[serde(borrow)]
    pub name: Text<'a>,
    /// The long ones of `command`.
    pub command: Sparse<LongText<'a>>,
    /// The long ones of `args`.
    pub args: Sparse<LongText<'a>>,
    /// `volumeMounts`.
    pub volume_mounts: List<VolumeMount<'a>>,
    /// `volumeDevices`.
    pub volume_devices: List<VolumeDevice<'a>>,
    /// The entries of `env` with a long value or a Secret.
    pub env: Sparse<EnvVar<'a>>,
    /// `envFrom`.
    pub env_from: List<EnvFromSource<'a>>,
}

/// One entry of `volumeMounts`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct VolumeMount<'a> {
    /// The volume's name.
    #[serde(borrow)]
    pub name: Text<'a>,
    /// Where it is mounted; any spelling of a path is accepted by the API server.
    pub mount_path: Text<'a>,
    /// One path of the volume; never refreshed by the kubelet.
    pub sub_path: Text<'a>,
    /// The same with variables.
    pub sub_path_expr: Text<'a>,
}

/// One entry of `volumeDevices`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct VolumeDevice<'a> {
    /// Where the device appears.
    #[serde(borrow)]
    pub device_path: Text<'a>,
}

/// One entry of `env`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct EnvVar<'a> {
    /// The variable.
    #[serde(borrow)]
    pub name: Text<'a>,
    /// `value`, where it is long.
    pub value: LongText<'a>,
    value_from: Option<EnvVarSource<'a>>,
}

impl EnvVar<'_> {
    /// The Secret that the value is taken from.
    #[must_use]
    pub fn secret(&self) -> Option<&str> {
        self.secret_key_ref().map(|reference| &*reference.name)
    }

    /// The key of that Secret.
    #[must_use]
    pub fn secret_key(&self) -> Option<&str> {
        self.secret_key_ref().map(|reference| &*reference.key)
    }

    fn secret_key_ref(&self) -> Option<&SecretKeyReference<'_>> {
        self.value_from.as_ref()?.secret_key_ref.as_ref().filter(|reference| !reference.name.is_empty())
    }
}

impl Telling for EnvVar<'_> {
    fn is_telling(&self) -> bool {
        !self.value.is_empty() || self.secret().is_some()
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct EnvVarSource<'a> {
    #[serde(borrow)]
    secret_key_ref: Option<SecretKeyReference<'a>>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct SecretKeyReference<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    key: Text<'a>,
}

/// One entry of `envFrom`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct EnvFromSource<'a> {
    /// What is put before each key to make the variable's name.
    #[serde(borrow)]
    pub prefix: Text<'a>,
    secret_ref: Option<LocalReference<'a>>,
}

impl EnvFromSource<'_> {
    /// The Secret whose keys become variables.
    #[must_use]
    pub fn secret(&self) -> Option<&str> {
        self.secret_ref.as_ref().map(|reference| &*reference.name).filter(|name| !name.is_empty())
    }
}
