//! What a Pod is given, before anything is written.

use super::annotations::{self, Requests};
use super::content::{Content, VolumeName};
use crate::policy::{InjectWhen, MountWhen, PodReview, shortened};
use crate::resource::{Container, PodSpec};
use crate::token::{Automount, ContainerList, Occupancy, Place, occupancy, projected_tokens};

/// What a Pod is given.
#[derive(Debug, Default)]
pub struct Plan<'p> {
    /// The volume with the API token.
    pub api: Option<PlannedVolume<'p>>,
    /// The volume with tokens for further audiences.
    pub further: Option<PlannedVolume<'p>>,
    /// Built-in volumes, by their place in `spec.volumes`, whose lifetime is replaced by this one in seconds.
    pub retuned: Vec<usize>,
    /// The lifetime that retuned volumes get, in seconds.
    pub retuned_seconds: u64,
    /// What the user should know.
    pub remarks: Vec<String>,
}

/// A volume, and the containers that are given a mount of it. There is at least one.
#[derive(Debug)]
pub struct PlannedVolume<'p> {
    /// Its name.
    pub name: VolumeName,
    /// What it holds.
    pub content: Content<'p>,
    /// Whether it has to be added; false where an earlier round did so.
    pub is_new: bool,
    /// The containers that are given a mount, in their order.
    pub mounts: Vec<Place>,
}

impl PlannedVolume<'_> {
    /// Whether the container at `place` is given a mount.
    #[must_use]
    pub fn gives_mount_to(&self, place: Place) -> bool {
        self.mounts.binary_search(&place).is_ok()
    }
}

/// The containers that can be given a token: regular ones, then init containers, sidecars among them.
pub fn containers<'p>(spec: &'p PodSpec<'p>) -> impl Iterator<Item = (Place, &'p Container<'p>)> {
    ContainerList::Regular.containers(spec).chain(ContainerList::Init.containers(spec))
}

impl<'p> Plan<'p> {
    /// What the Pod is given by the review's policy, with the API token injected `when`. `None` for a Pod that is left
    /// alone: a mirror Pod, or one with an annotation that cannot be honoured.
    #[must_use]
    pub fn of(review: &'p PodReview<'p>, when: InjectWhen) -> Option<Self> {
        if review.pod.is_mirror() {
            return None;
        }
        let requests = annotations::read(review, when).ok()?;
        let mut plan = Self::default();
        plan.retune(review);
        if !requests.refuses_all() {
            plan.api = api_token(review, when, &requests).and_then(|content| plan.volume(review, &requests, content));
            plan.further =
                further_tokens(review, &requests).and_then(|content| plan.volume(review, &requests, content));
        }
        Some(plan)
    }

    /// Whether a container is given a token.
    #[must_use]
    pub const fn injects(&self) -> bool {
        self.api.is_some() || self.further.is_some()
    }

    /// The volumes that containers are given.
    pub fn volumes(&self) -> impl Iterator<Item = &PlannedVolume<'p>> {
        self.api.iter().chain(&self.further)
    }

    fn retune(&mut self, review: &PodReview<'_>) {
        let settings = &review.context.policy.inject;
        if settings.retune_automounted {
            let built_in = projected_tokens(&review.pod.spec).filter(|token| token.is_built_in);
            self.retuned = built_in.map(|token| token.volume_index).collect();
            self.retuned_seconds = settings.api_token.expiration_seconds;
        }
    }

    /// The volume of this content and its mounts, where a container needs one.
    fn volume(
        &mut self,
        review: &'p PodReview<'p>,
        requests: &Requests<'_>,
        content: Content<'p>,
    ) -> Option<PlannedVolume<'p>> {
        let spec = &review.pod.spec;
        let mut mounts = Vec::new();
        let mut obstructed = Named::default();
        let mut inside = Named::default();
        let mut outer = "";
        for (place, container) in containers(spec).filter(|(_, container)| requests.chooses_container(&container.name))
        {
            match occupancy(container, content.directory()) {
                Occupancy::Mounted { .. } => continue,
                Occupancy::Obstructed => {
                    obstructed.add(&container.name);
                    continue;
                }
                Occupancy::Inside { mount_path } => {
                    inside.add(&container.name);
                    outer = if outer.is_empty() { mount_path } else { outer };
                }
                Occupancy::Free => {}
            }
            mounts.push(place);
        }
        let what = content.described();
        if let Some(names) = obstructed.sentence() {
            self.remarks.push(format!("No {what} for {names}: something is at or below {}", content.directory()));
        }
        if mounts.is_empty() {
            return None;
        }
        if let Some(names) = inside.sentence() {
            self.remarks.push(format!("The {what} of {names} lies inside another mount, {}", shortened(outer)));
        }
        let (name, is_new) = choose_name(spec, &content);
        if name.number() > 1 {
            let base = content.base_name();
            self.remarks.push(format!("A volume {base} with other content is there: the {what} is in {name}"));
        }
        Some(PlannedVolume { name, content, is_new, mounts })
    }
}

