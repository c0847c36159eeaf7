//! All integration tests.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends with a message")]

mod account_and_namespace_rules;
mod applied_manifests;
mod command_line;
mod fixture;
mod held_token_rules;
mod injection;
mod manifests;
mod pod_rules;
mod pods;
mod policy_file;
mod rig;
mod rig_works;
mod scan;
mod secret_changes;
mod webhook_configuration;
