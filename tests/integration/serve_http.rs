//! What the server takes, refuses and bounds: TLS, HTTP and the limits, over real connections.

use std::convert::Infallible;
use std::pin::Pin;
use std::process::Command;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderValue, Method, StatusCode};
use http_body::Frame;
use http_body_util::Full;
use rustls::ProtocolVersion;
use tokenward::certs::{Authority, Names};
use tokenward::server::{Limits, Server, Settings};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::spawn_blocking;
use tokio::time::{sleep, timeout};

use super::review_bodies::{opaque_secret, pod, review, token_secret};
use super::tls_client::{Caller, Reply, post};
use super::webhook::{self, get};

/// Longer than anything here takes on a busy machine; only a fault waits for it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Serving {
    pub(crate) server: Server,
    authority: Authority,
    pub(crate) caller: Caller,
}

pub(crate) fn serve(limits: Limits) -> Serving {
    let authority = Authority::generate(1).unwrap();
    let pair = authority.issue(&Names::loopback()).unwrap().pair().unwrap();
    let server = Server::start(Settings { limits, ..Settings::in_memory(pair) }).unwrap();
    let caller = Caller::new(authority.certificate_der(), "localhost");
    Serving { server, authority, caller }
}

impl Serving {
    async fn post(&self, path: &str, body: impl Into<Bytes>) -> Reply {
        self.caller.post(self.server.address(), path, body).await
    }

    async fn admin(&self, path: &'static str) -> (u16, String) {
        let address = self.server.admin_address();
        spawn_blocking(move || get(address, path)).await.unwrap()
    }

    async fn metric(&self, series: &'static str) -> f64 {
        let address = self.server.admin_address();
        spawn_blocking(move || webhook::metric(address, series)).await.unwrap()
    }

    async fn send(&self, change: impl FnOnce(&mut http::Request<Full<Bytes>>)) -> Reply {
        let mut request = post("/validate/baseline", Full::new(token_secret().into()));
        change(&mut request);
        self.caller.connect(self.server.address()).await.unwrap().send(request).await.unwrap()
    }
}

/// A body that begins and never ends.
struct Unfinished(Option<Bytes>);

impl http_body::Body for Unfinished {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.0.take() {
            Some(start) => Poll::Ready(Some(Ok(Frame::data(start)))),
            None => Poll::Pending,
        }
    }
}

fn unfinished(start: impl Into<Bytes>) -> http::Request<Unfinished> {
    post("/validate/baseline", Unfinished(Some(start.into())))
}

/// Waits until the server ends a connection, politely or not.
async fn ends(stream: &mut (impl tokio::io::AsyncRead + Unpin)) {
    let ended = timeout(PATIENCE, stream.read_to_end(&mut Vec::new())).await;
    assert!(ended.is_ok(), "the connection is still open");
}

#[tokio::test]
async fn answers_by_tls_1_3_and_1_2_one_review_after_the_other_on_one_connection() {
    let serving = serve(Limits::default());
    for (offered, expected) in
        [(&rustls::version::TLS13, ProtocolVersion::TLSv1_3), (&rustls::version::TLS12, ProtocolVersion::TLSv1_2)]
    {
        let caller = Caller::with(serving.authority.certificate_der(), "localhost", &[offered], &[b"h2", b"http/1.1"]);
        let mut connection = caller.connect(serving.server.address()).await.unwrap();
        assert_eq!(connection.version, Some(expected));
        let denied = connection.post("/validate/baseline?timeout=3s", token_secret()).await.unwrap();
        assert_eq!((denied.status, denied.header("content-type")), (StatusCode::OK, "application/json"));
        assert_eq!(denied.json()["response"]["status"]["code"], 403);
        assert!(!denied.closes());
        let changed = connection.post("/mutate/baseline", pod()).await.unwrap().json();
        assert_eq!(changed["response"]["patchType"], "JSONPatch");
        assert_eq!(changed["response"]["uid"], "705ab4f5-6393-11e8-b7cc-42010a800002");
    }
}

#[tokio::test]
async fn a_client_that_offers_only_http_2_is_refused_in_the_handshake() {
    let serving = serve(Limits::default());
    let caller = Caller::with(serving.authority.certificate_der(), "localhost", &[&rustls::version::TLS13], &[b"h2"]);
    let error = caller.connect_raw(serving.server.address()).await.unwrap_err();
    assert!(error.to_string().contains("NoApplicationProtocol"), "{error}");
}

