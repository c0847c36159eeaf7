//! What is to be said of a certificate and the files beside it.

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};

use super::pair::read_chain;
use super::{AUTHORITY_FILE, CERTIFICATE_FILE, KEY_FILE, Leaf, Pair, PairError, crypto_provider};

/// A certificate, and how it stands to the key and the authority beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspection {
    /// The certificate.
    pub leaf: Leaf,
    /// Certificates after the leaf in its file.
    pub intermediates: usize,
    /// True when a key lies beside it; it matches, or the inspection would have failed.
    pub key_matches: bool,
    /// Whether the authority beside it signed it.
    pub signature: Signature,
}

/// How a certificate stands to the authority beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signature {
    /// No `ca.crt` is there.
    NoAuthority,
    /// A client that trusts `ca.crt` accepts the certificate.
    Trusted,
    /// It does not; the reason in the words of the verifier.
    Refused(String),
}

impl Inspection {
    /// Inspects a certificate directory, or a file with a certificate alone.
    ///
    /// # Errors
    /// When something cannot be read, or the key does not belong to the certificate.
    pub fn of(path: &Path, now: Timestamp) -> Result<Self, PairError> {
        if !path.is_dir() {
            let (chain, leaf) = read_chain(path)?;
            let intermediates = chain.len() - 1;
            return Ok(Self { leaf, intermediates, key_matches: false, signature: Signature::NoAuthority });
        }
        let (chain, leaf) = read_chain(&path.join(CERTIFICATE_FILE))?;
        let key = path.join(KEY_FILE);
        let key_matches = key.exists();
        if key_matches {
            Pair::load_files(&path.join(CERTIFICATE_FILE), &key)?;
        }
        let authority = path.join(AUTHORITY_FILE);
        let signature = if authority.exists() {
            let (roots, _) = read_chain(&authority)?;
            match verify(&chain, &leaf, roots, now) {
                Ok(()) => Signature::Trusted,
                Err(reason) => Signature::Refused(reason),
            }
        } else {
            Signature::NoAuthority
        };
        Ok(Self { leaf, intermediates: chain.len() - 1, key_matches, signature })
    }
}

/// Verifies a chain as a client would that trusts `roots` and asks for the first name of the leaf.
fn verify(
    chain: &[CertificateDer<'static>],
    leaf: &Leaf,
    authorities: Vec<CertificateDer<'static>>,
    now: Timestamp,
) -> Result<(), String> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(authorities);
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), crypto_provider())
        .build()
        .map_err(|error| error.to_string())?;
    let name = leaf.names.first().ok_or("the certificate has no DNS name and no address")?;
    let name = ServerName::try_from(name.replacen('*', "any", 1)).map_err(|error| error.to_string())?;
    let seconds = now.as_second().try_into().unwrap_or_default();
    let (end_entity, intermediates) = chain.split_first().ok_or("there is no certificate")?;
    let now = UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds));
    verifier
        .verify_server_cert(end_entity, intermediates, &name, &[], now)
        .map(|_| ())
        .map_err(|error| error.to_string())
}
