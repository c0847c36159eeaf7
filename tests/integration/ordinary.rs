//! False positives: ordinary manifests of all kinds, in `tests/fixtures/ordinary`, of which the rules have nothing to say but
//! what `expected.yaml` beside them lists.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Value, json};
use tokenward::policy::{Inventory, PolicySet};
use tokenward::report::{Outcome, Report, SkipReason, Verdict};
use tokenward::review::{self, Input, Phases, Review as Judge, Source};

use crate::fixture::{Court, Review, now};

/// Fewer objects than this are no corpus.
const LEAST_OBJECTS: usize = 200;
/// How many of them must be of kinds that a rule looks at.
const LEAST_JUDGED: usize = 130;
/// More than this is no list of exceptions to a rule, but a rule that finds too much.
const MOST_EXPECTED: usize = 8;

const EXPECTED: &str = "expected.yaml";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/ordinary")
}

fn file_name(path: &str) -> &str {
    Path::new(path).file_name().and_then(|name| name.to_str()).expect("a file has a name")
}

/// The files with manifests.
fn sources() -> Vec<Source> {
    let (mut sources, errors) = review::read(&[folder()], std::io::empty());
    assert_eq!(errors, []);
    sources.retain(|source| file_name(&source.name) != EXPECTED);
    sources
}

fn judged_at(policy_name: &str) -> Report {
    let (policies, inventory) = (PolicySet::builtin(), Inventory::default());
    let sources = sources();
    let judge = Judge {
        policies: &policies,
        inventory: &inventory,
        policy_name,
        namespace: "default",
        phases: Phases::Both,
        now: now(),
    };
    judge.of(&Input::parse(&sources))
}

/// Something that is said of an object.
#[derive(Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(deny_unknown_fields)]
struct Saying {
    file: String,
    object: String,
    /// `TW301=warn`, or a warning that comes with no finding.
    says: String,
}

fn expected() -> BTreeSet<Saying> {
    let text = std::fs::read_to_string(folder().join(EXPECTED)).unwrap();
    let listed: Vec<Saying> = serde_saphyr::from_str(&text).unwrap();
    let count = listed.len();
    let expected: BTreeSet<Saying> = listed.into_iter().collect();
    assert_eq!(expected.len(), count, "something is listed twice");
    expected
}

/// Findings of any action, and warnings that belong to none.
fn sayings(verdict: &Verdict) -> Vec<Saying> {
    let name = match verdict.namespace.as_str() {
        "" => verdict.name.clone(),
        namespace => format!("{namespace}/{}", verdict.name),
    };
    let object = format!("{} {name}", verdict.kind);
    let of = |object: String, outcome: &Outcome| {
        let findings = &outcome.decision.findings;
        let findings = findings.iter().map(|finding| format!("{}={}", finding.rule.code, finding.action));
        let is_finding = |warning: &&String| warning.starts_with("TW");
        let warnings = outcome.warnings.iter().filter(|warning| !is_finding(warning)).cloned();
        let file = file_name(&verdict.location.file);
        let says = findings.chain(warnings);
        says.map(|says| Saying { file: file.to_owned(), object: object.clone(), says }).collect::<Vec<_>>()
    };
    let mut all = of(object.clone(), &verdict.outcome);
    if let Some(pods) = &verdict.pods {
        all.extend(of(format!("Pods of {object}"), pods));
    }
    all
}

#[test]
fn restricted_says_of_ordinary_manifests_what_is_listed_and_nothing_else() {
    let report = judged_at("restricted");
    assert_eq!(report.errors, []);
    let said: BTreeSet<Saying> = report.verdicts.iter().flat_map(sayings).collect();
    let expected = expected();
    let surplus: Vec<&Saying> = said.difference(&expected).collect();
    assert!(surplus.is_empty(), "found in what is ordinary: {surplus:#?}");
    let missing: Vec<&Saying> = expected.difference(&said).collect();
    assert!(missing.is_empty(), "listed and no longer said: {missing:#?}");
    assert!(expected.len() <= MOST_EXPECTED);
}

#[test]
fn the_manifests_are_many_and_of_every_kind_that_a_rule_looks_at() {
    let report = judged_at("restricted");
    let (judged, skipped) = (report.verdicts.len(), report.skipped.len());
    assert!(judged + skipped >= LEAST_OBJECTS, "{judged} are judged and {skipped} are of other kinds");
    assert!(judged >= LEAST_JUDGED, "only {judged} are judged");
    assert!(report.skipped.iter().all(|skipped| skipped.reason == SkipReason::Kind), "{:#?}", report.skipped);
    for kind in [
        "Pod",
        "Secret",
        "ServiceAccount",
        "Namespace",
        "ReplicationController",
        "PodTemplate",
        "Deployment",
        "ReplicaSet",
        "StatefulSet",
        "DaemonSet",
        "Job",
        "CronJob",
    ] {
        assert!(report.verdicts.iter().any(|verdict| verdict.kind == kind), "no {kind} among them");
    }
}

