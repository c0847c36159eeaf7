//! What a Pod will hold: the sources of tokens, their audiences and lifetimes.

mod jwt;
mod search;
pub(crate) mod secret_reference;

pub use jwt::{Bound, ServiceAccountToken, TokenKind};
pub use search::service_account_tokens;
