//! Requests for every rule that is written in CEL: some that it finds something in, and some that come close.

use serde_json::{Value, json};

use crate::installation::POLICY_LABEL;

/// A request that stores nothing.
pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) method: &'static str,
    pub(super) path: String,
    pub(super) body: Value,
}

impl Case {
    pub(super) fn content_type(&self) -> &'static str {
        if self.method == "PATCH" { "application/merge-patch+json" } else { "application/json" }
    }
}

/// All requests, in this namespace.
pub(super) fn all(namespace: &str) -> Vec<Case> {
    let mut cases = Cases { namespace, cases: Vec::new() };
    new_secrets(&mut cases);
    changed_secrets(&mut cases);
    secrets_of_pods(&mut cases);
    tokens_of_pods(&mut cases);
    accounts_of_pods(&mut cases);
    annotations(&mut cases);
    templates(&mut cases);
    service_accounts(&mut cases);
    token_requests(&mut cases);
    namespaces(&mut cases);
    cases.cases
}

struct Cases<'n> {
    namespace: &'n str,
    cases: Vec<Case>,
}

impl Cases<'_> {
    fn push(&mut self, name: &'static str, method: &'static str, path: String, body: Value) {
        self.cases.push(Case { name, method, path, body });
    }

    fn create(&mut self, name: &'static str, resource: &str, body: Value) {
        let api = match resource {
            "deployments" | "daemonsets" | "statefulsets" | "replicasets" => "apis/apps/v1",
            "jobs" | "cronjobs" => "apis/batch/v1",
            _ => "api/v1",
        };
        self.push(name, "POST", format!("/{api}/namespaces/{}/{resource}", self.namespace), body);
    }

    fn patch(&mut self, name: &'static str, what: &str, body: Value) {
        self.push(name, "PATCH", format!("/api/v1/namespaces/{}/{what}", self.namespace), body);
    }

    fn pod(&mut self, name: &'static str, account: &str, spec: Value) {
        self.create(name, "pods", pod(account, spec));
    }

    /// A Pod of an account without automount, with one token in a volume of its own.
    fn pod_with_token(&mut self, name: &'static str, token: Value) {
        self.pod(name, "app", json!({"volumes": [{"name": "own", "projected": {"sources": [projection(token)]}}]}));
    }
}

pub(super) fn token_secret(name: &str, account: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/service-account-token",
        "metadata": {"name": name, "annotations": {"kubernetes.io/service-account.name": account}},
    })
}

fn projection(token: Value) -> Value {
    let mut token = token;
    token["path"] = "token".into();
    json!({"serviceAccountToken": token})
}

fn pod(account: &str, spec: Value) -> Value {
    let mut spec = spec;
    if spec["containers"].is_null() {
        spec["containers"] = json!([{"name": "app", "image": "app.example.com/app:1"}]);
    }
    if !account.is_empty() {
        spec["serviceAccountName"] = account.into();
    }
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "spec": spec})
}

fn new_secrets(cases: &mut Cases<'_>) {
    let mut create = |name, secret| cases.create(name, "secrets", secret);
    create("a new token Secret", token_secret("ci-token", "app"));
    create("an excepted token Secret", token_secret("argocd-manager-east", "app"));
    create("an excepted Secret of another account", token_secret("argocd-manager-east", "open"));
    create("a Secret beside the glob", token_secret("argocd-managers", "app"));
    create("an expired exception", token_secret("old-ci-token", "app"));
    let mut forged = token_secret("old-ci-token", "app");
    forged["metadata"]["creationTimestamp"] = "2001-01-01T00:00:00Z".into();
    forged["metadata"]["deletionTimestamp"] = "2001-01-01T00:00:00Z".into();
    create("an expired exception with forged times", forged);
    let mut generated = token_secret("", "app");
    generated["metadata"] = json!({
        "generateName": "argocd-manager-", "annotations": {"kubernetes.io/service-account.name": "app"},
    });
    create("an excepted token Secret with a generated name", generated.clone());
    generated["metadata"]["generateName"] = "ci-".into();
    create("a token Secret with a generated name", generated);
    let mut opaque = token_secret("ci-token", "app");
    opaque["type"] = "Opaque".into();
    create("a Secret that only has the annotation", opaque);
    create(
        "a password",
        json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db"}, "stringData": {"password": "x"},
        }),
    );
}

