//! What a mount shows of a file in its volume.

use super::directory::{Relation, reversed_parts, written_relation};
use crate::resource::VolumeMount;

/// What a mount shows of a file in its volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sight {
    /// The file, at a path that is known.
    File,
    /// Perhaps the file: which one it is gets known when the container starts.
    Unknown,
    /// Another part of the volume.
    Nothing,
}

/// What `mount` shows of the file that lies at `file` in its volume.
pub(crate) fn sight(mount: &VolumeMount<'_>, file: &str) -> Sight {
    if !mount.sub_path_expr.is_empty() {
        return Sight::Unknown;
    }
    // The kubelet writes files into directories of its own, such as `..data`, and links to them.
    if mount.sub_path.split('/').any(|part| part.starts_with("..")) {
        return Sight::Unknown;
    }
    match written_relation(file, &mount.sub_path) {
        Relation::Same | Relation::Below => Sight::File,
        Relation::Above | Relation::Apart => Sight::Nothing,
    }
}

/// The field by which `mount` shows one path of its volume only. The kubelet renews the files of a volume by swapping a link
/// at its root, which such a mount does not see: it keeps the file that was there when the container started
/// (kubernetes `pkg/volume/util/atomic_writer.go`).
pub(crate) fn partial(mount: &VolumeMount<'_>) -> Option<&'static str> {
    match (mount.sub_path.is_empty(), mount.sub_path_expr.is_empty()) {
        (false, _) => Some("subPath"),
        (true, false) => Some("subPathExpr"),
        (true, true) => None,
    }
}

/// The path in the container of the file that lies at `file` in the volume of `mount`, which shows it.
pub(crate) fn path_in_container(mount: &VolumeMount<'_>, file: &str) -> String {
    let mut below: Vec<&str> = reversed_parts(file).collect();
    below.truncate(below.len() - reversed_parts(&mount.sub_path).count().min(below.len()));
    let outer: Vec<&str> = reversed_parts(&mount.mount_path).collect();
    let parts: Vec<&str> = outer.into_iter().rev().chain(below.into_iter().rev()).collect();
    format!("/{}", parts.join("/"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Sight, partial, path_in_container, sight};
    use crate::resource::VolumeMount;

    #[track_caller]
    fn seen(field: &str, sub_path: &str, file: &str, expected: Sight, path: &str) {
        let text = json!({"name": "v", "mountPath": "/t/", field: sub_path}).to_string();
        let mount: VolumeMount<'_> = serde_json::from_str(&text).unwrap();
        assert_eq!(sight(&mount, file), expected, "{text} {file}");
        if expected == Sight::File {
            assert_eq!(path_in_container(&mount, file), path, "{text} {file}");
        }
    }

    #[test]
    fn a_mount_shows_all_files_of_its_volume() {
        seen("subPathExpr", "", "token", Sight::File, "/t/token");
        seen("subPath", "", "a/./token", Sight::File, "/t/a/token");
    }

    #[test]
    fn a_mount_of_one_path_shows_what_lies_at_or_below_it() {
        seen("subPath", "token", "./token", Sight::File, "/t");
        seen("subPath", "a", "a/token", Sight::File, "/t/token");
        seen("subPath", "a/b/", "a/b/c/token", Sight::File, "/t/c/token");
        seen("subPath", "ca.crt", "token", Sight::Nothing, "");
        seen("subPath", "token/x", "token", Sight::Nothing, "");
        seen("subPath", "b", "a/token", Sight::Nothing, "");
    }

    #[test]
    fn what_a_variable_or_a_directory_of_the_kubelet_leads_to_is_unknown() {
        seen("subPathExpr", "token", "token", Sight::Unknown, "");
        seen("subPath", "..data/token", "token", Sight::Unknown, "");
        seen("subPath", "./..2027_01_01_00_00_00.1/token", "token", Sight::Unknown, "");
    }

    // row 26
    #[test]
    fn a_mount_of_one_path_is_not_renewed() {
        let field = |text: &str| partial(&serde_json::from_str::<VolumeMount<'_>>(text).unwrap());
        assert_eq!(field("{}"), None);
        assert_eq!(field(r#"{"subPath": "token"}"#), Some("subPath"));
        assert_eq!(field(r#"{"subPathExpr": "$(A)"}"#), Some("subPathExpr"));
    }
}
