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
    /// A certificate, under its own name, from a ConfigMap that every namespace has.
    Certificate {
        /// The ConfigMap.
        map: &'static str,
        /// Its key, and the file.
        key: &'static str,
    },
    /// `namespace` from the Pod's own metadata.
    Namespace,
}

impl Source<'_> {
    /// The certificate of the API server.
    pub const ROOT_CERTIFICATE: Self = Self::Certificate { map: "kube-root-ca.crt", key: "ca.crt" };
    /// The certificate of services, which the plugin of OpenShift adds to its volume.
    pub(super) const SERVICE_CERTIFICATE: Self =
        Self::Certificate { map: "openshift-service-ca.crt", key: "service-ca.crt" };

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
                Self::Certificate { map, key } => is_certificate(written, map, key),
                Self::Namespace => is_namespace(written),
            }
    }
}

fn is_certificate(written: &ProjectedSource<'_>, map: &str, key: &str) -> bool {
    written.config_map.as_ref().is_some_and(|written| {
        written.name == map
            && !written.optional.unwrap_or(false)
            && matches!(&*written.items, [item] if item.key == key && item.path == key && item.mode.is_none())
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
