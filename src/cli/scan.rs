//! `tokenward scan`: the legacy token Secrets of a cluster.

mod exceptions;
mod table;

use std::io::Write;

use anyhow::anyhow;
use jiff::{Timestamp, Unit};
use serde::Serialize;

use super::access::{AccessArguments, failure};
use super::{Exit, Failure};
use crate::cluster::{Cluster, ClusterError, LegacyToken};
use crate::config::{InventoryDocument, InventoryEntry};
use exceptions::{Terms, Ttl};

/// List the legacy token Secrets of a cluster.
///
/// These are the Secrets of type kubernetes.io/service-account-token: each holds a token without an end date. Only their
/// metadata is asked for, so no token leaves the API server. This takes the right to list secrets, and for their origin to
/// list serviceaccounts. The exit code is 0 whether there are any or not: an inventory is no judgement.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    access: AccessArguments,
    /// Look at one namespace only; by default at all.
    #[arg(short, long)]
    namespace: Option<String>,
    /// What to write.
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    output: Output,
    /// With -o exceptions: how long they hold, in days or weeks from today, such as 90d or 12w; without it, 90d.
    #[arg(long, value_name = "TTL")]
    ttl: Option<Ttl>,
    /// With -o exceptions: who answers for them, such as platform@example.com.
    #[arg(long, value_parser = exceptions::owner, required_if_eq("output", "exceptions"))]
    owner: Option<String>,
    /// With -o exceptions: why the tokens are still needed; without it, each says when its token was last used.
    #[arg(long, value_parser = exceptions::reason)]
    reason: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Output {
    /// For people.
    Table,
    /// For programs.
    Json,
    /// What `serve --inventory` reads.
    Inventory,
    /// A TokenException for each Secret, for a policy file.
    Exceptions,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let has_terms = arguments.ttl.is_some() || arguments.owner.is_some() || arguments.reason.is_some();
    if has_terms && arguments.output != Output::Exceptions {
        return Err(anyhow!("--ttl, --owner and --reason are those of exceptions: add -o exceptions").into());
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (server, tokens) = runtime.block_on(find(arguments)).map_err(failure)?;
    let now = Timestamp::now();
    let generated_at = now.round(Unit::Second)?;
    let mut out = anstream::stdout();
    match arguments.output {
        Output::Table => table::write(&mut out, &tokens, now)?,
        Output::Json => write_json(&mut out, &server, &tokens, generated_at)?,
        Output::Inventory => out.write_all(inventory(&tokens, generated_at).to_yaml().as_bytes())?,
        Output::Exceptions => {
            let owner = arguments.owner.as_deref().unwrap_or_default();
            let terms = Terms { owner, reason: arguments.reason.as_deref(), ttl: arguments.ttl.unwrap_or_default() };
            exceptions::write(&mut out, &mut anstream::stderr(), &tokens, &terms, now)?;
        }
    }
    let is_nothing = tokens.is_empty() && arguments.output == Output::Exceptions;
    if arguments.output == Output::Table || is_nothing {
        writeln!(anstream::stderr(), "{}", summary(&tokens, arguments.namespace.as_deref()))?;
    }
    Ok(Exit::Clean)
}

async fn find(arguments: &Arguments) -> Result<(String, Vec<LegacyToken>), ClusterError> {
    let namespace = arguments.namespace.as_deref();
    let cluster = Cluster::of(arguments.access.access()).await?;
    let mut tokens = cluster.legacy_tokens(namespace).await?;
    // Inventories and exceptions say nothing of origins.
    if matches!(arguments.output, Output::Table | Output::Json) && !tokens.is_empty() {
        match cluster.find_origin(namespace, &mut tokens).await {
            Ok(()) => {}
            Err(ClusterError::Forbidden { reads, .. }) => {
                let note = format!("note: without the right to `{reads}` the origin of a Secret stays unknown");
                // Standard error may be closed; the list is worth more than the note.
                let _ = writeln!(anstream::stderr(), "{note}");
            }
            Err(error) => return Err(error),
        }
    }
    Ok((cluster.server().to_owned(), tokens))
}

fn summary(tokens: &[LegacyToken], namespace: Option<&str>) -> String {
    let place = namespace.map_or_else(|| "the cluster".to_owned(), |namespace| format!("namespace {namespace}"));
    match tokens.len() {
        0 => format!("No legacy token Secrets in {place}."),
        1 => format!("1 legacy token Secret in {place}. Its token never expires."),
        many => format!("{many} legacy token Secrets in {place}. Their tokens never expire."),
    }
}

fn write_json(
    out: &mut impl Write,
    server: &str,
    tokens: &[LegacyToken],
    generated_at: Timestamp,
) -> Result<(), Failure> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Scan<'s> {
        server: &'s str,
        generated_at: Timestamp,
        secrets: &'s [LegacyToken],
    }
    serde_json::to_writer_pretty(&mut *out, &Scan { server, generated_at, secrets: tokens })?;
    writeln!(out)?;
    Ok(())
}

fn inventory(tokens: &[LegacyToken], generated_at: Timestamp) -> InventoryDocument<'_> {
    let entries = tokens.iter().map(|token| InventoryEntry {
        namespace: token.namespace.as_str().into(),
        name: token.name.as_str().into(),
        service_account: token.service_account.as_str().into(),
    });
    InventoryDocument::new(generated_at, entries.collect())
}
