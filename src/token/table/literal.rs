//! Tokens in the Pod's own text.

use std::ops::ControlFlow;

use super::view::View;
use super::{HeldToken, Reader, Sighting, Spot, TokenSource, TokenTable};
use crate::token::jwt::{ServiceAccountToken, TokenKind};
use crate::token::lifetime::is_for_api_server;
use crate::token::literal::Text;
use crate::token::search::visit_service_account_tokens;

pub(super) fn add(view: &View<'_, '_>, table: &mut TokenTable) {
    let mut found: Vec<(ServiceAccountToken, HeldToken)> = Vec::new();
    view.holder.texts(|text, value| {
        visit_service_account_tokens(value.as_bytes(), &mut |_, token| {
            if !token.is_expired(view.surroundings.now) {
                add_token(view, text, token, &mut found);
            }
            ControlFlow::Continue(())
        });
    });
    table.tokens.extend(found.into_iter().map(|(_, held)| held));
}

fn add_token(
    view: &View<'_, '_>,
    text: Text<'_>,
    token: ServiceAccountToken,
    found: &mut Vec<(ServiceAccountToken, HeldToken)>,
) {
    let path = text.path(view.surroundings.base.clone());
    let index = found.iter().position(|(known, _)| *known == token).unwrap_or_else(|| {
        let held = held(view, &token);
        found.push((token, held));
        found.len() - 1
    });
    let (_, held) = &mut found[index];
    // A text may hold one token several times.
    if !held.paths.contains(&path) {
        let (reader, spot) = seen(view, text);
        held.paths.push(path.clone());
        held.sightings.push(Sighting { reader, spot, is_renewed: false, doubts: Vec::new(), path });
    }
}

fn seen(view: &View<'_, '_>, text: Text<'_>) -> (Reader, Spot) {
    match text {
        Text::Env(place, index) => {
            let container = place.container(&view.holder.pod.spec);
            let variable = container.and_then(|container| container.env.get(index));
            let name = variable.map_or_else(String::new, |variable| variable.name.to_string());
            (view.reader(place), Spot::Variable(name))
        }
        Text::Command(place, index) => (view.reader(place), Spot::Command(index)),
        Text::Args(place, index) => (view.reader(place), Spot::Argument(index)),
        Text::Annotation(key) => (Reader::PodReader, Spot::Annotation(key.to_owned())),
    }
}

fn held(view: &View<'_, '_>, token: &ServiceAccountToken) -> HeldToken {
    let seconds = |seconds: i64| Some(u64::try_from(seconds).unwrap_or(0));
    let (audiences, requested_seconds, effective_seconds) = match &token.kind {
        TokenKind::Legacy { .. } => (Vec::new(), None, None),
        TokenKind::Bound(bound) => {
            let asked = bound.warn_after.map_or(bound.lifetime(), |end| end.saturating_sub(bound.issued_at));
            (bound.audiences.clone(), seconds(asked), seconds(bound.lifetime()))
        }
    };
    let cluster = view.surroundings.cluster;
    let is_for_api_server =
        audiences.is_empty() || audiences.iter().any(|audience| is_for_api_server(audience, cluster));
    HeldToken {
        source: TokenSource::Literal,
        namespace: token.namespace.clone(),
        service_account: token.service_account.clone(),
        audiences,
        is_for_api_server,
        requested_seconds,
        effective_seconds,
        paths: Vec::new(),
        sightings: Vec::new(),
    }
}
