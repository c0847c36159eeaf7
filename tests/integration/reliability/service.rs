//! A Service in front of replicas: one address for all of them.
//!
//! A new connection goes to a replica that is ready, the next one to the next, and stays there to its end. A replica that is no
//! longer ready goes on getting connections for a while, as it does in a cluster until every node has heard of it.

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};

/// How often readiness is asked for.
const PERIOD: Duration = Duration::from_millis(100);

/// The address of all replicas.
pub(super) struct Service {
    pub(super) address: SocketAddr,
    endpoints: Arc<Mutex<Vec<Endpoint>>>,
    news_take: Duration,
}

#[derive(Clone)]
struct Endpoint {
    address: SocketAddr,
    in_rotation: Arc<AtomicBool>,
}

impl Service {
    /// Listens on a free port of `host`. That a replica is not ready any more is known everywhere after `news_take`.
    pub(super) async fn start(host: IpAddr, news_take: Duration) -> Self {
        let listener = TcpListener::bind((host, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let endpoints = Arc::default();
        tokio::spawn(forward_all(listener, Arc::clone(&endpoints)));
        Self { address, endpoints, news_take }
    }

    /// Adds a replica and waits until connections can go to it.
    pub(super) async fn add(&self, address: SocketAddr, admin_address: SocketAddr) {
        let endpoint = Endpoint { address, in_rotation: Arc::default() };
        self.endpoints.lock().unwrap().push(endpoint.clone());
        while !is_ready(admin_address).await {
            sleep(PERIOD).await;
        }
        endpoint.in_rotation.store(true, Ordering::Relaxed);
        let (endpoints, news_take) = (Arc::clone(&self.endpoints), self.news_take);
        tokio::spawn(async move {
            while is_ready(admin_address).await {
                sleep(PERIOD).await;
            }
            sleep(news_take).await;
            endpoint.in_rotation.store(false, Ordering::Relaxed);
            endpoints.lock().unwrap().retain(|other| other.address != address);
        });
    }

    /// Waits until no connection goes to a replica any more.
    pub(super) async fn gone(&self, address: SocketAddr) {
        while self.endpoints.lock().unwrap().iter().any(|endpoint| endpoint.address == address) {
            sleep(PERIOD).await;
        }
    }
}

async fn forward_all(listener: TcpListener, endpoints: Arc<Mutex<Vec<Endpoint>>>) {
    let turn = AtomicUsize::new(0);
    while let Ok((mut caller, _)) = listener.accept().await {
        let ready: Vec<SocketAddr> = {
            let endpoints = endpoints.lock().unwrap();
            let ready = endpoints.iter().filter(|endpoint| endpoint.in_rotation.load(Ordering::Relaxed));
            ready.map(|endpoint| endpoint.address).collect()
        };
        // Nobody to ask: the caller finds its connection closed.
        if ready.is_empty() {
            continue;
        }
        let address = ready[turn.fetch_add(1, Ordering::Relaxed) % ready.len()];
        tokio::spawn(async move {
            if let Ok(mut replica) = TcpStream::connect(address).await {
                let _ = caller.set_nodelay(true);
                let _ = replica.set_nodelay(true);
                // However it ends, both sides see it.
                let _ = copy_bidirectional(&mut caller, &mut replica).await;
            }
        });
    }
}

/// One probe, as the kubelet sends it. A busy machine must not take a replica out.
async fn is_ready(admin_address: SocketAddr) -> bool {
    let probe = async {
        let mut stream = TcpStream::connect(admin_address).await.ok()?;
        stream.write_all(b"GET /readyz HTTP/1.0\r\n\r\n").await.ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.ok()?;
        Some(answer.split(' ').nth(1) == Some("200"))
    };
    timeout(Duration::from_secs(10), probe).await.ok().flatten().unwrap_or(false)
}
