//! All integration tests.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on ends with a message"
)]

mod account_and_namespace_rules;
mod admission_wire;
mod applied_manifests;
mod certs_command;
mod command_line;
mod fixture;
mod held_token_rules;
mod injection;
mod manifests;
mod mounted_volume;
mod patch_properties;
mod pod_rules;
mod pods;
mod policy_file;
mod review_bodies;
mod rig;
mod rig_works;
mod scan;
mod secret_changes;
mod serve_drain;
mod serve_http;
mod serve_reload;
mod tls_client;
mod webhook;
mod webhook_configuration;
