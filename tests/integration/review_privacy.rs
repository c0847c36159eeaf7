//! A manifest may hold anything. Nothing of it comes out but keys, names and the fields that rules speak of.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_assume, prop_oneof, proptest};
use proptest::sample::Index;
use serde_json::{Value, json};
use tokenward::policy::{Inventory, PolicySet};
use tokenward::report::Format;
use tokenward::review::{Input, Phases, Review, Source};

/// Stands wherever a secret may: in data, in variables, arguments, annotations and comments.
const CANARY: &str = "c4narY-7f3e";

/// What the legacy Secret of every generated input is called.
const SECRET: &str = "ci-token";

fn canary() -> Value {
    json!(format!("{CANARY} {CANARY}"))
}

fn encoded() -> Value {
    json!(STANDARD.encode(CANARY))
}

fn token_secret() -> Value {
    json!({
        "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/service-account-token",
        "metadata": {"name": SECRET, "annotations": {
            "kubernetes.io/service-account.name": "ci",
            "kubectl.kubernetes.io/last-applied-configuration": canary(),
        }},
        "data": {"token": encoded(), "name": encoded(), "type": encoded()},
        "stringData": {"namespace": canary(), "path": canary()},
    })
}

/// Fields of a container that hold secrets, and references that the rules point at.
fn container() -> impl Strategy<Value = Value> {
    let field = prop_oneof![
        Just(
            json!({"env": [{"name": "A", "value": canary()}, {"name": "B", "valueFrom": {"secretKeyRef": {"name": SECRET, "key": "token"}}}]})
        ),
        Just(json!({"envFrom": [{"prefix": canary(), "secretRef": {"name": SECRET}}]})),
        Just(json!({"args": [canary(), "--name", canary()], "command": [canary()]})),
        Just(
            json!({"livenessProbe": {"httpGet": {"path": canary(), "httpHeaders": [{"name": "A", "value": canary()}]}}})
        ),
        Just(json!({"lifecycle": {"postStart": {"exec": {"command": [canary()]}}}})),
        Just(
            json!({"volumeMounts": [{"name": "v", "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount/token"}]})
        ),
        Just(json!({"image": canary()})),
    ];
    proptest::collection::vec(field, 1..4).prop_map(|fields| {
        let mut container = json!({"name": "app"});
        for field in fields {
            container.as_object_mut().unwrap().extend(field.as_object().unwrap().clone());
        }
        container
    })
}

fn volume() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!({"name": "v", "secret": {"secretName": SECRET}})),
        Just(
            json!({"name": "v", "csi": {"driver": "d", "volumeAttributes": {"name": canary(), "path": canary()}, "nodePublishSecretRef": {"name": SECRET}}})
        ),
        Just(
            json!({"name": "v", "flexVolume": {"driver": "d", "options": {"type": canary()}, "secretRef": {"name": SECRET}}})
        ),
        Just(
            json!({"name": "v", "projected": {"sources": [{"serviceAccountToken": {"path": "t", "expirationSeconds": 3607}}, {"secret": {"name": SECRET}}]}})
        ),
    ]
}

fn pod() -> impl Strategy<Value = Value> {
    (container(), container(), volume(), any::<bool>()).prop_map(|(container, init, volume, automount)| {
        json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": "p", "labels": {"a": canary()}, "annotations": {"name": canary(), "tokenward.dev/inject": canary()}},
            "spec": {
                "serviceAccountName": "ci", "automountServiceAccountToken": automount,
                "containers": [container], "initContainers": [init], "volumes": [volume],
                "imagePullSecrets": [{"name": SECRET}], "hostname": canary(),
            },
        })
    })
}

/// A Pod as it is, or in the template of a Deployment.
fn workload() -> impl Strategy<Value = Value> {
    (pod(), any::<bool>()).prop_map(|(pod, is_template)| {
        if !is_template {
            return pod;
        }
        let template = json!({"metadata": pod["metadata"], "spec": pod["spec"]});
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}, "spec": {"template": template}})
    })
}

