//! Callers that take their time between calls.

use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::time::sleep;

use super::{Served, figure, short_or_full};
use crate::review_bodies::token_secret;

/// One connection for each length of pause, all at once. Around the deadlines of HTTP servers, and of the API server itself,
/// which keeps an idle connection for 90 s.
#[test]
fn a_connection_lives_through_pauses_of_every_length() {
    let pauses: &[u64] = short_or_full(&[1, 3], &[1, 5, 29, 31, 61, 89]);
    let served = Served::start(&[]);
    Runtime::new().unwrap().block_on(async {
        let mut connections = Vec::new();
        for &seconds in pauses {
            let mut connection = served.caller.connect(served.webhook.address).await.unwrap();
            connections.push(tokio::spawn(async move {
                for pause in [0, seconds] {
                    sleep(Duration::from_secs(pause)).await;
                    let reply = connection.post("/validate/baseline", token_secret()).await;
                    let reply = reply.unwrap_or_else(|error| panic!("after {pause} s: {error:?}"));
                    assert_eq!(reply.status, 200);
                    assert!(!reply.closes());
                }
            }));
        }
        for connection in connections {
            connection.await.unwrap();
        }
    });
    figure("R3", format_args!("pauses of {pauses:?} s: no reset, no second handshake"));
}
