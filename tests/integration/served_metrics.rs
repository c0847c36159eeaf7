//! What `/metrics` promises: few series whatever the cluster does, and every metric that the alert rules name.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokenward::certs::{Authority, CertificateResolver, Names};
use tokenward::policy::{Inventory, Phase, PolicySet};
use tokenward::server::{Server, Settings};
use tokenward::telemetry::Metrics;
use tokio::task::spawn_blocking;

use super::review_bodies::{pod, review, token_secret};
use super::tls_client::Caller;
use super::webhook::{Webhook, get};

/// More than any installation has, and few enough for the tests.
const NAMESPACES: usize = 10_000;
const MOST_SERIES: usize = 300;
const PATHS: [&str; 4] = ["/mutate/baseline", "/validate/baseline", "/validate/restricted", "/validate/no-policy"];

async fn metrics(server: &Server) -> String {
    let address = server.admin_address();
    let (status, text) = spawn_blocking(move || get(address, "/metrics")).await.unwrap();
    assert_eq!(status, 200);
    text
}

fn serve() -> (Server, Caller) {
    let authority = Authority::generate(1).unwrap();
    let pair = authority.issue(&Names::loopback()).unwrap().pair().unwrap();
    (Server::start(Settings::in_memory(pair)).unwrap(), Caller::new(authority.certificate_der(), "localhost"))
}

fn small_pod(namespace: &str) -> String {
    let spec = json!({"serviceAccountName": namespace, "automountServiceAccountToken": false, "containers": [{"name": "app"}]});
    review("pods", namespace, &json!({"metadata": {"name": format!("pod-of-{namespace}")}, "spec": spec}))
}

fn count(text: &str) -> usize {
    text.lines().filter(|line| !line.starts_with('#')).count()
}

/// Counted as the server counts, without a connection for each: ten thousand calls take long in a debug build.
#[test]
fn series_do_not_grow_with_namespaces_and_names() {
    let pair = Authority::generate(1).unwrap().issue(&Names::loopback()).unwrap().pair().unwrap();
    let (policies, nothing) = (PolicySet::builtin(), Inventory::default());
    let metrics =
        Metrics::new(Arc::new(CertificateResolver::new(pair)), Arc::new(ArcSwap::from_pointee(policies.clone())));
    let asked = [(Phase::Mutate, "baseline"), (Phase::Validate, "baseline"), (Phase::Validate, "restricted")];
    for index in 0..NAMESPACES {
        let (phase, policy) = asked[index % asked.len()];
        let body = small_pod(&format!("team-{index}"));
        let answer = policies.answer(policy, phase, body.as_bytes(), &nothing, Timestamp::UNIX_EPOCH).unwrap();
        metrics.decided(phase, &answer, Duration::from_micros(10));
    }
    let text = metrics.encode().unwrap();
    assert!(count(&text) <= MOST_SERIES, "{} series:\n{text}", count(&text));
    assert!(!text.contains("team-"), "{text}");
}

#[tokio::test]
async fn series_do_not_grow_with_policies_that_do_not_exist() {
    let (server, caller) = serve();
    let mut connection = caller.connect(server.address()).await.unwrap();
    // Names of policies come from labels, which tenants may write.
    for index in 0..100 {
        for path in ["mutate", "validate"] {
            let reply = connection.post(&format!("/{path}/label-{index}"), small_pod("team-a")).await.unwrap();
            assert_eq!(reply.status, 200, "{}", reply.body);
        }
    }
    let text = metrics(&server).await;
    assert!(count(&text) <= MOST_SERIES, "{} series:\n{text}", count(&text));
    assert!(!text.contains("label-"), "{text}");
}

/// A policy file with an exception `ends-in-<days>` for each of `days`, which ends that many days from now, or ended as many
/// ago.
pub(crate) fn exceptions_ending_in(days: &[i64]) -> String {
    let document = |days: &i64| {
        let last_day = (Timestamp::now() + SignedDuration::from_hours(24 * days)).to_zoned(TimeZone::UTC).date();
        let name = if *days < 0 { format!("ended-{}", -days) } else { format!("ends-in-{days}") };
        format!(
            "apiVersion: tokenward.dev/v1alpha1\nkind: TokenException\nmetadata: {{name: {name}}}\nspec:\n  \
             rules: [legacy-token-secret, legacy-token-reference]\n  namespace: team-a\n  secret: legacy-ci\n  \
             serviceAccount: ci\n  reason: The client knows no other way\n  owner: platform@example.com\n  \
             expires: {last_day}\n"
        )
    };
    days.iter().map(document).collect::<Vec<_>>().join("---\n")
}

#[test]
fn exceptions_are_counted_in_each_state_by_the_clock() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("policy.yaml");
    fs::write(&file, exceptions_ending_in(&[-400, -2, 1, 3, 12, 16, 90, 200, 900])).unwrap();
    let webhook = Webhook::start(&["--dev", &format!("--policy={}", file.display())]);
    let (_, text) = get(webhook.admin_address, "/metrics");
    let counted: Vec<&str> = text.lines().filter(|line| line.starts_with("tokenward_exceptions{")).collect();
    assert_eq!(
        counted,
        [
            r#"tokenward_exceptions{state="active"} 4"#,
            r#"tokenward_exceptions{state="expiring"} 3"#,
            r#"tokenward_exceptions{state="expired"} 2"#
        ]
    );
}

#[tokio::test]
async fn every_metric_of_the_alert_rules_is_served() {
    let (server, caller) = serve();
    // Series with labels are there from the first time on.
    for path in PATHS {
        for body in [pod(), token_secret()] {
            caller.post(server.address(), path, body).await;
        }
    }
    let text = metrics(&server).await;
    let exposed: BTreeSet<&str> =
        text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split(['{', ' ']).next()).collect();

    let rules = alert_rules();
    let named: BTreeSet<&str> = rules.iter().flat_map(|rule| metrics_in(rule["expr"].as_str().unwrap())).collect();
    assert!(named.len() >= 8, "{named:?}");
    let missing: Vec<_> = named.difference(&exposed).collect();
    assert!(missing.is_empty(), "{missing:?} are named in docs/alerts.yaml and not served:\n{text}");
}

#[test]
fn every_alert_says_how_bad_it_is_and_what_to_do_and_is_tested() {
    let tests = fs::read_to_string(root().join("tests/alerts/tests.yaml")).unwrap();
    for rule in alert_rules() {
        let name = rule["alert"].as_str().unwrap();
        let severity = rule["labels"]["severity"].as_str().unwrap();
        assert!(["critical", "warning", "info"].contains(&severity), "{name}: {severity}");
        for text in ["summary", "description"] {
            assert!(rule["annotations"][text].as_str().is_some_and(|text| !text.is_empty()), "{name} has no {text}");
        }
        assert!(tests.matches(name).count() >= 2, "tests/alerts/tests.yaml does not test {name} both ways");
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn alert_rules() -> Vec<Value> {
    let text = fs::read_to_string(root().join("docs/alerts.yaml")).unwrap();
    let file: Value = serde_saphyr::from_str(&text).unwrap();
    file["groups"].as_array().unwrap().iter().flat_map(|group| group["rules"].as_array().unwrap().clone()).collect()
}

/// The metrics of ours in an expression.
fn metrics_in(expression: &str) -> impl Iterator<Item = &str> {
    let is_name = |character: char| character.is_ascii_alphanumeric() || character == '_';
    expression.split(move |character| !is_name(character)).filter(|word| word.starts_with("tokenward_"))
}
