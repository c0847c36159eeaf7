//! What the control plane does to the objects of a namespace, it does under `restricted` as well: nothing is refused.
//!
//! Each test has a control plane to itself, so that what the webhook counts is the control plane's doing alone.

use std::sync::MutexGuard;
use std::time::Duration;

use serde_json::{Value, json};

use super::manifest::{pod, token_secret};
use super::stored::list;
use crate::installation::{Installation, POLICY_LABEL};
use crate::rig::audit_log::AuditFilter;
use crate::rig::eventually::eventually;
use crate::rig::namespace::Namespace;
use crate::rig::token::decoded;
use crate::rig::users::User;
use crate::rig::{self, ControlPlane};

/// How long a controller may take on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);
const LAST_USED: &str = "kubernetes.io/legacy-token-last-used";
const INVALID_SINCE: &str = "kubernetes.io/legacy-token-invalid-since";

/// Allows what a legacy token has to be made with, wherever these tests make one. Nothing else is excused.
const POLICY: &str = "
apiVersion: tokenward.dev/v1alpha1
kind: TokenException
metadata:
  name: legacy
spec:
  rules: [legacy-token-secret]
  namespace: '*'
  secret: legacy-*
  serviceAccount: '*'
  reason: To see what the control plane makes of it
  owner: platform@example.com
  expires: 2099-12-31
";

