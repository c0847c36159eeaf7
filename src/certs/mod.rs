//! The serving certificate: read from a directory, checked, kept ready for handshakes; and made where nobody brought one.
//! Callers' certificates too, where they must show one.

mod authority;
mod client_authority;
mod inspection;
mod leaf;
mod pair;
mod resolver;

use std::sync::Arc;

use rustls::crypto::{CryptoProvider, aws_lc_rs};

pub use authority::{Authority, Issued, MakeError, Names};
pub use client_authority::ClientAuthority;
pub use inspection::{Inspection, Signature};
pub use leaf::Leaf;
pub use pair::{Pair, PairError};
pub use resolver::CertificateResolver;

/// The file with the certificate chain, leaf first, in a certificate directory.
pub const CERTIFICATE_FILE: &str = "tls.crt";
/// The file with the leaf's private key.
pub const KEY_FILE: &str = "tls.key";
/// The file with the certificate of the authority, for the `caBundle` of a webhook configuration.
pub const AUTHORITY_FILE: &str = "ca.crt";
/// The file with the private key of the authority.
pub const AUTHORITY_KEY_FILE: &str = "ca.key";

/// The cryptography of this program, named wherever one is needed, so that nothing depends on a default of the process.
///
/// X25519 and P-256 come first. Go's client, so every API server, sends a key share for X25519 beside a post-quantum
/// one, and a handshake with it is the cheapest; the hybrid is there for clients that insist on it.
#[must_use]
pub fn crypto_provider() -> Arc<CryptoProvider> {
    let mut provider = aws_lc_rs::default_provider();
    provider.kx_groups = vec![
        aws_lc_rs::kx_group::X25519,
        aws_lc_rs::kx_group::SECP256R1,
        aws_lc_rs::kx_group::SECP384R1,
        aws_lc_rs::kx_group::X25519MLKEM768,
    ];
    Arc::new(provider)
}
