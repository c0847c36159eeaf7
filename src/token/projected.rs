//! Every projected token of a Pod.

use super::built_in::is_built_in;
use super::cluster::ClusterSettings;
use super::lifetime::effective_seconds;
use crate::resource::{FieldPath, PodSpec, TokenProjection, Volume};

/// One `serviceAccountToken` source.
#[derive(Clone, Copy, Debug)]
pub struct ProjectedToken<'p> {
    /// The volume.
    pub volume: &'p Volume<'p>,
    /// The volume's place in `spec.volumes`.
    pub volume_index: usize,
    /// The source's place in the volume.
    pub source_index: usize,
    /// What is asked for.
    pub token: &'p TokenProjection<'p>,
    /// Whether the volume is the built-in plugin's own, see [`is_built_in`].
    pub is_built_in: bool,
}

impl ProjectedToken<'_> {
    /// How long the token will last, in seconds.
    #[must_use]
    pub fn effective_seconds(&self, cluster: &ClusterSettings) -> u64 {
        effective_seconds(&self.token.audience, self.token.expiration_seconds, cluster)
    }

    /// Whether it will last longer than was asked for.
    #[must_use]
    pub fn is_extended(&self, cluster: &ClusterSettings) -> bool {
        self.token.expiration_seconds.is_some_and(|asked| self.effective_seconds(cluster) > asked.unsigned_abs())
    }

    /// The path of `field` of the token, where `volumes` is the path of the volumes.
    #[must_use]
    pub fn path(&self, volumes: FieldPath, field: &'static str) -> FieldPath {
        self.source_path(volumes).field(field)
    }

    /// The path of the token itself.
    #[must_use]
    pub fn source_path(&self, volumes: FieldPath) -> FieldPath {
        let source = volumes.index(self.volume_index).field("projected.sources").index(self.source_index);
        source.field("serviceAccountToken")
    }
}

/// Every projected token, mounted or not: an ephemeral container may mount the volume later.
pub fn projected_tokens<'p>(spec: &'p PodSpec<'p>) -> impl Iterator<Item = ProjectedToken<'p>> {
    spec.volumes.iter().enumerate().flat_map(move |(volume_index, volume)| {
        let is_built_in = is_built_in(volume, spec);
        let sources = volume.projected.iter().flat_map(|projected| projected.sources.iter().enumerate());
        sources.filter_map(move |(source_index, source)| {
            let token = source.service_account_token.as_ref()?;
            Some(ProjectedToken { volume, volume_index, source_index, token, is_built_in })
        })
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::projected_tokens;
    use crate::resource::{FieldPath, PodSpec};
    use crate::token::ClusterSettings;

    // rows 46 and 48
    #[test]
    fn are_all_sources_of_all_volumes_mounted_or_not() {
        let text = json!({
            "containers": [{"name": "app"}],
            "volumes": [
                {"name": "data", "emptyDir": {}},
                {"name": "tokens", "projected": {"sources": [
                    {"configMap": {"name": "settings"}},
                    {"serviceAccountToken": {"path": "api"}},
                    {"serviceAccountToken": {"path": "vault", "audience": "vault", "expirationSeconds": 7200}},
                ]}},
                {"name": "empty", "projected": {"sources": null}},
            ],
        })
        .to_string();
        let spec: PodSpec<'_> = serde_json::from_str(&text).unwrap();
        let seen: Vec<(String, u64)> = projected_tokens(&spec)
            .map(|token| {
                let path = token.path(FieldPath::of("spec.volumes"), "audience").to_string();
                (path, token.effective_seconds(&ClusterSettings::default()))
            })
            .collect();
        assert_eq!(
            seen,
            [
                ("spec.volumes[1].projected.sources[1].serviceAccountToken.audience".to_owned(), 3600),
                ("spec.volumes[1].projected.sources[2].serviceAccountToken.audience".to_owned(), 7200),
            ]
        );
    }
}
