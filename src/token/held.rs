//! Which containers see a projected token.

use super::projected::{ProjectedToken, projected_tokens};
use super::secret_reference::ContainerList;
use crate::resource::{Container, PodSpec};

/// Every container of a Pod specification with its list and its place there, init containers first.
pub(crate) fn containers<'p>(spec: &'p PodSpec<'p>) -> impl Iterator<Item = (ContainerList, usize, &'p Container<'p>)> {
    let lists = [
        (ContainerList::Init, &spec.init_containers),
        (ContainerList::Regular, &spec.containers),
        (ContainerList::Ephemeral, &spec.ephemeral_containers),
    ];
    lists.into_iter().flat_map(|(list, containers)| {
        containers.iter().enumerate().map(move |(index, container)| (list, index, container))
    })
}

/// The volumes that hold a projected token of a kind. A container sees the token by any mount of the volume; a mount of one
/// path of it counts too, since which file that is may depend on variables.
#[derive(Debug, Default)]
pub(crate) struct TokenVolumes<'p> {
    names: Vec<&'p str>,
}

impl<'p> TokenVolumes<'p> {
    /// The volumes with a token that `counts`.
    pub(crate) fn of(spec: &'p PodSpec<'p>, counts: impl Fn(&ProjectedToken<'p>) -> bool) -> Self {
        let mut names: Vec<&str> = projected_tokens(spec).filter(counts).map(|token| &*token.volume.name).collect();
        names.sort_unstable();
        names.dedup();
        Self { names }
    }

    /// Whether the volume of this name is among them.
    pub(crate) fn contains(&self, volume: &str) -> bool {
        self.names.binary_search(&volume).is_ok()
    }
}
