//! What the demonstration shows, in its order.

/// A manifest and how it meets the webhook.
pub(super) struct Scene {
    pub(super) title: &'static str,
    /// The policy that the namespace's label chooses.
    pub(super) policy: &'static str,
    pub(super) namespace: &'static str,
    /// What somebody creates.
    pub(super) manifest: &'static str,
    /// Whether it was not shown before.
    pub(super) is_new: bool,
    /// What is in the cluster already, as manifests.
    pub(super) cluster: &'static str,
    /// What a reader should know about the outcome.
    pub(super) remark: &'static str,
}

const TOKEN_SECRET: &str = include_str!("token-secret.yaml");

pub(super) static SCENES: [Scene; 6] = [
    Scene {
        title: "A legacy token, as many guides still make one",
        policy: "baseline",
        namespace: "team-a",
        manifest: TOKEN_SECRET,
        is_new: true,
        cluster: "",
        remark: "",
    },
    Scene {
        title: "The same Secret where an exception allows it",
        policy: "baseline",
        namespace: "team-b",
        manifest: TOKEN_SECRET,
        is_new: false,
        cluster: "",
        remark: "",
    },
    Scene {
        title: "The same Secret where the exception has ended",
        policy: "baseline",
        namespace: "team-c",
        manifest: TOKEN_SECRET,
        is_new: false,
        cluster: "",
        remark: "",
    },
    Scene {
        title: "A hardened Pod: automount is off, and nobody mounted a token instead",
        policy: "baseline",
        namespace: "team-a",
        manifest: include_str!("pod-without-automount.yaml"),
        is_new: true,
        cluster: "",
        remark: "The manifest stays as it is; the stored Pod gets a token that the kubelet renews.",
    },
    Scene {
        title: "A token of one hour, or so it looks",
        policy: "restricted",
        namespace: "payments",
        manifest: include_str!("pod-with-3607-seconds.yaml"),
        is_new: true,
        cluster: "",
        remark: "",
    },
    Scene {
        title: "An ordinary Pod, to which Kubernetes itself adds such a token",
        policy: "restricted",
        namespace: "payments",
        manifest: include_str!("pod-with-automount.yaml"),
        is_new: true,
        cluster: "{apiVersion: v1, kind: ServiceAccount, metadata: {name: worker, namespace: payments}}",
        remark: "One number, and the token really lasts an hour.",
    },
];
