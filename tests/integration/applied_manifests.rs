//! What `tokenward manifests` renders, applied to a real control plane on which no webhook answers.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::sync::MutexGuard;
use std::time::Duration;

use serde_json::{Value, json};

use crate::manifests::{Certificates, objects, rendered};
use crate::rig::eventually::eventually;
use crate::rig::host::{free_ports, host_address};
use crate::rig::http::Answer;
use crate::rig::namespace::Namespace;
use crate::rig::users::User;
use crate::rig::{self, ControlPlane};

const PATIENCE: Duration = Duration::from_mins(1);

/// What is applied, and taken away again at the end of a test.
struct Applied {
    rig: MutexGuard<'static, ControlPlane>,
    yaml: Vec<String>,
}

impl Applied {
    fn nothing() -> Self {
        Self { rig: rig::solitary(), yaml: Vec::new() }
    }

    /// `kubectl apply`; gives a line for each object.
    fn apply(&mut self, yaml: &str) -> Vec<String> {
        self.yaml.push(yaml.to_owned());
        let output = self.rig.kubectl(["apply", "-f", "-"]).stdin(yaml).ok();
        assert_eq!(output.warnings(), [""; 0], "{output}");
        output.stdout.lines().map(str::to_owned).collect()
    }

    fn delete(&mut self) {
        while let Some(yaml) = self.yaml.pop() {
            self.rig.kubectl(["delete", "--ignore-not-found", "--timeout=60s", "-f", "-"]).stdin(yaml).ok();
        }
    }
}

impl Drop for Applied {
    fn drop(&mut self) {
        while let Some(yaml) = self.yaml.pop() {
            // After a failure too: the next test has the same control plane.
            self.rig.kubectl(["delete", "--ignore-not-found", "--timeout=60s", "-f", "-"]).stdin(yaml).run();
        }
    }
}

