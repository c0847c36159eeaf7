//! Writes the corpus of admission reviews anew: `make record`.
//!
//! A webhook of this program's own is registered with what `tokenward manifests` renders, on the control plane of the
//! integration tests. It answers as tokenward does, from the same decision core, and keeps every review that the API server
//! sends it. The files are those bytes; only the signatures of service account tokens are replaced.
//!
//! `tests/fixtures/reviews/<policy>.<phase>.<operation>-<resource>-<name>.json`: the first two are those of the URL path.
#![allow(clippy::print_stdout, reason = "this is a program for a terminal")]
#![allow(clippy::panic, reason = "a recording that cannot go on ends with a message")]

#[path = "../integration/installation/mod.rs"]
mod installation;
#[path = "../integration/scenarios/manifest.rs"]
mod manifest;
mod pods;
mod recorder;
#[path = "../integration/rig/mod.rs"]
mod rig;
mod signature;
mod walk;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use installation::{output_of, tokenward};
use recorder::Recorder;
use rig::ControlPlane;
use rig::tls_server::TlsServer;

fn main() -> ExitCode {
    match record() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn record() -> Result<(), String> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/reviews");
    let recorder = Arc::new(Recorder::with_context_of(&directory)?);
    let rig = ControlPlane::start()?;
    let server = TlsServer::start(recorder::router(&recorder)).map_err(|error| error.to_string())?;
    register(&rig, &server, &directory)?;
    walk::through_all_policies(&rig);
    let reviews = recorder.reviews();
    write(&directory, &reviews).map_err(|error| format!("{}: {error}", directory.display()))?;
    println!("{} reviews in {}", reviews.len(), directory.display());
    Ok(())
}

/// Applies the rendered configurations.
fn register(rig: &ControlPlane, server: &TlsServer, directory: &Path) -> Result<(), String> {
    let authority = rig.directory().join("recorder.crt");
    fs::write(&authority, &server.authority).map_err(|error| format!("{}: {error}", authority.display()))?;
    let mut manifests = tokenward();
    manifests.args(["manifests", "--url", &server.url, "--ca-file"]).arg(&authority);
    manifests.arg("--policy").arg(directory.join("policy.yaml"));
    rig.kubectl(["apply", "-f", "-"]).stdin(output_of(manifests)?).ok();
    walk::wait_until_recorded(rig);
    Ok(())
}

/// Puts the files in the place of those of the last recording.
fn write(directory: &Path, reviews: &[(String, String)]) -> std::io::Result<()> {
    let is_review = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "json");
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if is_review(&path) {
            fs::remove_file(path)?;
        }
    }
    for (name, body) in reviews {
        fs::write(directory.join(format!("{name}.json")), body)?;
    }
    Ok(())
}
