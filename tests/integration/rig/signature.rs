//! Tokens that the API server never gave, with a signature of its own key.

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rcgen::{KeyPair, SigningKey as _};
use serde_json::Value;

use super::ControlPlane;
use super::token::Claims;

/// Half of a signature with P-256, in bytes.
const HALF: usize = 32;

impl ControlPlane {
    /// The token with other claims, signed anew with the key that the API server signs with. Nobody else can wait until a
    /// real token has expired.
    #[track_caller]
    pub(crate) fn signed_anew(&self, token: &str, change: impl FnOnce(&mut Value)) -> String {
        let mut claims = Claims::of(token).0;
        change(&mut claims);
        let header = token.split('.').next().unwrap_or_default();
        let message = format!("{header}.{}", URL_SAFE_NO_PAD.encode(claims.to_string()));
        let key = self.directory.join("service-account.key");
        let pem = fs::read_to_string(&key).unwrap_or_else(|error| panic!("{}: {error}", key.display()));
        let key = KeyPair::from_pem(&pem).unwrap_or_else(|error| panic!("the key of the tokens: {error}"));
        let signature = key.sign(message.as_bytes()).unwrap_or_else(|error| panic!("no signature: {error}"));
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(halves(&signature)))
    }
}

/// The two numbers of an ECDSA signature one after the other, as a JWT has them, from the ASN.1 in which they come: a
/// sequence of two integers, each with its length.
fn halves(signature: &[u8]) -> Vec<u8> {
    let mut numbers = &signature[2..];
    let mut halves = Vec::with_capacity(2 * HALF);
    for _ in 0..2 {
        let (number, rest) = numbers[2..].split_at(numbers[1].into());
        // Without the zero that keeps a number positive, and with those that it is short of.
        let digits = &number[number.len().saturating_sub(HALF)..];
        halves.extend(vec![0; HALF - digits.len()]);
        halves.extend(digits);
        numbers = rest;
    }
    halves
}
