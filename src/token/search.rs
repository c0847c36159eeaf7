//! Service account tokens in bytes of any kind.
//!
//! Found are tokens that stand in clear text, as in `Bearer eyJ…`, a kubeconfig or a JSON document, and those under one or
//! two layers of base64, as in a Secret's `data` and what lies encoded in it. Not found is what was compressed, split or
//! encrypted.
//!
//! The time is linear in the input: each byte is looked at a fixed number of times, and base64 is decoded only where the
//! encoded text shows the beginning of a token.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use base64::Engine;
use base64::alphabet;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use memchr::memmem;

use super::jwt::ServiceAccountToken;

/// How a token of Kubernetes begins: its header is JSON with the key `alg` first.
const HEADER: &[u8] = b"eyJhbGciOi";
/// Layers of base64 that are looked through.
const LAYERS: usize = 2;
/// More tokens than anybody has to be told of in one input.
const MOST_TOKENS: usize = 64;

/// The service account tokens in `bytes`, in the order in which they stand, outer ones first; at most 64.
#[must_use]
pub fn service_account_tokens(bytes: &[u8]) -> Vec<ServiceAccountToken> {
    let mut found = Vec::new();
    search(bytes, LAYERS, &mut found);
    found
}

fn search(bytes: &[u8], layers: usize, found: &mut Vec<ServiceAccountToken>) {
    search_plain(bytes, found);
    if layers == 0 {
        return;
    }
    let joined = join_lines(bytes);
    let bytes = &*joined;
    let mut run = Run::default();
    for hit in SIGNS.finder.find_iter(bytes) {
        if found.len() >= MOST_TOKENS {
            return;
        }
        if hit.start() >= run.range.end {
            run = Run::around(bytes, hit.range());
        }
        if let Some(skip) = run.new_alignment(hit.start(), SIGNS.offsets[hit.pattern().as_usize()]) {
            search(&decode(&bytes[run.range.clone()], skip), layers - 1, found);
        }
    }
}

/// A stretch of base64 in which signs were hit. Pieces that stand one after the other need not
/// begin at the same place of a group of four, so each of the four alignments is decoded at most once.
#[derive(Default)]
struct Run {
    range: Range<usize>,
    decoded: [bool; 4],
}

impl Run {
    fn around(bytes: &[u8], hit: Range<usize>) -> Self {
        let start = hit.start - bytes[..hit.start].iter().rev().take_while(|byte| is_base64(**byte)).count();
        let end = hit.end + bytes[hit.end..].iter().take_while(|byte| is_base64(**byte)).count();
        Self { range: start..end, decoded: [false; 4] }
    }

    /// How many characters to leave out so that groups of four begin where they do for the character at `at`, which is the
    /// one numbered `offset` of its group; `None` where that was decoded already.
    const fn new_alignment(&mut self, at: usize, offset: usize) -> Option<usize> {
        let skip = (at - self.range.start + 4 - offset) % 4;
        if self.decoded[skip] {
            return None;
        }
        self.decoded[skip] = true;
        Some(skip)
    }
}

/// The text with its lines joined: base64 is often broken into lines, and indented where it stands in YAML.
fn join_lines(bytes: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr(b'\n', bytes).is_none() {
        return Cow::Borrowed(bytes);
    }
    let lines = bytes.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    Cow::Owned(lines.flatten().copied().collect())
}

/// A token in clear text: base64url, a dot, a payload that begins as JSON objects do, a dot, base64url.
fn search_plain(bytes: &[u8], found: &mut Vec<ServiceAccountToken>) {
    let mut from = 0;
    while let Some(dot) = memmem::find(&bytes[from..], b".eyJ").map(|at| at + from) {
        let payload = dot + 1..end_of_run(bytes, dot + 1);
        from = payload.end;
        let has_header = dot > 0 && is_base64url(bytes[dot - 1]);
        let has_signature =
            bytes.get(payload.end) == Some(&b'.') && bytes.get(payload.end + 1).is_some_and(|byte| is_base64url(*byte));
        if !has_header || !has_signature || found.len() >= MOST_TOKENS {
            continue;
        }
        found.extend(ServiceAccountToken::of_payload(&bytes[payload]));
    }
}

fn end_of_run(bytes: &[u8], start: usize) -> usize {
    start + bytes[start..].iter().take_while(|byte| is_base64url(**byte)).count()
}

