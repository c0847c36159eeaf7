//! A problem with the lines that it is about, for people.

use std::ops::Range;

use annotate_snippets::{Annotation, AnnotationKind, Level, Renderer, Snippet};

use super::error::{Place, Problem};
use super::quoted::masked;

/// The longest line that is shown, in bytes; of a longer one a part around the place.
const LONGEST_LINE: usize = 160;

/// The problem with its excerpt.
pub(super) fn render(problem: &Problem) -> String {
    let title =
        if problem.field.is_empty() { problem.what.clone() } else { format!("{}: {}", problem.field, problem.what) };
    let mut group = Level::ERROR.primary_title(title).elements(Vec::<Snippet<'_, Annotation<'_>>>::new());
    let excerpts: Vec<(Excerpt, &str, AnnotationKind)> = [
        Excerpt::of(&problem.place).map(|excerpt| (excerpt, "", AnnotationKind::Primary)),
        problem
            .related
            .as_ref()
            .and_then(|(place, what)| Excerpt::of(place).map(|excerpt| (excerpt, *what, AnnotationKind::Context))),
    ]
    .into_iter()
    .flatten()
    .collect();
    for (excerpt, label, kind) in &excerpts {
        let annotation = kind.span(excerpt.span.clone());
        let annotation = if label.is_empty() { annotation } else { annotation.label(*label) };
        let snippet = Snippet::source(excerpt.text.as_str()).line_start(excerpt.line).path(&*excerpt.file);
        group = group.element(snippet.annotation(annotation));
    }
    if !problem.advice.is_empty() {
        group = group.element(Level::HELP.message(problem.advice.as_str()));
    }
    Renderer::styled().render(&[group])
}

/// The line of a place, cut and masked.
struct Excerpt {
    file: String,
    line: usize,
    text: String,
    span: Range<usize>,
}

impl Excerpt {
    fn of(place: &Place) -> Option<Self> {
        let text = place.text.as_deref()?;
        let start = text[..place.span.start].rfind('\n').map_or(0, |at| at + 1);
        let end = text[start..].find('\n').map_or(text.len(), |at| start + at);
        let place_end = place.span.end.clamp(place.span.start, end.max(place.span.start));
        let from = start.max(text.floor_char_boundary(place.span.start.saturating_sub(LONGEST_LINE / 2)));
        let to = end.min(text.floor_char_boundary(from + LONGEST_LINE));
        let shown = without_controls(&masked(&text[from..to]));
        let span = (place.span.start - from).min(shown.len())..(place_end - from).min(shown.len());
        Some(Self { file: place.file.to_string(), line: place.line, text: shown, span })
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