fn changed_secrets(cases: &mut Cases<'_>) {
    let account = |name: &str| json!({"metadata": {"annotations": {"kubernetes.io/service-account.name": name}}});
    let emptied = json!({"data": {"token": null}});
    cases.patch("turn a token to another account", "secrets/standing", account("open"));
    cases.patch("empty a token", "secrets/standing", emptied.clone());
    cases.patch("set a token to nothing", "secrets/standing", json!({"data": {"token": ""}}));
    cases.patch("rotate an excepted token", "secrets/argocd-manager-standing", emptied);
    cases.patch(
        "turn an excepted token to an account without exception",
        "secrets/argocd-manager-standing",
        account("open"),
    );
    let since = |value: Value| json!({"metadata": {"labels": {"kubernetes.io/legacy-token-invalid-since": value}}});
    cases.patch("switch a token on again", "secrets/switched-off", since(Value::Null));
    cases.patch("switch a token on again by nothing", "secrets/switched-off", since("".into()));
    cases.patch("move the day since when a token is off", "secrets/switched-off", since("2026-02-02".into()));
    cases.patch("switch a token off", "secrets/standing", since("2026-01-01".into()));
    cases.patch("label a token Secret", "secrets/standing", json!({"metadata": {"labels": {"team": "a"}}}));
    cases.patch("change the CA of a token Secret", "secrets/standing", json!({"data": {"ca.crt": "eA=="}}));
    cases.patch(
        "note the last use",
        "secrets/standing",
        json!({
            "metadata": {"labels": {"kubernetes.io/legacy-token-last-used": "2026-02-02"}},
        }),
    );
}

/// A Pod that is there already, with a legacy Secret in a volume.
pub(super) fn debugged() -> Value {
    let mut pod = pod(
        "app",
        json!({"volumes": [
            {"name": "legacy", "secret": {"secretName": "standing"}}, {"name": "empty", "emptyDir": {}},
        ]}),
    );
    pod["metadata"]["name"] = "debugged".into();
    pod
}

fn secrets_of_pods(cases: &mut Cases<'_>) {
    let image = "app.example.com/app:1";
    let env =
        |secret: &str| json!([{"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": secret, "key": "token"}}}]);
    for (name, volume) in [
        ("a legacy Secret in a volume", json!({"secret": {"secretName": "standing"}})),
        (
            "a legacy Secret in a projected source",
            json!({"projected": {"sources": [{"secret": {"name": "standing"}}]}}),
        ),
        (
            "a legacy Secret of a CSI driver",
            json!({
                "csi": {"driver": "csi.example.com", "nodePublishSecretRef": {"name": "standing"}},
            }),
        ),
        (
            "a legacy Secret of a FlexVolume",
            json!({
                "flexVolume": {"driver": "example.com/lvm", "secretRef": {"name": "standing"}},
            }),
        ),
        ("a legacy Secret of Azure File", json!({"azureFile": {"shareName": "share", "secretName": "standing"}})),
        ("an excepted Secret in a volume", json!({"secret": {"secretName": "argocd-manager-standing"}})),
        ("a Secret whose exception expired", json!({"secret": {"secretName": "old-ci-token"}})),
        ("a Secret that nobody knows", json!({"secret": {"secretName": "switched-off"}})),
        ("a Secret that is legacy elsewhere", json!({"secret": {"secretName": "db"}})),
    ] {
        let mut volume = volume;
        volume["name"] = "volume".into();
        cases.pod(name, "app", json!({"volumes": [volume]}));
    }
    cases.pod("a legacy Secret to pull images by", "app", json!({"imagePullSecrets": [{"name": "standing"}]}));
    cases.pod(
        "a legacy Secret in a variable",
        "app",
        json!({
            "containers": [{"name": "app", "image": image, "env": env("standing")}],
        }),
    );
    cases.pod(
        "another Secret in a variable",
        "app",
        json!({
            "containers": [{"name": "app", "image": image, "env": env("db")}],
        }),
    );
    cases.pod(
        "a legacy Secret in the variables of an init container",
        "app",
        json!({
            "containers": [{"name": "app", "image": image}],
            "initContainers": [{"name": "setup", "image": image, "envFrom": [
                {"configMapRef": {"name": "standing"}}, {"secretRef": {"name": "standing"}},
            ]}],
        }),
    );
    for (name, container) in [
        ("debug with nothing", json!({})),
        ("debug with a legacy Secret", json!({"env": env("standing")})),
        ("debug with an excepted Secret", json!({"env": env("argocd-manager-standing")})),
        (
            "debug with a volume of a legacy Secret",
            json!({"volumeMounts": [{"name": "legacy", "mountPath": "/legacy"}]}),
        ),
        ("debug with another volume", json!({"volumeMounts": [{"name": "empty", "mountPath": "/empty"}]})),
    ] {
        let mut container = container;
        container["name"] = "debugger".into();
        container["image"] = image.into();
        cases.patch(name, "pods/debugged/ephemeralcontainers", json!({"spec": {"ephemeralContainers": [container]}}));
    }
}

