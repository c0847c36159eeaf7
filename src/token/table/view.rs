//! Where the containers of a Pod see a file of a volume.

use super::{Doubt, Reader, Sighting, Spot, Surroundings};
use crate::resource::{Container, FieldPath, VolumeMount};
use crate::token::automount::Automount;
use crate::token::built_in::NAME_PREFIX;
use crate::token::container::{ContainerList, Holder, Place};
use crate::token::directory::{API_DIRECTORY, Relation, relation};
use crate::token::sight::{Sight, partial, path_in_container, sight};

/// A Pod with what is known of its surroundings.
pub(super) struct View<'p, 's> {
    pub(super) holder: Holder<'p>,
    pub(super) surroundings: Surroundings<'s>,
    /// The containers that the built-in plugin is yet to give a mount.
    pub(super) to_be_mounted: Vec<Place>,
}

impl<'p, 's> View<'p, 's> {
    pub(super) fn of(holder: Holder<'p>, surroundings: Surroundings<'s>) -> Self {
        let mut to_be_mounted = Vec::new();
        if surroundings.automount == Automount::Enabled && !surroundings.is_resolved {
            let spec = &holder.pod.spec;
            let containers = ContainerList::Init.containers(spec).chain(ContainerList::Regular.containers(spec));
            let has_own =
                |container: &Container<'_>| container.volume_mounts.iter().any(|it| it.mount_path == API_DIRECTORY);
            to_be_mounted.extend(containers.filter(|(_, container)| !has_own(container)).map(|(place, _)| place));
        }
        Self { holder, surroundings, to_be_mounted }
    }

    pub(super) fn spec_path(&self) -> FieldPath {
        self.surroundings.base.clone().field("spec")
    }

    /// The volume of the Pod that the built-in plugin will mount. It takes the first whose name begins like its own.
    pub(super) fn volume_to_be_mounted(&self) -> Option<&'p str> {
        let names = self.holder.pod.spec.volumes.iter().map(|volume| &*volume.name);
        names.into_iter().find(|name| !self.to_be_mounted.is_empty() && name.starts_with(NAME_PREFIX))
    }

    pub(super) fn reader(&self, place: Place) -> Reader {
        let name = place.container(&self.holder.pod.spec).map_or("", |container| &container.name);
        Reader::Container { list: place.list, name: name.to_owned() }
    }

    /// Who sees the file that lies at `file` in the volume of this name. `doubts` are those of the volume itself.
    pub(super) fn sightings(&self, volume: &str, file: &str, is_renewed: bool, doubts: &[Doubt]) -> Vec<Sighting> {
        let mut sightings = Vec::new();
        for (place, container) in self.holder.containers() {
            let mounts = container.volume_mounts.iter().enumerate();
            for (index, mount) in mounts.filter(|(_, mount)| mount.name == *volume) {
                let Some((spot, more)) = seen(container, index, mount, file) else { continue };
                let doubts = doubts.iter().copied().chain(more).collect();
                let is_renewed = is_renewed && partial(mount).is_none();
                let path = place.path(self.spec_path()).field("volumeMounts").index(index);
                sightings.push(Sighting { reader: self.reader(place), spot, is_renewed, doubts, path });
            }
            if self.to_be_mounted.contains(&place) && self.volume_to_be_mounted() == Some(volume) {
                sightings.push(self.to_be_seen(place, file, is_renewed, doubts));
            }
        }
        sightings
    }

    /// What a container sees once the built-in plugin has done its work.
    pub(super) fn to_be_seen(&self, place: Place, file: &str, is_renewed: bool, doubts: &[Doubt]) -> Sighting {
        let mount =
            VolumeMount { mount_path: crate::resource::Text::borrowed(API_DIRECTORY), ..VolumeMount::default() };
        let spot = Spot::File(path_in_container(&mount, file));
        let path = place.path(self.spec_path());
        Sighting { reader: self.reader(place), spot, is_renewed, doubts: doubts.to_vec(), path }
    }
}

/// Where the container sees the file by this mount, and why it may not.
fn seen(container: &Container<'_>, index: usize, mount: &VolumeMount<'_>, file: &str) -> Option<(Spot, Option<Doubt>)> {
    match sight(mount, file) {
        Sight::Nothing => None,
        Sight::Unknown => {
            let is_expression = !mount.sub_path_expr.is_empty();
            let doubt = if is_expression { Doubt::SubPathExpr } else { Doubt::KubeletDirectory };
            Some((Spot::Mount(mount.mount_path.to_string()), Some(doubt)))
        }
        Sight::File => {
            let path = path_in_container(mount, file);
            let others = container.volume_mounts.iter().enumerate().filter(|(other, _)| *other != index);
            let mut over = others.filter(|(_, other)| covers(&other.mount_path, &path, &mount.mount_path));
            let doubt = over.next().map(|_| Doubt::Covered);
            Some((Spot::File(path), doubt))
        }
    }
}

/// Whether a mount at `other` hides what a mount at `mount` shows at `path`. Deeper mounts are made later.
fn covers(other: &str, path: &str, mount: &str) -> bool {
    matches!(relation(other, path), Relation::Same | Relation::Above)
        && matches!(relation(other, mount), Relation::Same | Relation::Below)
}
