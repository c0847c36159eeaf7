//! What `tokenward review --tokens` answers, under a policy that changes nothing.

use std::process::Command;

use serde_json::Value;

use super::{Case, Form, Held, Kind};

/// The answer to a case, in the order of containers, kinds and places.
pub(super) fn to(case: &Case) -> Vec<Held> {
    let output = Command::new(env!("CARGO_BIN_EXE_tokenward"))
        .args(["review", "--tokens", "--policy-name", "audit", "-o", "json"])
        .arg(&case.path)
        .output()
        .unwrap();
    let report: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    let results = report["results"].as_array().expect("results");
    let pod = results.iter().find(|result| result["kind"] == "Pod").expect("a Pod");
    assert_eq!(pod["tokens"]["unknown"], Value::Array(Vec::new()), "{}", case.name);
    let tokens = pod["tokens"]["held"].as_array().expect("tokens");
    let mut held: Vec<Held> = tokens.iter().flat_map(places).collect();
    held.sort();
    held
}

fn places(token: &Value) -> impl Iterator<Item = Held> {
    let kind = match token["source"].as_str() {
        Some("automount") => Kind::Automounted,
        Some("projected") => Kind::Projected,
        Some("legacy") => Kind::Legacy,
        other => panic!("no kind of these cases: {other:?}"),
    };
    let audiences = token["audiences"].as_array().expect("audiences");
    let audience = audiences.first().map_or("", |audience| audience.as_str().expect("a text"));
    // The API server's own name means the API server.
    let audience = if token["forApiServer"] == true { "" } else { audience };
    let seen = token["seen"].as_array().expect("places").iter();
    seen.map(move |seen| Held {
        container: seen["container"].as_str().expect("a container").to_owned(),
        token: kind,
        r#as: if seen["as"] == "variable" { Form::Variable } else { Form::File },
        at: seen["at"].as_str().expect("a place").to_owned(),
        audience: audience.to_owned(),
        requested_seconds: token["requestedSeconds"].as_u64(),
        lasts_seconds: token["effectiveSeconds"].as_u64(),
        rotates: seen["rotates"].as_bool().expect("a truth"),
    })
}