/// Runs `scenario` beside an installation, and shows that the webhook was asked and refused nothing.
#[track_caller]
fn unharmed(scenario: impl FnOnce(&Installation<'_>)) {
    let rig: MutexGuard<'static, ControlPlane> = rig::solitary();
    let mut installation = Installation::on(&rig, POLICY, "").unwrap_or_else(|error| panic!("{error}"));
    // Started anew, so that it has not counted what showed that the API server calls it.
    installation.webhook.kill();
    installation.webhook.run().unwrap_or_else(|error| panic!("{error}"));
    scenario(&installation);
    let metrics = installation.webhook.metrics();
    let count = |decision| metrics.sum("tokenward_admission_total", &[("decision", decision)]);
    assert_eq!(["denied", "malformed", "error"].map(count), [0; 3], "{}", metrics.text());
    assert_ne!(metrics.sum("tokenward_admission_total", &[("policy", "restricted")]), 0, "{}", metrics.text());
}

/// No request on the objects of `namespace` failed because of a webhook, whoever sent it.
#[track_caller]
fn assert_nothing_was_refused(namespace: &Namespace<'_>) {
    let events = namespace.rig().audit_events(AuditFilter { namespace: &namespace.name, ..AuditFilter::default() });
    assert!(!events.is_empty());
    for event in events {
        let message = event.0["responseStatus"]["message"].as_str().unwrap_or_default();
        assert!(!message.contains("webhook"), "{:#}", event.0);
    }
}

#[track_caller]
fn create(namespace: &Namespace<'_>, resource: &str, object: &Value) -> Value {
    namespace.rig().post(User::Administrator, &namespace.path(resource), object).expect_success()
}

#[track_caller]
fn merge(namespace: &Namespace<'_>, what: &str, change: &Value) {
    namespace.rig().merge(User::Administrator, &namespace.path(what), change).expect_success();
}

/// Makes a token Secret and waits for its token.
#[track_caller]
fn filled_in(namespace: &Namespace<'_>, name: &str, account: &str) -> String {
    create(namespace, "secrets", &token_secret(name, account));
    when(namespace, &format!("secrets/{name}"), "it has no token", |secret| {
        let token = decoded(&secret["data"]["token"]);
        (!token.is_empty()).then_some(token)
    })
}

/// What `found` makes of the stored object, waited for.
#[track_caller]
fn when<T>(namespace: &Namespace<'_>, what: &str, missing: &str, found: impl Fn(&Value) -> Option<T>) -> T {
    eventually(PATIENCE, || {
        let object = namespace.rig().get(User::Administrator, &namespace.path(what)).expect_success();
        found(&object).ok_or_else(|| format!("{what}: {missing}: {:#}", object["metadata"]))
    })
}

#[track_caller]
fn wait_until_gone(namespace: &Namespace<'_>, what: &str) {
    let path = namespace.path(what);
    eventually(PATIENCE, || match namespace.rig().get(User::Administrator, &path).code {
        404 => Ok(()),
        code => Err(format!("HTTP {code}, {path} is still there")),
    });
}

/// Deletion has begun, and a finalizer holds it.
#[track_caller]
fn wait_until_leaving(namespace: &Namespace<'_>, what: &str) {
    when(namespace, what, "it is not being deleted", |object| {
        object["metadata"]["deletionTimestamp"].is_string().then_some(())
    });
}

fn label(object: &Value, key: &str) -> Option<String> {
    object["metadata"]["labels"][key].as_str().map(str::to_owned)
}

#[test]
fn the_token_controller_fills_in_and_cleans_up() {
    unharmed(|installation| {
        let namespace = installation.namespace("token-controller", "restricted");
        namespace.service_account("ci", Some(false));
        let token = filled_in(&namespace, "legacy-ci", "ci");
        filled_in(&namespace, "legacy-other", "ci");
        let account = format!("system:serviceaccount:{}:ci", namespace.name);
        assert_eq!(namespace.rig().bearer(&token), Some(account));
        let secret = namespace.stored("secret/legacy-ci");
        assert!(secret["data"]["ca.crt"].is_string() && secret["data"]["namespace"].is_string());
        assert!(secret["metadata"]["annotations"]["kubernetes.io/service-account.uid"].is_string());

        // What it wrote it writes again.
        merge(&namespace, "secrets/legacy-ci", &json!({"data": {"ca.crt": null, "namespace": null}}));
        when(&namespace, "secrets/legacy-ci", "it has no ca.crt", |secret| secret["data"]["ca.crt"].as_str().map(drop));

        // Of a deleted Secret it takes the reference off the account, and with the account it deletes the Secrets.
        merge(&namespace, "serviceaccounts/ci", &json!({"secrets": [{"name": "legacy-ci"}, {"name": "legacy-other"}]}));
        namespace.kubectl(["delete", "secret", "legacy-other"]).ok();
        when(&namespace, "serviceaccounts/ci", "it lists a Secret that is gone", |account| {
            (list(&account["secrets"]) == [json!({"name": "legacy-ci"})]).then_some(())
        });
        namespace.kubectl(["delete", "serviceaccount", "ci"]).ok();
        wait_until_gone(&namespace, "secrets/legacy-ci");
        assert_nothing_was_refused(&namespace);
    });
}

#[test]
fn the_api_server_notes_the_last_use_of_a_token() {
    unharmed(|installation| {
        let namespace = installation.namespace("last-used", "restricted");
        namespace.service_account("ci", Some(false));
        let token = filled_in(&namespace, "legacy-ci", "ci");
        assert!(namespace.rig().bearer(&token).is_some());
        let day = when(&namespace, "secrets/legacy-ci", "no use is noted", |secret| label(secret, LAST_USED));
        assert_eq!(day.len(), "2026-11-23".len(), "{day}");
        // A day later it notes it again, and whatever stood there before.
        merge(&namespace, "secrets/legacy-ci", &json!({"metadata": {"labels": {LAST_USED: "2020-01-01"}}}));
        when(&namespace, "secrets/legacy-ci", "the new use is not noted", |secret| {
            // A cache answers for some ten seconds, and nothing is noted then.
            namespace.rig().bearer(&token);
            (label(secret, LAST_USED).as_deref() == Some(&day)).then_some(())
        });
        assert_nothing_was_refused(&namespace);
    });
}

/// The cleaner itself, in a controller manager that takes tokens for forgotten after a second.
#[test]
fn the_legacy_token_cleaner_switches_forgotten_tokens_off_and_deletes_them() {
    unharmed(|installation| {
        let namespace = installation.namespace("cleaner", "restricted");
        namespace.service_account("ci", Some(false));
        let token = filled_in(&namespace, "legacy-ci", "ci");
        filled_in(&namespace, "legacy-manual", "ci");
        // Listed there, it counts as one that Kubernetes made.
        merge(&namespace, "serviceaccounts/ci", &json!({"secrets": [{"name": "legacy-ci"}]}));
        // The cleaner spares what was made within its second.
        std::thread::sleep(Duration::from_secs(2));

        let cleaner = namespace.rig().run_legacy_token_cleaner();
        when(&namespace, "secrets/legacy-ci", "it is not switched off", |secret| label(secret, INVALID_SINCE));
        drop(cleaner);
        assert_eq!(namespace.rig().bearer(&token), None);
        let patch = AuditFilter { namespace: &namespace.name, resource: "secrets", name: "legacy-ci", verb: "patch" };
        let cleaner = "system:serviceaccount:kube-system:legacy-service-account-token-cleaner";
        let event = eventually(PATIENCE, || {
            let events = namespace.rig().audit_events(patch);
            events.into_iter().find(|event| event.user() == cleaner).ok_or("the cleaner patched nothing")
        });
        assert_eq!(event.code(), 200);
        assert_eq!(event.annotation_ending("policy"), Some("restricted"), "the webhook was asked");

        // Once that is long ago it deletes the Secret; and never one that somebody made by hand.
        let long_ago = json!({"metadata": {"labels": {INVALID_SINCE: "2020-01-01", LAST_USED: "2020-01-01"}}});
        merge(&namespace, "secrets/legacy-ci", &long_ago);
        let cleaner = namespace.rig().run_legacy_token_cleaner();
        wait_until_gone(&namespace, "secrets/legacy-ci");
        drop(cleaner);
        assert_eq!(label(&namespace.stored("secret/legacy-manual"), INVALID_SINCE), None);
        assert_nothing_was_refused(&namespace);
    });
}

/// Objects that the rules have much to say about, made before the namespace had its label.
fn burdened(namespace: &Namespace<'_>, owner: &Value) {
    let reference = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "name": owner["metadata"]["name"], "uid": owner["metadata"]["uid"],
        "blockOwnerDeletion": true,
    });
    let with_owner = |mut object: Value| {
        object["metadata"]["ownerReferences"] = json!([reference]);
        object
    };
    let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "ci"}});
    create(namespace, "serviceaccounts", &with_owner(account));
    create(namespace, "secrets", &with_owner(token_secret("legacy-ci", "ci")));
    let token = when(namespace, "secrets/legacy-ci", "it has no token", |secret| {
        let token = decoded(&secret["data"]["token"]);
        (!token.is_empty()).then_some(token)
    });
    let copy =
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "copy"}, "stringData": {"token": token}});
    create(namespace, "secrets", &with_owner(copy));
    merge(namespace, "serviceaccounts/ci", &json!({"secrets": [{"name": "legacy-ci"}]}));
    let trap = json!({"serviceAccountToken": {"path": "token", "expirationSeconds": 3607}});
    let volumes = json!([
        {"name": "legacy", "secret": {"secretName": "legacy-ci"}},
        {"name": "trap", "projected": {"sources": [trap]}},
    ]);
    create(namespace, "pods", &with_owner(pod("web", "ci", &json!({"volumes": volumes}))));
}