#[test]
fn no_policy_refuses_any_but_what_is_listed() {
    for policy in ["audit", "warn", "baseline"] {
        for verdict in judged_at(policy).verdicts {
            let object = format!("{policy}: {} {}/{}", verdict.kind, verdict.namespace, verdict.name);
            assert!(verdict.outcome.decision.is_allowed(), "{object}");
            assert!(verdict.pods.as_ref().is_none_or(|pods| pods.decision.is_allowed()), "{object}");
        }
    }
}

#[test]
fn audit_and_warn_change_none_of_them() {
    for policy in ["audit", "warn"] {
        // A namespace that names its policy keeps it.
        for verdict in judged_at(policy).verdicts.iter().filter(|verdict| verdict.namespace != "opted-in") {
            let outcomes = [Some(&verdict.outcome), verdict.pods.as_ref()];
            let is_changed = outcomes.into_iter().flatten().any(|outcome| outcome.change.is_some());
            assert!(!is_changed, "{policy}: {} {}", verdict.kind, verdict.name);
        }
    }
}

// ---- the same objects in reviews that nobody makes of a manifest

/// Every object, but for those that are there for their YAML.
fn objects() -> Vec<Value> {
    let mut objects = Vec::new();
    for source in sources().iter().filter(|source| file_name(&source.name) != "styles.yaml") {
        let documents: Vec<Value> =
            serde_saphyr::from_multiple(&source.text).unwrap_or_else(|error| panic!("{}: {error}", source.name));
        objects.extend(documents.into_iter().filter(|document| !document.is_null()));
    }
    objects
}

/// The resource of a kind that a rule looks at.
fn resource(object: &Value) -> Option<&'static str> {
    let known = [
        ("v1", "Secret", "secrets"),
        ("v1", "ServiceAccount", "serviceaccounts"),
        ("v1", "Namespace", "namespaces"),
        ("v1", "Pod", "pods"),
        ("v1", "PodTemplate", "podtemplates"),
        ("v1", "ReplicationController", "replicationcontrollers"),
        ("apps/v1", "Deployment", "apps/deployments"),
        ("apps/v1", "ReplicaSet", "apps/replicasets"),
        ("apps/v1", "StatefulSet", "apps/statefulsets"),
        ("apps/v1", "DaemonSet", "apps/daemonsets"),
        ("batch/v1", "Job", "batch/jobs"),
        ("batch/v1", "CronJob", "batch/cronjobs"),
    ];
    let found =
        known.into_iter().find(|(version, kind, _)| object["apiVersion"] == *version && object["kind"] == *kind);
    Some(found?.2)
}

#[test]
fn an_update_that_touches_their_labels_says_nothing() {
    let mut updated = 0;
    for old in objects() {
        let Some(resource) = resource(&old) else { continue };
        let mut new = old.clone();
        if !new["metadata"]["labels"].is_object() {
            new["metadata"]["labels"] = json!({});
        }
        new["metadata"]["labels"]["example.com/touched"] = json!("yes");
        let policy = if resource == "namespaces" { "baseline" } else { "restricted" };
        let verdict = Court::new().validate(policy, &Review::update(resource, old, new));
        assert!(verdict.is_allowed() && verdict.findings().is_empty() && verdict.warnings().is_empty(), "{verdict:?}");
        updated += 1;
    }
    assert!(updated >= LEAST_JUDGED - 20, "only {updated} were updated");
}

#[test]
fn what_no_rule_looks_at_is_allowed_should_it_be_sent_to_us() {
    let mut sent = 0;
    for object in objects().into_iter().filter(|object| resource(object).is_none() && object["items"].is_null()) {
        let (group, version) = object["apiVersion"].as_str().unwrap().rsplit_once('/').unwrap_or(("", "v1"));
        let kind = object["kind"].as_str().unwrap().to_owned();
        let (group, version) = (group.to_owned(), version.to_owned());
        let review = Review::create("configmaps", object)
            .with("kind", json!({"group": group, "version": version, "kind": kind}))
            .with("resource", json!({"group": group, "version": version, "resource": kind.to_lowercase() + "s"}));
        for policy in ["baseline", "restricted"] {
            let (changes, verdict) = (Court::new().mutate(policy, &review), Court::new().validate(policy, &review));
            assert!(changes.patch().is_none() && verdict.is_allowed() && verdict.warnings().is_empty(), "{verdict:?}");
            assert_eq!(verdict.annotation("unknown"), "resource", "{kind}");
        }
        sent += 1;
    }
    assert!(sent >= LEAST_OBJECTS - LEAST_JUDGED, "only {sent} were sent");
}
