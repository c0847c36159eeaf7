//! The webhook configurations: which requests the API server sends, and which it does not.

use std::collections::BTreeMap;

use k8s_openapi::api::admissionregistration::v1::{
    MutatingWebhook, RuleWithOperations, ValidatingWebhook, WebhookClientConfig,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::core::cel::cel::{Context, Program, Value as CelValue, to_value};
use serde_json::{Value, json};
use tokenward::config::{self, Source};
use tokenward::install::{self, Mode, Object, Place, Settings};
use tokenward::policy::PolicySet;

/// A policy of each sort: one that refuses although it extends a mild one, one that neither refuses nor changes, one that
/// looks into all Secrets, and one that only injects.
const POLICIES: &str = "
apiVersion: tokenward.dev/v1alpha1
kind: TokenPolicy
metadata: {name: strict-audit}
spec:
  extends: audit
  rules: {legacy-token-secret: deny}
---
apiVersion: tokenward.dev/v1alpha1
kind: TokenPolicy
metadata: {name: lookout}
spec:
  extends: warn
---
apiVersion: tokenward.dev/v1alpha1
kind: TokenPolicy
metadata: {name: searching}
spec:
  extends: baseline
  rules: {stored-token: audit}
---
apiVersion: tokenward.dev/v1alpha1
kind: TokenPolicy
metadata: {name: giving}
spec:
  extends: audit
  inject: {when: Requested}
";

fn custom() -> PolicySet {
    config::parse_policies(&[Source::new("policies.yaml", POLICIES)]).unwrap()
}

struct Configurations {
    validating: BTreeMap<String, ValidatingWebhook>,
    mutating: BTreeMap<String, MutatingWebhook>,
}

impl Configurations {
    fn render(settings: &Settings, policies: &PolicySet) -> Self {
        let mut rendered = Self { validating: BTreeMap::new(), mutating: BTreeMap::new() };
        for object in install::objects(settings, policies) {
            match object {
                Object::ValidatingWebhookConfiguration(it) => {
                    let named = it.webhooks.unwrap().into_iter().map(|webhook| (webhook.name.clone(), webhook));
                    rendered.validating.extend(named);
                }
                Object::MutatingWebhookConfiguration(it) => {
                    let named = it.webhooks.unwrap().into_iter().map(|webhook| (webhook.name.clone(), webhook));
                    rendered.mutating.extend(named);
                }
                _ => {}
            }
        }
        rendered
    }

    fn builtin() -> Self {
        Self::render(&Settings::default(), &PolicySet::builtin())
    }

    fn fail_closed(&self) -> Vec<&str> {
        let validating = self.validating.values().map(|it| (&it.name, &it.failure_policy));
        let mutating = self.mutating.values().map(|it| (&it.name, &it.failure_policy));
        let all = validating.chain(mutating);
        all.filter(|(_, policy)| policy.as_deref() == Some("Fail")).map(|(name, _)| name.as_str()).collect()
    }

    fn selectors(&self) -> impl Iterator<Item = (&str, &LabelSelector)> {
        let validating = self.validating.values().map(|it| (&it.name, &it.namespace_selector));
        let mutating = self.mutating.values().map(|it| (&it.name, &it.namespace_selector));
        validating.chain(mutating).map(|(name, selector)| (name.as_str(), selector.as_ref().unwrap()))
    }

    /// The entries that the API server calls for what is in a namespace with these labels.
    fn chosen_by(&self, labels: &[(&str, &str)]) -> Vec<&str> {
        let labels = labels.iter().copied().collect();
        let chosen = self.selectors().filter(|(_, selector)| selects(selector, &labels)).map(|(name, _)| name);
        chosen.filter(|name| *name != NAMESPACES).collect()
    }
}

/// The entry for namespaces themselves.
const NAMESPACES: &str = "namespaces.validate.tokenward.dev";

/// As `k8s.io/apimachinery/pkg/labels` reads a selector.
fn selects(selector: &LabelSelector, labels: &BTreeMap<&str, &str>) -> bool {
    selector.match_expressions.iter().flatten().all(|requirement| {
        let value = labels.get(requirement.key.as_str());
        let is_among = value.is_some_and(|value| requirement.values.iter().flatten().any(|it| it == value));
        match requirement.operator.as_str() {
            "In" => is_among,
            "NotIn" => !is_among,
            "Exists" => value.is_some(),
            "DoesNotExist" => value.is_none(),
            other => panic!("no operator of a label selector: {other}"),
        }
    })
}

/// `CREATE,UPDATE apps/v1 deployments`, one line for each combination that counts.
fn lines(rules: Option<&Vec<RuleWithOperations>>) -> Vec<String> {
    let joined = |words: &Option<Vec<String>>| words.clone().unwrap().join(",");
    let line = |rule: &RuleWithOperations| {
        let is_cluster_wide = rule.resources.as_ref().unwrap()[0] == "namespaces";
        assert_eq!(rule.scope.as_deref(), Some(if is_cluster_wide { "Cluster" } else { "Namespaced" }));
        let group = format!("{}/{}", joined(&rule.api_groups), joined(&rule.api_versions));
        format!("{} {} {}", joined(&rule.operations), group.trim_start_matches('/'), joined(&rule.resources))
    };
    rules.unwrap().iter().map(line).collect()
}

#[test]
fn sends_exactly_these_operations_and_resources() {
    let rendered = Configurations::render(&Settings { mode: Mode::ClusterWide, ..Settings::default() }, &custom());
    for (name, webhook) in &rendered.validating {
        let expected: &[&str] = if name.contains(".advise.") {
            &[
                "CREATE,UPDATE v1 podtemplates,replicationcontrollers",
                "CREATE,UPDATE apps/v1 daemonsets,deployments,replicasets,statefulsets",
                "CREATE,UPDATE batch/v1 cronjobs,jobs",
            ]
        } else if name.contains(".tokens.") {
            &["CREATE v1 serviceaccounts/token"]
        } else if name == NAMESPACES {
            &["CREATE,UPDATE v1 namespaces,namespaces/finalize,namespaces/status"]
        } else {
            &["CREATE v1 pods", "UPDATE v1 pods/ephemeralcontainers", "CREATE,UPDATE v1 secrets,serviceaccounts"]
        };
        assert_eq!(lines(webhook.rules.as_ref()), expected, "{name}");
    }
    for (name, webhook) in &rendered.mutating {
        assert_eq!(lines(webhook.rules.as_ref()), ["CREATE v1 pods"], "{name}");
    }
}

#[test]
fn each_policy_has_its_entries() {
    let rendered = Configurations::builtin();
    let names: Vec<_> = rendered.validating.keys().chain(rendered.mutating.keys()).map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "audit.advise.tokenward.dev",
            "audit.tokens.tokenward.dev",
            "audit.validate.tokenward.dev",
            "baseline.advise.tokenward.dev",
            "baseline.tokens.tokenward.dev",
            "baseline.validate.tokenward.dev",
            "namespaces.validate.tokenward.dev",
            "restricted.advise.tokenward.dev",
            "restricted.tokens.tokenward.dev",
            "restricted.validate.tokenward.dev",
            "unknown.advise.tokenward.dev",
            "unknown.tokens.tokenward.dev",
            "unknown.validate.tokenward.dev",
            "warn.advise.tokenward.dev",
            "warn.tokens.tokenward.dev",
            "warn.validate.tokenward.dev",
            "baseline.mutate.tokenward.dev",
            "restricted.mutate.tokenward.dev",
            "unknown.mutate.tokenward.dev",
        ]
    );
}

