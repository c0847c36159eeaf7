use std::ops::ControlFlow;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use proptest::prelude::*;

use super::signs::{LAYERS, SIGNS, automaton, encodings, patterns};
use super::{MOST_TOKENS, Search, find_service_account_token, service_account_tokens, visit_service_account_tokens};
use crate::token::{ServiceAccountToken, TokenKind};

const HEADER: &str = r#"{"alg":"RS256","kid":"k"}"#;

fn token(header: &str, claims: &str) -> String {
    format!("{}.{}.c2lnbmF0dXJl", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims))
}

fn legacy(account: &str) -> String {
    let claims = format!(
        r#"{{"iss":"kubernetes/serviceaccount","kubernetes.io/serviceaccount/namespace":"team-a","kubernetes.io/serviceaccount/secret.name":"{account}-token","kubernetes.io/serviceaccount/service-account.name":"{account}","sub":"system:serviceaccount:team-a:{account}"}}"#
    );
    token(HEADER, &claims)
}

fn bound(account: &str) -> String {
    bound_with_header(account, HEADER)
}

fn bound_with_header(account: &str, header: &str) -> String {
    let claims = format!(
        r#"{{"aud":["https://kubernetes.default.svc"],"exp":2000,"iat":1000,"iss":"https://kubernetes.default.svc","kubernetes.io":{{"namespace":"team-a","serviceaccount":{{"name":"{account}","uid":"1"}}}},"sub":"system:serviceaccount:team-a:{account}"}}"#
    );
    token(header, &claims)
}

fn accounts(bytes: impl AsRef<[u8]>) -> Vec<String> {
    service_account_tokens(bytes.as_ref()).into_iter().map(|token| token.service_account).collect()
}

/// How many bytes a search looks at, each as often as it does.
fn work(bytes: &[u8]) -> usize {
    let mut search = Search { visit: &mut |_, _| ControlFlow::Continue(()), work: 0 };
    let _ = search.layer(bytes, LAYERS);
    search.work
}

/// No more than this. In clear text a byte is read once, and once more each as a part of a header, of a payload and of a
/// signature. For signs the text is copied to join its lines, and read; signs overlap by a character at most and are hardly
/// longer than they lie apart, so three times over is enough; and each byte belongs to one run. That run is decoded at four
/// alignments at most, into three quarters as many bytes each.
fn most_work(length: usize, layers: usize) -> usize {
    let clear_text = 4 * length;
    if layers == 0 {
        return clear_text;
    }
    let signs = (1 + 3 + 1) * length;
    clear_text + signs + 4 * (length + most_work(length * 3 / 4, layers - 1))
}

#[track_caller]
fn assert_linear(text: &[u8]) {
    let work = work(text);
    assert!(work <= most_work(text.len(), LAYERS), "{work} for {} bytes", text.len());
}

/// The bound on the work means nothing if less is counted than is done.
#[test]
fn counts_every_look_at_a_byte() {
    // Three looks each: for dots and lines, for lines to join, for signs.
    assert_eq!(work("x".repeat(100).as_bytes()), 300);
    // The same, a look for the payload, and one as a part of the token; no part ends with the dot that begins the payload.
    let token = legacy("ci");
    assert_eq!(work(token.as_bytes()), 5 * token.len() - 1);
    // Three looks, of which the one for signs goes on behind the first byte of the sign at the start, one for the ends of the run,
    // one to decode it, and the look at what comes out.
    let encoded = STANDARD_NO_PAD.encode(&token);
    let sign = patterns().into_iter().find(|(sign, _)| encoded.as_bytes().starts_with(sign)).unwrap().0;
    assert_eq!(work(encoded.as_bytes()), 5 * encoded.len() + sign.len() - 1 + work(token.as_bytes()));
}

#[test]
fn finds_a_token_in_clear_text() {
    for text in
        [legacy("ci"), format!("Bearer {}", legacy("ci")), format!("users:\n- user: {{token: {}}}\n", legacy("ci"))]
    {
        assert_eq!(accounts(text), ["ci"]);
    }
}

