//! An upgrade as people see it: two replicas behind one address, replaced one after the other while Pods are created.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;

use super::replicas::{Applied, Replica, certificates, injecting_namespace, is_injected, pod};
use super::service::Service;
use super::{PATIENCE, figure, in_full, short_or_full};
use crate::rig;
use crate::rig::host::host_address;
use crate::rig::namespace::Namespace;
use crate::rig::users::User;

/// Creates Pods with `kubectl` one after the other; each must be stored, and with its token. Gives their number.
fn create_pods(namespace: &Namespace<'_>, stop: &AtomicBool) -> u32 {
    let mut created = 0;
    while !stop.load(Ordering::Relaxed) {
        let manifest = pod(&format!("web-{created}")).to_string();
        let stored = namespace.kubectl_as(User::Developer, ["create", "-f", "-"]).stdin(manifest).json();
        assert!(is_injected(&stored), "Pod {created} is stored without a token: {stored:#}");
        created += 1;
    }
    created
}

/// Has a control plane of its own: others need their webhook.
#[test]
fn a_rolling_restart_refuses_no_pod_and_leaves_none_without_its_token() {
    let rig = rig::solitary();
    let rig = &*rig;
    let certificates = certificates();
    let runtime = Runtime::new().unwrap();
    let service =
        runtime.block_on(Service::start(host_address(), short_or_full(Duration::from_secs(1), Duration::from_secs(4))));
    let mut started = 0;
    let mut start = || {
        started += 1;
        // In the short form a replica is still draining when the test ends, as long as API servers keep connections.
        let drain = short_or_full(&["--drain-close-after=1s"][..], &[]);
        let replica = Replica::start(rig, certificates.path(), &format!("replica-{started}"), drain);
        runtime.block_on(async {
            let added = service.add(replica.address, replica.admin_address);
            tokio::time::timeout(PATIENCE, added).await.expect("a replica is not ready");
        });
        replica
    };
    let mut serving = [start(), start()];
    let _applied = Applied::to(rig, service.address, certificates.path());
    let namespace = injecting_namespace(rig, "rolling");

    let stop = AtomicBool::new(false);
    let begun = Instant::now();
    let (created, ended) = thread::scope(|scope| {
        let creating = scope.spawn(|| create_pods(&namespace, &stop));
        let mut leaving = Vec::new();
        for _ in 0..short_or_full(2, 4) {
            let next = start();
            let old = std::mem::replace(&mut serving[0], next);
            serving.rotate_left(1);
            old.process.terminate();
            runtime.block_on(service.gone(old.address));
            leaving.push(old);
            thread::sleep(short_or_full(Duration::from_secs(1), Duration::from_secs(5)));
        }
        // In the full form Pods are created until the last old replica has ended by itself.
        let ended = leaving.iter_mut().filter_map(|old| old.process.wait(short_or_full(Duration::ZERO, PATIENCE * 2)));
        let ended: Vec<_> = ended.collect();
        stop.store(true, Ordering::Relaxed);
        (creating.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)), ended)
    });
    assert!(created > 0);
    if in_full() {
        assert_eq!(ended.len(), 4, "an old replica does not end");
        assert!(ended.iter().all(std::process::ExitStatus::success), "{ended:?}");
    }
    figure(
        "R1",
        format_args!(
            "{created} Pods created with kubectl in {:.0} s beside {} restarts of 2 replicas: none refused, none without its token",
            begun.elapsed().as_secs_f64(),
            short_or_full(2, 4)
        ),
    );
}
