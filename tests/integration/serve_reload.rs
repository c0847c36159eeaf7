//! Files that change while the server runs: what is good is live within seconds, what is bad changes nothing.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::Full;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::Value;
use tokenward::certs::{Authority, Issued, Names};
use tokio::runtime::Runtime;

use super::mounted_volume::MountedVolume;
use super::review_bodies::{pod, token_secret};
use super::tls_client::{Caller, Connection};
use super::webhook::{Webhook, command, get, metric};

/// What is promised.
const SOON: Duration = Duration::from_secs(10);

fn issue(authority: &Authority) -> Issued {
    authority.issue(&Names::loopback()).unwrap()
}

fn pair(issued: &Issued) -> [(&str, &str); 2] {
    [("tls.crt", &issued.certificate), ("tls.key", &issued.key)]
}

fn leaf(issued: &Issued) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(issued.certificate.as_bytes()).unwrap()
}

/// A certificate directory, and callers that trust it.
struct Setup {
    authority: Authority,
    volume: MountedVolume,
    caller: Caller,
    runtime: Runtime,
}

impl Setup {
    fn new() -> Self {
        let authority = Authority::generate(1).unwrap();
        let volume = MountedVolume::new(&pair(&issue(&authority)));
        let caller = Caller::new(authority.certificate_der(), "localhost");
        Self { authority, volume, caller, runtime: Runtime::new().unwrap() }
    }

    fn start(&self, arguments: &[&str]) -> Webhook {
        let tls = self.volume.flag("--tls-dir");
        Webhook::start(&[&[&*tls, "--reload-poll=1s"], arguments].concat())
    }

    /// The certificate of a new connection; a handshake that fails is a fault.
    fn shown(&self, address: SocketAddr) -> CertificateDer<'static> {
        let connection: Connection<Full<Bytes>> = self.runtime.block_on(self.caller.connect(address)).unwrap();
        connection.leaf.unwrap()
    }

    fn review(&self, webhook: &Webhook, path: &str, body: String) -> Value {
        self.runtime.block_on(self.caller.post(webhook.address, path, body)).json()["response"].clone()
    }
}

