//! What lies at, below and above a directory in a container, in whatever spelling.

use crate::resource::Container;

/// Where client libraries look for the API token: `DefaultAPITokenMountPath` in kubernetes
/// `plugin/pkg/admission/serviceaccount/admission.go`.
pub const API_DIRECTORY: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// The directory of mounted secrets, of which the token directories are children.
const SECRETS_DIRECTORY: &str = "/var/run/secrets";

/// How a path lies to a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// It is the directory.
    Same,
    /// It is inside the directory.
    Below,
    /// It is a parent of the directory.
    Above,
    /// Neither is inside the other.
    Apart,
}

/// How `path` lies to `directory`, both as the container runtime resolves them: without `.`, `..` and empty parts, a
/// relative path below the root, and `/run` the same as `/var/run`, which in most images is a link to it.
#[must_use]
pub fn relation(path: &str, directory: &str) -> Relation {
    if is_plain(path) && is_plain(directory) {
        return plain_relation(path, directory);
    }
    relation_of(|| through_link(path), || through_link(directory))
}

/// Whether a path is written as shortly as it can be: absolute, and nothing in it to resolve but the link. Nearly all are.
fn is_plain(path: &str) -> bool {
    let mut last = b' ';
    let is_resolved = path.bytes().all(|byte| {
        let after_slash = last == b'/';
        last = byte;
        !(after_slash && matches!(byte, b'/' | b'.'))
    });
    is_resolved && path.starts_with('/') && last != b'/'
}

/// The relation of two such paths.
fn plain_relation(path: &str, directory: &str) -> Relation {
    /// Without the `/var` of `/var/run`, and whether it lies below `/var`.
    fn without_link(path: &str) -> (&str, bool) {
        let is_run =
            |path: &str| path.strip_prefix("/run").is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        let short = path.strip_prefix("/var").filter(|rest| is_run(rest)).unwrap_or(path);
        (short, is_run(short))
    }
    let is_above = |(upper, _): (&str, bool), (lower, is_run): (&str, bool)| {
        lower.strip_prefix(upper).is_some_and(|rest| rest.starts_with('/')) || (is_run && upper == "/var")
    };
    let (path, directory) = (without_link(path), without_link(directory));
    match () {
        () if path == directory => Relation::Same,
        () if is_above(path, directory) => Relation::Above,
        () if is_above(directory, path) => Relation::Below,
        () => Relation::Apart,
    }
}

/// The same without the link: how the two paths are written, whatever the image makes of them.
#[must_use]
pub fn written_relation(path: &str, directory: &str) -> Relation {
    relation_of(|| reversed_parts(path), || reversed_parts(directory))
}

fn relation_of<'p, P, D>(path: impl Fn() -> P, directory: impl Fn() -> D) -> Relation
where
    P: Iterator<Item = &'p str>,
    D: Iterator<Item = &'p str>,
{
    let (path_depth, directory_depth) = (path().count(), directory().count());
    let common = path_depth.min(directory_depth);
    let path_parts = path().skip(path_depth - common);
    let directory_parts = directory().skip(directory_depth - common);
    if !path_parts.eq(directory_parts) {
        return Relation::Apart;
    }
    match path_depth.cmp(&directory_depth) {
        std::cmp::Ordering::Equal => Relation::Same,
        std::cmp::Ordering::Greater => Relation::Below,
        std::cmp::Ordering::Less => Relation::Above,
    }
}

/// The parts of a path, last first, so that `..` is resolved without a list of what came before.
pub(super) fn reversed_parts(path: &str) -> impl Iterator<Item = &str> {
    let mut left = Some(path);
    // What `rsplit` searches with is made for longer texts than the parts of a path.
    let parts = std::iter::from_fn(move || {
        let rest = left?;
        let slash = rest.bytes().rposition(|byte| byte == b'/');
        left = slash.map(|slash| &rest[..slash]);
        Some(slash.map_or(rest, |slash| &rest[slash + 1..]))
    });
    let mut climbs = 0_usize;
    parts.filter(move |part| match *part {
        "" | "." => false,
        ".." => {
            climbs += 1;
            false
        }
        _ if climbs > 0 => {
            climbs -= 1;
            false
        }
        _ => true,
    })
}

