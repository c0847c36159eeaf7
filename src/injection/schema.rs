//! The pieces of a Pod that a patch writes, as the Kubernetes schema has them.

use serde::ser::{Serialize, Serializer};

use super::annotations::INJECTED;
use super::content::{Content, VolumeName};
use super::plan::PlannedVolume;
use crate::token::{DEFAULT_MODE, Source};

/// A JSON array of what an iterator yields.
pub(super) struct Sequence<F>(pub(super) F);

impl<F, I> Serialize for Sequence<F>
where
    F: Fn() -> I,
    I: Iterator,
    I::Item: Serialize,
{
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq((self.0)())
    }
}

/// Annotations with the stamp of this policy alone.
pub(super) struct Stamp<'p>(pub(super) &'p str);

impl Serialize for Stamp<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map([(INJECTED, self.0)])
    }
}

impl Serialize for VolumeName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// An element of `volumeMounts`.
#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct VolumeMount {
    name: VolumeName,
    read_only: bool,
    mount_path: &'static str,
}

impl VolumeMount {
    pub(super) const fn of(volume: &PlannedVolume<'_>) -> Self {
        Self { name: volume.name, read_only: true, mount_path: volume.content.directory() }
    }
}

/// An element of `volumes`.
#[derive(serde::Serialize)]
pub(super) struct Volume<'p> {
    name: VolumeName,
    projected: Projected<'p>,
}

impl<'p> Volume<'p> {
    pub(super) const fn of(volume: &'p PlannedVolume<'_>) -> Self {
        let projected = Projected { sources: Sources(&volume.content), default_mode: DEFAULT_MODE };
        Self { name: volume.name, projected }
    }
}

#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct Projected<'p> {
    sources: Sources<'p>,
    default_mode: i32,
}

struct Sources<'p>(&'p Content<'p>);

impl Serialize for Sources<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.sources().map(ProjectedSource::of))
    }
}

#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
enum ProjectedSource<'s> {
    ServiceAccountToken(Token<'s>),
    ConfigMap(ConfigMap),
    #[serde(rename = "downwardAPI")]
    DownwardApi(DownwardApi),
}

impl<'s> ProjectedSource<'s> {
    const fn of(source: Source<'s>) -> Self {
        match source {
            Source::Token { path, audience, seconds } => {
                Self::ServiceAccountToken(Token { audience, expiration_seconds: seconds, path })
            }
            Source::Certificate { map, key } => {
                Self::ConfigMap(ConfigMap { name: map, items: [KeyToPath { key, path: key }] })
            }
            Source::Namespace => Self::DownwardApi(DownwardApi {
                items: [DownwardApiFile {
                    path: "namespace",
                    field_ref: FieldRef { api_version: "v1", field_path: "metadata.namespace" },
                }],
            }),
        }
    }
}

#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct Token<'s> {
    #[serde(skip_serializing_if = "str::is_empty")]
    audience: &'s str,
    expiration_seconds: u64,
    path: &'s str,
}

#[derive(serde::Serialize)]
struct ConfigMap {
    name: &'static str,
    items: [KeyToPath; 1],
}

#[derive(serde::Serialize)]
struct KeyToPath {
    key: &'static str,
    path: &'static str,
}

#[derive(serde::Serialize)]
struct DownwardApi {
    items: [DownwardApiFile; 1],
}

#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct DownwardApiFile {
    path: &'static str,
    field_ref: FieldRef,
}

#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct FieldRef {
    api_version: &'static str,
    field_path: &'static str,
}
