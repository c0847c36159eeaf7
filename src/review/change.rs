//! What a patch does to an object.

use serde_json::Value;
use serde_json::value::RawValue;

use super::diff;
use crate::report::Change;

/// Applies a JSON Patch (RFC 6902).
pub(super) fn apply(patch: &[u8], object: &mut Value) -> Result<(), String> {
    let patch: json_patch::Patch =
        serde_json::from_slice(patch).map_err(|_| "the answer holds a patch that is none".to_owned())?;
    json_patch::patch(object, &patch).map_err(|error| format!("the patch does not apply at {}", error.path))
}

/// The change from `before` to `after` that `patches` made, one after the other.
pub(super) fn of(patches: &[Vec<u8>], before: &Value, after: &Value) -> Option<Change> {
    let operations: Vec<&str> = patches
        .iter()
        .filter_map(|patch| std::str::from_utf8(patch).ok()?.strip_prefix('[')?.strip_suffix(']'))
        .collect();
    if operations.is_empty() {
        return None;
    }
    let patch = RawValue::from_string(format!("[{}]", operations.join(","))).ok()?;
    Some(Change { patch, lines: diff::lines(before, after) })
}

/// The names of the volumes that a Pod has after a change and had not before.
pub(super) fn added_volumes(before: &Value, after: &Value) -> Vec<String> {
    let names = |pod: &Value| -> Vec<String> {
        let volumes = pod.pointer("/spec/volumes").and_then(Value::as_array).into_iter().flatten();
        volumes.filter_map(|volume| Some(volume.get("name")?.as_str()?.to_owned())).collect()
    };
    let before = names(before);
    names(after).into_iter().filter(|name| !before.contains(name)).collect()
}
