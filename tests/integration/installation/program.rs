//! The program that is tested.

use std::env;
use std::path::PathBuf;
use std::process::Command;

/// A command of the `tokenward` that Cargo built, without anything of our environment.
pub(crate) fn tokenward() -> Command {
    let mut command = Command::new(path());
    command.env_clear();
    command
}

/// Cargo tells tests where it is. Examples lie in a directory beside it.
fn path() -> PathBuf {
    option_env!("CARGO_BIN_EXE_tokenward").map_or_else(
        || {
            let example = env::current_exe().unwrap_or_else(|error| panic!("this program cannot be found: {error}"));
            let profile = example.ancestors().nth(2).unwrap_or_else(|| panic!("{} lies too high", example.display()));
            profile.join("tokenward")
        },
        PathBuf::from,
    )
}

/// Runs `command` to its end and gives what it wrote to standard output.
pub(crate) fn output_of(mut command: Command) -> Result<String, String> {
    let output = command.output().map_err(|error| format!("{command:?} does not start: {error}"))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(format!("{command:?} ended ({}):\n{}", output.status, String::from_utf8_lossy(&output.stderr)))
    }
}
