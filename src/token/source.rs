//! The sources of a token volume, in the form in which the built-in plugin and injection both write them.

use crate::resource::{ProjectedSource, Volume};

/// The permission bits of a token volume. The kubelet narrows them where a Pod has an `fsGroup` or one user for all its
/// containers; stricter bits would lock other containers out.
pub const DEFAULT_MODE: i32 = 0o644;

/// One source of a token volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source<'s> {
    /// A bound token.
    Token {
        /// The file.
        path: &'s str,
        /// The audience; empty for the API server's own.
        audience: &'s str,
        /// The lifetime that is asked for, in seconds.
        seconds: u64,
    },
    /// `ca.crt` from the ConfigMap `kube-root-ca.crt`, which every namespace has.
    RootCertificate,
    /// `namespace` from the Pod's own metadata.
    Namespace,
}

impl Source<'_> {
    /// Whether `written` is this source and nothing else.
    fn is(self, written: &ProjectedSource<'_>) -> bool {
        let kinds = [
            written.service_account_token.is_some(),
            written.config_map.is_some(),
            written.downward_api.is_some(),
            written.secret.is_some(),
            written.cluster_trust_bundle.is_some(),
            written.pod_certificate.is_some(),
        ];
        let one_kind = kinds.iter().filter(|found| **found).count() == 1;
        one_kind
            && match self {
                Self::Token { path, audience, seconds } => {
                    written.service_account_token.as_ref().is_some_and(|token| {
                        token.path == path
                            && token.audience == audience
                            && token.expiration_seconds.is_some_and(|written| u64::try_from(written) == Ok(seconds))
                    })
                }
                Self::RootCertificate => is_root_certificate(written),
                Self::Namespace => is_namespace(written),
            }
    }
}

fn is_root_certificate(written: &ProjectedSource<'_>) -> bool {
    written.config_map.as_ref().is_some_and(|map| {
        map.name == "kube-root-ca.crt"
            && !map.optional.unwrap_or(false)
            && matches!(&*map.items, [item] if item.key == "ca.crt" && item.path == "ca.crt" && item.mode.is_none())
    })
}

fn is_namespace(written: &ProjectedSource<'_>) -> bool {
    written.downward_api.as_ref().is_some_and(|downward| {
        let [item] = &*downward.items else { return false };
        item.path == "namespace"
            && item.mode.is_none()
            && item
                .field_ref
                .as_ref()
                .is_some_and(|field| field.api_version == "v1" && field.field_path == "metadata.namespace")
    })
}

/// Whether `volume` is a projected volume of exactly these sources, in this order and with [`DEFAULT_MODE`].
pub fn holds_exactly<'s>(volume: &Volume<'_>, sources: impl IntoIterator<Item = Source<'s>>) -> bool {
    let Some(projected) = &volume.projected else { return false };
    let mut written = projected.sources.iter();
    projected.default_mode == Some(DEFAULT_MODE)
        && volume.secrets().next().is_none()
        && sources.into_iter().all(|source| written.next().is_some_and(|written| source.is(written)))
        && written.next().is_none()
}