fn tokens_of_pods(cases: &mut Cases<'_>) {
    cases.pod_with_token("an hour", json!({"expirationSeconds": 3600}));
    cases.pod_with_token("nothing said of seconds", json!({}));
    cases.pod_with_token("a day", json!({"expirationSeconds": 86400}));
    cases.pod_with_token("a second over a day", json!({"expirationSeconds": 86401}));
    cases.pod_with_token("a year by 3607", json!({"expirationSeconds": 3607}));
    let own = "https://kubernetes.default.svc";
    cases.pod_with_token(
        "a year by 3607 and a name of the API server",
        json!({"expirationSeconds": 3607, "audience": own}),
    );
    let vault = "https://vault.example.com";
    cases.pod_with_token("3607 for somebody else", json!({"expirationSeconds": 3607, "audience": vault}));
    cases.pod_with_token("two days for somebody else", json!({"expirationSeconds": 172_800, "audience": vault}));
    cases.pod_with_token("an audience by a glob", json!({"audience": "sts.eu-1.example.com"}));
    cases.pod_with_token("an audience beside the glob", json!({"audience": "sts.ap-1.example.com"}));
    cases.pod_with_token(
        "an audience that goes on after the glob",
        json!({"audience": "sts.eu-1.example.com.evil.test"}),
    );
    cases.pod_with_token("an audience of two lines", json!({"audience": "sts.eu-1\n.example.com"}));
    cases.pod_with_token("too long, and for a stranger", json!({"expirationSeconds": 90_000, "audience": "stranger"}));
    cases.pod("an automounted token", "open", json!({}));
    cases.pod("an automounted token against the account's word", "app", json!({"automountServiceAccountToken": true}));
    let built_in = |seconds: u32| {
        let namespace =
            json!({"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}});
        json!({"name": "kube-api-access-x2b9k", "projected": {"defaultMode": 420, "sources": [
            {"serviceAccountToken": {"path": "token", "expirationSeconds": seconds}},
            {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
            {"downwardAPI": {"items": [namespace]}},
        ]}})
    };
    cases.pod("the built-in volume, written by hand", "app", json!({"volumes": [built_in(3607)]}));
    cases.pod(
        "the built-in volume, written by hand and refused",
        "app",
        json!({
            "volumes": [built_in(3607)], "automountServiceAccountToken": false,
        }),
    );
    cases.pod("the built-in volume with another number", "app", json!({"volumes": [built_in(90_000)]}));
    let mut more = built_in(3607);
    more["projected"]["sources"].as_array_mut().unwrap().push(projection(json!({"audience": vault})));
    cases.pod("the built-in volume with a source more", "app", json!({"volumes": [more]}));
    let mut openshift = built_in(3607);
    let services =
        json!({"name": "openshift-service-ca.crt", "items": [{"key": "service-ca.crt", "path": "service-ca.crt"}]});
    openshift["projected"]["sources"].as_array_mut().unwrap().push(json!({"configMap": services}));
    cases.pod("the built-in volume of OpenShift, written by hand", "app", json!({"volumes": [openshift]}));
    let mut other_name = built_in(3607);
    other_name["name"] = "kube-api-access-own".into();
    cases.pod("the built-in volume under another name", "app", json!({"volumes": [other_name]}));
    let volume = |number: usize| {
        let tokens: Vec<Value> = (0..40)
            .map(|path| json!({"serviceAccountToken": {"path": path.to_string(), "expirationSeconds": 600}}))
            .collect();
        json!({"name": format!("v{number}"), "projected": {"sources": tokens}})
    };
    cases.pod("two thousand tokens", "app", json!({"volumes": (0..50).map(volume).collect::<Vec<_>>()}));
}

fn accounts_of_pods(cases: &mut Cases<'_>) {
    let holding = |token: Value| {
        json!({
            "automountServiceAccountToken": false,
            "containers": [
                {"name": "app", "image": "app.example.com/app:1"},
                {"name": "second", "image": "app.example.com/app:1", "volumeMounts": [{"name": "own", "mountPath": "/own"}]},
            ],
            "volumes": [{"name": "own", "projected": {"sources": [projection(token)]}}],
        })
    };
    cases.pod("the account that everybody has", "", json!({}));
    cases.pod(
        "the account that everybody has, without a token",
        "default",
        json!({"automountServiceAccountToken": false}),
    );
    cases.pod("its token in a volume of its own", "default", holding(json!({})));
    cases.pod("its token for somebody else", "default", holding(json!({"audience": "https://vault.example.com"})));
    let mut unmounted = holding(json!({}));
    unmounted["containers"] = Value::Null;
    cases.pod("its token in a volume that nobody mounts", "default", unmounted);
    cases.pod("a token of another account", "app", holding(json!({})));
}

fn annotations(cases: &mut Cases<'_>) {
    for (name, key, value) in [
        ("inject no", "inject", "false"),
        ("inject where nothing is injected", "inject", "true"),
        ("inject with a capital", "inject", "False"),
        ("seconds", "expiration-seconds", "1800"),
        ("seconds with zeros", "expiration-seconds", "0000000000001800"),
        ("seconds too few", "expiration-seconds", "599"),
        ("seconds too many", "expiration-seconds", "86401"),
        ("seconds beyond all numbers", "expiration-seconds", "99999999999999999999999999"),
        ("seconds of a year", "expiration-seconds", "3607"),
        ("seconds with a sign", "expiration-seconds", "+1800"),
        ("seconds in words", "expiration-seconds", "an hour"),
        ("seconds of nothing", "expiration-seconds", ""),
        ("a token by its name", "tokens", " vault ,vault"),
        ("a token that is not there", "tokens", "vault,ledger"),
        ("tokens with an empty name", "tokens", "vault,"),
        ("containers by name", "containers", "app"),
        ("a container that is not there", "containers", "app, sidecar"),
    ] {
        let mut pod = pod("app", json!({}));
        pod["metadata"]["annotations"] = json!({format!("tokenward.dev/{key}"): value});
        cases.create(name, "pods", pod);
    }
}

fn templates(cases: &mut Cases<'_>) {
    let template = |seconds: u32| {
        let mut spec = pod("app", json!({
            "volumes": [{"name": "own", "projected": {"sources": [projection(json!({"expirationSeconds": seconds}))]}}],
        }))["spec"].take();
        spec["restartPolicy"] = Value::Null;
        json!({"metadata": {"labels": {"app": "web"}}, "spec": spec})
    };
    let selecting = |template: Value| json!({"selector": {"matchLabels": {"app": "web"}}, "template": template});
    let workload = |group: &str, kind: &str, spec: Value| json!({"apiVersion": group, "kind": kind, "metadata": {"name": "web"}, "spec": spec});
    let deployment = |seconds| workload("apps/v1", "Deployment", selecting(template(seconds)));
    cases.create("a Deployment of long tokens", "deployments", deployment(90_000));
    cases.create("a Deployment of short tokens", "deployments", deployment(3600));
    cases.create(
        "a DaemonSet of long tokens",
        "daemonsets",
        workload("apps/v1", "DaemonSet", selecting(template(3607))),
    );
    cases.create(
        "a ReplicaSet of long tokens",
        "replicasets",
        workload("apps/v1", "ReplicaSet", selecting(template(3607))),
    );
    let mut stateful = selecting(template(3607));
    stateful["serviceName"] = "web".into();
    cases.create("a StatefulSet of long tokens", "statefulsets", workload("apps/v1", "StatefulSet", stateful));
    let mut once = template(3607);
    once["spec"]["restartPolicy"] = "Never".into();
    cases.create("a Job of long tokens", "jobs", workload("batch/v1", "Job", json!({"template": once})));
    let mut cron = template(3607);
    cron["spec"]["restartPolicy"] = "Never".into();
    let cron = json!({"schedule": "0 0 * * *", "jobTemplate": {"spec": {"template": cron}}});
    cases.create("a CronJob of long tokens", "cronjobs", workload("batch/v1", "CronJob", cron));
    let controller = json!({"selector": {"app": "web"}, "template": template(3607)});
    cases.create(
        "a ReplicationController of long tokens",
        "replicationcontrollers",
        workload("v1", "ReplicationController", controller),
    );
    cases.create(
        "a PodTemplate of long tokens",
        "podtemplates",
        json!({
            "apiVersion": "v1", "kind": "PodTemplate", "metadata": {"name": "web"}, "template": template(3607),
        }),
    );
}

fn service_accounts(cases: &mut Cases<'_>) {
    let account = |automount: Value| {
        json!({
            "apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "new"},
            "automountServiceAccountToken": automount,
        })
    };
    cases.create("an account that says nothing", "serviceaccounts", account(Value::Null));
    cases.create("an account that automounts", "serviceaccounts", account(true.into()));
    cases.create("an account that does not", "serviceaccounts", account(false.into()));
    let automount = |value: Value| json!({"automountServiceAccountToken": value});
    cases.patch("let an account automount", "serviceaccounts/app", automount(true.into()));
    cases.patch("let an account say nothing", "serviceaccounts/app", automount(Value::Null));
    cases.patch("say what an account does", "serviceaccounts/open", automount(true.into()));
    cases.patch(
        "label an account that automounts",
        "serviceaccounts/open",
        json!({"metadata": {"labels": {"a": "b"}}}),
    );
}

fn token_requests(cases: &mut Cases<'_>) {
    for (name, spec) in [
        ("ask for an hour", json!({"expirationSeconds": 3600})),
        ("ask for nothing in particular", json!({})),
        ("ask for a day", json!({"expirationSeconds": 86400})),
        ("ask for a year", json!({"expirationSeconds": 31_536_000})),
        ("ask for a year for somebody else", json!({"expirationSeconds": 31_536_000, "audiences": ["vault"]})),
        ("ask for 3607 seconds and no Pod", json!({"expirationSeconds": 3607})),
        (
            "ask for a token of a Secret",
            json!({"boundObjectRef": {"apiVersion": "v1", "kind": "Secret", "name": "standing"}}),
        ),
        (
            "ask for a year of a Secret",
            json!({
                "expirationSeconds": 31_536_000,
                "boundObjectRef": {"apiVersion": "v1", "kind": "Secret", "name": "standing"},
            }),
        ),
    ] {
        let request = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec});
        cases.create(name, "serviceaccounts/app/token", request);
    }
}

fn namespaces(cases: &mut Cases<'_>) {
    let path = format!("/api/v1/namespaces/{}", cases.namespace);
    let label = |value: Value| json!({"metadata": {"labels": {POLICY_LABEL: value}}});
    for (name, value) in [
        ("take the label away", Value::Null),
        ("name the mildest policy", "audit".into()),
        ("name the strictest policy", "restricted".into()),
        ("name no policy", "no-such-policy".into()),
        ("name nothing", "".into()),
    ] {
        cases.push(name, "PATCH", path.clone(), label(value));
    }
    cases.push("label a namespace otherwise", "PATCH", path, json!({"metadata": {"labels": {"team": "a"}}}));
    for (name, policy) in [("a namespace of no policy", "no-such-policy"), ("a namespace of a policy", "mild")] {
        let metadata = json!({"name": "new", "labels": {POLICY_LABEL: policy}});
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata});
        cases.push(name, "POST", "/api/v1/namespaces".to_owned(), namespace);
    }
}
