//! A webhook that answers as tokenward does, and keeps what it was sent.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path as UrlPath, State};
use axum::http::StatusCode;
use axum::routing::post;
use jiff::Timestamp;
use serde_json::Value;
use tokenward::config;
use tokenward::policy::{Inventory, Phase, PolicySet};

use crate::rig::users::User;
use crate::signature;

/// The namespaces of the recording begin so; whatever else happens in the cluster is left out.
pub(crate) const TEAM: &str = "team-";

/// How often people's requests of one name are kept; their number is part of the file's name then.
const MOST_OF_ONE_NAME: usize = 4;

/// What was sent, by the names of the files.
pub(crate) struct Recorder {
    policies: PolicySet,
    inventory: Inventory,
    kept: Mutex<BTreeMap<String, Vec<String>>>,
}

impl Recorder {
    /// Answers with `policy.yaml` and `inventory.yaml` of the corpus, which go with it.
    pub(crate) fn with_context_of(directory: &Path) -> Result<Self, String> {
        Ok(Self {
            policies: config::load_policies(&[directory.join("policy.yaml")]).map_err(|error| error.to_string())?,
            inventory: config::load_inventory(&[directory.join("inventory.yaml")])
                .map_err(|error| error.to_string())?,
            kept: Mutex::default(),
        })
    }

    fn answer(&self, phase: Phase, policy: &str, body: &[u8]) -> Result<Vec<u8>, (StatusCode, String)> {
        let answer = self
            .policies
            .answer(policy, phase, body, &self.inventory, Timestamp::now())
            .map_err(|malformed| (StatusCode::BAD_REQUEST, malformed.to_string()))?;
        self.keep(phase, policy, &String::from_utf8_lossy(body));
        Ok(answer.body)
    }

    fn keep(&self, phase: Phase, policy: &str, body: &str) {
        let review: Value = serde_json::from_str(body).unwrap_or_default();
        let request = &review["request"];
        let Some(name) = file_name(policy, phase.as_str(), request) else { return };
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let of_this_name = kept.entry(name).or_default();
        // Controllers repeat themselves as often as they like.
        let is_persons =
            [User::Administrator, User::Developer].iter().any(|user| request["userInfo"]["username"] == user.name());
        if of_this_name.is_empty() || (is_persons && of_this_name.len() < MOST_OF_ONE_NAME) {
            of_this_name.push(signature::replaced(body));
        }
    }

    /// File names without their ending, and the reviews.
    pub(crate) fn reviews(&self) -> Vec<(String, String)> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let numbered = |(index, body): (usize, &String), name: &String| match index {
            0 => (name.clone(), body.clone()),
            _ => (format!("{name}-{}", index + 1), body.clone()),
        };
        kept.iter().flat_map(|(name, bodies)| bodies.iter().enumerate().map(move |it| numbered(it, name))).collect()
    }
}

/// `/mutate/<policy>` and `/validate/<policy>`.
pub(crate) fn router(recorder: &Arc<Recorder>) -> Router {
    let answer = |phase| {
        post(move |State(recorder): State<Arc<Recorder>>, UrlPath(policy): UrlPath<String>, body: Bytes| async move {
            recorder.answer(phase, &policy, &body)
        })
    };
    Router::new()
        .route("/mutate/{policy}", answer(Phase::Mutate))
        .route("/validate/{policy}", answer(Phase::Validate))
        .with_state(Arc::clone(recorder))
}

/// `restricted.validate.create-pods-hardened`; names that the API server made up go without their random part.
fn file_name(policy: &str, phase: &str, request: &Value) -> Option<String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let resource = text(&request["resource"]["resource"]);
    let namespace = text(if resource == "namespaces" { &request["name"] } else { &request["namespace"] });
    if !namespace.starts_with(TEAM) {
        return None;
    }
    let operation = text(&request["operation"]).to_lowercase();
    let sub_resource =
        request["subResource"].as_str().map(|sub_resource| format!("-{sub_resource}")).unwrap_or_default();
    let dry_run = if request["dryRun"] == true { "-dry-run" } else { "" };
    let metadata = &request["object"]["metadata"];
    // What controllers make carries random letters, or the hash of a ReplicaSet, at the end of its name.
    let hash = text(&metadata["labels"]["pod-template-hash"]);
    let given = metadata["generateName"].as_str().or(request["name"].as_str()).unwrap_or_default();
    let stem = given.trim_end_matches('-');
    let stem = stem.strip_suffix(hash.as_str()).unwrap_or(stem).trim_end_matches('-');
    let name = if stem == given { stem.to_owned() } else { format!("{stem}-of-controller") };
    Some(format!("{policy}.{phase}.{operation}-{resource}{sub_resource}-{name}{dry_run}"))
}
