//! Certificates by cert-manager: an authority of our own that lives long, and a leaf that it renews.
//!
//! The leaf is not self-signed: each renewal would change the CA bundle, and API servers that have not seen the new one
//! yet would refuse the webhook.
//!
//! Durations are spelled, and `false` is left out, as cert-manager writes them back.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Serialize;

use super::object::{Object, namespaced};
use super::{NAME, Settings, TLS_SECRET};

const API_VERSION: &str = "cert-manager.io/v1";
/// The authority's Certificate, its Secret, and the Issuer that signs with it.
const AUTHORITY: &str = "tokenward-ca";
/// The Issuer that signs the authority.
const SELF_SIGNED: &str = "tokenward-self-signed";

/// An `Issuer` of cert-manager.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Issuer {
    api_version: &'static str,
    kind: &'static str,
    metadata: ObjectMeta,
    spec: IssuerSpec,
}

/// One of the two is set.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct IssuerSpec {
    #[serde(skip_serializing_if = "Option::is_none")]
    self_signed: Option<SelfSigned>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ca: Option<AuthoritySecret>,
}

#[derive(Clone, Debug, Serialize)]
struct SelfSigned {}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct AuthoritySecret {
    secret_name: &'static str,
}

/// A `Certificate` of cert-manager.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Certificate {
    api_version: &'static str,
    kind: &'static str,
    metadata: ObjectMeta,
    spec: CertificateSpec,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct CertificateSpec {
    secret_name: &'static str,
    #[serde(rename = "isCA", skip_serializing_if = "std::ops::Not::not")]
    is_ca: bool,
    common_name: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    dns_names: Vec<String>,
    duration: &'static str,
    renew_before: &'static str,
    private_key: PrivateKey,
    usages: &'static [&'static str],
    issuer_ref: IssuerReference,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct PrivateKey {
    algorithm: &'static str,
    size: u16,
    rotation_policy: &'static str,
}

#[derive(Clone, Debug, Serialize)]
struct IssuerReference {
    group: &'static str,
    kind: &'static str,
    name: &'static str,
}

/// Two issuers and two certificates.
pub(super) fn objects(settings: &Settings) -> [Object; 4] {
    let service = settings.service_name();
    let authority = CertificateSpec {
        secret_name: AUTHORITY,
        is_ca: true,
        common_name: AUTHORITY,
        dns_names: Vec::new(),
        // Ten years; a year before the end there is a new one.
        duration: "87600h0m0s",
        renew_before: "8760h0m0s",
        // The same key in the renewed authority: what the old one signed stays valid.
        private_key: PrivateKey { algorithm: "ECDSA", size: 256, rotation_policy: "Never" },
        usages: &["cert sign", "crl sign"],
        issuer_ref: issuer_reference(SELF_SIGNED),
    };
    let leaf = CertificateSpec {
        secret_name: TLS_SECRET,
        is_ca: false,
        common_name: NAME,
        dns_names: vec![service.clone(), format!("{service}.cluster.local")],
        // Ninety days, renewed after sixty.
        duration: "2160h0m0s",
        renew_before: "720h0m0s",
        private_key: PrivateKey { algorithm: "ECDSA", size: 256, rotation_policy: "Always" },
        usages: &["digital signature", "server auth"],
        issuer_ref: issuer_reference(AUTHORITY),
    };
    [
        issuer(SELF_SIGNED, IssuerSpec { self_signed: Some(SelfSigned {}), ca: None }, settings).into(),
        certificate(authority, settings).into(),
        issuer(
            AUTHORITY,
            IssuerSpec { self_signed: None, ca: Some(AuthoritySecret { secret_name: AUTHORITY }) },
            settings,
        )
        .into(),
        certificate(leaf, settings).into(),
    ]
}

fn issuer(name: &str, spec: IssuerSpec, settings: &Settings) -> Issuer {
    Issuer { api_version: API_VERSION, kind: "Issuer", metadata: namespaced(name, settings), spec }
}

fn certificate(spec: CertificateSpec, settings: &Settings) -> Certificate {
    let metadata = namespaced(spec.secret_name, settings);
    Certificate { api_version: API_VERSION, kind: "Certificate", metadata, spec }
}

fn issuer_reference(name: &'static str) -> IssuerReference {
    IssuerReference { group: "cert-manager.io", kind: "Issuer", name }
}