#[test]
fn knows_the_secret_of_a_legacy_token() {
    let found = service_account_tokens(legacy("ci").as_bytes());
    assert_eq!(found[0].namespace, "team-a");
    assert_eq!(found[0].kind, TokenKind::Legacy { secret: "ci-token".to_owned() });
}

#[test]
fn tells_legacy_from_bound() {
    let text = format!("{} {}", bound("one"), legacy("two"));
    let is_legacy = |token: &ServiceAccountToken| matches!(token.kind, TokenKind::Legacy { .. });
    let kinds: Vec<bool> = service_account_tokens(text.as_bytes()).iter().map(is_legacy).collect();
    assert_eq!(kinds, [false, true]);
    assert_eq!(find_service_account_token(text.as_bytes(), is_legacy).unwrap().service_account, "two");
}

#[test]
fn a_token_of_the_cluster_names_both_its_namespace_and_its_account() {
    let claims = |namespace: &str, account: &str| {
        format!(
            r#"{{"iss":"https://kubernetes.default.svc","kubernetes.io":{{"namespace":"{namespace}","serviceaccount":{{"name":"{account}"}}}}}}"#
        )
    };
    assert_eq!(accounts(token(HEADER, &claims("team-a", "ci"))), ["ci"]);
    for (namespace, account) in [("team-a", ""), ("", "ci"), ("", "")] {
        assert!(accounts(token(HEADER, &claims(namespace, account))).is_empty(), "{namespace:?} {account:?}");
    }
}

#[test]
fn looks_through_two_layers_of_base64_but_not_three() {
    let once = STANDARD.encode(legacy("ci"));
    let twice = STANDARD.encode(&once);
    assert_eq!(accounts(&once), ["ci"]);
    assert_eq!(accounts(&twice), ["ci"]);
    assert!(accounts(STANDARD.encode(&twice)).is_empty());
    // What lies less deep does not lead to it.
    assert_eq!(accounts(STANDARD.encode(format!("{} {twice}", legacy("shallow")))), ["shallow"]);
}

#[test]
fn base64_may_be_cut_off_or_go_on_in_the_middle_of_a_group() {
    let encoded = STANDARD_NO_PAD.encode(format!("{} and more", legacy("ci")));
    for after in ["", "A", "AA", "AAA"] {
        assert_eq!(accounts(format!("{encoded}{after}")), ["ci"], "with {after:?} behind it");
    }
}

