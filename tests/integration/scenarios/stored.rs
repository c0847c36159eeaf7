//! What is stored of what people apply.

use serde_json::Value;

use super::manifest::{token_mount, token_volume};

/// The volume that injection adds for the API server's token.
pub(super) fn injected_volume(audience: Option<&str>, seconds: u32) -> Value {
    token_volume("tokenward-api-access", audience, seconds)
}

/// The mount that goes with [`injected_volume`].
pub(super) fn injected_mount() -> Value {
    token_mount("tokenward-api-access")
}

/// The volume of a stored Pod with this name.
#[track_caller]
pub(super) fn volume<'pod>(pod: &'pod Value, name: &str) -> &'pod Value {
    list(&pod["spec"]["volumes"])
        .iter()
        .find(|volume| volume["name"] == name)
        .unwrap_or_else(|| panic!("no volume {name}: {:#}", pod["spec"]["volumes"]))
}

/// The names of a stored Pod's volumes.
pub(super) fn volume_names(pod: &Value) -> Vec<&str> {
    list(&pod["spec"]["volumes"]).iter().filter_map(|volume| volume["name"].as_str()).collect()
}

/// The init containers and containers of a stored Pod, each with its mounts.
pub(super) fn mounts(pod: &Value) -> Vec<(&str, &[Value])> {
    ["initContainers", "containers"]
        .into_iter()
        .flat_map(|kind| list(&pod["spec"][kind]))
        .map(|container| (container["name"].as_str().unwrap_or_default(), list(&container["volumeMounts"])))
        .collect()
}

pub(super) fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}
