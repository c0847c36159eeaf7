//! What is on a connection after the handshake: whatever comes, what goes back is HTTP, and never a fault of our own.

use std::sync::LazyLock;

use tokenward::certs::{Authority, Names};
use tokenward::server::{Bare, Limits};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};
use tokio::runtime::{Builder, Runtime};

use super::review::{INVENTORY, POLICIES};

/// As much as a socket holds.
const PIPE: usize = 64 * 1024;

struct Scene {
    runtime: Runtime,
    server: Bare,
}

static SCENE: LazyLock<Scene> = LazyLock::new(|| {
    let pair = Authority::generate(1).unwrap().issue(&Names::loopback()).unwrap().pair().unwrap();
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let limits = Limits { body: 1 << 20, bodies: 4 << 20, ..Limits::default() };
    Scene { runtime, server: Bare::new(POLICIES.clone(), INVENTORY.clone(), pair, limits) }
});

pub(super) fn speak(data: &[u8]) {
    let scene = &*SCENE;
    let answers = scene.runtime.block_on(async {
        let (ours, theirs) = duplex(PIPE);
        let (mut reading, mut writing) = tokio::io::split(theirs);
        let mut answers = Vec::new();
        let send = async {
            // A server that has heard enough may close while we still speak.
            let _ = writing.write_all(data).await;
            let _ = writing.shutdown().await;
        };
        tokio::join!(scene.server.serve(ours), send, async {
            let _ = reading.read_to_end(&mut answers).await;
        });
        answers
    });
    assert!(answers.is_empty() || answers.starts_with(b"HTTP/1."), "an answer that is no HTTP");
    let is_fault = |line: &[u8]| line.starts_with(b"HTTP/1.1 500");
    assert!(!answers.split(|byte| *byte == b'\n').any(is_fault), "a fault of our own");
}