#[test]
fn knows_the_headers_of_external_signers_too() {
    for header in
        [r#"{"alg":"ES256","kid":"k","typ":"JWT"}"#, r#"{"kid":"k","alg":"ES256"}"#, r#"{"typ":"JWT","alg":"ES256"}"#]
    {
        for before in ["", "x", "xy"] {
            let once = STANDARD.encode(format!("{before}{}", bound_with_header("ci", header)));
            for after in ["", "a", "ab"] {
                let twice = STANDARD.encode(format!("{after}{once}"));
                assert_eq!([accounts(&once), accounts(twice)], [["ci"], ["ci"]], "{header} after {before:?}");
            }
        }
    }
}

#[test]
fn finds_several_tokens_of_one_run_at_different_alignments() {
    let text =
        format!("{}\n{}", STANDARD.encode(legacy("one")).trim_end_matches('='), STANDARD.encode(legacy("other2")));
    assert_eq!(accounts(text), ["one", "other2"]);
}

#[test]
fn ignores_the_token_of_another_issuer() {
    let token = token(HEADER, r#"{"iss":"https://vault.example.com","sub":"ci"}"#);
    assert!(accounts(&token).is_empty());
    assert!(accounts(STANDARD.encode(token)).is_empty());
}

#[test]
fn a_token_with_many_audiences_is_one_too() {
    let audiences: Vec<String> = (0..5000).map(|number| format!(r#""https://{number}.example.com""#)).collect();
    let claims = format!(
        r#"{{"aud":[{}],"exp":2000,"iat":1000,"kubernetes.io":{{"namespace":"team-a","serviceaccount":{{"name":"ci"}}}}}}"#,
        audiences.join(",")
    );
    let found = service_account_tokens(token(HEADER, &claims).as_bytes());
    assert!(matches!(&found[0].kind, TokenKind::Bound(bound) if bound.audiences.len() == 5000));
}

#[test]
fn one_audience_may_stand_without_a_list() {
    let claims = r#"{"aud":"vault","kubernetes.io":{"namespace":"team-a","serviceaccount":{"name":"ci"}}}"#;
    let found = service_account_tokens(token(HEADER, claims).as_bytes());
    assert!(matches!(&found[0].kind, TokenKind::Bound(bound) if bound.audiences == ["vault"]));
}

#[test]
fn what_is_no_whole_token_is_none() {
    let whole = legacy("ci");
    let (unsigned, _) = whole.rsplit_once('.').unwrap();
    let (_, headless) = whole.split_once('.').unwrap();
    for text in [unsigned.to_owned(), format!("{unsigned}."), format!(".{headless}"), format!(" {headless}")] {
        assert!(accounts(&text).is_empty(), "{text}");
    }
}

#[test]
fn shows_the_text_of_a_token_to_the_visitor_without_what_stands_beside_it() {
    let token = legacy("ci");
    for text in [
        token.clone(),
        format!("Bearer {token}\n"),
        format!("TOKEN_{token}, and more"),
        format!("{{\"token\":\"{token}\"}}"),
        STANDARD.encode(format!("user:{token}")),
        URL_SAFE.encode(STANDARD.encode(format!("token: {token}\n"))),
    ] {
        let mut shown = Vec::new();
        visit_service_account_tokens(text.as_bytes(), &mut |jwt, _| {
            assert_eq!(format!("{jwt:?}"), "(a token)");
            shown.push(jwt.secret_text());
            ControlFlow::Continue(())
        });
        assert_eq!(shown, [token.as_str()], "{text}");
    }
}

#[test]
fn a_wanted_token_is_found_behind_any_number_of_others() {
    let others = vec![bound("other"); 10 * MOST_TOKENS].join("\n");
    let text = format!("{others}\n{}", legacy("ci"));
    for text in [text.clone(), STANDARD.encode(&text), STANDARD.encode(STANDARD.encode(text))] {
        assert_eq!(service_account_tokens(text.as_bytes()).len(), MOST_TOKENS);
        let found = find_service_account_token(text.as_bytes(), |token| token.service_account == "ci");
        assert!(found.is_some());
    }
}

/// The beginnings of tokens under layers of base64.
fn signs() -> Vec<String> {
    patterns().into_iter().map(|(sign, _)| String::from_utf8(sign).unwrap()).collect()
}

#[test]
fn a_sign_is_all_that_its_text_determines() {
    let encoded = encodings(b"eyJhbG").map(|(text, offset)| (String::from_utf8(text).unwrap(), offset));
    // Of `eyJhbG`, `?eyJhbG` and `??eyJhbG` what does not depend on `?` or on what follows.
    assert_eq!(
        encoded,
        [("ZXlKaGJH", 0), ("V5SmhiR", 2), ("leUpoYk", 3)].map(|(text, offset)| (text.to_owned(), offset))
    );
}

#[test]
fn no_sign_is_a_part_of_another() {
    let signs = signs();
    // 3 headers, under one layer at 3 alignments, and under two at 3 of each, 5 of which begin alike for all headers. Beyond 32
    // the vector search is half as wide, and on ARM there is none.
    assert_eq!(signs.len(), 3 * (3 + 9) - 2 * 5);
    for sign in &signs {
        assert_eq!(signs.iter().filter(|other| other.contains(sign)).collect::<Vec<_>>(), [sign]);
    }
}

/// What a text is made of that wants to be slow to search.
fn trap() -> impl Strategy<Value = String> {
    let sign = proptest::sample::select(signs());
    let word = prop_oneof![
        Just("eyJ".to_owned()),
        Just(".eyJ".to_owned()),
        Just("eyJhbGciOi".to_owned()),
        Just(".".to_owned()),
        Just("\n".to_owned()),
        Just("\n  ".to_owned()),
        Just("=".to_owned()),
        Just(legacy("ci")),
        Just(STANDARD_NO_PAD.encode(legacy("ci"))),
        Just(STANDARD_NO_PAD.encode(STANDARD_NO_PAD.encode(legacy("ci")))),
        "[A-Za-z0-9+/_-]{1,40}",
        sign.clone(),
        sign,
    ];
    (proptest::collection::vec(word, 1..8), 1..100_usize).prop_map(|(words, times)| {
        let mut text = words.concat().repeat(times);
        text.truncate(8 * 1024);
        text
    })
}

#[test]
fn long_texts_without_end_are_looked_at_a_fixed_number_of_times() {
    const LENGTH: usize = 128 * 1024;
    let signs = signs();
    let sign = |index: usize| signs[index].as_str();
    let all_alignments = ["", "A", "AA", "AAA"].map(|before| format!("{before}{}", sign(0))).concat();
    for piece in [
        "A",
        "eyJ",
        ".eyJ",
        "eyJ.",
        "a.eyJa.a",
        "eyJhbGciOi",
        "eyJhbGciOi.eyJ",
        "\n",
        "a\n",
        sign(0),
        sign(3),
        &format!("{}A", sign(0)),
        &format!("{}\n", sign(1)),
        &format!("{} ", sign(2)),
        &format!("{}.eyJ", sign(2)),
        &all_alignments,
        &STANDARD_NO_PAD.encode(all_alignments.repeat(8)),
    ] {
        assert_linear(piece.repeat(LENGTH / piece.len()).as_bytes());
    }
}

proptest! {
    #[test]
    fn finds_a_token_wherever_it_lies(
        before in "[ -~]{0,40}", after in "[ -~]{0,40}", layers in 0..=2_usize, width in 60..120_usize
    ) {
        let mut text = format!("{before} {} {after}", legacy("ci"));
        for _ in 0..layers {
            text = STANDARD.encode(&text);
        }
        prop_assert_eq!(accounts(&text), ["ci"]);
        if layers > 0 {
            let lines: Vec<&[u8]> = text.as_bytes().chunks(width).collect();
            prop_assert_eq!(accounts(lines.join(&b"\n    "[..])), ["ci"]);
        }
    }

    #[test]
    fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        prop_assert!(service_account_tokens(&bytes).len() <= MOST_TOKENS);
        assert_linear(&bytes);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_trap_before_a_token_hides_it(trap in trap(), bytes in proptest::collection::vec(any::<u8>(), 0..3), layers in 0..=2_usize) {
        // Never inside a part of the trap: a token must begin somewhere.
        let mut text = [&bytes[..], trap.as_bytes(), b" ", legacy("hidden").as_bytes()].concat();
        for _ in 0..layers {
            text = STANDARD.encode(&text).into_bytes();
        }
        prop_assert!(find_service_account_token(&text, |token| token.service_account == "hidden").is_some());
    }

    #[test]
    fn both_finders_find_the_same(trap in trap()) {
        let (patterns, offsets): (Vec<_>, Vec<_>) = patterns().into_iter().unzip();
        let automaton = automaton(&patterns);
        let mut from = 0;
        while let Some(sign) = SIGNS.find(trap.as_bytes(), from) {
            let hit = automaton.find(aho_corasick::Input::new(&trap).span(from..trap.len())).unwrap();
            prop_assert_eq!((hit.range(), offsets[hit.pattern().as_usize()]), (sign.range.clone(), sign.offset));
            from = sign.range.start + 1;
        }
        prop_assert!(automaton.find(aho_corasick::Input::new(&trap).span(from..trap.len())).is_none());
    }

    #[test]
    fn the_work_is_linear_whatever_is_searched(trap in trap(), layers in 0..=2_usize) {
        let mut text = trap;
        for _ in 0..layers {
            text = STANDARD.encode(&text);
        }
        assert_linear(text.as_bytes());
    }
}
