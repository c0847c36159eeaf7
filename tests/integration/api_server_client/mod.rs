//! A client that calls a webhook as an API server does, with its habits and its lack of mercy.
//!
//! What it keeps to, from Go's `net/http` and client-go's `rest` as the API server sets them up for webhooks:
//!
//! * HTTP/1.1 alone, offered by ALPN; no TLS session is ever resumed.
//! * Up to 25 idle connections are kept, the last one used is the first one used again, and each is dropped after 90 s
//!   without a call.
//! * A connection that was closed while it was idle is passed over. A POST that was sent and then met the end of its
//!   connection has failed for good: it is never sent again.
//! * 429 and 5xx are tried again when they carry `Retry-After`, after so many seconds, ten times at most and within the time
//!   that the webhook configuration gives; without it they are the end.
//!
//! ```text
//! ApiServerClient::new(caller, address) ── call(&Call) ──► Ok(Answered) | Err(Failure)
//!        └── Load::start(&client, …)    ──► Report: each call sent at its intended time, and measured from it
//! ```
#![allow(dead_code, reason = "a part of the tests' own library; each test uses what it needs")]

mod call;
pub(crate) mod load;
mod pool;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use http::header::RETRY_AFTER;
use http_body_util::Full;
use tokio::time::{sleep, timeout};

pub(crate) use call::{Answered, Call, Expected, Failure};
use pool::Pool;

use super::tls_client::{Caller, Connection, Reply, post};

/// What an API server does without being told otherwise.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Habits {
    /// Connections kept without a call.
    pub(crate) idle_connections: usize,
    /// How long each of them is kept.
    pub(crate) idle_time: Duration,
    /// `timeoutSeconds` of the webhook configuration, tries and pauses included.
    pub(crate) time_allowed: Duration,
    /// Tries after the first one.
    pub(crate) retries: u32,
}

impl Default for Habits {
    fn default() -> Self {
        Self {
            idle_connections: 25,
            idle_time: Duration::from_secs(90),
            time_allowed: Duration::from_secs(3),
            retries: 10,
        }
    }
}

/// One API server. Cloning gives another handle on the same connections.
#[derive(Clone)]
pub(crate) struct ApiServerClient {
    caller: Caller,
    address: SocketAddr,
    habits: Habits,
    pool: Arc<Pool>,
}

impl ApiServerClient {
    /// Calls the webhook at `address`. Must be made within a runtime.
    pub(crate) fn new(caller: Caller, address: SocketAddr) -> Self {
        Self::with(caller, address, Habits::default())
    }

    pub(crate) fn with(caller: Caller, address: SocketAddr, habits: Habits) -> Self {
        Self { caller, address, habits, pool: Pool::new(habits.idle_connections, habits.idle_time) }
    }

    /// Connections opened so far, each with a handshake of its own.
    pub(crate) fn connections_opened(&self) -> u64 {
        self.pool.opened()
    }

    /// Connections that the server closed while they were idle. Each could have cost a call.
    pub(crate) fn connections_found_closed(&self) -> u64 {
        self.pool.found_closed()
    }

    /// Calls, and checks the answer.
    pub(crate) async fn call(&self, call: &Call) -> Result<Answered, Failure> {
        timeout(self.habits.time_allowed, self.call_without_end(call)).await.unwrap_or(Err(Failure::TimedOut))
    }

    async fn call_without_end(&self, call: &Call) -> Result<Answered, Failure> {
        let mut tries = 0;
        loop {
            tries += 1;
            let reply = self.send_once(call).await?;
            if reply.status == StatusCode::OK {
                return call.check(&reply).map(|()| Answered { tries });
            }
            match again_after(&reply) {
                Some(pause) if tries <= self.habits.retries => sleep(pause).await,
                _ => return Err(Failure::Status(reply.status, reply.body)),
            }
        }
    }

    async fn send_once(&self, call: &Call) -> Result<Reply, Failure> {
        let path = format!("{}?timeout={}s", call.path, self.habits.time_allowed.as_secs());
        loop {
            let idle = self.pool.take();
            let was_idle = idle.is_some();
            let mut connection = match idle {
                Some(connection) => connection,
                None => self.connect().await?,
            };
            match connection.send(post(&path, Full::new(call.body.clone()))).await {
                Ok(reply) => {
                    if !reply.closes() {
                        self.pool.put(connection);
                    }
                    return Ok(reply);
                }
                // Nothing was sent, and Go's transport knows that too.
                Err(error) if (error.is_canceled() || error.is_closed()) && was_idle => self.pool.count_found_closed(),
                Err(error) => return Err(Failure::Lost(format!("{error:?}"))),
            }
        }
    }

    async fn connect(&self) -> Result<Connection, Failure> {
        self.pool.count_opened();
        self.caller.connect(self.address).await.map_err(|error| Failure::NoConnection(error.to_string()))
    }
}

/// What client-go makes of an answer that is no success: the pause before the next try, or the end.
fn again_after(reply: &Reply) -> Option<Duration> {
    let temporary = reply.status == StatusCode::TOO_MANY_REQUESTS || reply.status.is_server_error();
    let seconds = reply.header(RETRY_AFTER.as_str()).parse().ok()?;
    temporary.then_some(Duration::from_secs(seconds))
}
