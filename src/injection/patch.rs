//! A plan, written as JSON Patch.

use super::annotations::INJECTED;
use super::plan::{Plan, containers};
use super::schema::{Sequence, Stamp, Volume, VolumeMount};
use crate::admission::PatchWriter;
use crate::resource::{Container, Pod};
use crate::token::Place;

/// Where the stamp is, beside other annotations: [`INJECTED`] with its slash escaped.
const INJECTED_POINTER: &str = "/metadata/annotations/tokenward.dev~1injected";

/// The JSON Patch that turns `pod` into what `plan` says; `None` where there is nothing to change.
///
/// It appends to lists, adds lists and maps that are missing, and replaces nothing but retuned lifetimes and our own stamp.
pub(super) fn write(plan: &Plan<'_>, pod: &Pod<'_>, policy: &str) -> Option<Vec<u8>> {
    let mut patch = PatchWriter::new();
    for volume in &plan.retuned {
        patch.replace(
            format_args!("/spec/volumes/{volume}/projected/sources/0/serviceAccountToken/expirationSeconds"),
            &plan.retuned_seconds,
        );
    }
    add_volumes(&mut patch, plan, pod);
    for place in containers(&pod.spec) {
        add_mounts(&mut patch, plan, place);
    }
    if plan.injects() {
        stamp(&mut patch, pod, policy);
    }
    patch.finish()
}

fn add_volumes(patch: &mut PatchWriter, plan: &Plan<'_>, pod: &Pod<'_>) {
    let new = || plan.volumes().filter(|volume| volume.is_new).map(Volume::of);
    if pod.spec.volumes.is_present() {
        new().for_each(|volume| patch.add("/spec/volumes/-", &volume));
    } else if new().next().is_some() {
        patch.add("/spec/volumes", &Sequence(new));
    }
}

fn add_mounts(patch: &mut PatchWriter, plan: &Plan<'_>, (place, container): (Place, &Container<'_>)) {
    let new = || plan.volumes().filter(|volume| volume.gives_mount_to(place)).map(VolumeMount::of);
    let (list, index) = (place.list.field(), place.index);
    if container.volume_mounts.is_present() {
        new().for_each(|mount| patch.add(format_args!("/spec/{list}/{index}/volumeMounts/-"), &mount));
    } else if new().next().is_some() {
        patch.add(format_args!("/spec/{list}/{index}/volumeMounts"), &Sequence(new));
    }
}

fn stamp(patch: &mut PatchWriter, pod: &Pod<'_>, policy: &str) {
    let annotations = &pod.metadata.annotations;
    if !annotations.is_present() {
        patch.add("/metadata/annotations", &Stamp(policy));
    } else if annotations.get(INJECTED).is_none_or(|stamp| *stamp != *policy) {
        patch.add(INJECTED_POINTER, &policy);
    }
}

#[cfg(test)]
mod tests {
    use super::{INJECTED, INJECTED_POINTER};
    use crate::resource::escape_pointer;

    #[test]
    fn the_stamps_pointer_is_its_escaped_key() {
        assert_eq!(INJECTED_POINTER, format!("/metadata/annotations/{}", escape_pointer(INJECTED)));
    }
}