const BURDENED: [&str; 4] = ["serviceaccounts/ci", "secrets/legacy-ci", "secrets/copy", "pods/web"];

/// An opted-in namespace with [`burdened`] objects.
fn burdened_namespace<'rig>(installation: &Installation<'rig>, name: &str) -> Namespace<'rig> {
    let namespace = installation.rig.namespace(name, &[]);
    let owner = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "owner"}});
    let owner = create(&namespace, "configmaps", &owner);
    burdened(&namespace, &owner);
    installation.rig.kubectl(["label", "namespace", &namespace.name, &format!("{POLICY_LABEL}=restricted")]).ok();
    // Known once a look at a Secret is audited as the webhook's.
    eventually(PATIENCE, || {
        merge(&namespace, "secrets/copy", &json!({"metadata": {"annotations": {"example.com/probe": "1"}}}));
        let filter = AuditFilter { namespace: &namespace.name, resource: "secrets", name: "copy", verb: "patch" };
        let judged =
            namespace.rig().audit_events(filter).iter().any(|event| event.annotation_ending("policy").is_some());
        if judged { Ok(()) } else { Err("the namespace is not known as labelled") }
    });
    namespace
}

#[test]
fn the_garbage_collector_orphans_and_deletes_what_an_owner_leaves() {
    unharmed(|installation| {
        let namespace = burdened_namespace(installation, "garbage-orphans");
        namespace.kubectl(["delete", "configmap", "owner", "--cascade=orphan"]).ok();
        for what in BURDENED {
            when(&namespace, what, "it still has an owner", |object| {
                object["metadata"]["ownerReferences"].is_null().then_some(())
            });
        }
        assert_nothing_was_refused(&namespace);

        let namespace = burdened_namespace(installation, "garbage-foreground");
        namespace.kubectl(["delete", "configmap", "owner", "--cascade=foreground", "--timeout=60s"]).ok();
        for what in BURDENED {
            wait_until_gone(&namespace, what);
        }
        assert_nothing_was_refused(&namespace);
    });
}

