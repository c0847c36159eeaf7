//! Volumes: the sources of tokens, and every reference to a Secret.

use serde::Deserialize;

use super::{List, Text, TokenItems};

/// A volume of a Pod. The API server allows one source in each; a view may hold more, and the rules look at all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Volume<'a> {
    /// `name`.
    #[serde(borrow)]
    pub name: Text<'a>,
    /// `projected`.
    pub projected: Option<ProjectedVolume<'a>>,
    secret: Option<SecretVolume<'a>>,
    azure_file: Option<SecretName<'a>>,
    csi: Option<NodePublishSecretRef<'a>>,
    cephfs: Option<SecretRef<'a>>,
    cinder: Option<SecretRef<'a>>,
    flex_volume: Option<SecretRef<'a>>,
    iscsi: Option<SecretRef<'a>>,
    rbd: Option<SecretRef<'a>>,
    #[serde(rename = "scaleIO")]
    scale_io: Option<SecretRef<'a>>,
    storageos: Option<SecretRef<'a>>,
}

impl Volume<'_> {
    /// The Secrets that the volume names outside `projected`, each with its field below the volume.
    ///
    /// The list of fields is that of `VisitPodSecretNames` in kubernetes `pkg/api/v1/pod/util.go`.
    pub fn secrets(&self) -> impl Iterator<Item = (&'static str, &str)> {
        [
            ("secret.secretName", self.secret.as_ref().and_then(SecretVolume::name)),
            ("azureFile.secretName", secret_name(self.azure_file.as_ref())),
            (
                "csi.nodePublishSecretRef.name",
                self.csi.as_ref().and_then(|csi| name(csi.node_publish_secret_ref.as_ref())),
            ),
            ("cephfs.secretRef.name", secret_ref(self.cephfs.as_ref())),
            ("cinder.secretRef.name", secret_ref(self.cinder.as_ref())),
            ("flexVolume.secretRef.name", secret_ref(self.flex_volume.as_ref())),
            ("iscsi.secretRef.name", secret_ref(self.iscsi.as_ref())),
            ("rbd.secretRef.name", secret_ref(self.rbd.as_ref())),
            ("scaleIO.secretRef.name", secret_ref(self.scale_io.as_ref())),
            ("storageos.secretRef.name", secret_ref(self.storageos.as_ref())),
        ]
        .into_iter()
        .filter_map(|(field, name)| Some((field, name?)))
    }

    /// The files that a `secret` volume writes the token of a legacy Secret to.
    pub fn secret_token_paths(&self) -> impl Iterator<Item = &str> {
        self.secret.iter().flat_map(|secret| secret.items.paths())
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct SecretVolume<'a> {
    #[serde(borrow)]
    secret_name: Text<'a>,
    items: TokenItems<'a>,
}

impl SecretVolume<'_> {
    fn name(&self) -> Option<&str> {
        Some(&*self.secret_name).filter(|name| !name.is_empty())
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct SecretName<'a> {
    #[serde(borrow)]
    secret_name: Text<'a>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct SecretRef<'a> {
    #[serde(borrow)]
    secret_ref: Option<LocalReference<'a>>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct NodePublishSecretRef<'a> {
    #[serde(borrow)]
    node_publish_secret_ref: Option<LocalReference<'a>>,
}

fn secret_name<'v>(source: Option<&'v SecretName<'_>>) -> Option<&'v str> {
    source.map(|found| &*found.secret_name).filter(|name| !name.is_empty())
}

fn secret_ref<'v>(source: Option<&'v SecretRef<'_>>) -> Option<&'v str> {
    source.and_then(|found| name(found.secret_ref.as_ref()))
}

fn name<'v>(reference: Option<&'v LocalReference<'_>>) -> Option<&'v str> {
    reference.map(|found| &*found.name).filter(|name| !name.is_empty())
}

/// A reference to an object of the Pod's own namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct LocalReference<'a> {
    /// The object's name.
    #[serde(borrow)]
    pub name: Text<'a>,
}

/// `projected`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ProjectedVolume<'a> {
    /// Permission bits; the API server writes 420 where nothing was said.
    pub default_mode: Option<i32>,
    /// The sources, in the order in which the kubelet writes them.
    #[serde(borrow)]
    pub sources: List<ProjectedSource<'a>>,
}

/// One source of a projected volume.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ProjectedSource<'a> {
    /// A bound token.
    #[serde(borrow)]
    pub service_account_token: Option<TokenProjection<'a>>,
    /// Keys of a Secret.
    pub secret: Option<ItemsSource<'a>>,
    /// Keys of a ConfigMap.
    pub config_map: Option<ItemsSource<'a>>,
    /// Fields of the Pod.
    #[serde(rename = "downwardAPI")]
    pub downward_api: Option<DownwardApiSource<'a>>,
    /// Trust anchors; only its file matters here.
    pub cluster_trust_bundle: Option<PathOnly<'a>>,
    /// A Pod certificate; only its files matter here.
    pub pod_certificate: Option<PodCertificate<'a>>,
}

/// `serviceAccountToken` of a projected source.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct TokenProjection<'a> {
    /// Who the token is for; empty means the API server.
    #[serde(borrow)]
    pub audience: Text<'a>,
    /// Requested lifetime in seconds; the API server writes 3600 where nothing was said.
    pub expiration_seconds: Option<i64>,
    /// The file below the mount.
    pub path: Text<'a>,
}

/// `secret` or `configMap` of a projected source.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ItemsSource<'a> {
    /// The object's name.
    #[serde(borrow)]
    pub name: Text<'a>,
    /// The keys that are taken, all where none is listed.
    pub items: List<KeyToPath<'a>>,
    /// Whether a missing object is no error.
    pub optional: Option<bool>,
}

/// One key and the file it is written to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct KeyToPath<'a> {
    /// The key.
    #[serde(borrow)]
    pub key: Text<'a>,
    /// The file.
    pub path: Text<'a>,
    /// Permission bits of this file alone.
    pub mode: Option<i32>,
}

/// `downwardAPI` of a projected source.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct DownwardApiSource<'a> {
    /// The files.
    #[serde(borrow)]
    pub items: List<DownwardApiItem<'a>>,
}

/// One file of the downward API.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct DownwardApiItem<'a> {
    /// The file.
    #[serde(borrow)]
    pub path: Text<'a>,
    /// `fieldRef`.
    pub field_ref: Option<FieldRef<'a>>,
    /// Permission bits of this file alone.
    pub mode: Option<i32>,
}

/// `fieldRef` of a downward API file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct FieldRef<'a> {
    /// `v1` in every Pod that the API server has seen.
    #[serde(borrow)]
    pub api_version: Text<'a>,
    /// Such as `metadata.namespace`.
    pub field_path: Text<'a>,
}

/// A source of which only the file is read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct PathOnly<'a> {
    /// The file.
    #[serde(borrow)]
    pub path: Text<'a>,
}

/// `podCertificate` of a projected source.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PodCertificate<'a> {
    /// The file with key and certificates.
    #[serde(borrow)]
    pub credential_bundle_path: Text<'a>,
    /// The file with the key alone.
    pub key_path: Text<'a>,
    /// The file with the certificates alone.
    pub certificate_chain_path: Text<'a>,
}
