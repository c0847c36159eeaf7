//! What a real API server stores of a Pod, and which tokens it gives a node that asks for them.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Case, Form, Held, Kind};
use crate::rig;
use crate::rig::eventually::eventually;
use crate::rig::kubelet::TokenFile;
use crate::rig::namespace::Namespace;
use crate::rig::token::Claims;

/// The API server's own audience in the rig.
const API_SERVER: &str = "https://kubernetes.default.svc";

/// How long the token controller may take to fill in a Secret.
const PATIENCE: Duration = Duration::from_secs(30);

/// What is observed of a case, in the order of containers, kinds and places.
pub(super) fn of(case: &Case) -> Vec<Held> {
    let namespace = rig::shared().namespace("conformance", &[]);
    namespace.kubectl(["apply", "-f", "-"]).stdin(case.manifests.as_str()).ok();
    let pod = namespace.stored("pod/case");
    let files = namespace.rig().kubelet_token_files(&namespace, "case");
    let mut held = Vec::new();
    for list in ["initContainers", "containers"] {
        for container in items(&pod["spec"][list]) {
            let mut observed = Observed { case, namespace: &namespace, container, held: &mut held };
            for mount in items(&container["volumeMounts"]) {
                let volumes = items(&pod["spec"]["volumes"]);
                let volume = volumes.iter().find(|volume| volume["name"] == mount["name"]).expect("a volume");
                observed.mount(mount, volume, &files);
            }
            observed.variables();
        }
    }
    held.sort();
    held
}

struct Observed<'o> {
    case: &'o Case,
    namespace: &'o Namespace<'o>,
    container: &'o Value,
    held: &'o mut Vec<Held>,
}

impl Observed<'_> {
    fn mount(&mut self, mount: &Value, volume: &Value, files: &[TokenFile]) {
        self.secret_files(mount, &volume["secret"], &volume["secret"]["secretName"]);
        for source in items(&volume["projected"]["sources"]) {
            self.secret_files(mount, &source["secret"], &source["secret"]["name"]);
            let token = &source["serviceAccountToken"];
            if token.is_object() {
                let (volume, path) = (text(&volume["name"]), text(&token["path"]));
                let file = files.iter().find(|file| file.volume == volume && file.path == path).expect("a token");
                self.bound(mount, volume, token, &file.claims);
            }
        }
    }

    /// A file that the kubelet writes, if this mount shows it.
    fn bound(&mut self, mount: &Value, volume: &str, token: &Value, claims: &Claims) {
        let Some(at) = path_of(mount, text(&token["path"])) else { return };
        let kind = if self.case.manifests.contains(volume) { Kind::Projected } else { Kind::Automounted };
        let [audience] = claims.audiences()[..] else { panic!("{}: one audience", self.case.name) };
        let lasts = claims.lifetime().expect("a token with an end");
        self.held.push(Held {
            container: text(&self.container["name"]).to_owned(),
            token: kind,
            r#as: Form::File,
            at,
            audience: if audience == API_SERVER { String::new() } else { audience.to_owned() },
            requested_seconds: token["expirationSeconds"].as_u64(),
            lasts_seconds: u64::try_from(lasts).ok(),
            rotates: mount["subPath"].is_null(),
        });
    }

    fn secret_files(&mut self, mount: &Value, source: &Value, secret: &Value) {
        if source.is_null() {
            return;
        }
        let whole = [json!({"key": "token", "path": "token"})];
        let listed = items(&source["items"]);
        for item in if listed.is_empty() { &whole } else { listed } {
            if item["key"] == "token"
                && let Some(at) = path_of(mount, text(&item["path"]))
            {
                self.legacy(text(secret), Form::File, at);
            }
        }
    }

    fn variables(&mut self) {
        for variable in items(&self.container["env"]) {
            let reference = &variable["valueFrom"]["secretKeyRef"];
            if reference["key"] == "token" {
                self.legacy(text(&reference["name"]), Form::Variable, text(&variable["name"]).to_owned());
            }
        }
        for source in items(&self.container["envFrom"]) {
            let variable = format!("{}token", text(&source["prefix"]));
            self.legacy(text(&source["secretRef"]["name"]), Form::Variable, variable);
        }
    }

    /// The token that the controller has filled in. It has no end, and nobody renews it.
    fn legacy(&mut self, secret: &str, form: Form, at: String) {
        let claims = eventually(PATIENCE, || {
            let stored = self.namespace.stored(&format!("secret/{secret}"));
            if stored["data"]["token"].is_string() {
                Ok(Claims::of_secret(&stored["data"]["token"]))
            } else {
                Err(format!("{secret} holds no token yet"))
            }
        });
        assert_eq!(claims.audiences(), [""; 0], "{secret}");
        self.held.push(Held {
            container: text(&self.container["name"]).to_owned(),
            token: Kind::Legacy,
            r#as: form,
            at,
            audience: String::new(),
            requested_seconds: None,
            lasts_seconds: claims.lifetime().map(|seconds| u64::try_from(seconds).expect("a lifetime")),
            rotates: false,
        });
    }
}

/// Where the container sees a file of a volume, if it does.
fn path_of(mount: &Value, file: &str) -> Option<String> {
    let directory = text(&mount["mountPath"]).trim_end_matches('/');
    match mount["subPath"].as_str() {
        None => Some(format!("{directory}/{file}")),
        Some(sub_path) => (sub_path == file).then(|| directory.to_owned()),
    }
}

fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
