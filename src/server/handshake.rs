//! Handshakes that came to nothing because of a certificate.

use std::io;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use rustls::{AlertDescription, CertificateError};

/// How often a refused certificate is spoken of: an API server tries again and again.
const REMIND: Duration = Duration::from_mins(1);

/// Tells apart a certificate that one side does not accept, which somebody has to mend, from a caller that went away.
#[derive(Debug, Default)]
pub(super) struct RefusedHandshakes {
    reported: Mutex<Option<Instant>>,
}

impl RefusedHandshakes {
    pub(super) fn report(&self, error: &io::Error) {
        let Some(refusal) = Refusal::of(error) else {
            tracing::debug!(%error, "a TLS handshake failed");
            return;
        };
        // A lock that was poisoned costs a line at most.
        let Ok(mut reported) = self.reported.lock() else { return };
        if reported.is_some_and(|last| last.elapsed() < REMIND) {
            return;
        }
        *reported = Some(Instant::now());
        match refusal {
            Refusal::OfOurs(alert) => tracing::warn!(
                ?alert,
                "a caller refuses the serving certificate: compare its authority with the caBundle of the webhook \
                 configurations, and its names with the Service or URL there"
            ),
            Refusal::OfTheirs(reason) => tracing::warn!(
                reason,
                "a caller's certificate is refused: compare its authority with --client-ca and its names with \
                 --client-name, and look at what the API server's admission configuration says of this webhook"
            ),
        }
    }
}

/// Whose certificate was refused.
enum Refusal {
    /// The serving one, by the alert that a caller sent.
    OfOurs(AlertDescription),
    /// A caller's, for this reason.
    OfTheirs(&'static str),
}

impl Refusal {
    fn of(error: &io::Error) -> Option<Self> {
        match error.get_ref()?.downcast_ref()? {
            rustls::Error::AlertReceived(
                alert @ (AlertDescription::BadCertificate
                | AlertDescription::CertificateExpired
                | AlertDescription::CertificateUnknown
                | AlertDescription::DecryptError
                | AlertDescription::UnknownCA
                | AlertDescription::UnsupportedCertificate),
            ) => Some(Self::OfOurs(*alert)),
            rustls::Error::NoCertificatesPresented => Some(Self::OfTheirs("it shows none")),
            rustls::Error::InvalidCertificate(reason) => Some(Self::OfTheirs(fault(reason))),
            _ => None,
        }
    }
}

/// In a few words, which repeat nothing of a certificate.
const fn fault(error: &CertificateError) -> &'static str {
    match error {
        // The latter where the authorities have the same name.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => "another authority signed it",
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "it has ended",
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => "it does not hold yet",
        CertificateError::ApplicationVerificationFailure => "it has another name",
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => "it is not for clients",
        _ => "it cannot be verified",
    }
}
