//! What the common guides tell people to apply.

use serde_json::{Value, json};

use super::manifest::{container, pod, token_mount, token_secret, token_volume};
use super::stored::{injected_volume, volume, volume_names};
use super::{create, installed, store, words_of_refusal};
use crate::rig::namespace::Namespace;
use crate::rig::token::Claims;
use crate::rig::users::User;

const API_SERVER: &str = "https://kubernetes.default.svc";

/// A namespace with the account that the guides make: without automount.
fn guided(name: &str, policy: &str) -> Namespace<'static> {
    let namespace = installed().namespace(name, policy);
    namespace.service_account("app", Some(false));
    namespace
}

fn hand_written_volume(name: &str) -> Value {
    let mut container = container("app");
    container["volumeMounts"] = json!([token_mount("kube-api-access")]);
    let volume = token_volume("kube-api-access", Some(API_SERVER), 3600);
    pod(name, "app", &json!({"automountServiceAccountToken": false, "containers": [container], "volumes": [volume]}))
}

#[test]
fn a_hand_written_token_volume_is_admitted_unchanged_and_without_a_warning() {
    for policy in ["baseline", "restricted"] {
        let namespace = guided(&format!("guide-volume-{policy}"), policy);
        let manifest = hand_written_volume("web");
        let output = create(&namespace, &manifest).ok();
        assert_eq!(output.warnings(), [""; 0], "{policy}");
        let stored = namespace.stored("pod/web");
        assert_eq!(stored["spec"]["volumes"], manifest["spec"]["volumes"], "{policy}");
        let mounts = &stored["spec"]["containers"][0]["volumeMounts"];
        assert_eq!(mounts, &manifest["spec"]["containers"][0]["volumeMounts"], "{policy}");
        assert!(stored["metadata"]["annotations"].is_null(), "{policy}: {:#}", stored["metadata"]);

        let files = namespace.rig().kubelet_token_files(&namespace, "web");
        assert_eq!(files[0].claims.lifetime(), Some(3600));
        assert_eq!(files[0].claims.audiences(), [API_SERVER]);
    }
}

#[test]
fn a_pod_that_forgot_the_volume_gets_it() {
    let namespace = guided("guide-no-volume", "baseline");
    let stored = store(&namespace, &pod("web", "app", &json!({})));
    assert_eq!(volume(&stored, "tokenward-api-access"), &injected_volume(None, 3600));
    assert_eq!(volume_names(&stored), ["tokenward-api-access"]);
}

#[test]
fn the_long_lived_secret_is_refused() {
    let namespace = guided("guide-secret", "baseline");
    let manifest = token_secret("app-token", "app").to_string();
    let output = namespace.kubectl_as(User::Developer, ["apply", "-f", "-"]).stdin(manifest).refused();
    assert!(words_of_refusal(&output).starts_with("TW101 legacy-token-secret: "), "{output}");
}

#[test]
fn kubectl_create_token_with_duration_and_audience_works() {
    let namespace = guided("guide-create-token", "baseline");
    let command = ["create", "token", "app", "--duration=24h", "--audience=https://vault.example.com"];
    let output = namespace.kubectl_as(User::Developer, command).ok();
    assert_eq!(output.warnings(), [""; 0]);
    let claims = Claims::of(output.stdout.trim());
    assert_eq!(claims.lifetime(), Some(86_400));
    assert_eq!(claims.audiences(), ["https://vault.example.com"]);
}
