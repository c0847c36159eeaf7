//! The reviews that are sent.

use serde_json::{Value, json};

/// A body, where it goes, and what its answer has to hold.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) name: &'static str,
    pub(crate) path: &'static str,
    pub(crate) body: Vec<u8>,
    pub(crate) expected: &'static str,
}

const PATCHED: &str = r#""patchType":"JSONPatch""#;
const DENIED: &str = r#""code":403"#;
const ALLOWED: &str = r#""allowed":true"#;

/// A Pod of some 6 KB that the API server sends on creation, and that is given a token.
pub(crate) fn small_pod() -> Call {
    let body = pod(1, 6 * 1024, "team-a");
    Call { name: "patched 6 KB Pod", path: "/mutate/baseline?timeout=3s", body, expected: PATCHED }
}

/// The same Pod as it is judged afterwards, before its mounts are there.
pub(crate) fn judged_pod() -> Call {
    Call { name: "judged 6 KB Pod", path: "/validate/restricted?timeout=3s", expected: ALLOWED, ..small_pod() }
}

/// A Pod of 64 KB with many containers, each of which is given the token.
pub(crate) fn large_pod() -> Call {
    let body = pod(16, 64 * 1024, "team-a");
    Call { name: "patched 64 KB Pod", path: "/mutate/baseline?timeout=3s", body, expected: PATCHED }
}

/// A legacy token Secret as `kubectl create` makes one.
pub(crate) fn legacy_secret() -> Call {
    let object = json!({
        "kind": "Secret",
        "apiVersion": "v1",
        "metadata": {
            "name": "ci-bot-token",
            "namespace": "team-a",
            "creationTimestamp": null,
            "annotations": {"kubernetes.io/service-account.name": "ci-bot"},
            "managedFields": [{"manager": "kubectl-create", "operation": "Update", "apiVersion": "v1"}],
        },
        "type": "kubernetes.io/service-account-token",
    });
    let body = review("secrets", "Secret", "ci-bot-token", "team-a", "CREATE", &object, &Value::Null);
    Call { name: "denied legacy Secret", path: "/validate/baseline?timeout=3s", body, expected: DENIED }
}

/// An Opaque Secret that holds `bytes` of data in one key, all of it base64 that means nothing.
pub(crate) fn opaque_secret(bytes: usize, seed: u64) -> Value {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut state = seed;
    let data: String = (0..bytes)
        .map(|_| {
            // xorshift: even, and the same each time.
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            char::from(ALPHABET[(state >> 32) as usize % 64])
        })
        .collect();
    json!({
        "kind": "Secret",
        "apiVersion": "v1",
        "metadata": {"name": "bundle", "namespace": "team-a"},
        "data": {"bundle": data},
        "type": "Opaque",
    })
}

/// The creation of an Opaque Secret.
pub(crate) fn opaque_creation(bytes: usize) -> Vec<u8> {
    let object = opaque_secret(bytes, 88_172_645_463_325_252);
    review("secrets", "Secret", "bundle", "team-a", "CREATE", &object, &Value::Null)
}

/// An update of one that changes all of its data.
pub(crate) fn opaque_update(bytes: usize) -> Vec<u8> {
    let (new, old) = (opaque_secret(bytes, 88_172_645_463_325_252), opaque_secret(bytes, 362_436_069));
    review("secrets", "Secret", "bundle", "team-a", "UPDATE", &new, &old)
}

