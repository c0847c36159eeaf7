//! What is read from files: for the first time here, where a fault ends the start, and again by `reload`.

use std::fmt::Display;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;

use super::fingerprint::Fingerprint;
use super::reload::Source;
use super::settings::{CertificateSource, Clients, PolicySource};
use crate::certs::{CERTIFICATE_FILE, CertificateResolver, ClientAuthority, KEY_FILE, Pair, PairError};
use crate::config;
use crate::policy::{Inventory, PolicySet};
use crate::telemetry::Reloaded;

/// Far longer than any decision takes.
const LONGEST_USE: Duration = Duration::from_secs(1);

/// The policies of the moment.
pub(super) fn policies(
    source: PolicySource,
    sources: &mut Vec<Source>,
) -> Result<Arc<ArcSwap<PolicySet>>, config::Error> {
    let paths = match source {
        PolicySource::Memory(policies) => return Ok(Arc::new(ArcSwap::from_pointee(*policies))),
        PolicySource::Files(paths) => paths,
    };
    let summary = |policies: &PolicySet| {
        format!("{} policies, {} exceptions", policies.iter().count(), policies.exceptions().all().len())
    };
    load(Reloaded::Policy, paths, config::load_policies, summary, sources)
}

/// The inventory of the moment.
pub(super) fn inventory(
    paths: Vec<PathBuf>,
    sources: &mut Vec<Source>,
) -> Result<Arc<ArcSwap<Inventory>>, config::Error> {
    let summary = |inventory: &Inventory| format!("{} legacy token Secrets", inventory.len());
    load(Reloaded::Inventory, paths, config::load_inventory, summary, sources)
}

fn load<T, E>(
    what: Reloaded,
    paths: Vec<PathBuf>,
    read: fn(&[PathBuf]) -> Result<T, E>,
    summary: fn(&T) -> String,
    sources: &mut Vec<Source>,
) -> Result<Arc<ArcSwap<T>>, E>
where
    T: Send + Sync + 'static,
    E: Display + 'static,
{
    // Before the files are read, so that what changes meanwhile is read again.
    let seen = Fingerprint::of(&paths);
    let value = read(&paths)?;
    if paths.is_empty() {
        return Ok(Arc::new(ArcSwap::from_pointee(value)));
    }
    tracing::info!(what = what.as_str(), holds = summary(&value), "loaded");
    let published = Arc::new(ArcSwap::from_pointee(value));
    let (target, files) = (Arc::clone(&published), paths.clone());
    sources.push(Source::new(what, paths, seen, move || {
        let value = read(&files).map_err(|error| error.to_string())?;
        let holds = summary(&value);
        let old = target.swap(Arc::new(value));
        let_go(old);
        Ok(holds)
    }));
    Ok(published)
}

/// Drops what was replaced once no decision uses it any more. To free the inventory of a large cluster takes milliseconds, and
/// whoever drops it last has to; that must not be a review.
fn let_go<T>(old: Arc<T>) {
    let end = Instant::now() + LONGEST_USE;
    while Arc::strong_count(&old) > 1 && Instant::now() < end {
        thread::sleep(Duration::from_millis(1));
    }
    drop(old);
}

/// The certificate of the moment.
pub(super) fn certificate(
    source: CertificateSource,
    sources: &mut Vec<Source>,
) -> Result<Arc<CertificateResolver>, PairError> {
    let directory = match source {
        CertificateSource::Memory(pair) => return Ok(Arc::new(CertificateResolver::new(*pair))),
        CertificateSource::Directory(directory) => directory,
    };
    let summary = |pair: &Pair| format!("{} until {}", pair.leaf().names.join(", "), pair.leaf().not_after);
    let files = vec![directory.join(CERTIFICATE_FILE), directory.join(KEY_FILE)];
    let seen = Fingerprint::of(&files);
    let pair = Pair::load(&directory)?;
    tracing::info!(what = Reloaded::Certificate.as_str(), holds = summary(&pair), "loaded");
    let resolver = Arc::new(CertificateResolver::new(pair));
    let target = Arc::clone(&resolver);
    sources.push(Source::new(Reloaded::Certificate, files, seen, move || {
        let pair = Pair::load(&directory).map_err(|error| error.to_string())?;
        let holds = summary(&pair);
        target.replace(pair);
        Ok(holds)
    }));
    Ok(resolver)
}

/// The authority of the moment for callers' certificates.
pub(super) fn client_authority(
    clients: Option<Clients>,
    sources: &mut Vec<Source>,
) -> Result<Option<Arc<ClientAuthority>>, PairError> {
    let Some(Clients { authority: file, names }) = clients else { return Ok(None) };
    let files = vec![file.clone()];
    let seen = Fingerprint::of(&files);
    let authority = Arc::new(ClientAuthority::load(&file, names)?);
    tracing::info!(what = Reloaded::ClientAuthority.as_str(), holds = authority.summary(), "loaded");
    let target = Arc::clone(&authority);
    sources.push(Source::new(Reloaded::ClientAuthority, files, seen, move || {
        target.reload(&file).map_err(|error| error.to_string())?;
        Ok(target.summary())
    }));
    Ok(Some(authority))
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};
    use std::thread::{self, ThreadId};
    use std::time::Duration;

    use super::let_go;

    /// Notes which thread frees it.
    struct Noted(Arc<Mutex<Option<ThreadId>>>);

    impl Drop for Noted {
        fn drop(&mut self) {
            *self.0.lock().unwrap() = Some(thread::current().id());
        }
    }

    #[test]
    fn what_is_replaced_is_freed_by_whoever_replaces_it_although_a_review_still_uses_it() {
        let freed_by = Arc::default();
        let old = Arc::new(Noted(Arc::clone(&freed_by)));
        let used = Arc::clone(&old);
        let review = thread::spawn(move || {
            thread::sleep(Duration::from_millis(20));
            drop(used);
        });
        let_go(old);
        review.join().unwrap();
        assert_eq!(*freed_by.lock().unwrap(), Some(thread::current().id()));
    }
}