/// The ways in which people and programs write the same object.
#[derive(Clone, Copy, Debug)]
enum Style {
    Block,
    Commented,
    Flow,
    Json,
    PrettyJson,
}

impl Style {
    fn write(self, object: &Value) -> String {
        match self {
            Self::Block => serde_saphyr::to_string(object).unwrap(),
            Self::Commented => {
                let block = serde_saphyr::to_string(object).unwrap();
                block.lines().fold(String::new(), |text, line| text + line + " # " + CANARY + "\n# " + CANARY + "\n")
            }
            Self::Flow => format!("--- # {CANARY}\n{object}"),
            Self::Json => object.to_string(),
            Self::PrettyJson => serde_json::to_string_pretty(object).unwrap(),
        }
    }
}

fn style() -> impl Strategy<Value = Style> {
    prop_oneof![
        Just(Style::Block),
        Just(Style::Commented),
        Just(Style::Flow),
        Just(Style::Json),
        Just(Style::PrettyJson)
    ]
}

/// Everything that a person or a program is shown.
fn shown(text: String, policy_name: &str) -> String {
    let sources = [Source::new("input.yaml", text)];
    let input = Input::parse(&sources);
    let policies = PolicySet::builtin();
    let inventory = Inventory::default();
    let now = Timestamp::UNIX_EPOCH;
    let review =
        Review { policies: &policies, inventory: &inventory, policy_name, namespace: "a", phases: Phases::Both, now };
    let mut report = review.of(&input);
    let with_changes = report.render(Format::Human);
    report.shows_tokens = true;
    let errors: Vec<String> = report.errors.iter().map(ToString::to_string).collect();
    let (human, json) = (report.render(Format::Human), report.render(Format::Json));
    format!("{with_changes}\n{human}\n{json}\n{}", errors.join("\n"))
}

fn assert_no_canary(shown: &str) {
    let encoded = STANDARD.encode(CANARY);
    for part in [CANARY, encoded.trim_end_matches('='), "c4narY"] {
        assert!(!shown.contains(part), "{shown}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn no_secret_comes_out_of_a_review(workload in workload(), style in style(), policy in prop_oneof![Just("restricted"), Just("warn")]) {
        let text = format!("{}\n---\n{}\n", style.write(&token_secret()), style.write(&workload));
        let shown = shown(text, policy);
        assert!(shown.contains("TW101") && shown.contains("TW201"), "{shown}");
        assert_no_canary(&shown);
    }

    #[test]
    fn no_secret_comes_out_of_an_error(workload in workload(), style in style(), cut in any::<Index>(), broken in "[\\[{}\"':&*!|>@%\t-]") {
        let mut text = style.write(&workload);
        let at = (0..=cut.index(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap();
        // Right behind something a `#` begins no comment: what follows would be a part of the value, which may be a name.
        prop_assume!(!text[at..].starts_with('#'));
        text.insert_str(at, &broken);
        assert_no_canary(&shown(text, "restricted"));
    }
}

#[test]
fn an_anchor_hides_what_it_stands_for_wherever_it_is_used() {
    let text = format!(
        "apiVersion: v1\nkind: Secret\nmetadata: {{name: {SECRET}, annotations: {{kubernetes.io/service-account.name: ci}}}}\ntype: kubernetes.io/service-account-token\ndata: &d {{name: {CANARY}}}\nx: *d\n"
    );
    assert_no_canary(&shown(text, "restricted"));
}

#[test]
fn a_field_that_nobody_knows_hides_what_lies_below_it() {
    let text = format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: app}}\nspec:\n  containers: [{{name: app, image: app}}]\n  volumes: [{{name: v, csi: {{driver: d, volumeAttribute: {{name: {CANARY}, path: {CANARY}}}, nodePublishSecretRef: {{name: {SECRET}}}}}}}]\n"
    );
    assert_no_canary(&shown(text, "restricted"));
}
