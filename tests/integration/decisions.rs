//! The tests of the decision core alone, for mutation testing: they need nothing but the core, so that each mutant is built
//! and judged in seconds. `make mutants` runs them; `cargo test` does not, since they are part of the integration tests.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on ends with a message, also in a function that tests share"
)]
#![allow(clippy::needless_pass_by_value, reason = "JSON literals are handed over as they stand")]
#![allow(dead_code, reason = "what the tests of other topics share is here too")]

mod account_and_namespace_rules;
mod admission_wire;
mod answers;
mod decision_table {
    mod pods;
}
mod exceptions;
mod fixture;
mod held_token_rules;
mod injection;
mod patch_properties;
mod pod_rules;
mod pods;
mod ratchet;
mod references;
mod secret_changes;
mod secret_rules;
mod token_search;
mod token_table;
