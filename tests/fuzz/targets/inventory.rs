//! An inventory file, compressed or not.

use tokenward::config::{Source, parse_inventory};

pub(super) fn read(data: &[u8]) {
    match parse_inventory(&[Source::new("inventory", data)]) {
        Ok(inventory) => assert!(inventory.len() <= data.len() || data.starts_with(&[0x1f, 0x8b])),
        Err(error) => assert!(!error.to_string().is_empty() && !error.render().is_empty()),
    }
}
