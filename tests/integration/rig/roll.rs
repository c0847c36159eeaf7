//! Which tests had the control plane, for the count at the end of `make test`.

use std::env;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::thread;

/// Writes the name of the test, which is that of its thread, into the file that `TOKENWARD_RIG_ROLL` names.
pub(super) fn sign() {
    let Some(path) = env::var_os("TOKENWARD_RIG_ROLL") else { return };
    let name = format!("{}\n", thread::current().name().unwrap_or("main"));
    OpenOptions::new()
        .append(true)
        .create(true)
        .open(&path)
        .and_then(|mut roll| roll.write_all(name.as_bytes()))
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}
