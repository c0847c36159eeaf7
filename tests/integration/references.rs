//! TW201: every way to a legacy token. Row numbers are those of the decision table.

use serde_json::{Value, json};
use tokenward::policy::{Facts, Phase, SecretFact};

use crate::fixture::{Court, NAMESPACE, Review, Verdict, exception};
use crate::pods::{container, opted_out};

const LEGACY: &str = "legacy-ci";

/// A cluster in which `legacy-ci` is a legacy token of `ci`.
fn court() -> Court {
    Court::new().with_legacy_token(LEGACY, "ci")
}

fn create(spec: &Value) -> Review {
    Review::create("pods", opted_out(spec))
}

fn judge(spec: &Value) -> Verdict {
    court().validate("restricted", &create(spec))
}

/// The sources of a volume that name `secret`, each with the field that does.
fn sources(secret: &str) -> Vec<(&'static str, Value)> {
    let reference = json!({"secretRef": {"name": secret}});
    vec![
        ("secret.secretName", json!({"secret": {"secretName": secret}})),
        (
            "secret.secretName",
            json!({"secret": {"secretName": secret, "optional": true, "items": [{"key": "token", "path": "t"}]}}),
        ),
        ("projected.sources[1].secret.name", json!({"projected": {"sources": [{}, {"secret": {"name": secret}}]}})),
        ("azureFile.secretName", json!({"azureFile": {"secretName": secret, "shareName": "share"}})),
        (
            "csi.nodePublishSecretRef.name",
            json!({"csi": {"driver": "csi.example.com", "nodePublishSecretRef": {"name": secret}}}),
        ),
        ("cephfs.secretRef.name", json!({"cephfs": reference})),
        ("cinder.secretRef.name", json!({"cinder": reference})),
        ("flexVolume.secretRef.name", json!({"flexVolume": reference})),
        ("iscsi.secretRef.name", json!({"iscsi": reference})),
        ("rbd.secretRef.name", json!({"rbd": reference})),
        ("scaleIO.secretRef.name", json!({"scaleIO": reference})),
        ("storageos.secretRef.name", json!({"storageos": reference})),
    ]
}

/// The volume `v` with this source.
fn volume(source: &Value) -> Value {
    let mut volume = source.clone();
    volume["name"] = json!("v");
    volume
}

fn env(secret: &str) -> Value {
    json!({"env": [{"name": "A", "value": "b"}, {"name": "T", "valueFrom": {"secretKeyRef": {"name": secret, "key": "token"}}}]})
}

fn env_from(secret: &str) -> Value {
    json!({"envFrom": [{"configMapRef": {"name": secret}}, {"secretRef": {"name": secret}}]})
}

/// A container with these fields.
fn with(name: &str, fields: &Value) -> Value {
    let mut container = container(name);
    for (field, value) in fields.as_object().unwrap() {
        container[field] = value.clone();
    }
    container
}

/// All ways in a Pod that is created, each with its field path.
fn routes(secret: &str) -> Vec<(String, Value)> {
    let mut routes: Vec<(String, Value)> = sources(secret)
        .into_iter()
        .map(|(field, source)| (format!("volumes[0].{field}"), json!({"volumes": [volume(&source)]})))
        .collect();
    routes.push(("imagePullSecrets[0].name".to_owned(), json!({"imagePullSecrets": [{"name": secret}]})));
    for (list, extra) in [
        ("containers", json!({})),
        ("initContainers", json!({})),
        ("initContainers", json!({"restartPolicy": "Always"})),
    ] {
        for (field, fields) in
            [("env[1].valueFrom.secretKeyRef.name", env(secret)), ("envFrom[1].secretRef.name", env_from(secret))]
        {
            let mut reaching = with("second", &fields);
            reaching.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
            routes.push((format!("{list}[1].{field}"), json!({list: [container("first"), reaching]})));
        }
    }
    routes
}

