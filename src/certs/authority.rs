//! A certificate authority of one's own, for development, the demonstration and installs without cert-manager.

use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use rcgen::string::Ia5String;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, SanType,
};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::{CERTIFICATE_FILE, KEY_FILE, Leaf, Pair, PairError};

/// Clocks differ; what was made a moment ago must hold on a machine that is behind.
const BACKDATED: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

/// What a leaf is good for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// DNS names; the first one is also the common name.
    pub dns: Vec<String>,
    /// Addresses.
    pub addresses: Vec<IpAddr>,
}

impl Names {
    /// The names of this machine to itself.
    #[must_use]
    pub fn loopback() -> Self {
        Self {
            dns: vec!["localhost".to_owned()],
            addresses: vec![IpAddr::V4([127, 0, 0, 1].into()), IpAddr::V6(1_u128.into())],
        }
    }
}

/// Why no certificate could be made.
#[derive(Debug, thiserror::Error)]
pub enum MakeError {
    /// A name that no certificate can carry.
    #[error("{name:?} is no DNS name")]
    Name {
        /// The name.
        name: String,
    },
    /// A life of no days, or one beyond what a certificate can say.
    #[error("a certificate cannot hold for {days} days; 1 to 36500 are possible")]
    Days {
        /// The days.
        days: u32,
    },
    /// The cryptography refused.
    #[error("cannot make a key or certificate: {0}")]
    Crypto(#[from] rcgen::Error),
    /// What was made cannot be served.
    #[error(transparent)]
    Pair(#[from] PairError),
}

/// A self-signed authority with an ECDSA P-256 key.
#[derive(Debug)]
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    days: u32,
}

/// A leaf with its key, both as PEM.
pub struct Issued {
    /// The certificate.
    pub certificate: String,
    /// The private key, PKCS #8.
    pub key: String,
}

impl Authority {
    /// Makes an authority that holds for `days` days.
    ///
    /// # Errors
    /// When the days are out of bounds or no key can be made.
    pub fn generate(days: u32) -> Result<Self, MakeError> {
        let mut parameters = CertificateParams::default();
        hold_for(&mut parameters, days)?;
        parameters.distinguished_name.push(DnType::CommonName, "tokenward authority");
        parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        let issuer = CertifiedIssuer::self_signed(parameters, KeyPair::generate()?)?;
        Ok(Self { issuer, days })
    }

    /// The authority's certificate: what a `caBundle` holds.
    #[must_use]
    pub fn certificate_pem(&self) -> String {
        self.issuer.pem()
    }

    /// The authority's certificate, as a client adds it to its roots.
    #[must_use]
    pub fn certificate_der(&self) -> CertificateDer<'static> {
        self.issuer.der().clone()
    }

    /// The authority's private key.
    #[must_use]
    pub fn key_pem(&self) -> String {
        self.issuer.key().serialize_pem()
    }

    /// Signs a leaf for a server that goes by `names`; it ends when the authority does.
    ///
    /// # Errors
    /// When a name is none.
    pub fn issue(&self, names: &Names) -> Result<Issued, MakeError> {
        let mut parameters = CertificateParams::default();
        hold_for(&mut parameters, self.days)?;
        if let Some(first) = names.dns.first() {
            // 64 characters are the most that a common name can have; nobody reads it where alternative names are.
            parameters.distinguished_name.push(DnType::CommonName, first.chars().take(64).collect::<String>());
        }
        for name in &names.dns {
            parameters.subject_alt_names.push(SanType::DnsName(dns_name(name)?));
        }
        parameters.subject_alt_names.extend(names.addresses.iter().copied().map(SanType::IpAddress));
        parameters.use_authority_key_identifier_extension = true;
        parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        // P-256: every full handshake pays for one signature, and the API server never resumes a session.
        let key = KeyPair::generate()?;
        let certificate = parameters.signed_by(&key, &self.issuer)?;
        Ok(Issued { certificate: certificate.pem(), key: key.serialize_pem() })
    }
}

impl Issued {
    /// The pair, ready to be served from memory.
    ///
    /// # Errors
    /// When the two were changed and do not belong together.
    pub fn pair(&self) -> Result<Pair, PairError> {
        let (certificate, key) = (Path::new(CERTIFICATE_FILE), Path::new(KEY_FILE));
        let der = CertificateDer::from_pem_slice(self.certificate.as_bytes())
            .map_err(|_| PairError::NoCertificate { path: certificate.to_owned() })?;
        let leaf = Leaf::read(&der).ok_or_else(|| PairError::NotX509 { path: certificate.to_owned() })?;
        let private_key = PrivateKeyDer::from_pem_slice(self.key.as_bytes())
            .map_err(|_| PairError::NoKey { path: key.to_owned() })?;
        Pair::new(vec![der], leaf, private_key, certificate, key)
    }
}

/// Wildcards are good in the first label only.
fn dns_name(name: &str) -> Result<Ia5String, MakeError> {
    let wrong = || MakeError::Name { name: name.chars().take(80).collect() };
    let plain = name.strip_prefix("*.").unwrap_or(name);
    let is_label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label.chars().all(|character| character.is_ascii_alphanumeric() || "-_".contains(character))
    };
    if name.len() > 253 || !plain.split('.').all(is_label) {
        return Err(wrong());
    }
    Ia5String::try_from(name).map_err(|_| wrong())
}

fn hold_for(parameters: &mut CertificateParams, days: u32) -> Result<(), MakeError> {
    if !(1..=36_500).contains(&days) {
        return Err(MakeError::Days { days });
    }
    let now = Timestamp::now().as_second().try_into().unwrap_or_default();
    let start = rcgen::date_time_ymd(1970, 1, 1) + Duration::from_secs(now);
    parameters.not_before = start - BACKDATED;
    parameters.not_after = start + DAY * days;
    Ok(())
}