#[test]
fn only_what_can_refuse_or_change_fails_closed() {
    assert_eq!(
        Configurations::builtin().fail_closed(),
        [
            "baseline.validate.tokenward.dev",
            "restricted.validate.tokenward.dev",
            "unknown.validate.tokenward.dev",
            "baseline.mutate.tokenward.dev",
            "restricted.mutate.tokenward.dev",
            "unknown.mutate.tokenward.dev",
        ]
    );
    let rendered = Configurations::render(&Settings::default(), &custom());
    let is_closed = |name: &str| rendered.fail_closed().contains(&format!("{name}.tokenward.dev").as_str());
    assert!(is_closed("strict-audit.validate") && is_closed("giving.mutate"));
    assert!(!is_closed("lookout.validate") && !is_closed("giving.validate") && !is_closed("strict-audit.advise"));
    assert!(!rendered.mutating.contains_key("lookout.mutate.tokenward.dev"));
}

#[test]
fn the_label_of_a_namespace_chooses_its_entries() {
    let rendered = Configurations::render(&Settings::default(), &custom());
    let chosen = |policy: &str| {
        let labels = [("kubernetes.io/metadata.name", "team-a"), ("tokenward.dev/policy", policy)];
        rendered.chosen_by(&labels).join(" ").replace(".tokenward.dev", "")
    };
    assert_eq!(chosen("audit"), "audit.advise audit.tokens audit.validate");
    assert_eq!(chosen("baseline"), "baseline.advise baseline.tokens baseline.validate baseline.mutate");
    assert_eq!(chosen("giving"), "giving.advise giving.tokens giving.validate giving.mutate");
    for unknown in ["", "Baseline", "baselin", "unknown", "unlabelled"] {
        assert_eq!(chosen(unknown), "unknown.advise unknown.tokens unknown.validate unknown.mutate", "{unknown:?}");
    }
    assert!(rendered.chosen_by(&[("kubernetes.io/metadata.name", "team-a")]).is_empty());
}

