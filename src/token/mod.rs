//! What a Pod will hold: the sources of tokens, their audiences and lifetimes, and where containers see them.
//!
//! Rules and injection ask here, so that none of them walks a Pod by itself. What the webhook asks is answered lazily, piece
//! by piece; [`TokenTable`] puts the pieces together for people.
//!
//! ```text
//!   projected ─┐                      ┌─ held: which containers see a token
//!   built_in ──┼─► sources of tokens ─┼─ sight: what a mount shows of a file, and whether it is renewed
//!   secret ────┤                      ├─ lifetime: how long it lasts
//!   literal ───┘                      └─ files, meeting: what stands in its way
//! ```

mod automount;
mod built_in;
mod cluster;
mod container;
mod directory;
pub(crate) mod files;
pub(crate) mod held;
mod jwt;
mod lifetime;
pub(crate) mod literal;
pub(crate) mod meeting;
mod projected;
mod search;
mod secret_reference;
pub(crate) mod sight;
mod source;
mod table;

pub use automount::Automount;
pub use built_in::{AUTOMOUNT_SECONDS, is_built_in};
pub use cluster::{ClusterSettings, SecretFact};
pub use container::{ContainerList, Holder, Place};
pub use directory::{API_DIRECTORY, Occupancy, Relation, occupancy, relation, written_relation};
pub use jwt::{Bound, ServiceAccountToken, TokenKind};
pub use lifetime::{DEFAULT_SECONDS, EXTENDED_SECONDS, effective_seconds, is_for_api_server};
pub use projected::{ProjectedToken, projected_tokens};
pub use search::{Jwt, Visit, find_service_account_token, service_account_tokens, visit_service_account_tokens};
pub use source::{DEFAULT_MODE, Source, holds_exactly};
pub use table::{Doubt, HeldToken, Reader, Sighting, Spot, Surroundings, TokenSource, TokenTable, UnknownToken};
