//! Handshakes that callers broke off.

use std::io;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use rustls::AlertDescription;

/// How often a refused certificate is spoken of: an API server tries again and again.
const REMIND: Duration = Duration::from_mins(1);

/// Tells apart a caller that does not trust the serving certificate, which somebody has to mend, from one that went away.
#[derive(Debug, Default)]
pub(super) struct RefusedHandshakes {
    reported: Mutex<Option<Instant>>,
}

impl RefusedHandshakes {
    pub(super) fn report(&self, error: &io::Error) {
        let Some(alert) = refusal(error) else {
            tracing::debug!(%error, "a TLS handshake failed");
            return;
        };
        // A lock that was poisoned costs a line at most.
        let Ok(mut reported) = self.reported.lock() else { return };
        if reported.is_none_or(|last| last.elapsed() >= REMIND) {
            *reported = Some(Instant::now());
            tracing::warn!(
                ?alert,
                "a caller refuses the serving certificate: compare its authority with the caBundle of the webhook \
                 configurations, and its names with the Service or URL there"
            );
        }
    }
}

/// The alert by which a caller says that it does not accept a certificate.
fn refusal(error: &io::Error) -> Option<AlertDescription> {
    match error.get_ref()?.downcast_ref()? {
        rustls::Error::AlertReceived(
            alert @ (AlertDescription::BadCertificate
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateUnknown
            | AlertDescription::DecryptError
            | AlertDescription::UnknownCA
            | AlertDescription::UnsupportedCertificate),
        ) => Some(*alert),
        _ => None,
    }
}
