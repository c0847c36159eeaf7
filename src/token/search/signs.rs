//! How the beginning of a token looks under layers of base64.

use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, Input, MatchKind, Span, packed};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;

/// How tokens of Kubernetes begin: their header is JSON with the key `alg` first, as Kubernetes itself writes it, or `kid` or
/// `typ`, as an external signer may.
const HEADERS: [&[u8]; 3] = [b"eyJhbGciOi", b"eyJraWQiOi", b"eyJ0eXAiOi"];
/// Layers of base64 that are looked through.
pub(super) const LAYERS: usize = 2;

/// A place that looks like the beginning of a token.
pub(super) struct Sign {
    pub(super) range: Range<usize>,
    /// Which character of its group of four it begins with.
    pub(super) offset: usize,
}

/// The beginnings of tokens under one layer or more.
pub(super) struct Signs {
    finder: Finder,
    /// For each pattern, which character of its group of four it begins with.
    offsets: Vec<usize>,
}

/// Both find what begins first. An automaton looks at a byte after the other, and base64 has no rare bytes by which it could
/// skip; vector instructions look at many at once, some fifty times as fast.
enum Finder {
    Vectors(packed::Searcher),
    /// Where the processor has none that are of use.
    Automaton(AhoCorasick),
}

impl Signs {
    /// The first sign that begins at `from` or after it.
    pub(super) fn find(&self, text: &[u8], from: usize) -> Option<Sign> {
        let hit = match &self.finder {
            Finder::Vectors(searcher) => searcher.find_in(text, Span::from(from..text.len())),
            Finder::Automaton(automaton) => automaton.find(Input::new(text).span(from..text.len())),
        }?;
        Some(Sign { range: hit.range(), offset: self.offsets[hit.pattern().as_usize()] })
    }
}

pub(super) static SIGNS: LazyLock<Signs> = LazyLock::new(|| {
    let (patterns, offsets): (Vec<_>, Vec<_>) = patterns().into_iter().unzip();
    let finder =
        packed::Searcher::new(&patterns).map_or_else(|| Finder::Automaton(automaton(&patterns)), Finder::Vectors);
    Signs { finder, offsets }
});

/// The slower way to find `patterns`.
pub(super) fn automaton(patterns: &[Vec<u8>]) -> AhoCorasick {
    // Without a finder nothing would be found; the patterns are constants, and a test runs through here.
    #[allow(clippy::expect_used, reason = "a few dozen constant patterns are within every limit of the builder")]
    AhoCorasick::builder().match_kind(MatchKind::LeftmostFirst).build(patterns).expect("constant patterns build")
}

/// What is looked for, and which character of its group of four each begins with.
pub(super) fn patterns() -> Vec<(Vec<u8>, usize)> {
    let mut patterns = Vec::new();
    let mut layer: Vec<Vec<u8>> = HEADERS.map(<[u8]>::to_vec).into();
    for _ in 0..LAYERS {
        let encoded: Vec<(Vec<u8>, usize)> = layer.iter().flat_map(|text| encodings(text)).collect();
        layer = encoded.iter().map(|(text, _)| text.clone()).collect();
        patterns.extend(encoded);
    }
    merged(patterns)
}

/// So many characters stand at a given place by chance once in a billion times.
const ENOUGH: usize = 5;

/// Patterns that begin alike, by their common beginning: the headers of all tokens begin with `eyJ`. That leaves no more of them
/// than the faster kind of search takes.
fn merged(patterns: Vec<(Vec<u8>, usize)>) -> Vec<(Vec<u8>, usize)> {
    let mut merged: Vec<(Vec<u8>, usize)> = Vec::new();
    for (text, offset) in patterns {
        match merged.iter_mut().find(|(known, of)| *of == offset && known[..ENOUGH] == text[..ENOUGH]) {
            Some((known, _)) => known.truncate(ENOUGH),
            None => merged.push((text, offset)),
        }
    }
    merged
}

/// The characters of base64 that `text` alone determines, for each place in a group of three bytes that it may begin at,
/// and which character of its group of four the first of them is.
pub(super) fn encodings(text: &[u8]) -> [(Vec<u8>, usize); 3] {
    [0, 1, 2].map(|before: usize| {
        let padded = [vec![0; before], text.to_vec()].concat();
        let encoded = STANDARD_NO_PAD.encode(&padded).into_bytes();
        let first = (before * 8).div_ceil(6);
        let last = padded.len() * 8 / 6;
        (encoded[first..last].to_vec(), first % 4)
    })
}