const fn is_base64url(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

const fn is_base64(byte: u8) -> bool {
    is_base64url(byte) || matches!(byte, b'+' | b'/')
}

/// Decodes a run of base64, in either alphabet, without its first `skip` characters.
fn decode(run: &[u8], skip: usize) -> Vec<u8> {
    let standard = |byte: &u8| match byte {
        b'-' => b'+',
        b'_' => b'/',
        byte => *byte,
    };
    let text: Vec<u8> = run.iter().skip(skip).map(standard).collect();
    let whole = text.len() - usize::from(text.len() % 4 == 1);
    LENIENT.decode(&text[..whole]).unwrap_or_default()
}

/// A run may end in the middle of a longer text, so that its last bits need not be zero.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The beginnings of tokens as they look under layers of base64.
struct Signs {
    finder: AhoCorasick,
    /// For each pattern, which character of its group of four it begins with.
    offsets: Vec<usize>,
}

static SIGNS: LazyLock<Signs> = LazyLock::new(|| {
    let mut patterns = Vec::new();
    let mut offsets = Vec::new();
    let mut layer = vec![HEADER.to_vec()];
    for _ in 0..LAYERS {
        let encoded: Vec<(Vec<u8>, usize)> = layer.iter().flat_map(|text| encodings(text)).collect();
        layer = encoded.iter().map(|(text, _)| text.clone()).collect();
        for (pattern, offset) in encoded {
            patterns.push(pattern);
            offsets.push(offset);
        }
    }
    // Without a finder nothing would be found; the patterns are constants, and a test runs through here.
    #[allow(clippy::expect_used, reason = "a dozen constant patterns are within every limit of the builder")]
    let finder = AhoCorasick::new(&patterns).expect("constant patterns build");
    Signs { finder, offsets }
});

/// The characters of base64 that `text` alone determines, for each place in a group of three bytes that it may begin at,
/// and which character of its group of four the first of them is.
fn encodings(text: &[u8]) -> [(Vec<u8>, usize); 3] {
    [0, 1, 2].map(|before: usize| {
        let padded = [vec![0; before], text.to_vec()].concat();
        let encoded = STANDARD_NO_PAD.encode(&padded).into_bytes();
        let first = (before * 8).div_ceil(6);
        let last = padded.len() * 8 / 6;
        (encoded[first..last].to_vec(), first % 4)
    })
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
    use proptest::prelude::*;

    use super::{SIGNS, service_account_tokens};
    use crate::token::TokenKind;

    fn legacy(account: &str) -> String {
        let header = URL_SAFE_NO_PAD.encode(br#"{"alg":"RS256","kid":"k"}"#);
        let payload = URL_SAFE_NO_PAD.encode(format!(
            r#"{{"iss":"kubernetes/serviceaccount","kubernetes.io/serviceaccount/namespace":"team-a","kubernetes.io/serviceaccount/secret.name":"{account}-token","kubernetes.io/serviceaccount/service-account.name":"{account}","sub":"system:serviceaccount:team-a:{account}"}}"#
        ));
        format!("{header}.{payload}.c2lnbmF0dXJl")
    }

    fn accounts(bytes: &[u8]) -> Vec<String> {
        service_account_tokens(bytes).into_iter().map(|token| token.service_account).collect()
    }

    #[test]
    fn finds_a_token_in_clear_text() {
        for text in
            [legacy("ci"), format!("Bearer {}", legacy("ci")), format!("users:\n- user: {{token: {}}}\n", legacy("ci"))]
        {
            assert_eq!(accounts(text.as_bytes()), ["ci"]);
        }
    }

    #[test]
    fn knows_the_secret_of_a_legacy_token() {
        let found = service_account_tokens(legacy("ci").as_bytes());
        assert_eq!(found[0].namespace, "team-a");
        assert_eq!(found[0].kind, TokenKind::Legacy { secret: "ci-token".to_owned() });
    }

    #[test]
    fn looks_through_two_layers_of_base64_but_not_three() {
        let once = STANDARD.encode(legacy("ci"));
        let twice = STANDARD.encode(&once);
        assert_eq!(accounts(once.as_bytes()), ["ci"]);
        assert_eq!(accounts(twice.as_bytes()), ["ci"]);
        assert!(accounts(STANDARD.encode(&twice).as_bytes()).is_empty());
    }

    #[test]
    fn finds_several_tokens_of_one_run_at_different_alignments() {
        let text =
            format!("{}\n{}", STANDARD.encode(legacy("one")).trim_end_matches('='), STANDARD.encode(legacy("other2")));
        assert_eq!(accounts(text.as_bytes()), ["one", "other2"]);
    }

    #[test]
    fn ignores_the_token_of_another_issuer() {
        let payload = URL_SAFE_NO_PAD.encode(br#"{"iss":"https://vault.example.com","sub":"ci"}"#);
        let token = format!("{}.{payload}.c2ln", URL_SAFE_NO_PAD.encode(br#"{"alg":"RS256"}"#));
        assert!(accounts(token.as_bytes()).is_empty());
        assert!(accounts(STANDARD.encode(token).as_bytes()).is_empty());
    }

    #[test]
    fn knows_every_sign_under_every_layer() {
        assert_eq!(SIGNS.offsets.len(), 3 + 3 * 3);
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
            prop_assert_eq!(accounts(text.as_bytes()), ["ci"]);
            if layers > 0 {
                let lines: Vec<&[u8]> = text.as_bytes().chunks(width).collect();
                prop_assert_eq!(accounts(&lines.join(&b"\n    "[..])), ["ci"]);
            }
        }

        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
            prop_assert!(service_account_tokens(&bytes).len() <= super::MOST_TOKENS);
        }
    }
}
