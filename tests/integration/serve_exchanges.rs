//! Where one request ends and the next begins on a connection, whatever the bytes come with.

use std::time::Duration;

use tokenward::server::Limits;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_rustls::client::TlsStream;

use super::review_bodies::token_secret;
use super::serve_http::{PATIENCE, Serving, serve};

/// Time enough for the server to be done with what it has, and to be at rest.
const PAUSE: Duration = Duration::from_millis(100);

struct Connection {
    stream: TlsStream<TcpStream>,
    _serving: Serving,
}

impl Connection {
    async fn new() -> Self {
        let serving = serve(Limits { slow: Duration::from_secs(2), ..Limits::default() });
        let stream = serving.caller.connect_raw(serving.server.address()).await.unwrap();
        Self { stream, _serving: serving }
    }

    async fn write(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
        self.stream.flush().await.unwrap();
    }

    /// Reads until `enough` answers have begun, and what came with them; or, given none, to the end.
    async fn answers(&mut self, enough: usize) -> Vec<String> {
        let mut read = Vec::new();
        let reading = async {
            while enough == 0 || String::from_utf8_lossy(&read).matches("}}}").count() < enough {
                if self.stream.read_buf(&mut read).await.unwrap_or(0) == 0 {
                    break;
                }
            }
        };
        timeout(PATIENCE, reading).await.expect("an answer, or the end");
        let text = String::from_utf8(read).unwrap();
        text.split("HTTP/1.1 ").skip(1).map(str::to_owned).collect()
    }
}

/// A refusal, which tells by its `uid` what it answers.
fn body(uid: &str) -> String {
    token_secret().replacen("705ab4f5-6393-11e8-b7cc-42010a800002", uid, 1)
}

fn request(content_type: &str, length: &str, body: &str) -> String {
    format!("POST /validate/baseline HTTP/1.1\r\nHost: x\r\nContent-Type: {content_type}\r\n{length}\r\n\r\n{body}")
}

fn review(uid: &str) -> String {
    let body = body(uid);
    request("application/json", &format!("Content-Length: {}", body.len()), &body)
}

fn in_chunks(uid: &str) -> String {
    let body = body(uid);
    let (start, end) = body.split_at(100);
    let chunks = format!("{:x}\r\n{start}\r\n{:x}\r\n{end}\r\n0\r\n\r\n", start.len(), end.len());
    request("application/json", "Transfer-Encoding: chunked", &chunks)
}

#[track_caller]
fn assert_answer(answer: &str, uid: &str) {
    assert!(answer.starts_with("200") && answer.contains(&format!(r#""uid":"{uid}""#)), "{uid}: {answer}");
}

#[tokio::test]
async fn requests_right_behind_each_other_are_each_answered_wherever_they_are_cut() {
    let all = [review("first"), in_chunks("second"), review("third")].concat();
    let third = all.len() - review("third").len();
    for cut in [1, 40, third - 1, third, third + 1, third + 20, all.len() - 1] {
        let mut connection = Connection::new().await;
        connection.write(&all.as_bytes()[..cut]).await;
        sleep(PAUSE).await;
        connection.write(&all.as_bytes()[cut..]).await;
        let answers = connection.answers(3).await;
        assert_eq!(answers.len(), 3, "cut at {cut}: {answers:?}");
        for (answer, uid) in answers.iter().zip(["first", "second", "third"]) {
            assert_answer(answer, uid);
        }
    }
}

#[tokio::test]
async fn a_thousand_requests_at_once_are_each_answered() {
    const REQUESTS: usize = 1000;
    let mut connection = Connection::new().await;
    // A large head, so that much is read at once of those behind it.
    let first = format!("GET /first HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "x".repeat(8100));
    let rest = "GET / HTTP/1.1\r\nHost: x\r\n\r\n".repeat(REQUESTS - 1);
    connection.write(format!("{first}{rest}").as_bytes()).await;
    let mut read = Vec::new();
    let answers = |read: &[u8]| read.windows(13).filter(|window| window == b"HTTP/1.1 404 ").count();
    let reading =
        async { while answers(&read) < REQUESTS && connection.stream.read_buf(&mut read).await.unwrap_or(0) > 0 {} };
    let _ = timeout(PATIENCE, reading).await;
    assert_eq!(answers(&read), REQUESTS);
    connection.write(review("afterwards").as_bytes()).await;
    assert_answer(&connection.answers(1).await[0], "afterwards");
}

#[tokio::test]
async fn a_connection_goes_on_after_a_body_of_any_kind() {
    let mut connection = Connection::new().await;
    for (request, uid) in [(in_chunks("1"), "1"), (review("2"), "2"), (in_chunks("3"), "3"), (review("4"), "4")] {
        connection.write(request.as_bytes()).await;
        let answers = connection.answers(1).await;
        assert_answer(&answers[0], uid);
        assert!(!answers[0].contains("connection: close"), "{answers:?}");
        sleep(PAUSE).await;
    }
}

#[tokio::test]
async fn what_is_left_of_a_refused_body_is_never_taken_for_a_request() {
    let hidden = review("hidden");
    for together in [true, false] {
        let mut connection = Connection::new().await;
        let head = request("text/plain", &format!("Content-Length: {}", hidden.len()), "");
        if together {
            connection.write(format!("{head}{hidden}").as_bytes()).await;
        } else {
            connection.write(head.as_bytes()).await;
            sleep(PAUSE).await;
            connection.write(hidden.as_bytes()).await;
        }
        let answers = connection.answers(0).await;
        assert_eq!(answers.len(), 1, "{answers:?}");
        assert!(answers[0].starts_with("415") && answers[0].contains("connection: close"), "{answers:?}");
    }
}

#[tokio::test]
async fn a_head_right_behind_a_request_has_a_time_of_its_own() {
    let mut connection = Connection::new().await;
    connection.write(format!("{}POST /validate", review("first")).as_bytes()).await;
    let answers = connection.answers(0).await;
    assert_eq!(answers.len(), 1, "{answers:?}");
    assert_answer(&answers[0], "first");
}
