//! `tokenward demo`: the webhook at work, without a cluster.

mod client;
mod scene;
mod screen;
mod yaml;

use std::io::Write;
use std::time::Instant;

use anyhow::Context as _;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _, Zoned};

use super::{Exit, Failure};
use crate::certs::{Authority, Names};
use crate::config::{self, Source};
use crate::policy::{Phase, PolicySet};
use crate::review::Creation;
use crate::server::{PolicySource, Server, Settings};
use client::Client;
use scene::{SCENES, Scene};
use screen::Screen;

/// Long enough for the demonstration.
const DAYS: u32 = 1;

/// Show the webhook at work, without a cluster.
///
/// Starts the webhook on a free port of this machine with a certificate made in memory, sends it example manifests over TLS as
/// an API server would, shows its verdicts and changes, and ends. Nothing is read or written.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {}

pub(super) fn run(_: &Arguments) -> Result<Exit, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(show())?;
    Ok(Exit::Clean)
}

async fn show() -> anyhow::Result<()> {
    let begun = Instant::now();
    let authority = Authority::generate(DAYS)?;
    let pair = authority.issue(&Names::loopback())?.pair()?;
    let policies = policies(&Zoned::now())?;
    let settings = Settings { policies: PolicySource::Memory(Box::new(policies.clone())), ..Settings::in_memory(pair) };
    let server = Server::start(settings)?;
    let mut client = Client::connect(server.address(), authority.certificate_der()).await?;

    let mut screen = Screen::new(anstream::stdout());
    screen.opening(server.address())?;
    for (index, scene) in SCENES.iter().enumerate() {
        screen.scene(index + 1, scene)?;
        if let Some(exception) = policies.exceptions().all().iter().find(|it| it.namespace.as_str() == scene.namespace)
        {
            screen.exception(exception, Timestamp::now())?;
        }
        play(scene, &mut client, &mut screen)
            .await
            .with_context(|| format!("the demonstration fails at: {}", scene.title))?;
    }
    screen.closing(client.times(), begun.elapsed())?;
    server.stop();
    Ok(())
}

/// Does with a manifest what the API server does: asks what to change, changes it, asks whether the result is allowed.
async fn play(scene: &Scene, client: &mut Client, screen: &mut Screen<impl Write>) -> anyhow::Result<()> {
    let mut creation = Creation::of(scene.manifest, scene.cluster, scene.namespace).map_err(anyhow::Error::msg)?;
    let mut patch = None;
    if creation.is_pod() {
        patch = client.ask(Phase::Mutate, scene.policy, creation.review()).await?.patch;
    }
    let before = creation.object().clone();
    if let Some(patch) = &patch {
        creation.apply(patch).map_err(anyhow::Error::msg)?;
    }
    let answer = client.ask(Phase::Validate, scene.policy, creation.review()).await?;
    screen.verdict(&answer, patch.is_some())?;
    if let Some(patch) = patch.filter(|_| answer.denial.is_none()) {
        screen.change(&patch, &before)?;
    }
    if !scene.remark.is_empty() {
        screen.remark(scene.remark)?;
    }
    Ok(())
}

/// The built-in policies with one exception that holds and one that has ended.
fn policies(now: &Zoned) -> anyhow::Result<PolicySet> {
    let today = now.with_time_zone(TimeZone::UTC).date();
    let text = include_str!("demo/exceptions.yaml")
        .replace("{active}", &today.checked_add(90.days())?.to_string())
        .replace("{expired}", &today.checked_sub(30.days())?.to_string());
    Ok(config::parse_policies(&[Source::new("exceptions.yaml", text)])?)
}
