//! The tokens of a Pod, for programs.

use serde::Serialize;

use crate::report::{Holding, Outcome};
use crate::token::{Doubt, HeldToken, Reader, Sighting, Spot, UnknownToken};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TokensOutput<'r> {
    service_account: &'r str,
    held: Vec<HeldOutput<'r>>,
    unknown: Vec<UnknownOutput<'r>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct HeldOutput<'r> {
    source: &'static str,
    volume: Option<&'r str>,
    secret: Option<&'r str>,
    injected: bool,
    namespace: &'r str,
    service_account: &'r str,
    audiences: &'r [String],
    for_api_server: bool,
    requested_seconds: Option<u64>,
    effective_seconds: Option<u64>,
    paths: Vec<String>,
    seen: Vec<SeenOutput<'r>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SeenOutput<'r> {
    by: &'static str,
    container: Option<&'r str>,
    list: Option<&'static str>,
    r#as: &'static str,
    at: Option<AtOutput<'r>>,
    rotates: bool,
    doubts: Vec<&'static str>,
    path: String,
}

/// A path, a name or an index.
#[derive(Serialize)]
#[serde(untagged)]
enum AtOutput<'r> {
    Text(&'r str),
    Index(usize),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct UnknownOutput<'r> {
    secret: Option<&'r str>,
    service_account: Option<&'r str>,
    reason: String,
    paths: Vec<String>,
    seen: Vec<SeenOutput<'r>>,
}

impl<'r> TokensOutput<'r> {
    /// The tokens of a Pod, where they are shown.
    pub(super) fn of(outcome: &'r Outcome, shows_tokens: bool) -> Option<Self> {
        let holding = outcome.tokens.as_ref().filter(|_| shows_tokens)?;
        let table = &holding.table;
        Some(Self {
            service_account: &table.service_account,
            held: table.tokens.iter().map(|token| HeldOutput::of(holding, token)).collect(),
            unknown: table.unknown.iter().map(UnknownOutput::of).collect(),
        })
    }
}

impl<'r> HeldOutput<'r> {
    fn of(holding: &'r Holding, token: &'r HeldToken) -> Self {
        Self {
            source: token.source.as_str(),
            volume: token.source.volume(),
            secret: token.source.secret(),
            injected: holding.is_injected(token),
            namespace: &token.namespace,
            service_account: &token.service_account,
            audiences: &token.audiences,
            for_api_server: token.is_for_api_server,
            requested_seconds: token.requested_seconds,
            effective_seconds: token.effective_seconds,
            paths: token.paths.iter().map(ToString::to_string).collect(),
            seen: token.sightings.iter().map(SeenOutput::of).collect(),
        }
    }
}

impl<'r> SeenOutput<'r> {
    fn of(sighting: &'r Sighting) -> Self {
        let (by, container, list) = match &sighting.reader {
            Reader::Container { list, name } => ("container", Some(name.as_str()), Some(list.field())),
            Reader::Node => ("node", None, None),
            Reader::PodReader => ("pod-reader", None, None),
        };
        let (r#as, at) = match &sighting.spot {
            Spot::File(path) => ("file", Some(AtOutput::Text(path))),
            Spot::Mount(path) => ("mount", Some(AtOutput::Text(path))),
            Spot::Variable(name) => ("variable", Some(AtOutput::Text(name))),
            Spot::Command(index) => ("command", Some(AtOutput::Index(*index))),
            Spot::Argument(index) => ("args", Some(AtOutput::Index(*index))),
            Spot::Annotation(key) => ("annotation", Some(AtOutput::Text(key))),
            Spot::PullSecret => ("image-pull-secret", None),
            Spot::VolumeDriver(volume) => ("volume-driver", Some(AtOutput::Text(volume))),
        };
        let doubts = sighting.doubts.iter().map(|doubt| Doubt::as_str(*doubt)).collect();
        let path = sighting.path.to_string();
        Self { by, container, list, r#as, at, rotates: sighting.is_renewed, doubts, path }
    }
}

impl<'r> UnknownOutput<'r> {
    fn of(unknown: &'r UnknownToken) -> Self {
        let reason = unknown.to_string();
        match unknown {
            UnknownToken::Secret { secret, paths, sightings } => Self {
                secret: Some(secret),
                service_account: None,
                reason,
                paths: paths.iter().map(ToString::to_string).collect(),
                seen: sightings.iter().map(SeenOutput::of).collect(),
            },
            UnknownToken::Automount { service_account } => Self {
                secret: None,
                service_account: Some(service_account),
                reason,
                paths: Vec::new(),
                seen: Vec::new(),
            },
        }
    }
}
