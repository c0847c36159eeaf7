//! Policy files that no server should ever be given.

use std::fs;
use std::time::Duration;

use tokio::runtime::Runtime;

use super::{PATIENCE, Served, eventually, figure};
use crate::review_bodies::token_secret;
use crate::webhook::{get, metric};

const SOON: Duration = Duration::from_secs(10);

fn policy(action: &str) -> String {
    format!(
        "apiVersion: tokenward.dev/v1alpha1\nkind: TokenPolicy\nmetadata: {{name: baseline}}\n\
         spec:\n  rules: {{legacy-token-secret: {action}}}\n"
    )
}

#[test]
fn the_last_good_policy_rules_whatever_the_file_becomes_and_a_mended_one_is_live_within_ten_seconds() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("policy.yaml");
    fs::write(&file, policy("audit")).unwrap();
    let served = Served::start(&[&format!("--policy={}", file.display())]);
    let webhook = &served.webhook;
    let runtime = Runtime::new().unwrap();
    let allowed = || {
        let reply = runtime.block_on(served.caller.post(webhook.address, "/validate/baseline", token_secret()));
        reply.json()["response"]["allowed"].as_bool().unwrap()
    };
    let failures = || metric(webhook.admin_address, r#"tokenward_reload_total{what="policy",result="error"}"#);
    assert!(allowed());

    let good = policy("audit");
    let huge = format!("{good}# {}\n", "x".repeat(50 << 20));
    let deep = format!("{good}  tokens: {}", "{a: ".repeat(100_000));
    let bad = [
        ("broken", "spec: ["),
        ("half-written", &good[..good.len() / 2]),
        ("50 MB", &huge),
        ("deep", &deep),
        ("binary", "\0\u{1}"),
    ];
    for (what, text) in bad {
        let before = failures();
        fs::write(&file, text).unwrap();
        eventually(what, PATIENCE, || failures() > before);
        assert!(allowed(), "{what}: the last good policy rules on");
        assert_eq!(get(webhook.admin_address, "/readyz").0, 200, "{what}");
    }
    fs::write(&file, policy("deny")).unwrap();
    let took = eventually("the mended file is live", SOON, || !allowed());
    figure("R6", format_args!("after {} bad files the mended one was live within {took:.1?}", bad.len()));

    // An empty file says nothing: what it said before would otherwise rule for ever.
    let before = failures();
    fs::write(&file, "").unwrap();
    eventually("an empty file is noticed", SOON, || {
        failures() > before
            || metric(webhook.admin_address, r#"tokenward_reload_total{what="policy",result="ok"}"#) >= 2.0
    });
    assert!(!allowed(), "neither the last policy nor the built-in one allows it");
}
