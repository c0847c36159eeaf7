//! Which containers see a projected token.

use super::container::{Holder, Place};
use super::projected::{ProjectedToken, projected_tokens};
use super::sight::{Sight, sight};
use crate::resource::{Container, FieldPath, PodSpec, VolumeMount};

/// Up to this many tokens of one volume are looked at one by one for a mount that shows a part of it. Of more, any may be
/// seen: so no Pod is slow to judge.
const FEW: usize = 16;

/// The projected tokens of a kind, by their volumes.
#[derive(Debug, Default)]
pub(crate) struct TokenVolumes<'p> {
    tokens: Vec<ProjectedToken<'p>>,
}

/// A mount by which a container sees a token, and the mount's place in its list.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TokenMount<'p> {
    pub(crate) place: Place,
    pub(crate) container: &'p Container<'p>,
    pub(crate) index: usize,
}

impl TokenMount<'_> {
    /// The mount's path, where `spec` is the path of the Pod specification.
    pub(crate) fn path(self, spec: FieldPath) -> FieldPath {
        self.place.path(spec).field("volumeMounts").index(self.index)
    }
}

impl<'p> TokenVolumes<'p> {
    /// The tokens that `counts`.
    pub(crate) fn of(spec: &'p PodSpec<'p>, counts: impl Fn(&ProjectedToken<'p>) -> bool) -> Self {
        let mut tokens: Vec<ProjectedToken<'_>> = projected_tokens(spec).filter(counts).collect();
        tokens.sort_unstable_by_key(|token| &*token.volume.name);
        Self { tokens }
    }

    /// True where there is no such token.
    pub(crate) const fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }

    /// Whether the volume of this name holds one of the tokens.
    pub(crate) fn contains(&self, volume: &str) -> bool {
        self.tokens.binary_search_by_key(&volume, |token| &*token.volume.name).is_ok()
    }

    /// Whether a container with this mount sees one of the tokens, or may.
    pub(crate) fn are_seen_by(&self, mount: &VolumeMount<'_>) -> bool {
        let name = &*mount.name;
        let first = self.tokens.partition_point(|token| &*token.volume.name < name);
        let mut of_volume = self.tokens[first..].iter().take_while(|token| token.volume.name == *name);
        let sees = |token: &ProjectedToken<'_>| sight(mount, &token.token.path) != Sight::Nothing;
        of_volume.by_ref().take(FEW).any(sees) || of_volume.next().is_some()
    }
}

impl<'p> Holder<'p> {
    /// The mounts by which containers see a token of `volumes`.
    pub(crate) fn token_mounts(self, volumes: &TokenVolumes<'_>) -> impl Iterator<Item = TokenMount<'p>> {
        self.containers().flat_map(move |(place, container)| {
            let mounts = container.volume_mounts.iter().enumerate();
            let mounts = mounts.filter(|(_, mount)| volumes.are_seen_by(mount));
            mounts.map(move |(index, _)| TokenMount { place, container, index })
        })
    }
}
