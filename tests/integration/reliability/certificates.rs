//! The serving certificate changes, in every way in which files can.

use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use jiff::{Timestamp, ToSpan as _};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use tokenward::certs::{Authority, Issued, Names};
use tokio::runtime::Runtime;

use super::{PATIENCE, Served, eventually, figure, short_or_full};
use crate::tls_client::{Caller, Connection};
use crate::webhook::{Webhook, get, metric};

/// What is promised.
const SOON: Duration = Duration::from_secs(10);

fn issue(authority: &Authority) -> Issued {
    authority.issue(&Names::loopback()).unwrap()
}

fn leaf(issued: &Issued) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(issued.certificate.as_bytes()).unwrap()
}

/// Connects again and again, each time with a handshake that must succeed, and keeps what it was shown.
struct Handshakes {
    stop: Arc<AtomicBool>,
    made: Arc<AtomicU32>,
    last: Arc<Mutex<Option<CertificateDer<'static>>>>,
    seen: Arc<Mutex<HashSet<CertificateDer<'static>>>>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

impl Handshakes {
    fn begin(runtime: &Runtime, served: &Webhook, caller: &Caller) -> Self {
        let mut handshakes = Self {
            stop: Arc::default(),
            made: Arc::default(),
            last: Arc::default(),
            seen: Arc::default(),
            tasks: Vec::new(),
        };
        for _ in 0..4 {
            let (stop, made) = (Arc::clone(&handshakes.stop), Arc::clone(&handshakes.made));
            let (last, seen) = (Arc::clone(&handshakes.last), Arc::clone(&handshakes.seen));
            let (caller, address) = (caller.clone(), served.address);
            handshakes.tasks.push(runtime.spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    let connection: Connection<Full<Bytes>> =
                        caller.connect(address).await.expect("a handshake failed");
                    let leaf = connection.leaf.expect("a certificate");
                    seen.lock().unwrap().insert(leaf.clone());
                    *last.lock().unwrap() = Some(leaf);
                    made.fetch_add(1, Ordering::Relaxed);
                }
            }));
        }
        handshakes
    }

    #[track_caller]
    fn show(&self, issued: &Issued) -> Duration {
        let wanted = leaf(issued);
        eventually("the new leaf is shown", SOON, || self.last.lock().unwrap().as_ref() == Some(&wanted))
    }

    /// The number of handshakes and of certificates that were seen in them.
    fn end(self, runtime: &Runtime) -> (u32, usize) {
        self.stop.store(true, Ordering::Relaxed);
        for task in self.tasks {
            runtime.block_on(task).unwrap();
        }
        (self.made.load(Ordering::Relaxed), self.seen.lock().unwrap().len())
    }
}

#[test]
fn no_handshake_fails_while_the_kubelet_swaps_the_directory() {
    let swaps = short_or_full(15, 100);
    let mut served = Served::start(&[]);
    let runtime = Runtime::new().unwrap();
    let handshakes = Handshakes::begin(&runtime, &served.webhook, &served.caller);
    let mut slowest = Duration::ZERO;
    for turn in 0..swaps {
        let next = issue(&served.authority);
        served.volume.swap(&[("tls.crt", &next.certificate), ("tls.key", &next.key)]);
        // Some come faster than they can be read.
        if turn % 3 != 1 || turn + 1 == swaps {
            slowest = slowest.max(handshakes.show(&next));
        }
    }
    let (made, seen) = handshakes.end(&runtime);
    figure(
        "R4",
        format_args!(
            "{swaps} swaps, {made} handshakes, none failed, {seen} leaves seen, the new one within {slowest:.1?}"
        ),
    );
    assert!(seen * 3 >= swaps, "{seen}");
}

#[test]
fn no_handshake_fails_while_files_are_overwritten_or_renamed() {
    let authority = Authority::generate(1).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let overwrite = |issued: &Issued| {
        fs::write(directory.path().join("tls.crt"), &issued.certificate).unwrap();
        fs::write(directory.path().join("tls.key"), &issued.key).unwrap();
    };
    let rename = |issued: &Issued| {
        for (name, text) in [("tls.key", &issued.key), ("tls.crt", &issued.certificate)] {
            let fresh = directory.path().join(format!(".{name}.new"));
            fs::write(&fresh, text).unwrap();
            fs::rename(fresh, directory.path().join(name)).unwrap();
        }
    };
    overwrite(&issue(&authority));
    let webhook = Webhook::start(&[&format!("--tls-dir={}", directory.path().display())]);
    let caller = Caller::new(authority.certificate_der(), "localhost");
    let runtime = Runtime::new().unwrap();
    let handshakes = Handshakes::begin(&runtime, &webhook, &caller);
    let ways: [&dyn Fn(&Issued); 2] = [&overwrite, &rename];
    for turn in 0..short_or_full(4, 20) {
        let next = issue(&authority);
        ways[turn % 2](&next);
        handshakes.show(&next);
    }
    let (made, seen) = handshakes.end(&runtime);
    figure("R4", format_args!("files overwritten and renamed: {made} handshakes, none failed, {seen} leaves seen"));
}

