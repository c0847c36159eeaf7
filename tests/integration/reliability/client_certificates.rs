//! An API server that shows a certificate, as `docs/operations.md` sets it up.

use serde_json::Value;

use super::PATIENCE;
use super::replicas::{Applied, Replica, certificates, is_injected, pod};
use crate::installation::POLICY_LABEL;
use crate::rig;
use crate::rig::eventually::eventually;
use crate::rig::users::User;
use crate::webhook::get;

fn is_refused(replica: &Replica) -> bool {
    replica.process.output().contains("it has another name")
}

/// Has a control plane of its own: others need their webhook.
#[test]
fn an_api_server_is_let_in_by_its_certificate_and_not_under_another_name() {
    let rig = rig::solitary();
    let certificates = certificates();
    let authority = format!("--client-ca={}", rig.directory().join("ca.crt").display());
    let namespace = rig.namespace("by-certificate", &[(POLICY_LABEL, "baseline")]);
    namespace.service_account("app", Some(false));
    let create = || -> (u16, Value) {
        let answer = rig.post(User::Administrator, &namespace.path("pods?dryRun=All"), &pod("web"));
        (answer.code, answer.body)
    };
    for (name, let_in) in [("kube-apiserver", true), ("kube-scheduler", false)] {
        let arguments = [authority.as_str(), &format!("--client-name={name}")];
        let replica = Replica::start(&rig, certificates.path(), name, &arguments);
        eventually(PATIENCE, || match std::net::TcpStream::connect(replica.admin_address) {
            Ok(_) if get(replica.admin_address, "/readyz").0 == 200 => Ok(()),
            Ok(_) => Err("not ready".to_owned()),
            Err(error) => Err(error.to_string()),
        });
        let _applied = Applied::to(&rig, replica.address, certificates.path());
        eventually(PATIENCE, || match create() {
            (_, pod) if let_in && is_injected(&pod) => Ok(()),
            // The log as well: until the API server knows of the new configuration it calls the replica before this one.
            (500, status)
                if !let_in && status.to_string().contains("failed calling webhook") && is_refused(&replica) =>
            {
                Ok(())
            }
            (code, body) => Err(format!("{name}: HTTP {code} {body:#}")),
        });
        assert_eq!(is_refused(&replica), !let_in, "{}", replica.process.output());
    }
}
