//! What a Pod will hold: the sources of tokens, their audiences and lifetimes.

pub(crate) mod secret_reference;
