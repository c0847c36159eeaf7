//! The bounds on what people read.

use std::borrow::Cow;

/// The longest text of one finding in a denial, in characters: what a terminal shows of an error before it is cut.
pub(super) const LONGEST_FINDING: usize = 256;

/// How long a name in a sentence may be, in characters. Kubernetes allows 253.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Names {
    longest: usize,
}

impl Names {
    /// As long as names are where a sentence has one or two.
    pub(super) const USUAL: Self = Self { longest: 40 };
    /// Lengths to try, for sentences with more.
    pub(super) const EVER_SHORTER: [Self; 6] = [
        Self::USUAL,
        Self { longest: 32 },
        Self { longest: 24 },
        Self { longest: 20 },
        Self { longest: 16 },
        Self { longest: 10 },
    ];

    /// A name for a sentence: cut in the middle where it is long, so that a message stays within its bound, and without
    /// control characters, with which the API server would drop it.
    pub(crate) fn cut(self, name: &str) -> Cow<'_, str> {
        if name.len() <= self.longest && is_clean(name) {
            return Cow::Borrowed(name);
        }
        let clean: Vec<char> = name.chars().filter(|character| !character.is_control()).collect();
        if clean.len() <= self.longest {
            return Cow::Owned(clean.into_iter().collect());
        }
        let head = clean.iter().take(self.longest / 2);
        let tail = clean.iter().skip(clean.len() - (self.longest / 2 - 3));
        Cow::Owned(head.chain(&['.', '.', '.']).chain(tail).collect())
    }
}

/// A name for a sentence, cut at the usual length.
pub(crate) fn shortened(name: &str) -> Cow<'_, str> {
    Names::USUAL.cut(name)
}

/// The end of a sentence that names the first of several: nothing for one.
pub(super) fn and_more(count: usize) -> String {
    match count {
        0 | 1 => String::new(),
        _ => format!(", and {} more", count - 1),
    }
}

/// The end of a sentence that names the first of several places.
pub(super) fn and_more_places<T>(places: &[T]) -> String {
    match places.len() {
        0 | 1 => String::new(),
        2 => " and 1 more place".to_owned(),
        count => format!(" and {} more places", count - 1),
    }
}

/// Whether `text` has at most `longest` characters.
pub(super) fn fits(text: &str, longest: usize) -> bool {
    text.len() <= longest || text.chars().count() <= longest
}

/// Whether nothing in `text` is a control character. Most texts are ASCII, of which many bytes are looked at together.
fn is_clean(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, 0x20..0x7f)) || !text.contains(char::is_control)
}

/// One line of at most `longest` characters without control characters, cut at the end.
pub(super) fn line(text: &str, longest: usize) -> Cow<'_, str> {
    let fits = fits(text, longest);
    if fits && is_clean(text) {
        return Cow::Borrowed(text);
    }
    let clean = text.chars().filter(|character| !character.is_control());
    if fits {
        return clean.collect();
    }
    let mut cut: String = clean.take(longest.saturating_sub(3)).collect();
    cut.push_str("...");
    Cow::Owned(cut)
}

#[cfg(test)]
mod tests {
    use super::{Names, line};

    #[test]
    fn a_name_loses_its_control_characters_and_its_middle_where_it_is_long() {
        assert_eq!(Names::USUAL.cut("ci-bot"), "ci-bot");
        assert_eq!(Names::USUAL.cut("ci\n-\u{1b}bot"), "ci-bot");
        let forty = "a".repeat(40);
        assert_eq!(Names::USUAL.cut(&forty), forty);
        assert_eq!(Names::USUAL.cut(&"0123456789".repeat(5)), "01234567890123456789...34567890123456789");
    }

    #[test]
    fn a_line_loses_its_control_characters_and_its_end_where_it_is_long() {
        assert_eq!(line("as it is", 8), "as it is");
        assert_eq!(line("as\nit is", 8), "asit is");
        assert_eq!(line("as it is not", 8), "as it...");
        assert_eq!(line("äöü äöü ", 8), "äöü äöü ");
    }
}
