//! A certificate chain and its private key.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::InconsistentKeys;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use super::{CERTIFICATE_FILE, KEY_FILE, Leaf, crypto_provider};

/// Far more than any chain, and little enough to be read again and again.
const LARGEST_FILE: u64 = 1024 * 1024;

/// A certificate chain with the private key that belongs to its leaf.
#[derive(Clone, Debug)]
pub struct Pair {
    certified: Arc<CertifiedKey>,
    leaf: Leaf,
}

/// Why a certificate and a key cannot be served. The text names files and never repeats what is in them.
#[derive(Debug, thiserror::Error)]
pub enum PairError {
    /// A file is not there or not readable.
    #[error("cannot read {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file is larger than any certificate.
    #[error("{} is larger than 1 MiB, which no certificate or key is", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// A file is not PEM.
    #[error("{} is not PEM: {reason}", path.display())]
    NotPem {
        /// The file.
        path: PathBuf,
        /// What is wrong with its form.
        reason: &'static str,
    },
    /// The certificate file has no certificate.
    #[error("{} holds no certificate: a section BEGIN CERTIFICATE is needed, the leaf first", path.display())]
    NoCertificate {
        /// The file.
        path: PathBuf,
    },
    /// The key file has no key.
    #[error("{} holds no private key: a section BEGIN PRIVATE KEY is needed", path.display())]
    NoKey {
        /// The file.
        path: PathBuf,
    },
    /// The first certificate is not X.509.
    #[error("the first certificate in {} cannot be read as X.509", path.display())]
    NotX509 {
        /// The file.
        path: PathBuf,
    },
    /// A key of a kind that TLS cannot use.
    #[error("the private key in {} cannot be used: ECDSA P-256, P-384, Ed25519 and RSA from 2048 bits can", path.display())]
    UnusableKey {
        /// The file.
        path: PathBuf,
    },
    /// The key belongs to another certificate.
    #[error("the private key in {} does not belong to the first certificate in {}", key.display(), certificate.display())]
    Mismatch {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
    },
}

impl Pair {
    /// Reads `tls.crt` and `tls.key` from a directory.
    ///
    /// # Errors
    /// When they cannot be read, or do not belong together.
    pub fn load(directory: &Path) -> Result<Self, PairError> {
        Self::load_files(&directory.join(CERTIFICATE_FILE), &directory.join(KEY_FILE))
    }

    /// Reads a certificate chain and its key.
    ///
    /// # Errors
    /// When they cannot be read, or do not belong together.
    pub fn load_files(certificate: &Path, key: &Path) -> Result<Self, PairError> {
        let (chain, leaf) = read_chain(certificate)?;
        Self::new(chain, leaf, read_key(key)?, certificate, key)
    }

    pub(super) fn new(
        chain: Vec<CertificateDer<'static>>,
        leaf: Leaf,
        private_key: PrivateKeyDer<'static>,
        certificate: &Path,
        key: &Path,
    ) -> Result<Self, PairError> {
        let signer = crypto_provider()
            .key_provider
            .load_private_key(private_key)
            .map_err(|_| PairError::UnusableKey { path: key.to_owned() })?;
        let certified = CertifiedKey::new(chain, signer);
        match certified.keys_match() {
            Ok(()) | Err(rustls::Error::InconsistentKeys(InconsistentKeys::Unknown)) => {
                Ok(Self { certified: Arc::new(certified), leaf })
            }
            Err(_) => Err(PairError::Mismatch { certificate: certificate.to_owned(), key: key.to_owned() }),
        }
    }

    /// What is shown in handshakes.
    #[must_use]
    pub fn certified_key(&self) -> &Arc<CertifiedKey> {
        &self.certified
    }

    /// What the leaf says of itself.
    #[must_use]
    pub const fn leaf(&self) -> &Leaf {
        &self.leaf
    }
}

/// Reads all certificates of a file, the leaf first.
pub(super) fn read_chain(path: &Path) -> Result<(Vec<CertificateDer<'static>>, Leaf), PairError> {
    let text = read_bounded(path)?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    let chain = chain.map_err(|error| not_pem(path, &error))?;
    let Some(first) = chain.first() else { return Err(PairError::NoCertificate { path: path.to_owned() }) };
    let leaf = Leaf::read(first).ok_or_else(|| PairError::NotX509 { path: path.to_owned() })?;
    Ok((chain, leaf))
}

fn read_key(path: &Path) -> Result<PrivateKeyDer<'static>, PairError> {
    let text = read_bounded(path)?;
    PrivateKeyDer::from_pem_slice(&text).map_err(|error| match error {
        pem::Error::NoItemsFound => PairError::NoKey { path: path.to_owned() },
        other => not_pem(path, &other),
    })
}

/// The library's own sentences repeat lines of the file, which may be lines of a key.
fn not_pem(path: &Path, error: &pem::Error) -> PairError {
    let reason = match error {
        pem::Error::MissingSectionEnd { .. } => "a section has no end; the file may be cut short",
        pem::Error::Base64Decode(_) => "a section is not base64",
        _ => "a section begins with a line that is none",
    };
    PairError::NotPem { path: path.to_owned(), reason }
}

fn read_bounded(path: &Path) -> Result<Vec<u8>, PairError> {
    let unreadable = |source| PairError::Unreadable { path: path.to_owned(), source };
    let file = File::open(path).map_err(unreadable)?;
    let mut text = Vec::new();
    file.take(LARGEST_FILE + 1).read_to_end(&mut text).map_err(unreadable)?;
    if text.len() as u64 > LARGEST_FILE {
        return Err(PairError::TooLarge { path: path.to_owned() });
    }
    Ok(text)
}
