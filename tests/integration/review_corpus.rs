//! One decision: `tokenward review` says of every recorded review what the webhook answers over TLS, byte for byte.

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokenward::certs::{Authority, Names};
use tokenward::config;
use tokenward::policy::{Inventory, Phase, PolicySet, UNKNOWN_POLICY};
use tokenward::report::{Format, Verdict};
use tokenward::review::{self, Input, Phases, Review, Source};
use tokenward::server::{PolicySource, Server, Settings};

use super::served_metrics::exceptions_ending_in;
use super::tls_client::{Caller, Connection};

/// Fewer reviews than this are no corpus.
const LEAST_RECORDED: usize = 60;

/// Reviews written by hand, for shapes that a recording does not have.
const BY_HAND: &str = "tests/fixtures/recorded";

/// Reviews that a real API server sent.
const FROM_THE_RIG: &str = "tests/fixtures/reviews";

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

#[tokio::test]
async fn review_and_webhook_agree_on_reviews_written_by_hand() {
    assert!(compare(&folder(BY_HAND)).await > 0);
}

#[tokio::test]
async fn review_and_webhook_agree_on_what_a_real_api_server_sent() {
    let compared = compare(&folder(FROM_THE_RIG)).await;
    assert!(compared >= LEAST_RECORDED, "only {compared} reviews are recorded; make record makes them");
}

#[tokio::test]
async fn review_and_webhook_agree_on_exceptions_that_end_soon() {
    let directory = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(folder(BY_HAND)).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, directory.path().join(path.file_name().unwrap())).unwrap();
    }
    // Ends are days, and the clock is the real one.
    fs::write(directory.path().join("policy.yaml"), exceptions_ending_in(&[5])).unwrap();
    assert!(compare(directory.path()).await > 0);
    let (sources, _) = review::read(&[directory.path().to_owned()], std::io::empty());
    let input = Input::parse(&sources);
    let policies = config::parse_policies(&input.policies()).unwrap();
    let inventory = config::parse_inventory(&input.inventories()).unwrap();
    let (phases, now) = (Phases::One(Phase::Validate), jiff::Timestamp::now());
    let review = Review {
        policies: &policies,
        inventory: &inventory,
        policy_name: "restricted",
        namespace: "default",
        phases,
        now,
    };
    let report = review.of(&input);
    let warned = |verdict: &&Verdict| {
        verdict.outcome.warnings.iter().any(|warning| warning.starts_with("exception ends-in-5 ends on "))
    };
    assert!(report.verdicts.iter().filter(warned).count() >= 3, "what was compared has such warnings");
}

/// What the API server made of a manifest was recorded; taken back to a manifest, it has to be completed to the same.
#[test]
fn a_manifest_is_judged_like_the_review_that_the_api_server_made_of_it() {
    let (sources, _) = review::read(&[folder(FROM_THE_RIG)], std::io::empty());
    let input = Input::parse(&sources);
    let policies = config::parse_policies(&input.policies()).unwrap();
    let inventory = config::parse_inventory(&input.inventories()).unwrap();
    let now = jiff::Timestamp::now();
    let mut compared = 0;
    for source in sources.iter().filter(|source| Path::new(&source.name).extension() == Some("json".as_ref())) {
        let recorded: Value = serde_json::from_str(&source.text).unwrap();
        let Some((phase, manifests)) = taken_back(&recorded["request"]) else { continue };
        for policy in policies.iter().filter(|policy| policy.mutates()) {
            let namespace = recorded["request"]["namespace"].as_str().unwrap();
            let phases = Phases::One(phase);
            let policy_name = &policy.name;
            let review = Review { policies: &policies, inventory: &inventory, policy_name, namespace, phases, now };
            let of = |text: String| {
                let sources = [Source::new(source.name.as_str(), text)];
                let report = review.of(&Input::parse(&sources));
                assert_eq!(report.errors, []);
                essence(report.verdicts.last().unwrap(), phase)
            };
            assert_eq!(of(manifests.clone()), of(source.text.clone()), "{policy_name} {}", source.name);
        }
        compared += 1;
    }
    assert!(compared >= LEAST_RECORDED / 2, "only {compared} of the recorded reviews can be taken back to a manifest");
}

/// What a manifest would have been for the API server to send this review, with the account that it runs as, and the phase
/// in which both are told the same; `None` for what is no creation of its own.
fn taken_back(request: &Value) -> Option<(Phase, String)> {
    let mut object = request["object"].clone();
    if request["operation"] != "CREATE" || request.get("subResource").is_some() || is_changed(&object) {
        return None;
    }
    // The policy of a namespace is no matter of choice, and nobody writes what a controller owns.
    if object["kind"] == "Namespace" || object["metadata"].get("ownerReferences").is_some() {
        return None;
    }
    for field in ["managedFields", "uid", "creationTimestamp"] {
        object["metadata"].as_object_mut()?.remove(field);
    }
    if object["kind"] != "Pod" {
        return Some((Phase::Validate, object.to_string()));
    }
    let automounted = without_built_in_volume(&mut object["spec"]);
    let account = json!({
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": object["spec"]["serviceAccountName"]},
        "automountServiceAccountToken": automounted,
    });
    object["spec"].as_object_mut()?.remove("serviceAccount");
    Some((Phase::Mutate, format!("{account}\n{object}")))
}