fn eventually(what: &str, webhook: &Webhook, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + SOON;
    while !holds() {
        assert!(Instant::now() < end, "not within {SOON:?}: {what}\n{}", webhook.log());
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn reloads(webhook: &Webhook, what: &str, result: &str) -> f64 {
    metric(webhook.admin_address, &format!(r#"tokenward_reload_total{{what="{what}",result="{result}"}}"#))
}

#[test]
fn a_swapped_certificate_is_shown_to_new_connections_and_no_handshake_fails() {
    let mut setup = Setup::new();
    let webhook = setup.start(&[]);
    for _ in 0..10 {
        let next = issue(&setup.authority);
        setup.volume.swap(&pair(&next));
        eventually("the new leaf is shown", &webhook, || setup.shown(webhook.address) == leaf(&next));
    }
    assert!((reloads(&webhook, "certificate", "ok") - 10.0).abs() < 0.5, "{}", webhook.log());
    assert!(reloads(&webhook, "certificate", "error") < 0.5, "{}", webhook.log());
}

#[test]
fn a_caller_that_does_not_trust_the_certificate_is_reported() {
    let setup = Setup::new();
    let webhook = setup.start(&[]);
    let stranger = Caller::new(Authority::generate(1).unwrap().certificate_der(), "localhost");
    assert!(setup.runtime.block_on(stranger.connect_raw(webhook.address)).is_err());
    webhook.wait_for_log(&["\"WARN\"", "caBundle"]);
}

#[test]
fn the_last_good_pair_is_served_until_certificate_and_key_belong_together_again() {
    let authority = Authority::generate(1).unwrap();
    let caller = Caller::new(authority.certificate_der(), "localhost");
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(directory.path().join(name), text).unwrap();
    let first = issue(&authority);
    for (name, text) in pair(&first) {
        write(name, text);
    }
    let webhook = Webhook::start(&[&format!("--tls-dir={}", directory.path().display()), "--reload-poll=1s"]);
    let runtime = Runtime::new().unwrap();
    let shown = || -> CertificateDer<'static> {
        let connection: Connection<Full<Bytes>> = runtime.block_on(caller.connect(webhook.address)).unwrap();
        connection.leaf.unwrap()
    };

    let second = issue(&authority);
    let cut_short = &second.certificate[..100];
    let huge = "x".repeat(10 * 1024 * 1024);
    for (bad, reason) in [
        (&*second.certificate, "does not belong to the first certificate"),
        ("", "holds no certificate"),
        (cut_short, "is not PEM"),
        (&huge, "is larger than 1 MiB"),
    ] {
        let failures = reloads(&webhook, "certificate", "error");
        write("tls.crt", bad);
        eventually(reason, &webhook, || reloads(&webhook, "certificate", "error") > failures);
        webhook.wait_for_log(&["\"ERROR\"", "certificate", reason]);
        assert_eq!(shown(), leaf(&first), "{reason}");
        assert_eq!(get(webhook.admin_address, "/readyz").0, 200, "{reason}");
    }

    write("tls.crt", &second.certificate);
    write("tls.key", &second.key);
    eventually("the new pair is shown", &webhook, || shown() == leaf(&second));
}

const EXCEPTION: &str = "\
apiVersion: tokenward.dev/v1alpha1
kind: TokenException
metadata:
  name: ci-bot
spec:
  rules: [legacy-token-secret]
  namespace: team-a
  secret: ci-bot-token
  serviceAccount: ci-bot
  reason: a test
  owner: team-a@example.com
  expires: 2099-12-31
";

#[test]
fn a_policy_file_is_live_without_a_restart_and_a_bad_one_changes_nothing() {
    let setup = Setup::new();
    let none = EXCEPTION.replace("secret: ci-bot-token", "secret: another");
    let none = &*none;
    let mut policies = MountedVolume::new(&[("policy.yaml", none)]);
    let webhook = setup.start(&[&policies.flag("--policy")]);
    let allowed = || setup.review(&webhook, "/validate/baseline", token_secret())["allowed"] == true;
    assert!(!allowed());

    policies.swap(&[("policy.yaml", EXCEPTION)]);
    eventually("the exception is live", &webhook, allowed);
    assert!((metric(webhook.admin_address, r#"tokenward_exceptions{state="active"}"#) - 1.0).abs() < 0.5);

    let half = &EXCEPTION[..EXCEPTION.len() / 2];
    let unknown = EXCEPTION.replace("owner:", "owners:");
    for bad in [half, &*unknown, "spec: [", "apiVersion: v1\nkind: Pod\n"] {
        let failures = reloads(&webhook, "policy", "error");
        policies.swap(&[("policy.yaml", bad)]);
        eventually("the failure is counted", &webhook, || reloads(&webhook, "policy", "error") > failures);
        assert!(allowed(), "the last good policy rules on");
        assert_eq!(get(webhook.admin_address, "/readyz").0, 200);
    }
    webhook.wait_for_log(&["\"ERROR\"", "policy.yaml:", "owners"]);

    policies.swap(&[("policy.yaml", none)]);
    eventually("the mended file is live", &webhook, || !allowed());
}

#[test]
fn each_decision_is_wholly_by_one_version_while_the_file_is_swapped() {
    let setup = Setup::new();
    let policy = |name: &str, action: &str| {
        format!(
            "apiVersion: tokenward.dev/v1alpha1\nkind: TokenPolicy\nmetadata:\n  name: {name}\n\
             spec:\n  extends: audit\n  rules:\n    legacy-token-secret: {action}\n"
        )
    };
    let strict = [policy("one", "deny"), policy("two", "deny")].join("---\n");
    let mild = [policy("one", "audit"), policy("two", "audit")].join("---\n");
    let mut policies = MountedVolume::new(&[("policy.yaml", &strict)]);
    let webhook = setup.start(&[&policies.flag("--policy")]);
    let end = Instant::now() + Duration::from_secs(3);
    let mut seen = [0_u32; 2];
    let mut connection: Connection<Full<Bytes>> =
        setup.runtime.block_on(setup.caller.connect(webhook.address)).unwrap();
    for turn in 0.. {
        if Instant::now() > end {
            break;
        }
        policies.swap(&[("policy.yaml", if turn % 2 == 0 { &mild } else { &strict })]);
        for _ in 0..20 {
            let reply = setup.runtime.block_on(connection.post("/validate/one", token_secret())).unwrap().json();
            let allowed = reply["response"]["allowed"].as_bool().unwrap();
            let annotations = &reply["response"]["auditAnnotations"];
            assert_eq!(annotations["policy"], "one");
            assert_eq!(annotations["findings"], if allowed { "TW101=audit" } else { "TW101=deny" });
            seen[usize::from(allowed)] += 1;
            std::thread::sleep(Duration::from_millis(5));
        }
    }
    assert!(seen.iter().all(|count| *count > 0), "only one version was ever seen: {seen:?}");
    assert!(reloads(&webhook, "policy", "error") < 0.5, "{}", webhook.log());
}

#[test]
fn an_inventory_is_live_without_a_restart_and_may_begin_empty() {
    let setup = Setup::new();
    let mut inventory = MountedVolume::new(&[]);
    let webhook = setup.start(&[&inventory.flag("--inventory")]);
    let denied = || setup.review(&webhook, "/validate/restricted", pod())["allowed"] == false;
    let annotations = setup.review(&webhook, "/validate/restricted", pod())["auditAnnotations"].clone();
    assert!(annotations["unknown"].as_str().unwrap().contains("secret/legacy-ci"), "{annotations}");

    let shard = "apiVersion: tokenward.dev/v1alpha1\nkind: TokenInventory\ngeneratedAt: 2026-11-01T00:00:00Z\n\
                 secrets:\n- {namespace: team-a, name: legacy-ci, serviceAccount: ci}\n";
    inventory.swap(&[("inventory.yaml", shard)]);
    std::os::unix::fs::symlink("..data/inventory.yaml", inventory.path().join("inventory.yaml")).unwrap();
    eventually("the inventory is live", &webhook, denied);
}

#[test]
fn what_is_bad_at_the_first_start_ends_the_process_with_exit_code_2() {
    let authority = Authority::generate(1).unwrap();
    let good = issue(&authority);
    let other = issue(&authority);
    let directory = tempfile::tempdir().unwrap();
    let tls = directory.path().join("tls");
    fs::create_dir(&tls).unwrap();
    let pairs = |certificate: &str, key: &str| {
        fs::write(tls.join("tls.crt"), certificate).unwrap();
        fs::write(tls.join("tls.key"), key).unwrap();
    };
    let policy = directory.path().join("policy.yaml");
    fs::write(&policy, EXCEPTION.replace("expires:", "expire:")).unwrap();
    let flag = |name: &str, path: &Path| format!("{name}={}", path.display());
    let said = |arguments: &[&str]| {
        let output = command(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        String::from_utf8(output.stderr).unwrap()
    };

    let tls_flag = flag("--tls-dir", &tls);
    let said_of_nothing = said(&[&flag("--tls-dir", &directory.path().join("missing"))]);
    assert!(said_of_nothing.contains("error: no usable certificate: cannot read"), "{said_of_nothing}");
    pairs(&good.certificate, &other.key);
    let said_of_mismatch = said(&[&tls_flag]);
    assert!(said_of_mismatch.contains("does not belong to the first certificate in"), "{said_of_mismatch}");
    pairs(&good.certificate, &good.key);
    let said_of_policy = said(&[&tls_flag, &flag("--policy", &policy)]);
    assert!(said_of_policy.contains("policy.yaml:") && said_of_policy.contains("expire"), "{said_of_policy}");
    let said_of_inventory = said(&[&tls_flag, &flag("--inventory", &directory.path().join("missing"))]);
    assert!(said_of_inventory.contains("there is no such file"), "{said_of_inventory}");
}
