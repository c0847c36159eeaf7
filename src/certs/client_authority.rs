//! Who may call, where callers must show a certificate.

use std::path::Path;
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, RootCertStore, SignatureScheme};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;

use super::pair::{PairError, read_chain};
use super::{Leaf, crypto_provider};

/// The authorities of the moment that sign callers' certificates, and the names that these may have. Replacing them disturbs
/// no handshake that is under way, and no connection that is open.
#[derive(Debug)]
pub struct ClientAuthority {
    current: ArcSwap<Trusted>,
    names: Vec<String>,
}

/// A file of authorities as it was read.
#[derive(Debug)]
struct Trusted {
    verifier: Arc<dyn ClientCertVerifier>,
    first: Leaf,
}

impl ClientAuthority {
    /// Reads the authorities of a PEM file; every certificate in it is one. A caller's certificate must have one of `names` as
    /// its common name or as a DNS name; without any, whatever the authority signed is good.
    ///
    /// # Errors
    /// When the file cannot be read, or a certificate in it cannot.
    pub fn load(file: &Path, names: Vec<String>) -> Result<Self, PairError> {
        Ok(Self { current: ArcSwap::from_pointee(Trusted::load(file)?), names })
    }

    /// Reads them anew; on an error what was good last goes on.
    ///
    /// # Errors
    /// When the file cannot be read, or a certificate in it cannot.
    pub fn reload(&self, file: &Path) -> Result<(), PairError> {
        self.current.store(Arc::new(Trusted::load(file)?));
        Ok(())
    }

    /// The first authority of the file, in a few words.
    #[must_use]
    pub fn summary(&self) -> String {
        let trusted = self.current.load();
        format!("{} until {}", trusted.first.subject, trusted.first.not_after)
    }

    fn has_a_good_name(&self, certificate: &CertificateDer<'_>) -> bool {
        self.names.is_empty()
            || X509Certificate::from_der(certificate).is_ok_and(|(_, certificate)| {
                let names = names(&certificate);
                self.names.iter().any(|wanted| names.contains(&wanted.as_str()))
            })
    }
}

impl Trusted {
    fn load(file: &Path) -> Result<Self, PairError> {
        let unreadable = || PairError::NotX509 { path: file.to_owned() };
        let (authorities, first) = read_chain(file)?;
        let mut roots = RootCertStore::empty();
        for authority in authorities {
            roots.add(authority).map_err(|_| unreadable())?;
        }
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), crypto_provider())
            .build()
            .map_err(|_| unreadable())?;
        Ok(Self { verifier, first })
    }
}

/// The common names and DNS names of a certificate.
fn names<'c>(certificate: &'c X509Certificate<'_>) -> Vec<&'c str> {
    let common = certificate.subject().iter_common_name().filter_map(|name| name.as_str().ok());
    let alternative = certificate.subject_alternative_name().ok().flatten();
    let dns =
        alternative.into_iter().flat_map(|extension| &extension.value.general_names).filter_map(|name| match name {
            GeneralName::DNSName(name) => Some(*name),
            _ => None,
        });
    common.chain(dns).collect()
}

impl ClientCertVerifier for ClientAuthority {
    /// None: a caller has one certificate for us or has none, and others need not learn whom we trust.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let verified = self.current.load().verifier.verify_client_cert(end_entity, intermediates, now)?;
        if self.has_a_good_name(end_entity) {
            Ok(verified)
        } else {
            Err(CertificateError::ApplicationVerificationFailure.into())
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.current.load().verifier.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.current.load().verifier.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.current.load().verifier.supported_verify_schemes()
    }
}
