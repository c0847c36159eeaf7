//! What a kubelet does for a Pod's tokens, without a kubelet: it binds the Pod to a node, and asks as that node for every
//! token that the Pod's projected volumes name. `NodeRestriction` judges these requests as it would a real kubelet's.

use serde_json::{Value, json};

use super::namespace::Namespace;
use super::token::{Claims, decoded};
use super::users::{NODE, User};
use super::{ControlPlane, eventually::eventually};
use std::time::Duration;

/// A file that the kubelet would write.
pub(crate) struct TokenFile {
    /// The volume's name.
    pub(crate) volume: String,
    /// The path inside the volume.
    pub(crate) path: String,
    /// What the token says.
    pub(crate) claims: Claims,
}

impl ControlPlane {
    /// The token files of the stored Pod `name`, volume by volume and source by source.
    #[track_caller]
    pub(crate) fn kubelet_token_files(&self, namespace: &Namespace<'_>, name: &str) -> Vec<TokenFile> {
        let pod = self.get(User::Administrator, &namespace.path(&format!("pods/{name}"))).expect_success();
        self.bind_to_node(namespace, &pod);
        let mut files = Vec::new();
        for volume in pod["spec"]["volumes"].as_array().into_iter().flatten() {
            for source in volume["projected"]["sources"].as_array().into_iter().flatten() {
                let token = &source["serviceAccountToken"];
                if token.is_object() {
                    files.push(TokenFile {
                        volume: text(&volume["name"]),
                        path: text(&token["path"]),
                        claims: self.kubelet_token(namespace, &pod, token),
                    });
                }
            }
        }
        files
    }

    /// What the kubelet of `pod` puts into a container that takes the token out of `secret`. A node may read the Secrets that
    /// its Pods name, and no others.
    #[track_caller]
    pub(crate) fn kubelet_secret_token(&self, namespace: &Namespace<'_>, pod: &str, secret: &str) -> String {
        let pod = self.get(User::Administrator, &namespace.path(&format!("pods/{pod}"))).expect_success();
        self.bind_to_node(namespace, &pod);
        let path = namespace.path(&format!("secrets/{secret}"));
        let secret = eventually(Duration::from_secs(20), || match self.get(User::Node, &path) {
            answer if answer.code == 200 => Ok(answer.body),
            answer => Err(format!("the node may not read it: HTTP {} {}", answer.code, answer.body["message"])),
        });
        decoded(&secret["data"]["token"])
    }

    /// What the scheduler does. The node's authorizer learns of it from its watch, a moment later.
    fn bind_to_node(&self, namespace: &Namespace<'_>, pod: &Value) {
        if pod["spec"]["nodeName"].is_null() {
            let name = &pod["metadata"]["name"];
            let binding = json!({
                "apiVersion": "v1",
                "kind": "Binding",
                "metadata": {"name": name},
                "target": {"apiVersion": "v1", "kind": "Node", "name": NODE},
            });
            let path = namespace.path(&format!("pods/{}/binding", text(name)));
            self.post(User::Administrator, &path, &binding).expect_success();
        }
    }

    fn kubelet_token(&self, namespace: &Namespace<'_>, pod: &Value, source: &Value) -> Claims {
        let audiences: Vec<&Value> = [&source["audience"]].into_iter().filter(|it| !it.is_null()).collect();
        let request = json!({
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {
                "audiences": audiences,
                "expirationSeconds": source["expirationSeconds"],
                "boundObjectRef": {
                    "apiVersion": "v1",
                    "kind": "Pod",
                    "name": pod["metadata"]["name"],
                    "uid": pod["metadata"]["uid"],
                },
            },
        });
        let account = text(&pod["spec"]["serviceAccountName"]);
        let path = namespace.path(&format!("serviceaccounts/{account}/token"));
        let granted = eventually(Duration::from_secs(10), || match self.post(User::Node, &path, &request) {
            answer if answer.code == 201 => Ok(answer.body),
            answer => Err(format!("the node gets no token: HTTP {} {}", answer.code, answer.body)),
        });
        Claims::of(&text(&granted["status"]["token"]))
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