// rows 49 to 53
#[test]
fn denies_a_legacy_token_by_every_route() {
    for (path, spec) in routes(LEGACY) {
        let verdict = judge(&spec);
        assert!(!verdict.is_allowed(), "{path}");
        assert_eq!(verdict.fields(), [format!("spec.{path}")]);
        assert_eq!(
            verdict.message(),
            format!(
                "TW201 legacy-token-reference: legacy Secret legacy-ci is reached at spec.{path} (ServiceAccount ci). \
                 Use a projected token. Details: tokenward explain TW201"
            )
        );
    }
}

#[test]
fn says_nothing_of_other_secrets_by_any_route() {
    for (path, spec) in routes("database-password") {
        let verdict = judge(&spec);
        assert!(verdict.is_allowed() && verdict.findings().is_empty(), "{path}: {verdict:?}");
        assert_eq!(verdict.annotation("unknown"), "secret/database-password", "{path}");
    }
}

/// The addition of an ephemeral container with these fields to a Pod with these volumes.
fn debug(volumes: &[Value], fields: &Value) -> Review {
    let spec = |containers: Vec<Value>| opted_out(&json!({"volumes": volumes, "ephemeralContainers": containers}));
    let old = with("debug-0", &env(LEGACY));
    Review::update("pods/ephemeralcontainers", spec(vec![old.clone()]), spec(vec![old, with("debug-1", fields)]))
}

// row 19
#[test]
fn denies_a_new_ephemeral_container_that_reaches_one() {
    for (field, fields) in
        [("env[1].valueFrom.secretKeyRef.name", env(LEGACY)), ("envFrom[1].secretRef.name", env_from(LEGACY))]
    {
        let verdict = court().validate("restricted", &debug(&[], &fields));
        assert_eq!(verdict.fields(), [format!("spec.ephemeralContainers[1].{field}")]);
    }
}

// row 19
#[test]
fn denies_a_new_ephemeral_container_that_mounts_a_volume_with_one() {
    let mounts = json!({"volumeMounts": [{"name": "other", "mountPath": "/a"}, {"name": "v", "mountPath": "/b"}]});
    for (field, source) in sources(LEGACY) {
        let volumes = [json!({"name": "other", "emptyDir": {}}), volume(&source)];
        let verdict = court().validate("restricted", &debug(&volumes, &mounts));
        assert_eq!(verdict.fields(), ["spec.ephemeralContainers[1].volumeMounts[1]"], "{field}");
    }
}

#[test]
fn a_mount_reaches_a_secret_once_however_often_the_volume_names_it() {
    let source = json!({"projected": {"sources": [{"secret": {"name": LEGACY}}, {"secret": {"name": LEGACY}}]}});
    let mounts = json!({"volumeMounts": [{"name": "v", "mountPath": "/b"}]});
    let verdict = court().validate("restricted", &debug(&[volume(&source)], &mounts));
    assert_eq!(verdict.fields(), ["spec.ephemeralContainers[1].volumeMounts[0]"]);
}

// row 20
#[test]
fn allows_an_ephemeral_container_that_adds_nothing_to_what_was_there() {
    let volumes = [volume(&sources(LEGACY)[0].1)];
    let verdict = court().validate("restricted", &debug(&volumes, &json!({})));
    assert!(verdict.is_allowed() && verdict.findings().is_empty() && verdict.warnings().is_empty());
    let pod = opted_out(&json!({"ephemeralContainers": [with("debug-0", &env(LEGACY))]}));
    let verdict = court().validate("restricted", &Review::update("pods/ephemeralcontainers", pod.clone(), pod));
    assert!(verdict.is_allowed() && verdict.findings().is_empty());
}

#[test]
fn lets_a_pod_go_that_is_being_deleted() {
    let mut review = debug(&[], &env(LEGACY));
    review.0["request"]["object"]["metadata"]["deletionTimestamp"] = json!("2026-11-01T00:00:00Z");
    assert!(court().validate("restricted", &review).is_allowed());
}

