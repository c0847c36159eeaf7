//! The containers of a Pod, each with its place.

use std::collections::HashSet;

use crate::resource::{Container, FieldPath, List, Pod, PodSpec};

/// One of the three lists of containers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ContainerList {
    /// `containers`.
    Regular,
    /// `initContainers`, sidecars among them.
    Init,
    /// `ephemeralContainers`.
    Ephemeral,
}

impl ContainerList {
    /// In the order in which the containers of a Pod are started.
    const STARTED: [Self; 3] = [Self::Init, Self::Regular, Self::Ephemeral];

    /// The field of the Pod specification.
    #[must_use]
    pub const fn field(self) -> &'static str {
        match self {
            Self::Init => "initContainers",
            Self::Regular => "containers",
            Self::Ephemeral => "ephemeralContainers",
        }
    }

    const fn in_spec<'p>(self, spec: &'p PodSpec<'p>) -> &'p List<Container<'p>> {
        match self {
            Self::Init => &spec.init_containers,
            Self::Regular => &spec.containers,
            Self::Ephemeral => &spec.ephemeral_containers,
        }
    }

    /// Its containers.
    pub(crate) fn containers<'p>(self, spec: &'p PodSpec<'p>) -> impl Iterator<Item = (Place, &'p Container<'p>)> {
        let containers = self.in_spec(spec).iter().enumerate();
        containers.map(move |(index, container)| (Place { list: self, index }, container))
    }
}

/// The place of a container in a Pod. Regular containers come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The list.
    pub list: ContainerList,
    /// The place in that list.
    pub index: usize,
}

impl Place {
    /// The container, where there is one.
    #[must_use]
    pub fn container<'p>(self, spec: &'p PodSpec<'p>) -> Option<&'p Container<'p>> {
        self.list.in_spec(spec).get(self.index)
    }

    /// The container's path, where `spec` is the path of the Pod specification.
    #[must_use]
    pub fn path(self, spec: FieldPath) -> FieldPath {
        spec.field(self.list.field()).index(self.index)
    }
}

/// A Pod, or the template of one, whose tokens are asked for.
#[derive(Clone, Copy, Debug)]
pub struct Holder<'p> {
    /// The Pod or template.
    pub pod: &'p Pod<'p>,
    /// What it was before ephemeral containers were added. Where that is known only the new ones count, and what they reach:
    /// the entries of ephemeral containers can neither be changed nor removed.
    pub before: Option<&'p Pod<'p>>,
}

impl<'p> Holder<'p> {
    /// The whole Pod.
    #[must_use]
    pub const fn whole(pod: &'p Pod<'p>) -> Self {
        Self { pod, before: None }
    }

    /// The containers that count, in the order in which they are started.
    pub fn containers(self) -> impl Iterator<Item = (Place, &'p Container<'p>)> {
        let known: Option<HashSet<&str>> =
            self.before.map(|old| old.spec.ephemeral_containers.iter().map(|container| &*container.name).collect());
        let lists = ContainerList::STARTED.into_iter();
        let lists = lists.filter(move |list| self.before.is_none() || *list == ContainerList::Ephemeral);
        lists
            .flat_map(move |list| list.containers(&self.pod.spec))
            .filter(move |(_, container)| known.as_ref().is_none_or(|known| !known.contains(&*container.name)))
    }
}