#[test]
fn a_namespace_goes_with_all_that_is_held_in_it() {
    unharmed(|installation| {
        let namespace = burdened_namespace(installation, "going");
        for what in BURDENED {
            merge(&namespace, what, &json!({"metadata": {"finalizers": ["example.com/hold"]}}));
        }
        namespace.kubectl(["delete", "namespace", &namespace.name, "--wait=false"]).ok();
        let [others @ .., pod] = BURDENED;
        // Pods go first, and nothing else before the last of them is gone.
        wait_until_leaving(&namespace, pod);
        let release = json!({"metadata": {"finalizers": null}});
        merge(&namespace, pod, &release);
        for what in others {
            wait_until_leaving(&namespace, what);
        }
        // What a finalizer's controller may have to do before it lets go, it may do to what is being deleted.
        let emptied = json!({"data": {"token": null}, "metadata": {"annotations": {"example.com/archived": "yes"}}});
        merge(&namespace, "secrets/legacy-ci", &emptied);
        for what in others {
            merge(&namespace, what, &release);
        }
        let path = format!("/api/v1/namespaces/{}", namespace.name);
        eventually(PATIENCE, || match namespace.rig().get(User::Administrator, &path) {
            answer if answer.code == 404 => Ok(()),
            answer => Err(format!("the namespace is still there: {:#}", answer.body["status"])),
        });
        assert_nothing_was_refused(&namespace);
    });
}

#[test]
fn nodes_get_the_tokens_of_their_pods_and_are_never_asked_about() {
    unharmed(|installation| {
        // The Pod is older than the label; its volume holds a token of a year.
        let namespace = burdened_namespace(installation, "nodes");
        let before = installation.webhook.metrics().reviews();
        let files = namespace.rig().kubelet_token_files(&namespace, "web");
        let lifetimes: Vec<Option<i64>> = files.iter().map(|file| file.claims.lifetime()).collect();
        assert!(lifetimes.contains(&Some(31_536_000)), "{lifetimes:?}");
        assert_eq!(installation.webhook.metrics().reviews(), before);
        let requests =
            AuditFilter { namespace: &namespace.name, resource: "serviceaccounts", name: "ci", verb: "create" };
        let granted: Vec<_> = namespace.rig().audit_events(requests);
        assert!(granted.iter().any(|event| event.user() == User::Node.name() && event.code() == 201));
        // The kubelet says what became of the Pod.
        let status = json!({"status": {"phase": "Running"}});
        namespace.rig().merge(User::Node, &namespace.path("pods/web/status"), &status).expect_success();
        assert_nothing_was_refused(&namespace);
    });
}