// rows 21 and 22
#[test]
fn judges_no_pod_again_when_it_is_updated() {
    let pod = opted_out(&env_pod());
    for resource in ["pods", "pods/status", "pods/resize"] {
        let verdict = court().validate("restricted", &Review::update(resource, pod.clone(), pod.clone()));
        assert!(verdict.is_allowed() && verdict.findings().is_empty(), "{resource}");
    }
}

fn env_pod() -> Value {
    json!({"containers": [with("app", &env(LEGACY))]})
}

// rows 23 and 24
#[test]
fn a_mirror_pod_is_allowed_and_what_it_reaches_is_found_all_the_same() {
    let mirror = |spec: &Value| {
        let mut pod = opted_out(spec);
        pod["metadata"]["annotations"]["kubernetes.io/config.mirror"] = json!("0f343b0931126a20f133d67c2b018a3b");
        Review::create("pods", pod)
    };
    assert!(court().validate("restricted", &mirror(&json!({}))).is_allowed());
    assert_eq!(court().validate("restricted", &mirror(&env_pod())).findings(), ["TW201=deny"]);
}

#[test]
fn warns_under_baseline_and_records_under_audit() {
    let review = create(&env_pod());
    let warned = court().validate("baseline", &review);
    assert!(warned.is_allowed());
    assert!(warned.warnings()[0].starts_with(
        "TW201 legacy-token-reference: legacy Secret legacy-ci is reached at spec.containers[0].env[1].valueFrom.secretKe"
    ));
    let recorded = court().validate("audit", &review);
    assert!(recorded.is_allowed() && recorded.warnings().is_empty());
    assert_eq!(recorded.findings(), ["TW201=audit"]);
}

#[test]
fn makes_one_finding_of_a_secret_and_lists_all_places_in_the_causes() {
    let containers: Vec<Value> = (0..30).map(|index| with(&format!("app-{index}"), &env(LEGACY))).collect();
    let verdict = judge(&json!({"containers": containers}));
    let first = "legacy Secret legacy-ci is reached at spec.containers[0].env[1].valueFrom.secretKeyRef.name and 29 more places \
                 (ServiceAccount ci).";
    assert!(verdict.message().contains(first), "{}", verdict.message());
    let fields = verdict.fields();
    assert_eq!(fields.len(), 30);
    assert_eq!(fields[29], "spec.containers[29].env[1].valueFrom.secretKeyRef.name");
    let two = judge(&json!({"containers": [with("a", &env(LEGACY)), with("b", &env_from(LEGACY))]}));
    assert!(two.message().contains(" and 1 more place ("), "{}", two.message());
}

#[test]
fn makes_a_finding_of_each_secret() {
    let court = court().with_legacy_token("legacy-web", "web");
    let spec = json!({"imagePullSecrets": [{"name": LEGACY}, {"name": "legacy-web"}, {"name": LEGACY}]});
    let verdict = court.validate("restricted", &create(&spec));
    let message = verdict.message();
    assert_eq!(message.matches("TW201 legacy-token-reference:").count(), 2, "{message}");
    assert_eq!(message.matches("Details:").count(), 1, "{message}");
    assert!(message.ends_with(" Details: tokenward explain TW201"), "{message}");
    assert_eq!(
        verdict.fields(),
        ["spec.imagePullSecrets[0].name", "spec.imagePullSecrets[2].name", "spec.imagePullSecrets[1].name"]
    );
    assert_eq!(verdict.findings(), ["TW201=deny"]);
}

// ---- what is known

// row 54
#[test]
fn guesses_nothing_from_a_name() {
    let names = ["default-token-x7k2p", "sa-token", "legacy-ci-2", "LEGACY-CI"];
    let references: Vec<Value> = names.iter().map(|name| json!({"name": name})).collect();
    let verdict = judge(&json!({"imagePullSecrets": references}));
    assert!(verdict.is_allowed() && verdict.findings().is_empty());
    assert_eq!(
        verdict.annotation("unknown"),
        "secret/default-token-x7k2p,secret/sa-token,secret/legacy-ci-2,secret/LEGACY-CI"
    );
}

