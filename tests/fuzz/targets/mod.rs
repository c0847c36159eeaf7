//! What the fuzz targets do with an input. Each ends with a panic when something is not as it must be.
//!
//! The fuzzer calls one of [`TARGETS`] by way of `fuzz_targets/in_time.rs`, the ordinary tests call each for every file of
//! the corpus.

mod http;
mod inventory;
mod manifests;
mod pem;
mod policy;
mod review;

use jiff::Timestamp;

/// Takes an input, and panics when something is not as it must be.
pub(crate) type Target = fn(&[u8]);

/// The targets by name.
pub(crate) const TARGETS: [(&str, Target); 6] = [
    ("review", review::judge),
    ("policy", policy::read),
    ("inventory", inventory::read),
    ("manifests", manifests::judge),
    ("pem", pem::read),
    ("http", http::speak),
];

/// The instant of every decision, so that an input always means the same.
fn now() -> Timestamp {
    Timestamp::from_second(1_790_000_000).unwrap()
}
