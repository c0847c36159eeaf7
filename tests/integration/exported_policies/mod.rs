//! `tokenward policy export --format vap`: what is written, that it decides as the rules do, and that a real API server takes it
//! and gives the webhook's verdicts with it.

mod cel;
mod clock;
mod on_the_rig;
mod parameter;
mod recorded;
mod requests;
mod same_verdicts;
mod total;
mod written;

use tokenward::config::{self, Source};
use tokenward::install::validating_admission_policy::Export;
use tokenward::policy::{Inventory, PolicySet};

/// The export of all policies, the built-in ones and those of `policy`.
fn export(policy: &str) -> Export {
    Export::of(&policies(policy), &Inventory::default(), &[]).unwrap()
}

fn policies(policy: &str) -> PolicySet {
    if policy.is_empty() {
        return PolicySet::builtin();
    }
    config::parse_policies(&[Source::new("policy.yaml", policy)]).unwrap()
}