/// The same with `/run` read as `/var/run`.
fn through_link(path: &str) -> impl Iterator<Item = &str> {
    let mut parts = reversed_parts(path);
    let mut outermost = "";
    std::iter::from_fn(move || match parts.next() {
        Some(part) => {
            outermost = part;
            Some(part)
        }
        None if std::mem::take(&mut outermost) == "run" => Some("var"),
        None => None,
    })
}

/// What a container has at a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occupancy<'c> {
    /// Nothing.
    Free,
    /// Nothing, but the directory would lie inside this mount of `/var/run/secrets` or below it.
    Inside {
        /// The mount's path as it was written.
        mount_path: &'c str,
    },
    /// A volume, mounted at exactly the directory's own spelling.
    Mounted {
        /// The volume's name.
        volume: &'c str,
    },
    /// Something that a mount must not meet: a mount at another spelling, a mount below, or a device. Two mounts at one
    /// place clash in the container runtime, which the API server does not notice; for a mount below, the kubelet makes
    /// a directory in the shared volume where the file should be (kubernetes `pkg/volume/util/nested_volumes.go`).
    Obstructed,
}

/// What `container` has at `directory`.
#[must_use]
pub fn occupancy<'c>(container: &'c Container<'_>, directory: &str) -> Occupancy<'c> {
    let mounts = &container.volume_mounts;
    if let Some(exact) = mounts.iter().find(|mount| mount.mount_path == directory) {
        return Occupancy::Mounted { volume: &exact.name };
    }
    let mut found = Occupancy::Free;
    for mount in mounts {
        match relation(&mount.mount_path, directory) {
            Relation::Same | Relation::Below => return Occupancy::Obstructed,
            Relation::Above if is_within_secrets(&mount.mount_path) => {
                found = Occupancy::Inside { mount_path: &mount.mount_path };
            }
            Relation::Above | Relation::Apart => {}
        }
    }
    let devices = container.volume_devices.iter();
    if devices.map(|device| relation(&device.device_path, directory)).any(|found| found != Relation::Apart) {
        return Occupancy::Obstructed;
    }
    found
}