#[test]
fn cluster_wide_unlabelled_namespaces_get_baseline() {
    let settings = Settings { mode: Mode::ClusterWide, ..Settings::default() };
    let rendered = Configurations::render(&settings, &PolicySet::builtin());
    let chosen = rendered.chosen_by(&[("kubernetes.io/metadata.name", "team-a")]);
    let names =
        ["advise", "tokens", "validate", "mutate"].map(|phase| format!("unlabelled.baseline.{phase}.tokenward.dev"));
    assert_eq!(chosen, names);
    let path = |name: &str| rendered.validating[name].client_config.service.as_ref().unwrap().path.clone().unwrap();
    assert_eq!(path("unlabelled.baseline.validate.tokenward.dev"), "/validate/baseline");
    let labelled = [("kubernetes.io/metadata.name", "team-a"), ("tokenward.dev/policy", "warn")];
    let names = ["advise", "tokens", "validate"].map(|entry| format!("warn.{entry}.tokenward.dev"));
    assert_eq!(rendered.chosen_by(&labelled), names);
}

#[test]
fn the_system_and_our_own_namespace_are_left_out_whatever_their_label() {
    let settings = Settings { namespace: "security".to_owned(), mode: Mode::ClusterWide, ..Settings::default() };
    let rendered = Configurations::render(&settings, &custom());
    for name in ["kube-system", "kube-node-lease", "kube-public", "security"] {
        for policy in [None, Some("restricted"), Some("baselin")] {
            let name = ("kubernetes.io/metadata.name", name);
            let labels: Vec<_> = [name].into_iter().chain(policy.map(|it| ("tokenward.dev/policy", it))).collect();
            assert!(rendered.chosen_by(&labels).is_empty(), "{labels:?}");
        }
    }
}

#[test]
fn every_policy_is_asked_at_its_own_path() {
    let paths = |config: &WebhookClientConfig| {
        let service = config.service.as_ref().unwrap();
        assert_eq!((service.name.as_str(), service.namespace.as_str()), ("tokenward", "tokenward"));
        service.path.clone().unwrap()
    };
    let rendered = Configurations::builtin();
    for policy in ["audit", "warn", "baseline", "restricted", "unknown"] {
        for entry in ["validate", "advise", "tokens"] {
            let webhook = &rendered.validating[&format!("{policy}.{entry}.tokenward.dev")];
            assert_eq!(paths(&webhook.client_config), format!("/validate/{policy}"));
        }
    }
    for policy in ["baseline", "restricted", "unknown"] {
        let webhook = &rendered.mutating[&format!("{policy}.mutate.tokenward.dev")];
        assert_eq!(paths(&webhook.client_config), format!("/mutate/{policy}"));
        assert_eq!(webhook.reinvocation_policy.as_deref(), Some("IfNeeded"));
    }
}

#[test]
fn outside_of_the_cluster_only_the_configurations_are_rendered() {
    let settings = Settings { place: Place::Url("https://192.0.2.7:8443".to_owned()), ..Settings::default() };
    let kinds: Vec<_> = install::objects(&settings, &PolicySet::builtin()).iter().map(Object::kind).collect();
    assert_eq!(kinds, ["ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"]);
    let rendered = Configurations::render(&settings, &PolicySet::builtin());
    let config = &rendered.mutating["unknown.mutate.tokenward.dev"].client_config;
    assert_eq!(config.url.as_deref(), Some("https://192.0.2.7:8443/mutate/unknown"));
    assert!(config.service.is_none());
}