/// The creation of a Pod with `containers` containers, about `size` bytes in all, in `namespace`.
pub(crate) fn pod(containers: usize, size: usize, namespace: &str) -> Vec<u8> {
    let container = |index: usize| {
        json!({
            "name": format!("app-{index}"),
            "image": "registry.example.com/team-a/app:1.27.3@sha256:0b1f2d",
            "args": ["--listen=:8080", "--log-format=json"],
            "ports": [{"name": "http", "containerPort": 8080, "protocol": "TCP"}],
            "env": [
                {"name": "POD_NAME", "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.name"}}},
                {"name": "DATABASE", "valueFrom": {"secretKeyRef": {"name": "database", "key": "url"}}},
                {"name": "MESSAGE", "value": "caf\u{e9} \"quoted\"\n"},
            ],
            "resources": {"limits": {"memory": "512Mi"}, "requests": {"cpu": "100m", "memory": "256Mi"}},
            "volumeMounts": [{"name": "config", "mountPath": "/etc/app", "readOnly": true}, {"name": "data", "mountPath": "/data"}],
            "livenessProbe": {"httpGet": {"path": "/livez", "port": "http", "scheme": "HTTP"}, "periodSeconds": 10, "failureThreshold": 3},
            "terminationMessagePath": "/dev/termination-log",
            "terminationMessagePolicy": "File",
            "imagePullPolicy": "IfNotPresent",
            "securityContext": {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}},
        })
    };
    let mut object = json!({
        "kind": "Pod",
        "apiVersion": "v1",
        "metadata": {
            "generateName": "web-7d4b9c6f5-",
            "namespace": namespace,
            "creationTimestamp": null,
            "labels": {"app.kubernetes.io/name": "web", "pod-template-hash": "7d4b9c6f5"},
            "annotations": {"checksum/config": "6f1e2d3c"},
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-7d4b9c6f5",
                "uid": "1d7a1c1e-9a0e-4f34-8d1c-0d8a1c6d1f00", "controller": true, "blockOwnerDeletion": true}],
        },
        "spec": {
            "volumes": [
                {"name": "config", "configMap": {"name": "web", "defaultMode": 420}},
                {"name": "data", "emptyDir": {}},
            ],
            "containers": (0..containers).map(container).collect::<Vec<_>>(),
            "restartPolicy": "Always",
            "terminationGracePeriodSeconds": 30,
            "dnsPolicy": "ClusterFirst",
            "serviceAccountName": "web",
            "serviceAccount": "web",
            "automountServiceAccountToken": false,
            "securityContext": {"runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}},
            "schedulerName": "default-scheduler",
            "tolerations": [{"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}],
            "priority": 0,
            "enableServiceLinks": true,
            "preemptionPolicy": "PreemptLowerPriority",
        },
        "status": {},
    });
    let wrap = |object: &Value| review("pods", "Pod", "", namespace, "CREATE", object, &Value::Null);
    let missing = size.saturating_sub(wrap(&object).len());
    // The rest is what makes real Pods large: managed fields, here in annotations of the usual length.
    let filler: serde_json::Map<String, Value> =
        (0..missing / 500).map(|index| (format!("example.com/note-{index}"), "managed ".repeat(59).into())).collect();
    if let Some(annotations) = object["metadata"]["annotations"].as_object_mut() {
        annotations.extend(filler);
    }
    wrap(&object)
}

/// A review as an API server writes it: the fields in the order of the Go types.
fn review(
    resource: &str,
    kind: &str,
    name: &str,
    namespace: &str,
    operation: &str,
    object: &Value,
    old: &Value,
) -> Vec<u8> {
    let of = |value: &Value| value.to_string();
    format!(
        concat!(
            r#"{{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{{"uid":"705ab4f5-6393-11e8-b7cc-42010a800002","#,
            r#""kind":{{"group":"","version":"v1","kind":"{kind}"}},"resource":{{"group":"","version":"v1","resource":"{resource}"}},"#,
            r#""requestKind":{{"group":"","version":"v1","kind":"{kind}"}},"requestResource":{{"group":"","version":"v1","resource":"{resource}"}},"#,
            r#""name":"{name}","namespace":"{namespace}","operation":"{operation}","#,
            r#""userInfo":{{"username":"system:serviceaccount:kube-system:replicaset-controller","uid":"5f8b5e3c","groups":["system:serviceaccounts","system:authenticated"]}},"#,
            r#""object":{object},"oldObject":{old},"dryRun":false,"options":{{"kind":"CreateOptions","apiVersion":"meta.k8s.io/v1"}}}}}}"#
        ),
        kind = kind,
        resource = resource,
        name = name,
        namespace = namespace,
        operation = operation,
        object = of(object),
        old = of(old),
    )
    .into_bytes()
}
