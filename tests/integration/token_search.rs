//! Where the classifier finds service account tokens, told by what the rules say of them.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use proptest::prelude::*;
use serde_json::{Value, json};
use tokenward::token::{ServiceAccountToken, TokenKind, service_account_tokens};

use crate::fixture::{Court, Review, bound_jwt, jwt, legacy_jwt};

/// Everything in which people keep a token, by what they would call it.
fn wrappings(token: &str) -> Vec<(&'static str, String)> {
    let encoded = STANDARD.encode(token);
    let kubeconfig = format!("apiVersion: v1\nkind: Config\nusers:\n- name: ci\n  user:\n    token: {token}\n");
    let auth = STANDARD.encode(format!("serviceaccount:{token}"));
    let docker_config = json!({"auths": {"registry.example.com": {"username": "sa", "auth": auth}}}).to_string();
    let secret = |value: &str| format!("apiVersion: v1\nkind: Secret\ndata:\n  ca.crt: eA==\n  token: {value}\n");
    let folded = encoded.as_bytes().chunks(64).map(String::from_utf8_lossy).collect::<Vec<_>>().join("\n    ");
    vec![
        ("the token", token.to_owned()),
        ("with a line break", format!("{token}\n")),
        ("a header", format!("Authorization: Bearer {token}\r\nAccept: */*\r\n")),
        ("a query", format!("https://api.example.com/?access_token={token}&x=1")),
        ("base64 in base64", encoded.clone()),
        ("a kubeconfig", kubeconfig.clone()),
        ("a docker config", docker_config),
        ("a docker config that names a password", json!({"auths": {"r": {"password": token}}}).to_string()),
        ("a JSON document", json!({"kind": "Secret", "data": {"token": encoded}}).to_string()),
        ("a JSON document in a JSON string", json!({"last": json!({"token": token}).to_string()}).to_string()),
        ("a YAML document", secret(&encoded)),
        ("a YAML document with folded base64", secret(&format!(">-\n    {folded}"))),
        ("a YAML document with stringData", format!("stringData:\n  token: \"{token}\"\n")),
        ("a kubeconfig in base64", STANDARD.encode(kubeconfig)),
        ("an environment file", format!("export TOKEN='{token}'\nOTHER=1\n")),
        ("a shell script", format!("curl -H \"Authorization: Bearer {token}\" https://kubernetes.default.svc\n")),
    ]
}

fn stored(value: &str) -> Review {
    let data = json!({"key": STANDARD.encode(value)});
    Review::create(
        "secrets",
        json!({"apiVersion": "v1", "kind": "Secret", "type": "Opaque", "metadata": {"name": "copy"}, "data": data}),
    )
}

#[test]
fn a_token_is_found_in_whatever_it_is_kept() {
    for (token, nature) in
        [(legacy_jwt("ci-token", "ci"), "a legacy token"), (bound_jwt("ci", 90_000), "a token of 90000 seconds")]
    {
        for (name, value) in wrappings(&token) {
            let verdict = Court::new().validate("restricted", &stored(&value));
            let expected = format!("TW104 stored-token: Secret copy holds {nature} of ServiceAccount team-a/ci. ");
            assert!(verdict.message().starts_with(&expected), "{name}: {verdict:?}");
        }
    }
}

#[test]
fn the_token_of_another_issuer_is_found_in_none_of_them() {
    let others = [
        json!({"iss": "https://vault.example.com/v1/identity/oidc", "sub": "ci", "aud": "x", "iat": 0, "exp": 4_102_444_800_u64}),
        json!({"iss": "https://accounts.google.com", "email": "ci@example.iam.gserviceaccount.com", "exp": 4_102_444_800_u64}),
        json!({"iss": "https://token.actions.githubusercontent.com", "sub": "repo:example/app:ref:refs/heads/main"}),
        json!({"iss": "https://example.com", "sub": "system:serviceaccount:team-a:ci"}),
        json!({"iss": "https://example.com", "kubernetes.io": "team-a"}),
        json!({"iss": "https://example.com", "kubernetes.io": {}}),
        json!(["kubernetes/serviceaccount"]),
        json!({}),
    ];
    for claims in others {
        for (name, value) in wrappings(&jwt(&claims)) {
            let verdict = Court::new().validate("restricted", &stored(&value));
            assert_eq!(verdict.findings(), [""; 0], "{name}: {claims}");
        }
    }
}

