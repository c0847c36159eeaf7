//! An injection in one line, for the audit log.

use std::fmt::Write as _;

use super::content::Content;
use super::plan::{Plan, PlannedVolume, containers};
use crate::resource::PodSpec;

/// Such as `api audience="" seconds=3600 containers=app,init`, one such part for each token, with `; ` between them.
///
/// The containers are all that have the volume once the patch is applied, not only the new ones: whatever the round, the
/// text describes the Pod.
pub(super) fn of(plan: &Plan<'_>, spec: &PodSpec<'_>) -> String {
    let mut line = String::with_capacity(128);
    for volume in plan.volumes() {
        match &volume.content {
            Content::Api { audience, seconds } => token(&mut line, ("api", audience, *seconds), volume, spec),
            Content::Further(tokens) => {
                for further in tokens {
                    let described = (&*further.name, &*further.audience, further.expiration_seconds);
                    token(&mut line, described, volume, spec);
                }
            }
        }
    }
    line
}

fn token(
    line: &mut String,
    (name, audience, seconds): (&str, &str, u64),
    volume: &PlannedVolume<'_>,
    spec: &PodSpec<'_>,
) {
    if !line.is_empty() {
        line.push_str("; ");
    }
    // Writing to a `String` cannot fail.
    let _ = write!(line, "{name} audience={audience:?} seconds={seconds} containers=");
    let directory = volume.content.directory();
    let holders = containers(spec).filter(|(place, container)| {
        let mounts = &container.volume_mounts;
        volume.gives_mount_to(*place)
            || mounts.iter().any(|mount| mount.mount_path == directory && volume.name == *mount.name)
    });
    for (position, (_, container)) in holders.enumerate() {
        if position > 0 {
            line.push(',');
        }
        line.push_str(&container.name);
    }
}