#[test]
fn knows_a_secret_of_another_namespace_for_another() {
    let mut court = Court::new();
    court.inventory.insert("team-b", LEGACY, "ci");
    let verdict = court.validate("restricted", &create(&env_pod()));
    assert!(verdict.is_allowed());
    assert_eq!(verdict.annotation("unknown"), "secret/legacy-ci");
}

#[test]
fn knows_a_secret_from_an_exception_that_names_it_even_for_another_rule() {
    let court = Court::new().with_exceptions(vec![exception("TW101", LEGACY, "ci", "2026-12-31")]);
    let verdict = court.validate("restricted", &create(&env_pod()));
    assert_eq!(verdict.findings(), ["TW201=deny"]);
    assert_eq!((verdict.annotation("unknown"), verdict.annotation("exceptions")), ("", ""));
}

#[test]
fn knows_nothing_from_an_exception_with_a_glob() {
    for (secret, account) in [("legacy-*", "ci"), (LEGACY, "c?"), ("*", "*")] {
        let court = Court::new().with_exceptions(vec![exception("TW201", secret, account, "2026-12-31")]);
        let verdict = court.validate("restricted", &create(&env_pod()));
        assert!(verdict.is_allowed(), "{secret} {account}");
        assert_eq!(verdict.annotation("unknown"), "secret/legacy-ci", "{secret} {account}");
    }
    let mut everywhere = exception("TW201", LEGACY, "ci", "2026-12-31");
    everywhere.namespace = tokenward::policy::NamePattern::parse("team-*").unwrap();
    let verdict = Court::new().with_exceptions(vec![everywhere]).validate("restricted", &create(&env_pod()));
    assert_eq!(verdict.annotation("unknown"), "secret/legacy-ci");
}

/// Everything is known to be some other Secret.
struct AllOther;

impl Facts for AllOther {
    fn secret(&self, _namespace: &str, _name: &str) -> SecretFact<'_> {
        SecretFact::Other
    }

    fn legacy_tokens(&self, _namespace: &str) -> Vec<(&str, &str)> {
        Vec::new()
    }

    fn automount_resolved(&self, _namespace: &str, _service_account: &str) -> bool {
        true
    }
}

#[test]
fn believes_what_is_known_before_what_an_exception_names() {
    let court = Court::new().with_exceptions(vec![exception("TW101", LEGACY, "ci", "2026-12-31")]);
    let verdict = court.answer("restricted", Phase::Validate, &create(&env_pod()), &AllOther);
    assert!(verdict.is_allowed() && verdict.findings().is_empty());
    assert_eq!(verdict.annotation("unknown"), "");
}

#[test]
fn an_optional_reference_without_a_name_is_none() {
    let spec = json!({
        "imagePullSecrets": [{}, {"name": ""}],
        "volumes": [{"name": "v", "secret": {}}, {"name": "w", "csi": {"driver": "csi.example.com"}}],
        "containers": [with("app", &json!({"envFrom": [{"secretRef": {}}]}))],
    });
    let verdict = judge(&spec);
    assert!(verdict.is_allowed() && verdict.findings().is_empty());
    assert_eq!(verdict.annotation("unknown"), "");
}

// ---- templates

