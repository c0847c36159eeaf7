//! What a Pod will hold: the sources of tokens, their audiences and lifetimes, and where containers see them.
//!
//! Rules and injection ask here, so that none of them walks a Pod by itself.

mod automount;
mod built_in;
mod directory;
pub(crate) mod held;
mod jwt;
mod lifetime;
pub(crate) mod meeting;
mod projected;
mod search;
pub(crate) mod secret_reference;
mod source;

pub use automount::Automount;
pub use built_in::{AUTOMOUNT_SECONDS, is_built_in};
pub use directory::{API_DIRECTORY, Occupancy, Relation, occupancy, relation, written_relation};
pub use jwt::{Bound, ServiceAccountToken, TokenKind};
pub use lifetime::{DEFAULT_SECONDS, EXTENDED_SECONDS, effective_seconds, is_for_api_server};
pub use projected::{ProjectedToken, projected_tokens};
pub use search::{Jwt, Visit, find_service_account_token, service_account_tokens, visit_service_account_tokens};
pub use source::{DEFAULT_MODE, Source, holds_exactly};
