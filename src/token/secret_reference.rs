//! Every way in which a Pod reaches a Secret.

use std::collections::{HashMap, HashSet};

use super::container::{Holder, Place};
use crate::resource::{Container, FieldPath, Volume};

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
    Env(Place, usize),
    /// All variables of a container.
    EnvFrom(Place, usize),
    /// A mount, by a container that came later, of a volume that holds the Secret.
    Mount(Place, usize),
}

impl Route {
    /// Where that is, where `spec` is the path of the Pod specification.
    pub(crate) fn path(self, spec: FieldPath) -> FieldPath {
        match self {
            Self::ImagePullSecret(index) => spec.field("imagePullSecrets").index(index).field("name"),
            Self::Volume(index, field) => spec.field("volumes").index(index).field(field),
            Self::ProjectedSource(volume, source) => {
                spec.field("volumes").index(volume).field("projected.sources").index(source).field("secret.name")
            }
            Self::Env(place, entry) => place.path(spec).field("env").index(entry).field("valueFrom.secretKeyRef.name"),
            Self::EnvFrom(place, entry) => place.path(spec).field("envFrom").index(entry).field("secretRef.name"),
            Self::Mount(place, entry) => place.path(spec).field("volumeMounts").index(entry),
        }
    }
}

impl<'p> Holder<'p> {
    /// Calls `visit` with each Secret that the Pod reaches, and the way to it; of new ephemeral containers, with what they
    /// reach and with the volumes that they mount.
    ///
    /// The list of ways is that of `VisitPodSecretNames` in kubernetes `pkg/api/v1/pod/util.go`.
    pub(crate) fn secrets(self, mut visit: impl FnMut(&'p str, Route)) {
        let spec = &self.pod.spec;
        if self.before.is_some() {
            let mut volumes: HashMap<&str, Vec<&Volume<'_>>> = HashMap::new();
            for volume in &spec.volumes {
                volumes.entry(&volume.name).or_default().push(volume);
            }
            for (place, container) in self.containers() {
                visit_container(place, container, &mut visit);
                visit_mounts(place, container, &volumes, &mut visit);
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
        for (place, container) in self.containers() {
            visit_container(place, container, &mut visit);
        }
    }
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

fn visit_container<'r>(place: Place, container: &'r Container<'_>, visit: &mut impl FnMut(&'r str, Route)) {
    for (entry, variable) in container.env.iter() {
        if let Some(name) = variable.secret() {
            visit(name, Route::Env(place, entry));
        }
    }
    for (entry, source) in container.env_from.iter().enumerate() {
        if let Some(name) = source.secret() {
            visit(name, Route::EnvFrom(place, entry));
        }
    }
}

fn visit_mounts<'r>(
    place: Place,
    container: &Container<'_>,
    volumes: &HashMap<&str, Vec<&'r Volume<'r>>>,
    visit: &mut impl FnMut(&'r str, Route),
) {
    let mut mounted = HashSet::new();
    for (entry, mount) in container.volume_mounts.iter().enumerate() {
        if mounted.insert(&*mount.name) {
            for volume in volumes.get(&*mount.name).into_iter().flatten() {
                visit_volume(volume, |name, _| visit(name, Route::Mount(place, entry)));
            }
        }
    }
}