/// The API token that the Pod is given, if any.
fn api_token<'p>(review: &'p PodReview<'p>, when: InjectWhen, requests: &Requests<'_>) -> Option<Content<'p>> {
    let requested = requests.inject == Some(true);
    // A Pod that was hardened by switching automount off on the account that every Pod has wants no token.
    let is_default_account = review.pod.spec.service_account_name() == "default";
    let wanted = match when {
        InjectWhen::AutomountDisabled => requested || !is_default_account,
        InjectWhen::Requested => requested,
        InjectWhen::Never => false,
    };
    let token = &review.context.policy.inject.api_token;
    (wanted && review.automount() == Automount::Disabled).then(|| Content::Api {
        audience: &token.audience,
        seconds: requests.expiration_seconds.unwrap_or(token.expiration_seconds),
    })
}

/// The further tokens that the Pod is given, in the order of the policy.
fn further_tokens<'p>(review: &'p PodReview<'p>, requests: &Requests<'_>) -> Option<Content<'p>> {
    let tokens = review.context.policy.inject.tokens.iter().filter(|token| match token.mount {
        MountWhen::Always => true,
        MountWhen::AutomountDisabled => review.automount() == Automount::Disabled,
        MountWhen::Requested => requests.names_token(&token.name),
    });
    let tokens: Vec<_> = tokens.collect();
    (!tokens.is_empty()).then_some(Content::Further(tokens))
}

/// The first name of the content's base that is free, or whose volume is the one that we would write; and whether the
/// volume has to be added. A volume of our name with other content is neither trusted nor changed.
fn choose_name(spec: &PodSpec<'_>, content: &Content<'_>) -> (VolumeName, bool) {
    let base = content.base_name();
    let numbered = spec.volumes.iter().filter_map(|volume| Some((VolumeName::number_of(base, &volume.name)?, volume)));
    let mut taken: Vec<(u64, bool)> = numbered.map(|(number, volume)| (number, content.is_in(volume))).collect();
    // `false` sorts first: of two volumes with one name, which the API server refuses, the one of other content counts.
    taken.sort_unstable();
    let mut name = VolumeName::first(base);
    for (number, is_ours) in taken {
        if number == name.number() {
            if is_ours {
                return (name, false);
            }
            name = name.next();
        }
    }
    (name, true)
}

/// Container names for a sentence: the first, and how many more.
#[derive(Default)]
struct Named<'p> {
    first: Option<&'p str>,
    more: usize,
}

impl<'p> Named<'p> {
    fn add(&mut self, name: &'p str) {
        match self.first {
            Some(_) => self.more += 1,
            None => self.first = Some(name),
        }
    }

    fn sentence(&self) -> Option<String> {
        let name = shortened(self.first?);
        Some(match self.more {
            0 => format!("container {name}"),
            more => format!("container {name} and {more} more"),
        })
    }
}
