//! Nobody takes the log, or there is no room for it.

use std::fs::{File, OpenOptions};
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::process::Stdio;

use tokenward::certs::{Authority, Names};
use tokio::runtime::Runtime;
use tokio::time::timeout;

use super::process::Process;
use super::{PATIENCE, Served, eventually, figure, short_or_full};
use crate::mounted_volume::MountedVolume;
use crate::review_bodies::token_secret;
use crate::rig::host::free_ports;
use crate::tls_client::Caller;
use crate::webhook::{command, get};

/// Where a log may go to no avail.
fn dead_ends() -> Vec<(&'static str, Stdio, Option<OwnedFd>)> {
    let (unread, writer) = std::io::pipe().unwrap();
    let (closed, broken) = std::io::pipe().unwrap();
    drop(closed);
    vec![
        ("a full disk", OpenOptions::new().write(true).open("/dev/full").unwrap().into(), None),
        ("a pipe that nobody reads", writer.into(), Some(unread.into())),
        ("a pipe that nobody can read", broken.into(), None),
        ("a file that cannot be written", File::open("/dev/null").unwrap().into(), None),
    ]
}

/// Both outputs go nowhere, and everything is logged. The server must get ready, answer and end as ever.
#[test]
fn answers_do_not_wait_for_a_log_that_goes_nowhere() {
    let authority = Authority::generate(1).unwrap();
    let issued = authority.issue(&Names::loopback()).unwrap();
    let volume = MountedVolume::new(&[("tls.crt", &issued.certificate), ("tls.key", &issued.key)]);
    let caller = Caller::new(authority.certificate_der(), "localhost");
    let runtime = Runtime::new().unwrap();
    for ((what, stderr, _unread), (_, stdout, _unread_too)) in dead_ends().into_iter().zip(dead_ends()) {
        let [port, admin_port] = free_ports().unwrap();
        let (address, admin_address) =
            (SocketAddr::from(([127, 0, 0, 1], port)), SocketAddr::from(([127, 0, 0, 1], admin_port)));
        let mut command = command(&[
            &volume.flag("--tls-dir"),
            "--log-level=trace",
            "--drain-close-after=0s",
            "--drain-accept-for=0s",
        ]);
        command.env("TOKENWARD_LISTEN", address.to_string()).env("TOKENWARD_ADMIN_LISTEN", admin_address.to_string());
        let mut child = strip_addresses(command).stderr(stderr).stdout(stdout).spawn().unwrap();
        let ready = || std::net::TcpStream::connect(admin_address).is_ok() && get(admin_address, "/readyz").0 == 200;
        eventually(what, PATIENCE, ready);
        runtime.block_on(async {
            let mut connection = caller.connect(address).await.unwrap();
            for _ in 0..short_or_full(1000, 2000) {
                let reply = timeout(PATIENCE, connection.post("/validate/baseline", token_secret())).await;
                assert_eq!(reply.unwrap_or_else(|_| panic!("{what}: an answer waits")).unwrap().status, 200);
            }
        });
        let pid = rustix::process::Pid::from_child(&child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        let mut status = None;
        eventually("it ends", PATIENCE, || {
            status = child.try_wait().unwrap();
            status.is_some()
        });
        assert_eq!(status.unwrap().code(), Some(0), "{what}");
    }
    figure(
        "R15",
        "answers by the thousand with the log on a full disk, in a full pipe, in a broken pipe and in a read-only file",
    );
}

/// The command without its own addresses, which come from the environment then.
fn strip_addresses(command: std::process::Command) -> std::process::Command {
    let mut stripped = std::process::Command::new(command.get_program());
    stripped.args(command.get_args().filter(|argument| !argument.to_string_lossy().contains("listen=")));
    for (name, value) in command.get_envs() {
        stripped.env(name, value.unwrap_or_default());
    }
    stripped.stdin(Stdio::null());
    stripped
}

/// What may be written to are its standard streams, its sockets, and what the kernel keeps in memory: so a read-only root
/// changes nothing. The full proof is in `system_calls`: no file is ever opened for writing.
#[test]
fn no_file_is_open_for_writing() {
    let served = Served::start(&[]);
    Runtime::new().unwrap().block_on(async {
        let reply = served.caller.post(served.webhook.address, "/validate/baseline", token_secret()).await;
        assert_eq!(reply.status, 200);
    });
    let in_memory = ["socket:", "pipe:", "anon_inode:", "/dev/null"];
    for descriptor in Process(served.webhook.id()).descriptors() {
        let harmless = in_memory.iter().any(|kind| descriptor.target.starts_with(kind));
        assert!(harmless || !descriptor.is_writable, "{descriptor:?}");
    }
}