/// A volume at `/var/run` or `/var` is common and harmless; one at `/var/run/secrets` was meant to hold what lies there.
fn is_within_secrets(path: &str) -> bool {
    matches!(relation(path, SECRETS_DIRECTORY), Relation::Same | Relation::Below)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::{API_DIRECTORY, Occupancy, Relation, occupancy, relation};
    use crate::resource::Container;

    #[test]
    fn sees_the_directory_in_every_spelling() {
        for spelling in [
            "/var/run/secrets/kubernetes.io/serviceaccount",
            "/var/run/secrets/kubernetes.io/serviceaccount/",
            "/var/run/secrets/kubernetes.io/serviceaccount//",
            "//var/run/secrets/kubernetes.io/serviceaccount",
            "/var/run/secrets/kubernetes.io/./serviceaccount",
            "/var/run/secrets/kubernetes.io/serviceaccount/.",
            "/var/run/secrets/kubernetes.io/x/../serviceaccount",
            "/../var/run/secrets/kubernetes.io/serviceaccount",
            "/run/secrets/kubernetes.io/serviceaccount",
            "/var/../run/secrets/kubernetes.io/serviceaccount",
            "var/run/secrets/kubernetes.io/serviceaccount",
            "run/secrets/kubernetes.io/serviceaccount",
        ] {
            assert_eq!(relation(spelling, API_DIRECTORY), Relation::Same, "{spelling}");
        }
    }

    #[test]
    fn tells_what_lies_below_above_and_apart() {
        assert_eq!(relation("/t/x/", "/t/"), Relation::Below);
        assert_eq!(relation("/t/", "/t/x/"), Relation::Above);
        for below in
            ["/var/run/secrets/kubernetes.io/serviceaccount/token", "/run/secrets/kubernetes.io/serviceaccount/a/b"]
        {
            assert_eq!(relation(below, API_DIRECTORY), Relation::Below, "{below}");
        }
        for above in ["/", "", "/var", "/var/", "/run", "/var/run", "/run/secrets", "/var/run/secrets/kubernetes.io"] {
            assert_eq!(relation(above, API_DIRECTORY), Relation::Above, "{above}");
        }
        for apart in [
            "/var/run/secrets/kubernetes.io/serviceaccount2",
            "/var/run/secrets/kubernetes.io/serviceaccoun",
            "/var/run/secrets/tokens",
            "/var/run/run/secrets/kubernetes.io/serviceaccount",
            "/opt/run/secrets/kubernetes.io/serviceaccount",
            "/VAR/run/secrets/kubernetes.io/serviceaccount",
            "/var/run/secrets/kubernetes.io/serviceaccount/../other",
        ] {
            assert_eq!(relation(apart, API_DIRECTORY), Relation::Apart, "{apart}");
        }
    }

    /// The rule in its plainest form, forwards and with lists.
    fn resolved(path: &str) -> Vec<&str> {
        let mut parts: Vec<&str> = Vec::new();
        for part in path.split('/') {
            match part {
                "" | "." => {}
                ".." => drop(parts.pop()),
                _ => parts.push(part),
            }
        }
        if parts.first() == Some(&"run") {
            parts.insert(0, "var");
        }
        parts
    }

    proptest! {
        #[test]
        fn agrees_with_resolving_both_paths(
            path in "(/|var|run|secrets|a|\\.|\\.\\.){0,12}|(/(var|run|secrets|a)){0,5}",
            directory in "(/|var|run|secrets|a){0,8}|(/(var|run|secrets|a)){0,5}",
        ) {
            let (one, other) = (resolved(&path), resolved(&directory));
            let expected = if one == other {
                Relation::Same
            } else if one.starts_with(&other) {
                Relation::Below
            } else if other.starts_with(&one) {
                Relation::Above
            } else {
                Relation::Apart
            };
            prop_assert_eq!(relation(&path, &directory), expected);
        }
    }

    fn at(container: &Value, expected: Occupancy<'_>) {
        let text = container.to_string();
        let container: Container<'_> = serde_json::from_str(&text).unwrap();
        assert_eq!(occupancy(&container, API_DIRECTORY), expected, "{text}");
    }

    fn mounts(paths: &[&str]) -> Value {
        let mounts: Vec<Value> = paths.iter().map(|path| json!({"name": "own", "mountPath": path})).collect();
        json!({"name": "app", "volumeMounts": mounts})
    }

    // row 9
    #[test]
    fn an_exact_mount_is_the_containers_own_whatever_else_there_is() {
        at(&mounts(&[API_DIRECTORY]), Occupancy::Mounted { volume: "own" });
        at(
            &mounts(&["/run/secrets/kubernetes.io/serviceaccount/token", API_DIRECTORY]),
            Occupancy::Mounted { volume: "own" },
        );
    }

    // rows 11, 12 and 14
    #[test]
    fn another_spelling_and_a_mount_below_are_in_the_way() {
        at(&mounts(&["/var/run/secrets/kubernetes.io/serviceaccount/"]), Occupancy::Obstructed);
        at(&mounts(&["/run/secrets/kubernetes.io/serviceaccount"]), Occupancy::Obstructed);
        at(&mounts(&["/data", "/var/run/secrets/kubernetes.io/serviceaccount/token"]), Occupancy::Obstructed);
    }

    // row 13
    #[test]
    fn a_parent_within_the_secrets_directory_is_named() {
        at(&mounts(&["/var/run/secrets"]), Occupancy::Inside { mount_path: "/var/run/secrets" });
        at(&mounts(&["/run/secrets/kubernetes.io/"]), Occupancy::Inside { mount_path: "/run/secrets/kubernetes.io/" });
        at(&mounts(&["/var/run"]), Occupancy::Free);
        at(&mounts(&["/"]), Occupancy::Free);
    }

    // row 15
    #[test]
    fn a_device_at_below_or_above_is_in_the_way() {
        for path in [API_DIRECTORY, "/run/secrets/kubernetes.io/serviceaccount/x", "/var/run/secrets"] {
            at(&json!({"name": "app", "volumeDevices": [{"name": "disk", "devicePath": path}]}), Occupancy::Obstructed);
        }
        at(&json!({"name": "app", "volumeDevices": [{"name": "disk", "devicePath": "/dev/xvda"}]}), Occupancy::Free);
    }

    #[test]
    fn nothing_is_in_the_way_of_a_container_without_mounts() {
        at(&json!({"name": "app", "volumeMounts": null, "volumeDevices": null}), Occupancy::Free);
    }
}
