//! Where the serving certificate comes from, and whether the API server would accept it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::certs::{AUTHORITY_FILE, CERTIFICATE_FILE, Inspection, KEY_FILE, PairError, Signature};

/// Where the serving certificate comes from. It has no `Debug`: it may hold a key.
#[derive(Clone)]
pub enum Certificates {
    /// Somebody else makes the Secret and writes the CA bundle into the webhook configurations.
    Elsewhere,
    /// Somebody else makes the Secret; this PEM is the CA bundle.
    Authority(Vec<u8>),
    /// These PEM files.
    Files {
        /// The CA bundle.
        authority: Vec<u8>,
        /// The serving certificate with its chain.
        certificate: Vec<u8>,
        /// Its key.
        key: Vec<u8>,
    },
    /// cert-manager makes the Secret, and its CA injector writes the CA bundle.
    CertManager,
}

/// Why certificates cannot be installed. The text never repeats what is in a file.
#[derive(Debug, thiserror::Error)]
pub enum CertificatesError {
    /// A file cannot be used at all.
    #[error(transparent)]
    Unusable(#[from] PairError),
    /// A file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file of the CA bundle, which everybody can read, has a key.
    #[error("{} holds a private key, and everybody can read the CA bundle: only certificates belong here", path.display())]
    KeyAmongCertificates {
        /// The file.
        path: PathBuf,
    },
    /// The certificate is for another server.
    #[error(
        "{} is good for {}, and the API server asks for {service}; tokenward certs makes one for it",
        path.display(), if names.is_empty() { "no name" } else { names }
    )]
    OtherName {
        /// The certificate's file.
        path: PathBuf,
        /// Its names, comma-separated.
        names: String,
        /// The name of the Service.
        service: String,
    },
    /// The certificate was signed by somebody else, or its time is over.
    #[error("whoever trusts {} refuses {}: {reason}", authority.display(), certificate.display())]
    Untrusted {
        /// The CA bundle's file.
        authority: PathBuf,
        /// The certificate's file.
        certificate: PathBuf,
        /// The words of the verifier.
        reason: String,
    },
}

impl Certificates {
    /// Reads a CA bundle alone.
    ///
    /// # Errors
    /// When the file cannot be read, holds no certificate, or holds a key.
    pub fn authority(path: &Path, now: Timestamp) -> Result<Self, CertificatesError> {
        authority(path, now).map(Self::Authority)
    }

    /// Reads `ca.crt`, `tls.crt` and `tls.key` of a directory, for a webhook behind the Service with the name `service`.
    ///
    /// # Errors
    /// When one cannot be read, or the API server would refuse the certificate.
    pub fn load(directory: &Path, service: &str, now: Timestamp) -> Result<Self, CertificatesError> {
        let path = |name| directory.join(name);
        let authority = authority(&path(AUTHORITY_FILE), now)?;
        let key = read(&path(KEY_FILE))?;
        let inspection = Inspection::of(directory, now)?;
        let names = &inspection.leaf.names;
        if !names.iter().any(|name| covers(name, service)) {
            let (names, service) = (names.join(", "), service.to_owned());
            return Err(CertificatesError::OtherName { path: path(CERTIFICATE_FILE), names, service });
        }
        if let Signature::Refused(reason) = inspection.signature {
            let (authority, certificate) = (path(AUTHORITY_FILE), path(CERTIFICATE_FILE));
            return Err(CertificatesError::Untrusted { authority, certificate, reason });
        }
        Ok(Self::Files { authority, certificate: read(&path(CERTIFICATE_FILE))?, key })
    }

    pub(super) fn ca_bundle(&self) -> Option<&[u8]> {
        match self {
            Self::Authority(authority) | Self::Files { authority, .. } => Some(authority),
            Self::Elsewhere | Self::CertManager => None,
        }
    }
}

fn authority(path: &Path, now: Timestamp) -> Result<Vec<u8>, CertificatesError> {
    let pem = read(path)?;
    // Also an encrypted one, and one of a kind that TLS does not know.
    if pem.windows(KEY_MARK.len()).any(|window| window == KEY_MARK) {
        return Err(CertificatesError::KeyAmongCertificates { path: path.to_owned() });
    }
    Inspection::of(path, now)?;
    Ok(pem)
}

const KEY_MARK: &[u8] = b"PRIVATE KEY-----";

fn read(path: &Path) -> Result<Vec<u8>, CertificatesError> {
    fs::read(path).map_err(|source| CertificatesError::Unreadable { path: path.to_owned(), source })
}

/// Whether a name of a certificate, which may begin with a wildcard label, is good for `host`.
fn covers(name: &str, host: &str) -> bool {
    let parent = |host: &str| host.split_once('.').map(|(_, parent)| parent.to_ascii_lowercase());
    name.eq_ignore_ascii_case(host) || (name.starts_with("*.") && parent(name) == parent(host))
}

#[cfg(test)]
mod tests {
    use super::covers;

    #[test]
    fn a_wildcard_stands_for_one_label() {
        assert!(covers("tokenward.team.svc", "tokenward.team.svc") && covers("*.team.svc", "tokenward.team.svc"));
        assert!(!covers("*.svc", "tokenward.team.svc") && !covers("team.svc", "tokenward.team.svc"));
    }
}