#[test]
fn the_label_of_every_namespace_but_the_system_s_is_judged_by_baseline_and_fails_open() {
    let rendered = Configurations::builtin();
    let entry = &rendered.validating[NAMESPACES];
    assert_eq!(entry.client_config.service.as_ref().unwrap().path.as_deref(), Some("/validate/baseline"));
    assert_eq!(entry.failure_policy.as_deref(), Some("Ignore"));
    let selector = entry.namespace_selector.as_ref().unwrap();
    for (name, is_chosen) in [("team-a", true), ("kube-system", false), ("tokenward", false)] {
        assert_eq!(selects(selector, &BTreeMap::from([("kubernetes.io/metadata.name", name)])), is_chosen, "{name}");
    }
}

/// The matchConditions of an entry, run as the API server runs them.
struct Conditions(Vec<(String, Program)>);

impl Conditions {
    fn of(entry: &str) -> Self {
        let rendered = Configurations::builtin();
        let name = format!("{entry}.tokenward.dev");
        let conditions = rendered
            .validating
            .get(&name)
            .map(|webhook| &webhook.match_conditions)
            .or_else(|| rendered.mutating.get(&name).map(|webhook| &webhook.match_conditions));
        let conditions = conditions.unwrap_or_else(|| panic!("no entry {name}")).iter().flatten();
        Self(conditions.map(|it| (it.name.clone(), Program::compile(&it.expression).unwrap())).collect())
    }

    /// The condition that keeps the request from us, if one does. An expression that ends in an error ends the test.
    fn kept_back_by(&self, request: &Request) -> Option<&str> {
        let mut context = Context::default();
        context.add_variable_from_value("request", to_value(request.envelope()).unwrap());
        context.add_variable_from_value("object", to_value(&request.object).unwrap());
        context.add_variable_from_value("oldObject", to_value(&request.old_object).unwrap());
        let mut keeping = None;
        for (name, program) in &self.0 {
            match program.execute(&context) {
                Ok(CelValue::Bool(true)) => {}
                Ok(CelValue::Bool(false)) => keeping = keeping.or(Some(name.as_str())),
                other => panic!("{name} on {request:?}: {other:?}"),
            }
        }
        keeping
    }
}

#[derive(Clone, Debug, Default)]
struct Request {
    operation: &'static str,
    resource: &'static str,
    user: Option<&'static str>,
    groups: Option<&'static [&'static str]>,
    object: Value,
    old_object: Value,
}

impl Request {
    /// What the API server leaves out when it is empty is missing here too.
    fn envelope(&self) -> Value {
        let mut user = json!({});
        if let Some(name) = self.user {
            user["username"] = name.into();
        }
        if let Some(groups) = self.groups {
            user["groups"] = json!(groups);
        }
        json!({
            "operation": self.operation,
            "resource": {"group": "", "version": "v1", "resource": self.resource},
            "userInfo": user,
        })
    }
}

fn secret(kind: &str) -> Value {
    json!({"kind": "Secret", "metadata": {"name": "ci-token"}, "type": kind})
}

const TOKEN: &str = "kubernetes.io/service-account-token";
const DELETED: &str = "2026-11-01T00:00:00Z";

#[test]
fn baseline_is_sent_token_secrets_only() {
    let create =
        |kind| Request { operation: "CREATE", resource: "secrets", object: secret(kind), ..Request::default() };
    let baseline = Conditions::of("baseline.validate");
    assert_eq!(baseline.kept_back_by(&create(TOKEN)), None);
    assert_eq!(baseline.kept_back_by(&create("Opaque")), Some("token-secrets-only"));
    for entry in ["audit.validate", "warn.validate", "restricted.validate", "unknown.validate"] {
        assert_eq!(Conditions::of(entry).kept_back_by(&create("Opaque")), None, "{entry}");
    }
    let account = Request { operation: "CREATE", resource: "serviceaccounts", object: json!({}), ..Request::default() };
    assert_eq!(baseline.kept_back_by(&account), None);
}

/// An update that changes nothing.
fn update_of_a_token_secret() -> Request {
    Request {
        operation: "UPDATE",
        resource: "secrets",
        object: secret(TOKEN),
        old_object: secret(TOKEN),
        ..Request::default()
    }
}

