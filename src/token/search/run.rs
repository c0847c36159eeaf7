//! Stretches of base64 in a longer text.

use std::borrow::Cow;
use std::ops::Range;

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// An unbroken stretch of base64 in which signs were hit. Pieces that stand one after the other need not begin at the same
/// place of a group of four, so each of the four alignments is decoded at most once.
#[derive(Default)]
pub(super) struct Run {
    range: Range<usize>,
    decoded: [bool; 4],
}

impl Run {
    /// The run that holds what was hit. It never reaches back into the run before it, so all of them together are no longer
    /// than the text.
    pub(super) fn around(text: &[u8], hit: Range<usize>) -> Self {
        let start = hit.start - text[..hit.start].iter().rev().take_while(|byte| is_base64(**byte)).count();
        let end = hit.end + text[hit.end..].iter().take_while(|byte| is_base64(**byte)).count();
        Self { range: start..end, decoded: [false; 4] }
    }

    /// How many characters to leave out so that groups of four begin where they do for the character at `at`, which is the
    /// one numbered `offset` of its group; `None` where that was decoded already.
    pub(super) const fn new_alignment(&mut self, at: usize, offset: usize) -> Option<usize> {
        let skip = (at - self.range.start + 4 - offset) % 4;
        if self.decoded[skip] {
            return None;
        }
        self.decoded[skip] = true;
        Some(skip)
    }

    /// True once nothing more can come out of it.
    pub(super) const fn is_exhausted(&self) -> bool {
        matches!(self.decoded, [true, true, true, true])
    }

    /// Its characters.
    pub(super) fn of<'t>(&self, text: &'t [u8]) -> &'t [u8] {
        &text[self.range.clone()]
    }

    pub(super) const fn end(&self) -> usize {
        self.range.end
    }

    pub(super) const fn len(&self) -> usize {
        self.range.end - self.range.start
    }
}

/// The text with its lines joined: base64 is often broken into lines, and indented where it stands in YAML.
pub(super) fn join_lines(bytes: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr(b'\n', bytes).is_none() {
        return Cow::Borrowed(bytes);
    }
    let mut joined = Vec::with_capacity(bytes.len());
    for line in bytes.split(|byte| *byte == b'\n') {
        joined.extend_from_slice(line.trim_ascii());
    }
    Cow::Owned(joined)
}

pub(super) const fn is_base64url(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

const fn is_base64(byte: u8) -> bool {
    is_base64url(byte) || matches!(byte, b'+' | b'/')
}

/// Decodes a run of base64, in either alphabet, without its first `skip` characters.
pub(super) fn decode(run: &[u8], skip: usize) -> Vec<u8> {
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