#[tokio::test]
async fn a_name_that_is_no_policy_is_judged_as_restricted_and_counted_as_that() {
    let serving = serve(Limits::default());
    let reply = serving.post("/validate/unknown", token_secret()).await.json();
    assert_eq!(reply["response"]["auditAnnotations"]["policy"], "restricted");
    let message = reply["response"]["status"]["message"].as_str().unwrap();
    assert!(message.contains("names no policy; restricted applies"), "{message}");
    serving.post("/validate/a-tenants-own-words", token_secret()).await;
    let (_, metrics) = serving.admin("/metrics").await;
    assert!(
        metrics.contains(
            r#"admission_total{policy="restricted",phase="validate",resource="secrets",decision="denied"} 2"#
        ),
        "{metrics}"
    );
    assert!(!metrics.contains("words") && !metrics.contains("team-a") && !metrics.contains("ci-bot"), "{metrics}");
}

#[tokio::test]
async fn says_in_one_line_what_is_wrong_with_a_request() {
    let serving = serve(Limits::default());
    for path in ["/", "/validate", "/validate/", "/validate/baseline/more", "/mutate/", "/readyz", "/metrics"] {
        let reply = serving.post(path, token_secret()).await;
        assert_eq!(reply.status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(reply.body, "there is nothing here; reviews go to /mutate/<policy> and /validate/<policy>\n");
    }
    for method in [Method::GET, Method::PUT, Method::DELETE] {
        let reply = serving.send(|request| *request.method_mut() = method.clone()).await;
        assert_eq!((reply.status, reply.header("allow")), (StatusCode::METHOD_NOT_ALLOWED, "POST"), "{method}");
    }
    let no_json = HeaderValue::from_static("application/yaml");
    let reply = serving.send(|request| drop(request.headers_mut().insert(CONTENT_TYPE, no_json))).await;
    assert_eq!(reply.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let reply = serving.send(|request| drop(request.headers_mut().remove(CONTENT_TYPE))).await;
    assert_eq!(reply.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let gzip = HeaderValue::from_static("gzip");
    let reply = serving.send(|request| drop(request.headers_mut().insert(CONTENT_ENCODING, gzip))).await;
    assert_eq!((reply.status, &*reply.body), (StatusCode::UNSUPPORTED_MEDIA_TYPE, "the body must not be compressed\n"));
    let parameters = HeaderValue::from_static("application/json; charset=utf-8");
    let reply = serving.send(|request| drop(request.headers_mut().insert(CONTENT_TYPE, parameters))).await;
    assert_eq!(reply.status, StatusCode::OK);
}

#[tokio::test]
async fn a_body_that_is_no_review_is_400_and_never_an_allow() {
    let serving = serve(Limits::default());
    let old = token_secret().replacen("admission.k8s.io/v1", "admission.k8s.io/v1beta1", 1);
    for body in ["", "{}", "null", "{\"kind\":", &token_secret()[..200], &old] {
        let reply = serving.post("/validate/baseline", body.to_owned()).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{body}");
        assert_eq!(reply.body.lines().count(), 1, "{}", reply.body);
        assert!(!reply.body.contains("allowed"), "{}", reply.body);
    }
    let series =
        r#"tokenward_admission_total{policy="baseline",phase="validate",resource="other",decision="malformed"}"#;
    assert!((serving.metric(series).await - 6.0).abs() < 0.5);
}

#[tokio::test]
async fn a_body_over_the_limit_is_413_whether_announced_or_not_and_the_caller_sees_it() {
    let serving = serve(Limits { body: 100_000, ..Limits::default() });
    let announced = serving.post("/validate/baseline", opaque_secret(4_000_000)).await;
    assert_eq!(
        (announced.status, &*announced.body),
        (StatusCode::PAYLOAD_TOO_LARGE, "the body is larger than 100000 bytes\n")
    );
    let mut connection = serving.caller.connect(serving.server.address()).await.unwrap();
    let reply = timeout(PATIENCE, connection.send(unfinished(opaque_secret(4_000_000)))).await.unwrap().unwrap();
    assert_eq!(reply.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(serving.post("/validate/baseline", opaque_secret(90_000)).await.status, StatusCode::OK);
}

#[tokio::test]
async fn large_secrets_are_judged_several_at_once() {
    let serving = serve(Limits::default());
    let body = Bytes::from(opaque_secret(3 * 1024 * 1024));
    let calls: Vec<_> = (0..8)
        .map(|_| {
            let (caller, address, body) = (serving.caller.clone(), serving.server.address(), body.clone());
            tokio::spawn(async move { caller.post(address, "/validate/restricted", body).await })
        })
        .collect();
    for call in calls {
        assert_eq!(call.await.unwrap().json()["response"]["allowed"], true);
    }
}

#[tokio::test]
async fn one_review_more_than_the_limit_is_429_with_retry_after_and_closes() {
    let serving = serve(Limits { reviews: 1, ..Limits::default() });
    let mut waiting = serving.caller.connect(serving.server.address()).await.unwrap();
    let waiting = tokio::spawn(async move { waiting.send(unfinished("{")).await });
    let refused = loop {
        let reply = serving.post("/validate/baseline", token_secret()).await;
        if reply.status != StatusCode::OK {
            break reply;
        }
        sleep(Duration::from_millis(10)).await;
    };
    assert_eq!((refused.status, refused.header("retry-after")), (StatusCode::TOO_MANY_REQUESTS, "1"));
    assert!(refused.closes());
    assert!(serving.metric(r#"tokenward_shed_total{reason="reviews-in-flight"}"#).await >= 1.0);
    waiting.abort();
    let _ = waiting.await;
    let end = Instant::now() + PATIENCE;
    while serving.post("/validate/baseline", token_secret()).await.status != StatusCode::OK {
        assert!(Instant::now() < end, "a caller that went away still counts");
    }
}

#[tokio::test]
async fn more_bytes_in_flight_than_the_budget_are_429_and_come_back() {
    let serving = serve(Limits { bodies: 10_000, ..Limits::default() });
    assert_eq!(serving.post("/validate/baseline", opaque_secret(9_000)).await.status, StatusCode::OK);
    let refused = serving.post("/validate/baseline", opaque_secret(20_000)).await;
    assert_eq!((refused.status, refused.header("retry-after")), (StatusCode::TOO_MANY_REQUESTS, "1"));
    assert_eq!(serving.post("/validate/baseline", opaque_secret(9_000)).await.status, StatusCode::OK);
}

#[tokio::test]
async fn the_callers_deadline_is_kept_and_what_it_was_about_is_dropped() {
    let serving = serve(Limits { reviews: 1, ..Limits::default() });
    let mut connection = serving.caller.connect(serving.server.address()).await.unwrap();
    let mut request = unfinished("{");
    *request.uri_mut() = "/validate/baseline?timeout=1s".parse().unwrap();
    let begun = Instant::now();
    let reply = timeout(PATIENCE, connection.send(request)).await.unwrap().unwrap();
    let took = begun.elapsed();
    assert_eq!((reply.status, reply.header("retry-after")), (StatusCode::SERVICE_UNAVAILABLE, "1"));
    assert!(took >= Duration::from_millis(850) && took < Duration::from_secs(1), "{took:?}");
    assert_eq!(serving.post("/validate/baseline", token_secret()).await.status, StatusCode::OK);
}

fn hasty() -> Limits {
    Limits { handshake: Duration::from_millis(300), slow: Duration::from_millis(300), ..Limits::default() }
}

#[tokio::test]
async fn an_idle_connection_outlives_the_deadline_for_heads() {
    let serving = serve(hasty());
    let mut unused = serving.caller.connect(serving.server.address()).await.unwrap();
    let mut used = serving.caller.connect(serving.server.address()).await.unwrap();
    assert_eq!(used.post("/validate/audit", token_secret()).await.unwrap().status, StatusCode::OK);
    sleep(Duration::from_millis(1200)).await;
    for connection in [&mut used, &mut unused] {
        assert_eq!(connection.post("/validate/audit", token_secret()).await.unwrap().status, StatusCode::OK);
    }
}

#[tokio::test]
async fn a_head_that_was_begun_must_be_finished_in_time_also_after_calls_and_idle_time() {
    let serving = serve(hasty());
    let mut stream = serving.caller.connect_raw(serving.server.address()).await.unwrap();
    stream.write_all(b"GET /x HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 404");
    sleep(Duration::from_millis(600)).await;
    stream.write_all(b"POST /validate/baseline HTTP/1.1\r\nHost:").await.unwrap();
    let begun = Instant::now();
    ends(&mut stream).await;
    assert!(begun.elapsed() >= Duration::from_millis(200), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_body_that_does_not_arrive_in_time_is_503_whatever_the_caller_allows() {
    let serving = serve(hasty());
    let mut connection = serving.caller.connect(serving.server.address()).await.unwrap();
    let mut request = unfinished("{");
    *request.uri_mut() = "/validate/baseline?timeout=30s".parse().unwrap();
    let reply = timeout(PATIENCE, connection.send(request)).await.unwrap().unwrap();
    assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn a_caller_that_does_not_read_its_answers_is_cut_off() {
    let serving = serve(hasty());
    let mut stream = serving.caller.connect_raw(serving.server.address()).await.unwrap();
    let requests = b"GET /x HTTP/1.1\r\nHost: x\r\n\r\n".repeat(100);
    let writing = async { while stream.write_all(&requests).await.is_ok() {} };
    timeout(PATIENCE, writing).await.expect("the server waits for ever");
    assert_eq!(serving.post("/validate/audit", token_secret()).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_handshake_that_does_not_begin_is_cut_off() {
    let serving = serve(hasty());
    let mut stream = TcpStream::connect(serving.server.address()).await.unwrap();
    ends(&mut stream).await;
    assert!(serving.metric(r#"tokenward_shed_total{reason="handshake"}"#).await >= 1.0);
}

#[tokio::test]
async fn connections_beyond_the_bound_are_closed_at_once_and_the_others_go_on() {
    let serving = serve(Limits { connections: 2, ..Limits::default() });
    let address = serving.server.address();
    let mut first = serving.caller.connect(address).await.unwrap();
    let second = serving.caller.connect::<Full<Bytes>>(address).await.unwrap();
    assert!(serving.caller.connect::<Full<Bytes>>(address).await.is_err());
    assert_eq!(first.post("/validate/audit", token_secret()).await.unwrap().status, StatusCode::OK);
    assert!((serving.metric("tokenward_connections").await - 2.0).abs() < 0.5);
    drop(second);
    let end = Instant::now() + PATIENCE;
    while serving.caller.connect::<Full<Bytes>>(address).await.is_err() {
        assert!(Instant::now() < end, "a place is not given back");
        sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn where_places_are_short_connections_without_a_call_make_room() {
    let serving = serve(Limits { connections: 4, ..hasty() });
    let address = serving.server.address();
    let mut used = serving.caller.connect(address).await.unwrap();
    assert_eq!(used.post("/validate/audit", token_secret()).await.unwrap().status, StatusCode::OK);
    let mut idlers = Vec::new();
    for _ in 0..3 {
        idlers.push(serving.caller.connect_raw(address).await.unwrap());
    }
    let end = Instant::now() + PATIENCE;
    while serving.caller.connect::<Full<Bytes>>(address).await.is_err() {
        assert!(Instant::now() < end, "idlers keep everybody out");
        sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(used.post("/validate/audit", token_secret()).await.unwrap().status, StatusCode::OK);
}

#[tokio::test]
async fn who_has_an_answer_of_the_admin_port_and_stays_keeps_no_probe_out() {
    let serving = serve(Limits::default());
    let mut stayed = Vec::new();
    for _ in 0..64 {
        let mut stream = TcpStream::connect(serving.server.admin_address()).await.unwrap();
        stream.write_all(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        let mut answer = Vec::new();
        timeout(PATIENCE, stream.read_to_end(&mut answer)).await.unwrap().unwrap();
        assert!(answer.starts_with(b"HTTP/1.1 200 "), "{}", String::from_utf8_lossy(&answer));
        stayed.push(stream);
    }
    assert_eq!(serving.admin("/livez").await.0, 200);
}

#[tokio::test]
async fn a_head_that_is_too_large_is_answered_431_although_more_of_it_comes() {
    let serving = serve(Limits::default());
    let mut stream = serving.caller.connect_raw(serving.server.address()).await.unwrap();
    let head = format!("POST /validate/baseline HTTP/1.1\r\nHost: x\r\nX: {}\r\n", "x".repeat(200 * 1024));
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.flush().await.unwrap();
    let mut answer = Vec::new();
    timeout(PATIENCE, stream.read_to_end(&mut answer)).await.unwrap().expect("an answer and an end, no reset");
    assert!(answer.starts_with(b"HTTP/1.1 431 "), "{}", String::from_utf8_lossy(&answer));
}

#[tokio::test]
async fn probes_and_metrics_are_on_the_admin_port_alone() {
    let serving = serve(Limits::default());
    assert_eq!(serving.admin("/livez").await, (200, "ok\n".to_owned()));
    assert_eq!(serving.admin("/readyz").await, (200, "ok\n".to_owned()));
    assert_eq!(serving.admin("/validate/baseline").await.0, 404);
    let namespace = "tenant-with-a-name";
    let object = serde_json::json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}});
    serving.post("/validate/baseline", review("secrets", namespace, &object)).await;
    serving.post("/mutate/baseline", pod()).await;
    let (_, metrics) = serving.admin("/metrics").await;
    for name in [
        "tokenward_admission_total{",
        "tokenward_admission_duration_seconds_bucket{le=\"0.000025\"}",
        "tokenward_injected_total{policy=\"baseline\"} 1",
        "tokenward_reload_total{what=\"certificate\",result=\"ok\"} 0",
        "tokenward_certificate_expiry_seconds ",
        "tokenward_exceptions{state=\"active\"} 0",
        "tokenward_shed_total{reason=\"deadline\"} 0",
        "tokenward_connections ",
        "tokenward_build_info{version=",
    ] {
        assert!(metrics.lines().any(|line| line.starts_with(name)), "{name} is not in\n{metrics}");
    }
    assert!(!metrics.contains(namespace), "{metrics}");
}

#[tokio::test]
async fn an_ended_certificate_is_not_ready_and_says_so() {
    let mut parameters = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    parameters.not_after = rcgen::date_time_ymd(2020, 1, 31);
    let key = rcgen::KeyPair::generate().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, text: String| std::fs::write(directory.path().join(name), text).unwrap();
    write("tls.crt", parameters.self_signed(&key).unwrap().pem());
    write("tls.key", key.serialize_pem());
    let pair = tokenward::certs::Pair::load(directory.path()).unwrap();
    let server = Server::start(Settings::in_memory(pair)).unwrap();
    let address = server.admin_address();
    let (status, body) = spawn_blocking(move || get(address, "/readyz")).await.unwrap();
    assert_eq!((status, &*body), (503, "not ready: the serving certificate ended at 2020-01-31T00:00:00Z\n"));
}

#[test]
fn a_port_in_use_is_exit_code_2_and_names_the_port_and_the_flag() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for flag in ["--listen", "--admin-listen"] {
        let arguments: Vec<String> = ["--listen", "--admin-listen"]
            .iter()
            .map(|name| format!("{name}={}", if *name == flag { &address } else { "127.0.0.1:0" }))
            .collect();
        let mut command = Command::new(env!("CARGO_BIN_EXE_tokenward"));
        let output = command.args(["serve", "--dev"]).args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        let said = String::from_utf8(output.stderr).unwrap();
        let port = taken.local_addr().unwrap().port();
        assert!(said.contains(&format!("error: port {port} is in use")), "{said}");
        assert!(said.contains(&format!("choose another with {flag}\n")), "{said}");
    }
}

#[test]
fn bad_flags_are_exit_code_2_and_say_what_is_expected() {
    for (arguments, expected) in [
        (&["--dev", "--listen=8443"][..], "expected an address and a port such as 127.0.0.1:8443"),
        (&["--dev", "--body-limit=16MB"], "expected a number of bytes such as 16777216, 16384Ki or 16Mi"),
        (&["--dev", "--drain-limit=soon"], "expected a duration such as 15s"),
        (&[], "--tls-dir <DIR>"),
        (&["--dev", "--tls-dir=x"], "cannot be used with"),
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tokenward"));
        let output = command.arg("serve").args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains(expected), "{arguments:?}: {said}");
    }
}
