//! Every way in which a Pod reaches a Secret.

use std::collections::{HashMap, HashSet};

use crate::policy::{PodReview, PodScope};
use crate::resource::{Container, FieldPath, List, PodSpec, Volume};

/// A place in a Pod that names a Secret, or mounts a volume that does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// `imagePullSecrets`.
    ImagePullSecret(usize),
    /// A volume, by the field of its source.
    Volume(usize, &'static str),
    /// A source of a projected volume.
    ProjectedSource(usize, usize),
    /// A variable of a container.
    Env(ContainerList, usize, usize),
    /// All variables of a container.
    EnvFrom(ContainerList, usize, usize),
    /// A mount, by a container that came later, of a volume that holds the Secret.
    Mount(ContainerList, usize, usize),
}

/// One of the three lists of containers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ContainerList {
    Init,
    Regular,
    Ephemeral,
}

impl ContainerList {
    /// The field of the Pod specification.
    pub(crate) const fn field(self) -> &'static str {
        match self {
            Self::Init => "initContainers",
            Self::Regular => "containers",
            Self::Ephemeral => "ephemeralContainers",
        }
    }
}

impl Route {
    /// Where that is in the reviewed object.
    pub(crate) fn path(self, review: &PodReview<'_>) -> FieldPath {
        let container = |list: ContainerList, index| review.spec(list.field()).index(index);
        match self {
            Self::ImagePullSecret(index) => review.spec("imagePullSecrets").index(index).field("name"),
            Self::Volume(index, field) => review.spec("volumes").index(index).field(field),
            Self::ProjectedSource(volume, source) => {
                review.spec("volumes").index(volume).field("projected.sources").index(source).field("secret.name")
            }
            Self::Env(list, index, entry) => {
                container(list, index).field("env").index(entry).field("valueFrom.secretKeyRef.name")
            }
            Self::EnvFrom(list, index, entry) => {
                container(list, index).field("envFrom").index(entry).field("secretRef.name")
            }
            Self::Mount(list, index, entry) => container(list, index).field("volumeMounts").index(entry),
        }
    }
}

/// Calls `visit` with each Secret that the review adds to what the Pod reaches, and the way to it.
///
/// The list of ways is that of `VisitPodSecretNames` in kubernetes `pkg/api/v1/pod/util.go`. Of an update to the ephemeral
/// containers only the new ones count, and with them the volumes that they mount.
pub(crate) fn visit<'r>(review: &PodReview<'r>, mut visit: impl FnMut(&'r str, Route)) {
    let spec = &review.pod.spec;
    if let PodScope::EphemeralContainers { old } = review.scope {
        for (index, container) in added(&spec.ephemeral_containers, &old.spec.ephemeral_containers) {
            visit_container(ContainerList::Ephemeral, index, container, &mut visit);
            visit_mounts(ContainerList::Ephemeral, index, container, spec, &mut visit);
        }
        return;
    }
    for (index, reference) in spec.image_pull_secrets.iter().enumerate() {
        if !reference.name.is_empty() {
            visit(&reference.name, Route::ImagePullSecret(index));
        }
    }
    for (index, volume) in spec.volumes.iter().enumerate() {
        visit_volume(volume, |name, below| visit(name, below.route(index)));
    }
    let lists = [
        (ContainerList::Init, &spec.init_containers),
        (ContainerList::Regular, &spec.containers),
        (ContainerList::Ephemeral, &spec.ephemeral_containers),
    ];
    for (list, containers) in lists {
        for (index, container) in containers.iter().enumerate() {
            visit_container(list, index, container, &mut visit);
        }
    }
}

/// The containers that `old` has not. Entries of ephemeral containers cannot be changed or removed.
pub(crate) fn added<'r>(
    new: &'r List<Container<'_>>,
    old: &List<Container<'_>>,
) -> impl Iterator<Item = (usize, &'r Container<'r>)> {
    let known: HashSet<&str> = old.iter().map(|container| &*container.name).collect();
    new.iter().enumerate().filter(move |(_, container)| !known.contains(&*container.name))
}

/// Where in a volume a Secret is named.
#[derive(Clone, Copy)]
enum InVolume {
    Source(&'static str),
    Projected(usize),
}

impl InVolume {
    const fn route(self, volume: usize) -> Route {
        match self {
            Self::Source(field) => Route::Volume(volume, field),
            Self::Projected(source) => Route::ProjectedSource(volume, source),
        }
    }
}

fn visit_volume<'r>(volume: &'r Volume<'_>, mut visit: impl FnMut(&'r str, InVolume)) {
    for (field, name) in volume.secrets() {
        visit(name, InVolume::Source(field));
    }
    let sources = volume.projected.iter().flat_map(|projected| projected.sources.iter().enumerate());
    for (index, source) in sources {
        if let Some(secret) = source.secret.as_ref().filter(|secret| !secret.name.is_empty()) {
            visit(&secret.name, InVolume::Projected(index));
        }
    }
}

fn visit_container<'r>(
    list: ContainerList,
    index: usize,
    container: &'r Container<'_>,
    visit: &mut impl FnMut(&'r str, Route),
) {
    for (entry, variable) in container.env.iter().enumerate() {
        if let Some(name) = variable.secret() {
            visit(name, Route::Env(list, index, entry));
        }
    }
    for (entry, source) in container.env_from.iter().enumerate() {
        if let Some(name) = source.secret() {
            visit(name, Route::EnvFrom(list, index, entry));
        }
    }
}

fn visit_mounts<'r>(
    list: ContainerList,
    index: usize,
    container: &Container<'_>,
    spec: &'r PodSpec<'_>,
    visit: &mut impl FnMut(&'r str, Route),
) {
    let mut entries: HashMap<&str, usize> = HashMap::new();
    for (entry, mount) in container.volume_mounts.iter().enumerate() {
        entries.entry(&mount.name).or_insert(entry);
    }
    for volume in &spec.volumes {
        if let Some(entry) = entries.get(&*volume.name) {
            visit_volume(volume, |name, _| visit(name, Route::Mount(list, index, *entry)));
        }
    }
}
