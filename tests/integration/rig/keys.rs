//! The keys and certificates of the control plane, made at its start.

use std::fs;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};

/// Where they were written.
pub(crate) struct Keys {
    /// The certificate authority that signed the serving certificate, also what `kube-root-ca.crt` holds.
    pub(crate) authority: PathBuf,
    pub(crate) serving_certificate: PathBuf,
    pub(crate) serving_key: PathBuf,
    /// What the API server shows to webhooks that ask for a certificate, signed by the same authority.
    pub(crate) webhook_client_certificate: PathBuf,
    pub(crate) webhook_client_key: PathBuf,
    /// What service account tokens are signed with, legacy ones by the controller manager, bound ones by the API server.
    pub(crate) token_key: PathBuf,
    /// What they are verified with.
    pub(crate) token_public_key: PathBuf,
}

impl Keys {
    /// Makes the keys; the serving certificate is good for `host` besides the loopback names.
    pub(crate) fn generate(directory: &Path, host: IpAddr) -> io::Result<Self> {
        let authority = authority().map_err(io::Error::other)?;
        let serving_key = KeyPair::generate().map_err(io::Error::other)?;
        let serving_certificate =
            serving_parameters(host).and_then(|it| it.signed_by(&serving_key, &authority)).map_err(io::Error::other)?;
        let client_key = KeyPair::generate().map_err(io::Error::other)?;
        let client_certificate = client_parameters().signed_by(&client_key, &authority).map_err(io::Error::other)?;
        let token_key = KeyPair::generate().map_err(io::Error::other)?;
        let write = |name: &str, text: String| {
            let path = directory.join(name);
            fs::write(&path, text).map(|()| path)
        };
        Ok(Self {
            authority: write("ca.crt", authority.pem())?,
            serving_certificate: write("apiserver.crt", serving_certificate.pem())?,
            serving_key: write("apiserver.key", serving_key.serialize_pem())?,
            webhook_client_certificate: write("webhook-client.crt", client_certificate.pem())?,
            webhook_client_key: write("webhook-client.key", client_key.serialize_pem())?,
            token_key: write("service-account.key", token_key.serialize_pem())?,
            token_public_key: write("service-account.pub", token_key.public_key_pem())?,
        })
    }
}

fn authority() -> Result<CertifiedIssuer<'static, KeyPair>, rcgen::Error> {
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name.push(DnType::CommonName, "tokenward rig");
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
    CertifiedIssuer::self_signed(parameters, KeyPair::generate()?)
}

fn client_parameters() -> CertificateParams {
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name.push(DnType::CommonName, "kube-apiserver");
    parameters.use_authority_key_identifier_extension = true;
    parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    parameters
}

fn serving_parameters(host: IpAddr) -> Result<CertificateParams, rcgen::Error> {
    let names = ["localhost", "kubernetes.default.svc", "127.0.0.1"].map(String::from).into_iter();
    let mut parameters = CertificateParams::new(names.chain([host.to_string()]).collect::<Vec<_>>())?;
    parameters.distinguished_name.push(DnType::CommonName, "kube-apiserver");
    parameters.use_authority_key_identifier_extension = true;
    parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    Ok(parameters)
}
