//! The decision: one pure function from a request, what is known of the cluster, a policy and an instant.

mod action;
mod answer;
mod builtin;
mod decision;
mod definition;
mod evaluate;
mod exception;
mod facts;
mod finding;
mod holding;
mod inventory;
mod labelling;
mod registry;
mod review;
mod rules;
mod set;
mod subject;
mod text;

pub use action::{Action, UnknownAction};
pub use answer::UNKNOWN_POLICY;
pub use builtin::Builtin;
pub use decision::{Decision, Injected, Phase};
pub use definition::{ApiToken, FurtherToken, InjectWhen, InjectionSettings, MountWhen, Policy, Standing, TokenLimits};
pub use evaluate::evaluate;
pub use exception::{Exception, ExceptionState, Exceptions, NamePattern};
pub use facts::Facts;
pub use finding::{Finding, Findings, Notes};
pub use holding::tokens;
pub use inventory::Inventory;
pub use registry::{RULES, Rule};
pub use review::{Change, Context, PodReview, PodScope};
pub use set::{Answer, PolicySet};
pub(crate) use text::shortened;

// A policy names and uses them, so that whoever has a policy has these too.
pub use crate::token::{ClusterSettings, SecretFact};