/// Whether the mutating webhook has been at work already: there is its stamp, or a built-in volume without its 3607 s.
fn is_changed(object: &Value) -> bool {
    let built_in = |volume: &&Value| volume["name"].as_str().unwrap_or_default().starts_with("kube-api-access-");
    let retuned = object["spec"]["volumes"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(built_in)
        .any(|volume| volume["projected"]["sources"][0]["serviceAccountToken"]["expirationSeconds"] != 3607);
    retuned || object["metadata"]["annotations"].get("tokenward.dev/injected").is_some()
}

/// Takes the built-in volume and its mounts away; true where it was there.
fn without_built_in_volume(spec: &mut Value) -> bool {
    let is_built_in = |entry: &Value| entry["name"].as_str().unwrap_or_default().starts_with("kube-api-access-");
    let mut found = false;
    for list in ["containers", "initContainers"] {
        for container in spec[list].as_array_mut().into_iter().flatten() {
            if let Some(mounts) = container["volumeMounts"].as_array_mut() {
                mounts.retain(|mount| !is_built_in(mount));
            }
        }
    }
    if let Some(volumes) = spec["volumes"].as_array_mut() {
        found = volumes.iter().any(is_built_in);
        volumes.retain(|volume| !is_built_in(volume));
    }
    found
}

/// The patch in the mutating phase, all that is said in the validating one.
fn essence(verdict: &Verdict, phase: Phase) -> Value {
    match phase {
        Phase::Mutate => json!(verdict.outcome.change.as_ref().map(|change| change.patch.get())),
        Phase::Validate => {
            let decision = &verdict.outcome.decision;
            let denial = decision.denial();
            json!({"message": denial.map(|denial| denial.message), "warnings": decision.warnings()})
        }
    }
}

/// Compares all reviews of a folder under every policy and in both phases; gives the number of reviews. Policies and the
/// inventory are those of the folder.
async fn compare(folder: &Path) -> usize {
    let (sources, unavailable) = review::read(&[folder.to_owned()], std::io::empty());
    assert_eq!(unavailable, []);
    let input = Input::parse(&sources);
    let policies = config::parse_policies(&input.policies()).unwrap();
    let inventory = config::parse_inventory(&input.inventories()).unwrap();
    let webhook = Webhook::start(folder);
    let mut connection = webhook.connect().await;
    let names: Vec<&str> = policies.iter().map(|policy| &*policy.name).chain([UNKNOWN_POLICY]).collect();
    let mut compared = 0;
    for policy in names {
        for phase in [Phase::Mutate, Phase::Validate] {
            compared = compare_all(&input, &policies, &inventory, policy, phase, &mut connection).await;
        }
    }
    compared
}

async fn compare_all(
    input: &Input<'_>,
    policies: &PolicySet,
    inventory: &Inventory,
    policy: &str,
    phase: Phase,
    webhook: &mut Connection,
) -> usize {
    let now = jiff::Timestamp::now();
    let phases = Phases::One(phase);
    let report = Review { policies, inventory, policy_name: policy, namespace: "default", phases, now }.of(input);
    assert_eq!(report.errors, []);
    let rendered: Value = serde_json::from_str(&report.render(Format::Json)).unwrap();
    for (verdict, shown) in report.verdicts.iter().zip(rendered["results"].as_array().unwrap()) {
        let file = &verdict.location.file;
        let path = format!("/{}/{policy}?timeout=10s", phase.as_str());
        let reply = webhook.post(&path, fs::read(file).unwrap()).await.unwrap();
        assert_eq!(reply.status, 200, "{file}: {}", reply.body);
        let answered = reply.json();
        assert_eq!(said_by_review(verdict, shown), said_by_webhook(&answered["response"]), "{policy} {phase:?} {file}");
    }
    report.verdicts.len()
}

/// Verdict, sentence, places, warnings and patch in the terms of both.
fn said_by_webhook(response: &Value) -> Value {
    let patch = response["patch"].as_str().map(|patch| String::from_utf8(STANDARD.decode(patch).unwrap()).unwrap());
    let causes = response["status"]["details"]["causes"].as_array().into_iter().flatten();
    json!({
        "allowed": response["allowed"],
        "message": response["status"]["message"],
        "places": causes.map(|cause| json!([cause["reason"], cause["field"]])).collect::<Vec<_>>(),
        "warnings": response.get("warnings").cloned().unwrap_or_else(|| json!([])),
        "patch": patch,
        "policy": response["auditAnnotations"]["policy"],
        "injected": response["auditAnnotations"].get("injected").or(response["auditAnnotations"].get("would-inject")),
    })
}

fn said_by_review(verdict: &Verdict, shown: &Value) -> Value {
    let mut places = Vec::new();
    if shown["allowed"] == false {
        for finding in shown["findings"].as_array().unwrap().iter().filter(|finding| finding["action"] != "audit") {
            places.extend(finding["paths"].as_array().unwrap().iter().map(|it| json!([finding["code"], it["path"]])));
        }
    }
    json!({
        "allowed": shown["allowed"],
        "message": shown["message"],
        "places": places,
        "warnings": shown["warnings"],
        "patch": verdict.outcome.change.as_ref().map(|change| change.patch.get()),
        "policy": shown["policy"],
        "injected": shown["injected"].get("summary"),
    })
}

struct Webhook {
    server: Server,
    caller: Caller,
}

impl Webhook {
    fn start(folder: &Path) -> Self {
        let authority = Authority::generate(1).unwrap();
        let pair = authority.issue(&Names::loopback()).unwrap().pair().unwrap();
        let existing = |name: &str| Some(folder.join(name)).filter(|path| path.exists()).into_iter().collect();
        let settings = Settings {
            policies: PolicySource::Files(existing("policy.yaml")),
            inventories: existing("inventory.yaml"),
            ..Settings::in_memory(pair)
        };
        let server = Server::start(settings).unwrap();
        Self { caller: Caller::new(authority.certificate_der(), "localhost"), server }
    }

    async fn connect(&self) -> Connection {
        self.caller.connect(self.server.address()).await.unwrap()
    }
}