#[test]
fn what_is_being_deleted_is_let_go() {
    let mut update = update_of_a_token_secret();
    let restricted = Conditions::of("restricted.validate");
    assert_eq!(restricted.kept_back_by(&update), None);
    update.old_object["metadata"]["deletionTimestamp"] = DELETED.into();
    assert_eq!(restricted.kept_back_by(&update), Some("not-being-deleted"));
    update.old_object["metadata"]["finalizers"] = json!(["example.com/held"]);
    assert_eq!(restricted.kept_back_by(&update), Some("not-being-deleted"));
}

#[test]
fn a_secret_that_is_being_deleted_is_judged_when_anything_that_counts_is_changed() {
    let metadata = [
        ("annotations", json!({"kubernetes.io/service-account.name": "admin"})),
        ("annotations", Value::Null),
        ("labels", json!({"kubernetes.io/legacy-token-invalid-since": ""})),
    ];
    for policy in ["baseline.validate", "restricted.validate"] {
        let conditions = Conditions::of(policy);
        let mut unchanged = update_of_a_token_secret();
        unchanged.old_object["metadata"]["deletionTimestamp"] = DELETED.into();
        unchanged.old_object["metadata"]["annotations"] = json!({"kubernetes.io/service-account.name": "ci"});
        unchanged.object["metadata"]["annotations"] = json!({"kubernetes.io/service-account.name": "ci"});
        assert_eq!(conditions.kept_back_by(&unchanged), Some("not-being-deleted"));
        for (field, value) in &metadata {
            let mut changed = unchanged.clone();
            changed.object["metadata"][field] = value.clone();
            assert_eq!(conditions.kept_back_by(&changed), None, "{policy}: {field}");
        }
        for data in [json!({"token": "ZXk="}), Value::Null] {
            let mut changed = unchanged.clone();
            changed.object["data"] = data.clone();
            changed.old_object["data"] = json!({"token": "b2xk"});
            assert_eq!(conditions.kept_back_by(&changed), None, "{policy}: {data}");
        }
    }
}

#[test]
fn a_deletion_timestamp_in_a_new_object_hides_nothing() {
    let mut create = Request { operation: "CREATE", resource: "secrets", object: secret(TOKEN), ..Request::default() };
    create.object["metadata"]["deletionTimestamp"] = DELETED.into();
    assert_eq!(Conditions::of("baseline.validate").kept_back_by(&create), None);
}

#[test]
fn the_note_of_a_token_s_last_use_does_not_wait_for_us() {
    let update = update_of_a_token_secret();
    let by = |user| Request { user, ..update.clone() };
    let conditions = Conditions::of("baseline.validate");
    assert_eq!(conditions.kept_back_by(&by(Some("system:apiserver"))), Some("not-last-used"));
    assert_eq!(conditions.kept_back_by(&by(Some("jane"))), None);
    assert_eq!(conditions.kept_back_by(&by(None)), None);
    let create = Request { operation: "CREATE", old_object: Value::Null, ..by(Some("system:apiserver")) };
    assert_eq!(conditions.kept_back_by(&create), None);
}

#[test]
fn only_a_node_s_mirror_pod_is_kept_back() {
    let mirror = json!({"metadata": {"annotations": {"kubernetes.io/config.mirror": "x"}}});
    let nodes: Option<&[&str]> = Some(&["system:nodes", "system:authenticated"]);
    let create =
        |groups, object| Request { operation: "CREATE", resource: "pods", groups, object, ..Request::default() };
    for entry in ["baseline.validate", "baseline.mutate"] {
        let conditions = Conditions::of(entry);
        assert_eq!(conditions.kept_back_by(&create(nodes, mirror.clone())), Some("not-mirrored"), "{entry}");
        assert_eq!(conditions.kept_back_by(&create(nodes, json!({"metadata": {}}))), None, "{entry}");
        assert_eq!(conditions.kept_back_by(&create(Some(&["team-a"]), mirror.clone())), None, "{entry}");
        assert_eq!(conditions.kept_back_by(&create(None, mirror.clone())), None, "{entry}");
    }
}

#[test]
fn a_kubelet_s_request_for_a_token_does_not_wait_for_us() {
    let by = |groups| Request { operation: "CREATE", resource: "serviceaccounts", groups, ..Request::default() };
    let conditions = Conditions::of("restricted.tokens");
    assert_eq!(conditions.kept_back_by(&by(Some(&["system:nodes"]))), Some("not-of-node"));
    assert_eq!(conditions.kept_back_by(&by(Some(&["system:authenticated"]))), None);
    assert_eq!(conditions.kept_back_by(&by(None)), None);
}

