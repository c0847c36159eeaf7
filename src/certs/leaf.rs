//! What a certificate says of itself.

use std::net::IpAddr;

use jiff::Timestamp;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;

/// A certificate as far as people and metrics ask about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaf {
    /// The distinguished name of its holder, such as `CN=tokenward`.
    pub subject: String,
    /// The distinguished name of whoever signed it.
    pub issuer: String,
    /// The DNS names and addresses that it is good for. Go ignores the common name.
    pub names: Vec<String>,
    /// The instant from which it holds.
    pub not_before: Timestamp,
    /// The last instant at which it holds.
    pub not_after: Timestamp,
}

impl Leaf {
    /// Reads a certificate; `None` when it is none.
    #[must_use]
    pub fn read(der: &[u8]) -> Option<Self> {
        let (_, certificate) = X509Certificate::from_der(der).ok()?;
        let validity = certificate.validity();
        Some(Self {
            subject: certificate.subject().to_string(),
            issuer: certificate.issuer().to_string(),
            names: names(&certificate),
            not_before: Timestamp::from_second(validity.not_before.timestamp()).ok()?,
            not_after: Timestamp::from_second(validity.not_after.timestamp()).ok()?,
        })
    }

    /// Whether it has ended at `now`.
    #[must_use]
    pub fn has_ended(&self, now: Timestamp) -> bool {
        now > self.not_after
    }

    /// Seconds until it ends; negative once it has.
    #[must_use]
    pub fn seconds_left(&self, now: Timestamp) -> i64 {
        self.not_after.as_second() - now.as_second()
    }

    /// Whether less than a fifth of its life is left: whoever renews certificates does so with a third to go.
    #[must_use]
    pub fn is_near_its_end(&self, now: Timestamp) -> bool {
        let life = self.not_after.as_second() - self.not_before.as_second();
        self.seconds_left(now) < life / 5
    }
}

fn names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(extension)) = certificate.subject_alternative_name() else { return Vec::new() };
    let shown = extension.value.general_names.iter().filter_map(|name| match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => address(bytes).map(|address| address.to_string()),
        _ => None,
    });
    shown.collect()
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    let four: Result<[u8; 4], _> = bytes.try_into();
    let sixteen: Result<[u8; 16], _> = bytes.try_into();
    four.map(IpAddr::from).or(sixteen.map(IpAddr::from)).ok()
}
