//! The policy file and the inventory file: read once, validated whole, and written.
//!
//! A file is refused with every problem that it has, each with its line and column, the path of the field and what to do
//! ([`Error`]); a server that reloads keeps what it has then. Nothing here knows a clock: an exception that has ended is a good
//! exception, and it is the decision that no longer follows it.

mod documents;
mod error;
mod exception;
mod excerpt;
mod inject;
mod inventory;
mod names;
mod origin;
mod pattern;
mod quoted;
mod reader;
mod show;
mod source;
mod suggestion;
mod token_policy;
mod tree;

use std::path::PathBuf;

pub use documents::{API_VERSION, Documents, INVENTORY_KIND, Placed};
pub use error::{Error, Place, Problem};
pub(crate) use exception::{LONGEST_OWNER, LONGEST_REASON, words};
pub use inventory::{InventoryDocument, InventoryEntry, parse_inventory};
pub(crate) use names::is_subdomain;
pub use show::{show_exception, show_policy};
pub use source::{Source, read_inventory, read_policies, read_policy};
pub(crate) use suggestion::nearest;

use crate::policy::{Inventory, PolicySet};

/// Reads the policies of files and directories, in addition to the built-in ones or in their place. No path, no addition.
///
/// # Errors
/// With every problem of every file.
pub fn load_policies(paths: &[PathBuf]) -> Result<PolicySet, Error> {
    parse_policies(&read_policies(paths)?)
}

/// Reads the policies of files whose bytes are at hand.
///
/// # Errors
/// With every problem of every file.
pub fn parse_policies(sources: &[Source]) -> Result<PolicySet, Error> {
    Documents::parse(sources).map(Documents::into_set)
}

/// Reads the inventory of files and directories of shards. No path, an empty inventory.
///
/// # Errors
/// With every problem of every file.
pub fn load_inventory(paths: &[PathBuf]) -> Result<Inventory, Error> {
    parse_inventory(&read_inventory(paths)?)
}
