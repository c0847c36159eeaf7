//! All integration tests.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on ends with a message, also in a function that tests share"
)]
#![allow(clippy::needless_pass_by_value, reason = "JSON literals are handed over as they stand")]

mod account_and_namespace_rules;
mod admission_wire;
mod allocations;
mod answers;
mod api_server_client;
mod applied_manifests;
mod bad_input;
mod canary;
mod certs_command;
mod command_line;
mod conformance;
mod decision_properties;
mod decision_table;
mod demo;
mod documentation;
mod exceptions;
mod exported_policies;
mod fixture;
mod fuzz_corpus;
mod held_token_rules;
mod image;
mod injection;
mod inspect;
mod installation;
mod inventory_file;
mod manifests;
mod mounted_volume;
mod ordinary;
mod patch_properties;
mod pod_rules;
mod pods;
mod policy_against;
mod policy_command;
mod policy_file;
mod policy_file_refusals;
mod ratchet;
mod references;
mod reliability;
mod review_bad_input;
mod review_bodies;
mod review_command;
mod review_corpus;
mod review_privacy;
mod rig;
mod rig_works;
mod rule_pages;
mod scan;
mod scenarios;
mod secret_changes;
mod secret_rules;
mod serve_client_certificates;
mod serve_drain;
mod serve_exchanges;
mod serve_http;
mod serve_reload;
mod served_metrics;
mod tls_client;
mod token_search;
mod token_table;
mod views;
mod webhook;
mod webhook_configuration;