#[test]
fn a_namespace_is_sent_when_its_policy_label_changes() {
    let labelled = |policy: Option<&str>| match policy {
        Some(policy) => json!({"metadata": {"labels": {"team": "a", "tokenward.dev/policy": policy}}}),
        None => json!({"metadata": {"labels": {"team": "b"}}}),
    };
    let conditions = Conditions::of("namespaces.validate");
    let is_sent = |old_object, object| {
        let request = Request { operation: "UPDATE", resource: "namespaces", object, old_object, ..Request::default() };
        conditions.kept_back_by(&request).is_none()
    };
    let states = [None, Some(""), Some("audit"), Some("baselin")];
    for old in states {
        for new in states {
            assert_eq!(is_sent(labelled(old), labelled(new)), old != new, "{old:?} to {new:?}");
        }
        assert_eq!(is_sent(Value::Null, labelled(old)), old.is_some(), "created as {old:?}");
    }
}

#[test]
fn a_workload_is_sent_when_its_template_changes() {
    let deployment = |replicas, image| {
        json!({
            "metadata": {"name": "web"},
            "spec": {"replicas": replicas, "template": {"spec": {"containers": [{"name": "app", "image": image}]}}},
        })
    };
    let update = |old_object, object| Request {
        operation: "UPDATE",
        resource: "deployments",
        object,
        old_object,
        ..Request::default()
    };
    let conditions = Conditions::of("warn.advise");
    assert_eq!(conditions.kept_back_by(&update(deployment(1, "app:1"), deployment(1, "app:2"))), None);
    let scaled = update(deployment(1, "app:1"), deployment(2, "app:1"));
    assert_eq!(conditions.kept_back_by(&scaled), Some("template-changed"));
    let created = Request { operation: "CREATE", old_object: Value::Null, ..scaled };
    assert_eq!(conditions.kept_back_by(&created), None);
    let cron_job = json!({"spec": {"jobTemplate": {}}});
    assert_eq!(conditions.kept_back_by(&update(cron_job.clone(), cron_job)), None);
}

/// Every shape that an object can have, down to the fields that a condition reads: missing, null, empty, or filled.
fn shapes() -> Vec<Value> {
    let mut shapes = vec![Value::Null, json!({})];
    for metadata in [
        json!(null),
        json!({}),
        json!({"annotations": null, "deletionTimestamp": null}),
        json!({"annotations": {}, "labels": null}),
        json!({"labels": {}}),
        json!({"labels": {"tokenward.dev/policy": null}}),
        json!({"annotations": {"kubernetes.io/config.mirror": null}, "deletionTimestamp": DELETED}),
    ] {
        shapes.push(json!({"metadata": metadata}));
    }
    for kind in [json!(null), json!(""), json!("Opaque"), json!(TOKEN)] {
        shapes.push(json!({"metadata": {}, "type": kind}));
    }
    for spec in
        [json!(null), json!({}), json!({"template": null}), json!({"template": {}}), json!({"template": {"a": 1}})]
    {
        shapes.push(json!({"metadata": {}, "spec": spec}));
    }
    shapes
}

#[test]
fn no_condition_ends_in_an_error_whatever_is_missing_or_null() {
    let rendered = Configurations::builtin();
    let names = rendered.validating.keys().chain(rendered.mutating.keys());
    let entries: Vec<_> = names.map(|name| Conditions::of(name.trim_end_matches(".tokenward.dev"))).collect();
    assert!(entries.iter().all(|entry| !entry.0.is_empty()));
    for object in shapes() {
        for old_object in shapes() {
            for (operation, resource) in
                [("CREATE", "pods"), ("UPDATE", "pods"), ("UPDATE", "secrets"), ("UPDATE", "deployments")]
            {
                for (user, groups) in
                    [(None, None), (Some("system:apiserver"), Some([].as_slice())), (None, Some(&["system:nodes"]))]
                {
                    let (object, old_object) = (object.clone(), old_object.clone());
                    let request = Request { operation, resource, user, groups, object, old_object };
                    for conditions in &entries {
                        conditions.kept_back_by(&request);
                    }
                }
            }
        }
    }
}
