//! A problem with the lines that it is about, for people.

use std::ops::Range;

use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use super::error::{Place, Problem, Span};
use super::quoted::masked;

/// The longest line that is shown, in bytes; the renderer cuts it to the width of a terminal. JSON on one line is longer.
const LONGEST_LINE: usize = 4096;

/// The problem with its excerpt, coloured.
pub(super) fn render(problem: &Problem) -> String {
    let title = match problem.field.as_str() {
        "" => problem.what.clone(),
        field => format!("{field}: {}", problem.what),
    };
    let place = Excerpt::of(&problem.place);
    let related = problem.related.as_deref().and_then(|(place, what)| Some((Excerpt::of(place)?, *what)));
    let mut group = Group::with_title(Level::ERROR.primary_title(title));
    match &place {
        Some(place) => group = group.element(place.snippet(AnnotationKind::Primary, None)),
        None => group = group.element(Origin::path(problem.place.to_string())),
    }
    if let Some((place, what)) = &related {
        group = group.element(place.snippet(AnnotationKind::Context, Some(what)));
    }
    if !problem.advice.is_empty() {
        group = group.element(Level::HELP.message(problem.advice.as_str()));
    }
    Renderer::styled().render(&[group])
}

/// The line of a place, masked.
struct Excerpt {
    file: String,
    line: usize,
    text: String,
    span: Range<usize>,
}

impl Excerpt {
    fn snippet<'e>(&'e self, kind: AnnotationKind, label: Option<&'e str>) -> Snippet<'e, Annotation<'e>> {
        Snippet::source(self.text.as_str())
            .line_start(self.line)
            .path(self.file.as_str())
            .annotation(kind.span(self.span.clone()).label(label))
    }

    fn of(place: &Place) -> Option<Self> {
        let Span { text, bytes } = place.source.as_deref()?;
        let start = text[..bytes.start].rfind('\n').map_or(0, |at| at + 1);
        let end = text[start..].find('\n').map_or(text.len(), |at| start + at);
        if end - start > LONGEST_LINE {
            return None;
        }
        let span = bytes.start - start..bytes.end.clamp(bytes.start, end.max(bytes.start)) - start;
        let text = without_controls(&masked(&text[start..end]));
        Some(Self { file: place.file.to_string(), line: place.line, text, span })
    }
}

/// The text with spaces in place of control characters, as many as each has bytes, so that places stay right.
fn without_controls(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() {
            clean.extend(std::iter::repeat_n(' ', character.len_utf8()));
        } else {
            clean.push(character);
        }
    }
    clean
}