/// Every object of the cluster by resource, namespace and name.
fn everything(rig: &ControlPlane) -> BTreeSet<String> {
    let resources = rig.kubectl(["api-resources", "--verbs=list", "-o", "name"]).ok().stdout;
    // These come and go by themselves.
    let passing = ["events", "events.events.k8s.io", "leases.coordination.k8s.io", "componentstatuses"];
    let resources: Vec<_> = resources.lines().filter(|name| !passing.contains(name)).collect();
    let columns = "-o=custom-columns=K:.kind,NS:.metadata.namespace,N:.metadata.name";
    let listed = rig.kubectl(["get", &resources.join(","), "-A", "--no-headers", columns]).ok().stdout;
    listed.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

/// The stored objects that a rendered stream names, with the version that each change raises.
fn stored(rig: &ControlPlane, yaml: &str) -> BTreeMap<String, Value> {
    let list = rig.kubectl(["get", "-f", "-"]).stdin(yaml).json();
    let named = list["items"].as_array().unwrap().iter().map(|object| {
        let mut object = object.clone();
        if object["kind"] == "Deployment" {
            // Its controller writes down how its Pods are.
            object["status"].take();
            object["metadata"]["resourceVersion"].take();
            object["metadata"]["managedFields"].take();
        }
        (format!("{} {}", object["kind"], object["metadata"]["name"]), object)
    });
    named.collect()
}

fn pods(rig: &ControlPlane) -> Vec<String> {
    let pods = rig.kubectl(["-n", "tokenward", "get", "pods"]).json();
    let alive = pods["items"].as_array().unwrap().iter().filter(|pod| pod["metadata"]["deletionTimestamp"].is_null());
    alive.map(|pod| pod["metadata"]["name"].as_str().unwrap().to_owned()).collect()
}

fn two_pods(rig: &ControlPlane) -> Vec<String> {
    eventually(PATIENCE, || {
        let pods = pods(rig);
        if pods.len() == 2 { Ok(pods) } else { Err(format!("the Deployment's Pods: {pods:?}")) }
    })
}

#[test]
fn applying_twice_changes_nothing_and_deleting_leaves_nothing() {
    let certificates = Certificates::make();
    let yaml = rendered(&["--tls-dir", certificates.path()]);
    let mut applied = Applied::nothing();
    let before = everything(&applied.rig);

    let lines = applied.apply(&yaml);
    assert!(lines.iter().all(|line| line.ends_with(" created")), "{lines:?}");
    two_pods(&applied.rig);
    let stored_first = stored(&applied.rig, &yaml);
    assert_eq!(stored_first.len(), objects(&yaml).len());
    let lines = applied.rig.kubectl(["apply", "-f", "-"]).stdin(yaml.as_str()).ok().stdout;
    // kubectl sends a budget's selector each time, since its patch strategy is `replace`, and calls that a change.
    let is_unchanged = |line: &str| line.ends_with(" unchanged") || line.starts_with("poddisruptionbudget");
    assert!(lines.lines().all(is_unchanged), "{lines}");
    applied.rig.kubectl(["diff", "-f", "-"]).stdin(yaml.as_str()).ok();
    assert_eq!(stored(&applied.rig, &yaml), stored_first);

    applied.delete();
    let after = eventually(PATIENCE, || {
        let left: Vec<_> = everything(&applied.rig).difference(&before).cloned().collect();
        if left.is_empty() { Ok(left) } else { Err(format!("{left:#?}")) }
    });
    assert!(after.is_empty());
}

#[test]
fn applying_twice_on_the_server_s_side_changes_nothing() {
    let certificates = Certificates::make();
    let yaml = rendered(&["--tls-dir", certificates.path(), "--mode", "cluster-wide"]);
    let mut applied = Applied::nothing();
    // The namespace must be there, or the API server cannot say what it thinks of what goes into it.
    let namespace = yaml.split("---\n").next().unwrap();
    applied.apply(namespace);
    applied.rig.kubectl(["apply", "--server-side", "--dry-run=server", "-f", "-"]).stdin(yaml.as_str()).ok();
    // Only what does not stop this cluster from making Pods.
    let yaml = rendered(&["--tls-dir", certificates.path()]);
    applied.yaml.push(yaml.clone());
    let apply = ["apply", "--server-side", "--force-conflicts", "-f", "-"];
    applied.rig.kubectl(apply).stdin(yaml.as_str()).ok();
    let stored_first = stored(&applied.rig, &yaml);
    applied.rig.kubectl(apply).stdin(yaml.as_str()).ok();
    assert_eq!(stored(&applied.rig, &yaml), stored_first);
}

#[test]
fn applying_again_leaves_the_inventory_alone() {
    let certificates = Certificates::make();
    let yaml = rendered(&["--tls-dir", certificates.path()]);
    let mut applied = Applied::nothing();
    applied.apply(&yaml);
    let scan = ["scan", "-o", "inventory", "--kubeconfig"];
    let scanned = Command::new(env!("CARGO_BIN_EXE_tokenward"))
        .env_clear()
        .args(scan)
        .arg(applied.rig.kubeconfig(User::Administrator))
        .output()
        .unwrap();
    assert!(scanned.status.success());
    let file = certificates.file("inventory.yaml", &String::from_utf8(scanned.stdout).unwrap());
    let from_file = format!("--from-file=inventory.yaml={file}");
    let create = ["-n", "tokenward", "create", "configmap", "tokenward-inventory", &from_file];
    let config_map = applied.rig.kubectl(create).args(["--dry-run=client", "-o", "json"]).ok().stdout;
    let patch = ["-n", "tokenward", "patch", "configmap", "tokenward-inventory", "--type=merge"];
    applied.rig.kubectl(patch).args(["--patch-file=/dev/stdin"]).stdin(config_map).ok();

    let written = stored(&applied.rig, &yaml);
    let inventory = &written[r#""ConfigMap" "tokenward-inventory""#];
    assert!(inventory["data"]["inventory.yaml"].as_str().unwrap().contains("TokenInventory"), "{inventory:#}");
    assert_eq!(inventory["metadata"]["labels"]["app.kubernetes.io/name"], "tokenward");
    applied.rig.kubectl(["apply", "-f", "-"]).stdin(yaml.as_str()).ok();
    assert_eq!(stored(&applied.rig, &yaml), written);
}

#[test]
fn applying_without_the_policies_of_before_takes_them_away_and_leaves_what_was_added_otherwise() {
    let certificates = Certificates::make();
    let policies = "apiVersion: tokenward.dev/v1alpha1\nkind: TokenPolicy\nmetadata: {name: payments}\n";
    let file = certificates.file("policies.yaml", policies);
    let plain = rendered(&["--tls-dir", certificates.path()]);
    let mut applied = Applied::nothing();
    applied.apply(&rendered(&["--tls-dir", certificates.path(), "--policy", &file]));
    let added = json!({"data": {"exceptions.yaml": "# none so far"}}).to_string();
    let patch = ["-n", "tokenward", "patch", "configmap", "tokenward-policy", "--type=merge", "-p", &added];
    applied.rig.kubectl(patch).ok();
    let files = |applied: &Applied| {
        let config_map = &stored(&applied.rig, &plain)[r#""ConfigMap" "tokenward-policy""#];
        config_map["data"].as_object().unwrap().keys().cloned().collect::<Vec<_>>()
    };
    assert_eq!(files(&applied), ["README", "exceptions.yaml", "policies.yaml"]);
    applied.apply(&plain);
    assert_eq!(files(&applied), ["README", "exceptions.yaml"]);
    applied.apply(&plain);
    assert_eq!(files(&applied), ["README", "exceptions.yaml"]);
}

#[test]
fn the_webhook_configurations_are_stored_as_they_were_rendered() {
    let certificates = Certificates::make();
    for place in [["--namespace", "tokenward"], ["--url", "https://192.0.2.7:8443"]] {
        let yaml = rendered(&["--tls-dir", certificates.path(), place[0], place[1]]);
        let rendered = objects(&yaml);
        let mut applied = Applied::nothing();
        applied.apply(&yaml);
        for kind in ["ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"] {
            let stored = applied.rig.kubectl(["get", kind, "tokenward"]).json();
            assert_eq!(stored["webhooks"], rendered[&format!("{kind} -/tokenward")]["webhooks"], "{kind}");
        }
    }
}

/// A cluster in which the webhook of these configurations never answers.
struct DeadWebhook {
    applied: Applied,
}

impl DeadWebhook {
    fn configured(mode: &str) -> Self {
        let certificates = Certificates::make();
        let [port] = free_ports().unwrap();
        let url = format!("https://{}:{port}", host_address());
        let mut applied = Applied::nothing();
        applied.apply(&rendered(&["--tls-dir", certificates.path(), "--url", &url, "--mode", mode]));
        let webhook = Self { applied };
        let probe = webhook.namespace("probe", Some("baseline"));
        eventually(PATIENCE, || {
            let answers = [webhook.create(&probe, "pods?dryRun=All", pod("probe")), token_secret(&webhook, &probe)];
            if answers.iter().all(|answer| answer.code == 500) { Ok(()) } else { Err("the configurations do not rule") }
        });
        webhook
    }

    /// A namespace that was there before somebody labelled it.
    fn namespace(&self, prefix: &str, policy: Option<&str>) -> Namespace<'_> {
        let namespace = self.applied.rig.namespace(prefix, &[("tokenward.dev/policy", "audit")]);
        self.relabel(&namespace, policy);
        namespace
    }

    fn relabel(&self, namespace: &Namespace<'_>, policy: Option<&str>) {
        let label = policy.map_or("tokenward.dev/policy-".to_owned(), |it| format!("tokenward.dev/policy={it}"));
        self.applied.rig.kubectl(["label", "--overwrite", "namespace", &namespace.name, &label]).ok();
    }

    fn create(&self, namespace: &Namespace<'_>, what: &str, object: Value) -> Answer {
        self.applied.rig.post(User::Administrator, &namespace.path(what), &object)
    }
}

fn pod(name: &str) -> Value {
    json!({"metadata": {"name": name}, "spec": {"containers": [{"name": "app", "image": "app.example.com/app:1"}]}})
}

fn secret(name: &str, kind: &str) -> Value {
    let annotations = json!({"kubernetes.io/service-account.name": "default"});
    json!({"metadata": {"name": name, "annotations": annotations}, "type": kind})
}

fn token_secret(webhook: &DeadWebhook, namespace: &Namespace<'_>) -> Answer {
    let object = secret("token", "kubernetes.io/service-account-token");
    webhook.create(namespace, "secrets?dryRun=All", object)
}

/// Which entry refused, since nobody answered it.
fn failed(answer: &Answer) -> String {
    let message = answer.body["message"].as_str().unwrap_or_default();
    let name = message.split_once("failed calling webhook \"").and_then(|(_, rest)| rest.split_once('"'));
    name.map_or_else(|| format!("HTTP {} {message}", answer.code), |(name, _)| name.replace(".tokenward.dev", ""))
}

#[test]
fn a_dead_webhook_stops_only_what_it_must_judge() {
    let webhook = DeadWebhook::configured("opt-in");
    let tried = |policy: Option<&str>| {
        let namespace = webhook.namespace("dead", policy);
        let mut tried = BTreeMap::new();
        let things = [
            ("pods", pod("web")),
            ("secrets", secret("opaque", "Opaque")),
            ("serviceaccounts", json!({"metadata": {"name": "ci"}})),
            ("configmaps", json!({"metadata": {"name": "settings"}})),
            (
                "replicationcontrollers",
                json!({"metadata": {"name": "web"}, "spec": {"selector": {"a": "b"}, "template":
                {"metadata": {"labels": {"a": "b"}}, "spec": pod("web")["spec"]}}}),
            ),
        ];
        for (what, object) in things {
            tried.insert(what, webhook.create(&namespace, &format!("{what}?dryRun=All"), object));
        }
        tried.insert("token secrets", token_secret(&webhook, &namespace));
        let refused = tried.iter().filter(|(_, answer)| answer.code != 201);
        refused.map(|(what, answer)| format!("{what}: {}", failed(answer))).collect::<Vec<_>>()
    };
    for policy in [None, Some("audit"), Some("warn")] {
        assert_eq!(eventually_settled(|| tried(policy)), [""; 0], "{policy:?}");
    }
    assert_eq!(
        eventually_settled(|| tried(Some("baseline"))),
        ["pods: baseline.mutate", "serviceaccounts: baseline.validate", "token secrets: baseline.validate"]
    );
    for (label, entry) in [("restricted", "restricted"), ("baselin", "unknown"), ("", "unknown")] {
        assert_eq!(
            eventually_settled(|| tried(Some(label))),
            [
                format!("pods: {entry}.mutate"),
                format!("secrets: {entry}.validate"),
                format!("serviceaccounts: {entry}.validate"),
                format!("token secrets: {entry}.validate"),
            ],
            "{label:?}"
        );
    }
}

/// The API server learns of a namespace's new label a moment later; two equal outcomes in a row are the outcome.
fn eventually_settled<T: PartialEq>(attempt: impl Fn() -> T) -> T {
    let mut last = attempt();
    for _ in 0..20 {
        let next = attempt();
        if next == last {
            return next;
        }
        last = next;
    }
    last
}

#[test]
fn a_dead_webhook_does_not_stop_what_exists_from_changing_and_going() {
    let webhook = DeadWebhook::configured("opt-in");
    let namespace = webhook.namespace("existing", None);
    let mut held = secret("held", "kubernetes.io/service-account-token");
    held["metadata"]["finalizers"] = json!(["example.com/hold"]);
    for (what, object) in [("pods", pod("web")), ("secrets", held)] {
        webhook.create(&namespace, what, object).expect_success();
    }
    namespace.kubectl(["delete", "secret", "held", "--wait=false"]).ok();
    webhook.relabel(&namespace, Some("restricted"));
    eventually(PATIENCE, || {
        let answer = token_secret(&webhook, &namespace);
        if answer.code == 500 { Ok(()) } else { Err(format!("the label does not rule: HTTP {}", answer.code)) }
    });

    // A Pod: metadata may change, and it may go; a container that is added to it is judged.
    namespace.kubectl(["label", "pod", "web", "a=b"]).ok();
    let debugger = json!({"spec": {"ephemeralContainers": [{"name": "debug", "image": "app.example.com/app:1"}]}});
    let path = namespace.path("pods/web/ephemeralcontainers");
    let change = Some(("application/strategic-merge-patch+json", &debugger));
    let answer = webhook.applied.rig.send(User::Administrator, "PATCH", &path, change);
    assert_eq!(failed(&answer), "restricted.validate");
    namespace.kubectl(["delete", "pod", "web", "--now"]).ok();

    // What is being deleted is let go.
    namespace.kubectl(["patch", "secret", "held", "--type=merge", "-p", r#"{"metadata":{"finalizers":null}}"#]).ok();
    webhook.applied.rig.kubectl(["delete", "namespace", &namespace.name, "--timeout=60s"]).ok();
}

#[test]
fn a_deletion_timestamp_of_one_s_own_does_not_get_a_token_secret_past_the_webhook() {
    let webhook = DeadWebhook::configured("opt-in");
    let namespace = webhook.namespace("forged", Some("baseline"));
    let mut forged = secret("forged", "kubernetes.io/service-account-token");
    forged["apiVersion"] = "v1".into();
    forged["kind"] = "Secret".into();
    forged["metadata"]["deletionTimestamp"] = "2026-11-01T00:00:00Z".into();
    let path = namespace.path("secrets/forged?fieldManager=test");
    let change = Some(("application/apply-patch+yaml", &forged));
    eventually(PATIENCE, || {
        let answer = webhook.applied.rig.send(User::Administrator, "PATCH", &path, change);
        if failed(&answer) == "baseline.validate" { Ok(()) } else { Err(failed(&answer)) }
    });
}

#[test]
fn our_own_pods_are_admitted_while_none_of_them_runs() {
    let mut webhook = DeadWebhook::configured("cluster-wide");
    let certificates = Certificates::make();
    // Everything but the configurations, which are there already and fail closed.
    let yaml = rendered(&["--tls-dir", certificates.path(), "--mode", "cluster-wide"]);
    let (workload, _) = yaml.split_once("---\napiVersion: admissionregistration.k8s.io/v1").unwrap();
    webhook.applied.apply(workload);
    two_pods(&webhook.applied.rig);
    let other = webhook.namespace("other", None);
    eventually(PATIENCE, || {
        let answer = webhook.create(&other, "pods?dryRun=All", pod("web"));
        if failed(&answer) == "unlabelled.baseline.mutate" { Ok(()) } else { Err(failed(&answer)) }
    });

    let rig = &webhook.applied.rig;
    let lost = two_pods(rig);
    rig.kubectl(["-n", "tokenward", "delete", "pods", "--all", "--now"]).ok();
    let new = two_pods(rig);
    assert!(new.iter().all(|pod| !lost.contains(pod)), "{lost:?} {new:?}");
}
