//! Projected tokens, that of the built-in plugin among them.

use super::view::View;
use super::{Doubt, HeldToken, TokenSource, TokenTable, UnknownToken};
use crate::resource::ProjectedSource;
use crate::token::automount::Automount;
use crate::token::built_in::{AUTOMOUNT_SECONDS, automounted_seconds};
use crate::token::directory::{Relation, written_relation};
use crate::token::files::{files, writes_all_keys};
use crate::token::lifetime::{DEFAULT_SECONDS, effective_seconds, is_for_api_server};
use crate::token::projected::{ProjectedToken, projected_tokens};

pub(super) fn add(view: &View<'_, '_>, table: &mut TokenTable) {
    table.tokens.extend(projected_tokens(&view.holder.pod.spec).map(|token| held(view, &token)));
    if !view.to_be_mounted.is_empty() && view.volume_to_be_mounted().is_none() {
        table.tokens.push(to_be_automounted(view));
    }
    if view.surroundings.automount == Automount::Unknown && !view.holder.pod.is_mirror() {
        table.unknown.push(UnknownToken::Automount { service_account: table.service_account.clone() });
    }
}

fn held(view: &View<'_, '_>, token: &ProjectedToken<'_>) -> HeldToken {
    let volume = token.volume.name.to_string();
    let spec = &view.holder.pod.spec;
    let is_automounted = automounted_seconds(token.volume, spec).is_some();
    let source = if is_automounted {
        TokenSource::Automount { volume: Some(volume) }
    } else {
        TokenSource::Projected { volume }
    };
    let sources = token.volume.projected.as_ref().map_or(&[][..], |projected| &projected.sources);
    let doubts = doubts(sources, token);
    let asked = token.token.expiration_seconds.map_or(DEFAULT_SECONDS, |seconds| u64::try_from(seconds).unwrap_or(0));
    let audience = &*token.token.audience;
    HeldToken {
        source,
        namespace: view.surroundings.namespace.to_owned(),
        service_account: spec.service_account_name().to_owned(),
        audiences: if audience.is_empty() { Vec::new() } else { vec![audience.to_owned()] },
        is_for_api_server: is_for_api_server(audience, view.surroundings.cluster),
        requested_seconds: Some(asked),
        effective_seconds: Some(token.effective_seconds(view.surroundings.cluster)),
        paths: vec![token.source_path(view.spec_path().field("volumes"))],
        sightings: view.sightings(&token.volume.name, &token.token.path, true, &doubts),
    }
}

/// Why the token's file may hold something else.
fn doubts(sources: &[ProjectedSource<'_>], token: &ProjectedToken<'_>) -> Vec<Doubt> {
    let others =
        || sources.iter().enumerate().filter(|(index, _)| *index != token.source_index).map(|(_, other)| other);
    let is_same = |file: &str| written_relation(file, &token.token.path) == Relation::Same;
    let mut doubts = Vec::new();
    if others().any(|other| files(other).any(is_same)) {
        doubts.push(Doubt::SameFile);
    }
    // The control plane writes the map of that name, and its only key is `ca.crt`.
    let has_unknown_keys = |other: &ProjectedSource<'_>| {
        other.config_map.as_ref().is_none_or(|map| map.name != "kube-root-ca.crt") && writes_all_keys(other)
    };
    if others().any(has_unknown_keys) {
        doubts.push(Doubt::AllKeys);
    }
    doubts
}

/// The token of the volume that the plugin will add.
fn to_be_automounted(view: &View<'_, '_>) -> HeldToken {
    let cluster = view.surroundings.cluster;
    let asked = i64::try_from(AUTOMOUNT_SECONDS).ok();
    HeldToken {
        source: TokenSource::Automount { volume: None },
        namespace: view.surroundings.namespace.to_owned(),
        service_account: view.holder.pod.spec.service_account_name().to_owned(),
        audiences: Vec::new(),
        is_for_api_server: true,
        requested_seconds: Some(AUTOMOUNT_SECONDS),
        effective_seconds: Some(effective_seconds("", asked, cluster)),
        paths: vec![view.spec_path().field("automountServiceAccountToken")],
        sightings: view.to_be_mounted.iter().map(|place| view.to_be_seen(*place, "token", true, &[])).collect(),
    }
}
