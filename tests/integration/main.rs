//! All integration tests.

mod account_and_namespace_rules;
mod fixture;
mod policy_file;
mod rig;
mod rig_works;
mod secret_changes;
