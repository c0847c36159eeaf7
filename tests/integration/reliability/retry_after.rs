//! What a real API server makes of 429 and `Retry-After`.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio_rustls::client::TlsStream;

use super::replicas::{Applied, Replica, certificates, injecting_namespace, is_injected, pod};
use super::{PATIENCE, figure};
use crate::rig;
use crate::rig::eventually::eventually;
use crate::rig::host::host_address;
use crate::rig::users::User;
use crate::tls_client::Caller;
use crate::webhook::{get, metric};

/// Takes the only place that there is, until it is dropped: a review that has begun to arrive.
fn take_the_place(runtime: &Runtime, caller: &Caller, replica: &Replica) -> TlsStream<TcpStream> {
    let head = "POST /validate/baseline?timeout=30s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{";
    runtime.block_on(async {
        let mut stream = caller.connect_raw(replica.address).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.flush().await.unwrap();
        stream
    })
}

/// `kubectl` sees nothing of it: the API server is refused, tries again a second later, and gets its answer. Has a control
/// plane of its own: others need their webhook.
#[test]
fn an_api_server_that_is_refused_for_now_tries_again_and_kubectl_sees_nothing_of_it() {
    let rig = rig::solitary();
    let certificates = certificates();
    let replica = Replica::start(&rig, certificates.path(), "one-place", &["--reviews-in-flight=1"]);
    eventually(PATIENCE, || match std::net::TcpStream::connect(replica.admin_address) {
        Ok(_) if get(replica.admin_address, "/readyz").0 == 200 => Ok(()),
        Ok(_) => Err("not ready".to_owned()),
        Err(error) => Err(error.to_string()),
    });
    let _applied = Applied::to(&rig, replica.address, certificates.path());
    let namespace = injecting_namespace(&rig, "refused-for-now");

    let authority = fs::read(certificates.path().join("ca.crt")).unwrap();
    let caller = Caller::new(CertificateDer::from_pem_slice(&authority).unwrap(), &host_address().to_string());
    let runtime = Runtime::new().unwrap();
    let refused = || metric(replica.admin_address, r#"tokenward_shed_total{reason="reviews-in-flight"}"#);
    let before = refused();
    let place = take_the_place(&runtime, &caller, &replica);
    let begun = Instant::now();
    let stored = thread::scope(|scope| {
        let manifest = pod("web").to_string();
        let namespace = &namespace;
        let creating =
            scope.spawn(move || namespace.kubectl_as(User::Developer, ["create", "-f", "-"]).stdin(manifest).json());
        eventually(PATIENCE, || if refused() > before { Ok(()) } else { Err("the API server was not refused") });
        // There is room again before it comes back.
        drop(place);
        creating.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    });
    assert!(is_injected(&stored), "{stored:#}");
    assert!(begun.elapsed() >= Duration::from_millis(900), "it came back sooner than it was told to");
    figure(
        "R9",
        format_args!(
            "refused with 429, the API server tried again, and kubectl had its Pod after {:.1?}",
            begun.elapsed()
        ),
    );
}