/// Every kind of workload with this Pod specification as its template's, and where the template lies.
fn workloads(spec: &Value) -> Vec<(&'static str, Value, &'static str)> {
    let template = json!({"metadata": {"labels": {"app": "web"}}, "spec": opted_out(spec)["spec"]});
    let object = |kind: &str, spec: Value| json!({"kind": kind, "metadata": {"name": "web", "namespace": NAMESPACE}, "spec": spec});
    let plain = |kind: &str| object(kind, json!({"template": template}));
    let cron = object("CronJob", json!({"schedule": "* * * * *", "jobTemplate": {"spec": {"template": template}}}));
    let direct =
        json!({"kind": "PodTemplate", "metadata": {"name": "web", "namespace": NAMESPACE}, "template": template});
    vec![
        ("apps/deployments", plain("Deployment"), "spec.template."),
        ("apps/replicasets", plain("ReplicaSet"), "spec.template."),
        ("apps/statefulsets", plain("StatefulSet"), "spec.template."),
        ("apps/daemonsets", plain("DaemonSet"), "spec.template."),
        ("batch/jobs", plain("Job"), "spec.template."),
        ("replicationcontrollers", plain("ReplicationController"), "spec.template."),
        ("batch/cronjobs", cron, "spec.jobTemplate.spec.template."),
        ("podtemplates", direct, "template."),
    ]
}

// row 39
#[test]
fn warns_of_every_kind_of_template_and_denies_none() {
    for (path, spec) in routes(LEGACY) {
        for (resource, object, base) in workloads(&spec) {
            let verdict = court().validate("restricted", &Review::create(resource, object));
            assert!(verdict.is_allowed(), "{resource} {path}");
            assert_eq!(verdict.findings(), ["TW201=warn"], "{resource} {path}");
            let warning = verdict.warnings()[0].trim_end_matches('.').to_owned();
            let whole = format!("legacy-token-reference: legacy Secret legacy-ci is reached at {base}spec.{path}");
            let shown = warning.strip_prefix("TW201 ").unwrap();
            assert!(whole.starts_with(shown) || shown.starts_with(&whole), "{warning}\n{whole}");
        }
    }
}

#[test]
fn never_changes_a_template() {
    for (resource, object, _) in workloads(&env_pod()) {
        let verdict = court().mutate("restricted", &Review::create(resource, object));
        assert!(verdict.is_allowed() && verdict.patch().is_none(), "{resource}");
    }
}

#[test]
fn a_workload_without_a_template_has_nothing_to_say() {
    for object in [json!({}), json!({"spec": null}), json!({"spec": {}}), json!({"spec": {"template": null}})] {
        for resource in ["apps/deployments", "batch/cronjobs", "podtemplates"] {
            let verdict = court().validate("restricted", &Review::create(resource, object.clone()));
            assert!(verdict.is_allowed() && verdict.findings().is_empty());
        }
    }
}

#[test]
fn an_update_of_a_workload_reports_only_what_it_adds() {
    let update = |old: &Value, new: &Value| {
        let pairs = workloads(old).into_iter().zip(workloads(new));
        let judged = pairs.map(|((resource, old, _), (_, new, _))| {
            court().validate("restricted", &Review::update(resource, old, new)).findings().len()
        });
        judged.collect::<Vec<usize>>()
    };
    let more = json!({"containers": [with("app", &env(LEGACY)), container("second")]});
    let elsewhere = json!({"containers": [with("app", &env_from(LEGACY))]});
    assert_eq!(update(&env_pod(), &env_pod()), [0; 8], "nothing changes");
    assert_eq!(update(&env_pod(), &more), [0; 8], "something else changes");
    assert_eq!(update(&env_pod(), &json!({})), [0; 8], "it is mended");
    assert_eq!(update(&json!({}), &env_pod()), [1; 8], "it is added");
    assert_eq!(update(&env_pod(), &elsewhere), [1; 8], "it is reached in another way");
}

#[test]
fn lets_a_workload_go_that_is_being_deleted() {
    let (resource, mut object, _) = workloads(&env_pod()).swap_remove(0);
    object["metadata"]["deletionTimestamp"] = json!("2026-11-01T00:00:00Z");
    let verdict = court().validate("restricted", &Review::update(resource, json!({}), object));
    assert!(verdict.is_allowed() && verdict.findings().is_empty());
}