/// An administrator of a test may read everything, so permissions prove nothing: what cannot be read here is a link to
/// nowhere, and a directory.
#[test]
fn the_last_good_pair_is_served_while_a_file_cannot_be_read() {
    let authority = Authority::generate(1).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    let first = issue(&authority);
    fs::write(path("tls.crt"), &first.certificate).unwrap();
    fs::write(path("tls.key"), &first.key).unwrap();
    let webhook = Webhook::start(&[&format!("--tls-dir={}", directory.path().display()), "--reload-poll=1s"]);
    let caller = Caller::new(authority.certificate_der(), "localhost");
    let runtime = Runtime::new().unwrap();
    let shown = || {
        let connection: Connection<Full<Bytes>> = runtime.block_on(caller.connect(webhook.address)).unwrap();
        connection.leaf.unwrap()
    };
    let failures = || metric(webhook.admin_address, r#"tokenward_reload_total{what="certificate",result="error"}"#);
    let break_it: [&dyn Fn(&Path); 2] = [
        &|key| {
            fs::remove_file(key).unwrap();
            symlink("nowhere", key).unwrap();
        },
        &|key| {
            fs::remove_file(key).unwrap();
            fs::create_dir(key).unwrap();
        },
    ];
    for break_it in break_it {
        let before = failures();
        break_it(&path("tls.key"));
        eventually("the failure is counted", PATIENCE, || failures() > before);
        assert_eq!(shown(), leaf(&first));
        assert_eq!(get(webhook.admin_address, "/readyz").0, 200);
    }
    let second = issue(&authority);
    fs::remove_dir(path("tls.key")).unwrap();
    fs::write(path("tls.key"), &second.key).unwrap();
    fs::write(path("tls.crt"), &second.certificate).unwrap();
    eventually("the new pair is shown", SOON, || shown() == leaf(&second));
}

/// A pair, self-signed, that holds from some days ago until some days from now.
fn pair_of_days(directory: &Path, from: i64, to: i64) {
    let at = |days: i64| {
        let date = (Timestamp::now() + (days * 24).hours()).to_zoned(jiff::tz::TimeZone::UTC).date();
        let (month, day) = (date.month().unsigned_abs(), date.day().unsigned_abs());
        rcgen::date_time_ymd(date.year().into(), month, day)
    };
    let mut parameters = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    (parameters.not_before, parameters.not_after) = (at(from), at(to));
    let key = rcgen::KeyPair::generate().unwrap();
    fs::write(directory.join("tls.crt"), parameters.self_signed(&key).unwrap().pem()).unwrap();
    fs::write(directory.join("tls.key"), key.serialize_pem()).unwrap();
}

#[test]
fn a_leaf_near_its_end_is_told_of_in_time_and_one_beyond_it_is_not_ready() {
    let directory = tempfile::tempdir().unwrap();
    pair_of_days(directory.path(), -80, 10);
    let webhook = Webhook::start(&[&format!("--tls-dir={}", directory.path().display()), "--reload-poll=1s"]);
    let seconds_left = || metric(webhook.admin_address, "tokenward_certificate_expiry_seconds");
    let ready = || get(webhook.admin_address, "/readyz").0 == 200;
    webhook.wait_for_log(&["\"WARN\"", "the serving certificate is near its end"]);
    assert!(ready() && seconds_left() > 8.0 * 86400.0 && seconds_left() < 11.0 * 86400.0, "{}", seconds_left());

    pair_of_days(directory.path(), -80, -1);
    eventually("the ended leaf is served, since it is what there is", SOON, || seconds_left() < 0.0);
    assert!(!ready());
    pair_of_days(directory.path(), -1, 80);
    eventually("a good leaf is served", SOON, || seconds_left() > 70.0 * 86400.0);
    assert!(ready());
}
