//! A control plane with tokenward installed, to try things on: `make playground`.
//!
//! It is the rig of the integration tests. There is no kubelet, so Pods are stored and never run.
#![allow(clippy::print_stdout, reason = "this is a program for a terminal")]

#[path = "../integration/installation/mod.rs"]
mod installation;
#[path = "../integration/rig/mod.rs"]
mod rig;

use std::process::ExitCode;

use installation::Installation;
use rig::ControlPlane;
use rig::users::User;

const NAMESPACE: &str = "playground";

fn main() -> ExitCode {
    match play() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn play() -> Result<(), String> {
    println!("Starting etcd, the API server, the controller manager and the webhook …");
    let rig = ControlPlane::start()?;
    let installation = Installation::on(&rig, "", "")?;
    let namespace = installation.namespace(NAMESPACE, "baseline");
    namespace.service_account("app", Some(false));
    println!("{}", invitation(&rig));
    wait_for_interrupt().map_err(|error| format!("cannot wait for Ctrl-C: {error}"))?;
    println!("\nTaking everything down …");
    Ok(())
}

fn wait_for_interrupt() -> std::io::Result<()> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(tokio::signal::ctrl_c())
}

fn invitation(rig: &ControlPlane) -> String {
    let kubeconfig = rig.kubeconfig(User::Administrator);
    let bin = rig.kubectl_program().parent().unwrap_or_else(|| std::path::Path::new(""));
    format!(
        r#"
The namespace {NAMESPACE} carries the label tokenward.dev/policy=baseline. In another terminal:

  export KUBECONFIG={kubeconfig} PATH={bin}:$PATH
  kubectl config set-context --current --namespace={NAMESPACE}

A legacy token, refused:

  kubectl create -f {here}/long-lived-token.yaml

A Pod of an account without automount, stored with a projected token:

  kubectl run web --image=app.example.com/web:1 --overrides='{{"spec":{{"serviceAccountName":"app"}}}}'
  kubectl get pod web --output=yaml

A token that ends, as ever:

  kubectl create token app --duration=10m

The other policies, namespace by namespace:

  kubectl label namespace {NAMESPACE} tokenward.dev/policy=restricted --overwrite

Ctrl-C takes everything down."#,
        kubeconfig = kubeconfig.display(),
        bin = bin.display(),
        here = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/playground"),
    )
}
