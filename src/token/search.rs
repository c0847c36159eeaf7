//! Service account tokens in bytes of any kind.
//!
//! Found are tokens that stand in clear text, as in `Bearer eyJ…`, a kubeconfig or a JSON document, and those under one or
//! two layers of base64, as in a Secret's `data` and what lies encoded in it. Not found is what was compressed, split or
//! encrypted.
//!
//! The time is linear in the input, whatever it holds. In clear text, the parts of what could be a JWT end at dots, so no two
//! of them share a byte. Base64 is decoded only where it shows the beginning of a token, each unbroken run of it at most once
//! for each of the four places at which its groups can begin; what comes out is three quarters as long, and is searched in
//! the same way, no more than two layers deep. A test counts the bytes that are looked at.

mod run;
mod signs;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::fmt;
use std::ops::ControlFlow;
use std::sync::LazyLock;

use memchr::memchr2;
use memchr::memmem::Finder;

use self::run::{Run, decode, is_base64url, join_lines};
use self::signs::{LAYERS, SIGNS};
use super::jwt::ServiceAccountToken;

/// More tokens than anybody has to be told of in one input.
const MOST_TOKENS: usize = 64;

/// The text of a token. A secret, so that it prints nothing of itself.
#[derive(Clone, Copy)]
pub struct Jwt<'b>(&'b [u8]);

impl Jwt<'_> {
    /// The text, to be sent to whoever shall check it, and nowhere else.
    #[must_use]
    pub fn secret_text(&self) -> String {
        // Letters, digits, `-`, `_` and dots.
        String::from_utf8_lossy(self.0).into_owned()
    }
}

impl fmt::Debug for Jwt<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("(a token)")
    }
}

/// The service account tokens in `bytes`, in the order in which they stand, outer ones first; at most 64.
#[must_use]
pub fn service_account_tokens(bytes: &[u8]) -> Vec<ServiceAccountToken> {
    let mut found = Vec::new();
    visit_service_account_tokens(bytes, &mut |_, token| {
        found.push(token);
        if found.len() < MOST_TOKENS { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    found
}

/// The first service account token in `bytes` that is `wanted`, however many others come before it.
#[must_use]
pub fn find_service_account_token(
    bytes: &[u8],
    mut wanted: impl FnMut(&ServiceAccountToken) -> bool,
) -> Option<ServiceAccountToken> {
    let mut found = None;
    visit_service_account_tokens(bytes, &mut |_, token| {
        if !wanted(&token) {
            return ControlFlow::Continue(());
        }
        found = Some(token);
        ControlFlow::Break(())
    });
    found
}

/// What a search does with each token: go on or stop.
pub type Visit<'v> = dyn FnMut(Jwt<'_>, ServiceAccountToken) -> ControlFlow<()> + 'v;

/// Shows every service account token in `bytes` to `visit`, until it has seen enough.
pub fn visit_service_account_tokens(bytes: &[u8], visit: &mut Visit<'_>) {
    // Whether all were seen is for the visitor to know.
    let _ = Search { visit, work: 0 }.layer(bytes, LAYERS);
}

struct Search<'v, 'f> {
    visit: &'v mut Visit<'f>,
    /// How many bytes were looked at, each as often as it was.
    work: usize,
}

impl Search<'_, '_> {
    fn layer(&mut self, bytes: &[u8], layers: usize) -> ControlFlow<()> {
        // One look settles two questions for the data of most Secrets: base64 in one line has neither.
        let is_one_line_without_dots = memchr2(b'.', b'\n', bytes).is_none();
        self.work += bytes.len();
        if !is_one_line_without_dots {
            self.clear_text(bytes)?;
        }
        if layers == 0 {
            return ControlFlow::Continue(());
        }
        let joined = if is_one_line_without_dots { Cow::Borrowed(bytes) } else { join_lines(bytes) };
        let text = &*joined;
        self.work += bytes.len();
        let (mut from, mut run) = (0, Run::default());
        while let Some(sign) = SIGNS.find(text, from) {
            self.work += sign.range.end - from;
            if sign.range.start >= run.end() {
                run = Run::around(text, sign.range.clone());
                self.work += run.len();
            }
            if let Some(skip) = run.new_alignment(sign.range.start, sign.offset) {
                self.work += run.len();
                self.layer(&decode(run.of(text), skip), layers - 1)?;
            }
            // A sign that only looks like one must not hide another that begins within it.
            from = if run.is_exhausted() { run.end() } else { sign.range.start + 1 };
        }
        self.work += text.len() - from;
        ControlFlow::Continue(())
    }

    /// A token in clear text: base64url, a dot, a payload that begins as JSON objects do, a dot, base64url.
    fn clear_text(&mut self, bytes: &[u8]) -> ControlFlow<()> {
        static PAYLOAD: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b".eyJ"));
        let mut from = 0;
        while let Some(dot) = PAYLOAD.find(&bytes[from..]).map(|at| at + from) {
            let payload = dot + 1..end_of_part(bytes, dot + 1);
            self.work += payload.end - from;
            from = payload.end;
            let header = start_of_part(bytes, dot);
            let end = match bytes.get(payload.end) {
                Some(b'.') => end_of_part(bytes, payload.end + 1),
                _ => payload.end,
            };
            self.work += dot - header + end - payload.end;
            if header == dot || end <= payload.end + 1 {
                continue;
            }
            self.work += payload.len();
            if let Some(token) = ServiceAccountToken::of_payload(&bytes[payload]) {
                (self.visit)(Jwt(&bytes[header..end]), token)?;
            }
        }
        self.work += bytes.len() - from;
        ControlFlow::Continue(())
    }
}

fn end_of_part(bytes: &[u8], start: usize) -> usize {
    start + bytes[start..].iter().take_while(|byte| is_base64url(**byte)).count()
}

/// Where the header begins that ends at `end`. What stands before it without a space, as in `TOKEN_eyJ…`, is no part of it: as
/// the encoding of a JSON object it begins with `eyJ`.
fn start_of_part(bytes: &[u8], end: usize) -> usize {
    let start = end - bytes[..end].iter().rev().take_while(|byte| is_base64url(**byte)).count();
    start + memchr::memmem::find(&bytes[start..end], b"eyJ").unwrap_or(0)
}