#[test]
fn a_legacy_token_is_told_by_its_issuer_or_by_any_of_its_claims() {
    for claims in [
        json!({"iss": "kubernetes/serviceaccount"}),
        json!({"kubernetes.io/serviceaccount/namespace": "team-a"}),
        json!({"kubernetes.io/serviceaccount/secret.name": "ci-token"}),
        json!({"kubernetes.io/serviceaccount/service-account.name": "ci"}),
    ] {
        let found = service_account_tokens(jwt(&claims).as_bytes());
        assert!(matches!(found[..], [ServiceAccountToken { kind: TokenKind::Legacy { .. }, .. }]), "{claims}");
    }
}

#[test]
fn claims_of_a_wrong_kind_are_no_token_and_no_error() {
    for claims in [
        json!({"iss": 1, "kubernetes.io": {"namespace": "a", "serviceaccount": {"name": "b"}}}),
        json!({"aud": {"a": "b"}, "kubernetes.io": {"namespace": "a", "serviceaccount": {"name": "b"}}}),
        json!({"aud": [1], "kubernetes.io": {"namespace": "a", "serviceaccount": {"name": "b"}}}),
        json!({"exp": "soon", "kubernetes.io": {"namespace": "a", "serviceaccount": {"name": "b"}}}),
        json!({"kubernetes.io": {"namespace": ["a"], "serviceaccount": {"name": "b"}}}),
    ] {
        assert_eq!(service_account_tokens(jwt(&claims).as_bytes()), [], "{claims}");
    }
    let deep = format!("{{\"a\":{}1{}}}", "[".repeat(5000), "]".repeat(5000));
    let token = format!("eyJhbGciOiJSUzI1NiJ9.{}.c2ln", URL_SAFE_NO_PAD.encode(deep));
    assert_eq!(service_account_tokens(token.as_bytes()), []);
}

#[test]
fn a_legacy_token_behind_a_crowd_of_harmless_ones_is_refused_all_the_same() {
    let crowd = vec![bound_jwt("other", 600); 200].join("\n");
    let text = format!("{crowd}\n{}", legacy_jwt("ci-token", "ci"));
    for value in [text.clone(), STANDARD.encode(&text)] {
        assert_eq!(Court::new().validate("restricted", &stored(&value)).findings(), ["TW104=deny"]);
    }
    let expired = vec![bound_jwt("other", -1); 200].join(" ");
    let value = format!("{expired} {}", legacy_jwt("ci-token", "ci"));
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"},
        "spec": {"serviceAccountName": "web", "containers": [{"name": "app", "env": [{"name": "T", "value": value}]}]},
    });
    assert!(Court::new().validate("restricted", &Review::create("pods", pod)).findings().contains(&"TW207=deny"));

    let own = format!("{crowd}\n{}", legacy_jwt("copy", "ci"));
    let mut secret = stored("").0["request"]["object"].take();
    secret["data"] = json!({"token": STANDARD.encode(own)});
    let verdict = Court::new().validate("restricted", &Review::create("secrets", secret));
    assert_eq!(verdict.findings(), ["TW103=deny", "TW104=deny"]);
}

/// Any text with a token, as anybody might have it.
fn token() -> impl Strategy<Value = String> {
    let claims = |legacy: bool, name: String| -> Value {
        if legacy {
            json!({"iss": "kubernetes/serviceaccount", "kubernetes.io/serviceaccount/service-account.name": name})
        } else {
            json!({"iat": 0, "exp": 4_102_444_800_u64, "kubernetes.io": {"namespace": "n", "serviceaccount": {"name": name}}})
        }
    };
    (any::<bool>(), "[a-z]{1,10}", proptest::collection::vec(any::<u8>(), 32..64)).prop_map(
        move |(legacy, name, signature)| {
            let token = jwt(&claims(legacy, name));
            let (unsigned, _) = token.rsplit_once('.').expect("three parts");
            format!("{unsigned}.{}", URL_SAFE_NO_PAD.encode(signature))
        },
    )
}

proptest! {
    #[test]
    fn no_piece_of_a_token_comes_out(token in token(), wrapping in 0..16_usize) {
        let (_, value) = wrappings(&token).swap_remove(wrapping);
        let review = stored(&value);
        let answer = Court::new().validate("restricted", &review).0.to_string();
        prop_assert!(answer.contains("TW104"), "{}", answer);
        let found = format!("{:?}", service_account_tokens(value.as_bytes()));
        // Also not as it stands under base64.
        let [once, twice] = [STANDARD.encode(&value), STANDARD.encode(&token)];
        for secret in [token.as_str(), &once, &twice] {
            for piece in secret.as_bytes().windows(16) {
                let piece = std::str::from_utf8(piece).expect("ASCII");
                prop_assert!(!answer.contains(piece) && !found.contains(piece), "{} came out", piece);
            }
        }
    }
}
