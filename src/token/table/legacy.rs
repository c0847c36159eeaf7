//! Secrets that hold a legacy token, or may.

use super::view::View;
use super::{HeldToken, Reader, Sighting, Spot, TokenSource, TokenTable, UnknownToken};
use crate::resource::{FieldPath, ItemsSource, TOKEN_KEY};
use crate::token::cluster::SecretFact;
use crate::token::secret_reference::Route;

/// A Secret that the Pod reaches, and the ways to it.
struct Reached<'p> {
    secret: &'p str,
    routes: Vec<Route>,
}

pub(super) fn add(view: &View<'_, '_>, table: &mut TokenTable) {
    let mut reached: Vec<Reached<'_>> = Vec::new();
    view.holder.secrets(|secret, route| match reached.iter_mut().find(|known| known.secret == secret) {
        Some(known) => known.routes.push(route),
        None => reached.push(Reached { secret, routes: vec![route] }),
    });
    for Reached { secret, routes } in reached {
        let paths = || routes.iter().map(|route| route.path(view.spec_path())).collect();
        let sightings = || routes.iter().flat_map(|route| seen(view, *route)).collect();
        let secret = secret.to_owned();
        match (view.surroundings.secret)(&secret) {
            SecretFact::LegacyToken { service_account } => table.tokens.push(HeldToken {
                source: TokenSource::LegacySecret { secret },
                namespace: view.surroundings.namespace.to_owned(),
                service_account: service_account.to_owned(),
                audiences: Vec::new(),
                is_for_api_server: true,
                requested_seconds: None,
                effective_seconds: None,
                paths: paths(),
                sightings: sightings(),
            }),
            SecretFact::Unknown => {
                table.unknown.push(UnknownToken::Secret { secret, paths: paths(), sightings: sightings() });
            }
            SecretFact::Other => {}
        }
    }
}

/// Who sees the token by one of the ways. The other keys of such a Secret are no credential.
fn seen(view: &View<'_, '_>, route: Route) -> Vec<Sighting> {
    let spec = &view.holder.pod.spec;
    let one = |reader, spot| {
        let path: FieldPath = route.path(view.spec_path());
        vec![Sighting { reader, spot, is_renewed: false, doubts: Vec::new(), path }]
    };
    let files = |volume: &str, files: &mut dyn Iterator<Item = &str>| {
        files.flat_map(|file| view.sightings(volume, file, false, &[])).collect()
    };
    match route {
        Route::ImagePullSecret(_) => one(Reader::Node, Spot::PullSecret),
        Route::Volume(index, field) => match spec.volumes.get(index) {
            Some(volume) if field == "secret.secretName" => files(&volume.name, &mut volume.secret_token_paths()),
            Some(volume) => one(Reader::Node, Spot::VolumeDriver(volume.name.to_string())),
            None => Vec::new(),
        },
        Route::ProjectedSource(index, source) => spec.volumes.get(index).map_or_else(Vec::new, |volume| {
            let source = volume.projected.as_ref().and_then(|projected| projected.sources.get(source)?.secret.as_ref());
            source.map_or_else(Vec::new, |source| files(&volume.name, &mut token_files(source)))
        }),
        Route::Env(place, index) => match place.container(spec).and_then(|container| container.env.get(index)) {
            Some(variable) if variable.secret_key() == Some(TOKEN_KEY) => {
                one(view.reader(place), Spot::Variable(variable.name.to_string()))
            }
            _ => Vec::new(),
        },
        Route::EnvFrom(place, index) => {
            let source = place.container(spec).and_then(|container| container.env_from.get(index));
            let prefix = source.map_or("", |source| &source.prefix);
            let prefix = if is_identifier(prefix) { prefix } else { "..." };
            one(view.reader(place), Spot::Variable(format!("{prefix}{TOKEN_KEY}")))
        }
        Route::Mount(..) => Vec::new(),
    }
}

/// Whether this can begin the name of a variable. Anything else may be what somebody wrote there by mistake, and is not shown.
fn is_identifier(prefix: &str) -> bool {
    prefix.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// The files that a source of a projected volume writes the token to.
fn token_files<'s>(source: &'s ItemsSource<'_>) -> impl Iterator<Item = &'s str> {
    let own = source.items.is_empty().then_some(TOKEN_KEY);
    let items = source.items.iter().filter(|item| item.key == TOKEN_KEY);
    own.into_iter().chain(items.map(|item| &*item.path))
}
