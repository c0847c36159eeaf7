//! What kind of service account token a JWT is.
//!
//! The claims are those of kubernetes `pkg/serviceaccount/legacy.go` and `claims.go`. No signature is checked: this is to
//! find tokens that lie where they should not, not to trust one.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::Deserialize;
use serde::de::{Deserializer, Error, SeqAccess, Visitor};

/// The issuer of every legacy token, whatever the cluster.
const LEGACY_ISSUER: &str = "kubernetes/serviceaccount";
/// The longest payload that is read, in bytes of base64. A Kubernetes token has some 1 000, but whoever asks for one may name
/// as many audiences as fit into a request. No server of Go's reads longer headers unless told to
/// (net/http `DefaultMaxHeaderBytes`), so that a longer token is of no use.
const LONGEST_PAYLOAD: usize = 1024 * 1024;

/// A service account token, by its claims. Holds no part of the signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceAccountToken {
    /// The account's namespace.
    pub namespace: String,
    /// The account's name.
    pub service_account: String,
    /// Legacy or bound.
    pub kind: TokenKind,
}

/// The two kinds of service account token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// Never expires; lives as long as the Secret that it names.
    Legacy {
        /// The Secret that the API server compares it with.
        secret: String,
    },
    /// Issued by TokenRequest.
    Bound(Bound),
}

/// The claims of a bound token.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bound {
    /// `aud`.
    pub audiences: Vec<String>,
    /// `iss`.
    pub issuer: String,
    /// `iat`, in seconds since 1970.
    pub issued_at: i64,
    /// `exp`, in seconds since 1970.
    pub expires_at: i64,
    /// Until when the kubelet is expected to have renewed it, where the API server extended its life to a year.
    pub warn_after: Option<i64>,
    /// Kind and name of the object that it lives and dies with, such as `Pod web-0`.
    pub bound_to: Option<(&'static str, String)>,
}

impl Bound {
    /// How long the token is valid in all, in seconds.
    #[must_use]
    pub const fn lifetime(&self) -> i64 {
        self.expires_at.saturating_sub(self.issued_at)
    }
}

impl ServiceAccountToken {
    /// Reads the middle part of a JWT. `None` for what is no JWT, and for the JWT of another issuer.
    pub(super) fn of_payload(payload: &[u8]) -> Option<Self> {
        if payload.len() > LONGEST_PAYLOAD {
            return None;
        }
        let json = URL_SAFE_NO_PAD.decode(payload).ok()?;
        let claims: Claims = serde_json::from_slice(&json).ok()?;
        claims.legacy().or_else(|| claims.bound())
    }

    /// Whether it is past its end. A legacy token has none.
    #[must_use]
    pub fn is_expired(&self, now: Timestamp) -> bool {
        match &self.kind {
            TokenKind::Legacy { .. } => false,
            TokenKind::Bound(bound) => bound.expires_at <= now.as_second(),
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Claims {
    iss: String,
    aud: Audiences,
    iat: f64,
    exp: f64,
    #[serde(rename = "kubernetes.io")]
    kubernetes: Option<KubernetesClaim>,
    #[serde(rename = "kubernetes.io/serviceaccount/namespace")]
    legacy_namespace: Option<String>,
    #[serde(rename = "kubernetes.io/serviceaccount/secret.name")]
    legacy_secret: Option<String>,
    #[serde(rename = "kubernetes.io/serviceaccount/service-account.name")]
    legacy_account: Option<String>,
}

/// One string or a list, as RFC 7519 allows. Read by hand, since serde would copy a list before it looks what it is.
#[derive(Default)]
struct Audiences(Vec<String>);

impl<'de> Deserialize<'de> for Audiences {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AudiencesVisitor)
    }
}

struct AudiencesVisitor;

impl<'de> Visitor<'de> for AudiencesVisitor {
    type Value = Audiences;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an audience or a list of audiences")
    }

    fn visit_str<E: Error>(self, audience: &str) -> Result<Self::Value, E> {
        Ok(Audiences(vec![audience.to_owned()]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Self::Value, A::Error> {
        let mut audiences = Vec::new();
        while let Some(audience) = sequence.next_element()? {
            audiences.push(audience);
        }
        Ok(Audiences(audiences))
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct KubernetesClaim {
    namespace: String,
    serviceaccount: Named,
    pod: Option<Named>,
    secret: Option<Named>,
    node: Option<Named>,
    warnafter: Option<f64>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Named {
    name: String,
}

impl Claims {
    fn legacy(&self) -> Option<ServiceAccountToken> {
        let flat = [&self.legacy_namespace, &self.legacy_secret, &self.legacy_account];
        if self.iss != LEGACY_ISSUER && flat.iter().all(|claim| claim.is_none()) {
            return None;
        }
        let [namespace, secret, service_account] = flat.map(|claim| claim.clone().unwrap_or_default());
        Some(ServiceAccountToken { namespace, service_account, kind: TokenKind::Legacy { secret } })
    }

    fn bound(self) -> Option<ServiceAccountToken> {
        let claim = self.kubernetes?;
        if claim.namespace.is_empty() || claim.serviceaccount.name.is_empty() {
            return None;
        }
        // A Pod's token names its node too; the Pod is what it is bound to.
        let bound_to = [("Pod", claim.pod), ("Secret", claim.secret), ("Node", claim.node)];
        Some(ServiceAccountToken {
            namespace: claim.namespace,
            service_account: claim.serviceaccount.name,
            kind: TokenKind::Bound(Bound {
                audiences: self.aud.0,
                issuer: self.iss,
                issued_at: seconds(self.iat),
                expires_at: seconds(self.exp),
                warn_after: claim.warnafter.map(seconds),
                bound_to: bound_to.into_iter().find_map(|(kind, named)| Some((kind, named?.name))),
            }),
        })
    }
}

/// A `NumericDate` of RFC 7519, which may have a fraction.
#[allow(clippy::cast_possible_truncation, reason = "a float that is out of range becomes the nearest end of the range")]
const fn seconds(date: f64) -> i64 {
    date as i64
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::{LONGEST_PAYLOAD, ServiceAccountToken};

    #[test]
    fn a_payload_is_read_up_to_its_longest_and_no_further() {
        let payload = |length: usize| {
            let claims =
                |filler: usize| format!(r#"{{"iss":"kubernetes/serviceaccount","x":"{}"}}"#, "x".repeat(filler));
            URL_SAFE_NO_PAD.encode(claims(length / 4 * 3 - claims(0).len()))
        };
        for (length, is_read) in [(LONGEST_PAYLOAD - 4, true), (LONGEST_PAYLOAD, true), (LONGEST_PAYLOAD + 4, false)] {
            let payload = payload(length);
            assert_eq!(payload.len(), length);
            assert_eq!(ServiceAccountToken::of_payload(payload.as_bytes()).is_some(), is_read, "{length}");
        }
    }
}
