//! Reads values out of a tree and writes down what is wrong with them.

use super::error::{Place, Problem, Problems};
use super::origin::Origin;
use super::quoted::quoted;
use super::suggestion::did_you_mean;
use super::tree::{Id, Kind, Tree};

/// The most globs in a file. Each is a small program, and a decision may have to try every one.
const MOST_GLOBS: usize = 2000;

/// Reads one file. A method that gives `None` for a value of the wrong type has reported it.
pub(super) struct Reader<'r> {
    /// The file's documents.
    pub(super) tree: &'r Tree<'r>,
    origin: &'r Origin<'r>,
    problems: &'r mut Problems,
    globs: usize,
}

impl<'r> Reader<'r> {
    /// Reads `tree`, which stands in `origin`.
    pub(super) const fn new(tree: &'r Tree<'r>, origin: &'r Origin<'r>, problems: &'r mut Problems) -> Self {
        Self { tree, origin, problems, globs: 0 }
    }

    /// The place of a node.
    pub(super) fn place(&self, id: Id) -> Place {
        self.origin.place(&self.tree.node(id).span())
    }

    /// Where there are problems enough, counts one more and says so: good advice would be lost on it, and costs time.
    pub(super) fn only_counts(&mut self) -> bool {
        let is_full = self.problems.is_full();
        if is_full {
            self.problems.add(Problem::of_file(self.origin.name(), "", ""));
        }
        is_full
    }

    /// Whether the file may have another glob; reports the first that is too many.
    pub(super) fn spend_glob(&mut self, id: Id) -> bool {
        self.globs += 1;
        if self.globs == MOST_GLOBS + 1 {
            let what = format!("the file has more than {MOST_GLOBS} globs");
            self.report(id, what, "write names instead, or fewer globs that match more");
        }
        self.globs <= MOST_GLOBS
    }

    /// Reports a problem of a node.
    pub(super) fn report(&mut self, id: Id, what: impl Into<String>, advice: impl Into<String>) {
        self.add(id, what.into(), advice.into(), None);
    }

    /// Reports a problem of a node that another place explains.
    pub(super) fn report_related(
        &mut self,
        id: Id,
        what: impl Into<String>,
        advice: impl Into<String>,
        related: (Place, &'static str),
    ) {
        self.add(id, what.into(), advice.into(), Some(Box::new(related)));
    }

    fn add(&mut self, id: Id, what: String, advice: String, related: Option<Box<(Place, &'static str)>>) {
        if !self.only_counts() {
            let (place, field) = (self.place(id), self.tree.path(id));
            self.problems.add(Problem { place, field, what, advice, related });
        }
    }

    /// Reports that `mapping` lacks the field `name`.
    pub(super) fn report_missing(&mut self, mapping: Id, name: &str, advice: impl Into<String>) {
        if self.only_counts() {
            return;
        }
        let place = self.origin.place(&self.tree.introduction(mapping));
        let path = self.tree.path(mapping);
        let field = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
        let what = "is missing".to_owned();
        self.problems.add(Problem { place, field, what, advice: advice.into(), related: None });
    }

    /// The fields of a mapping in the order of `known`; of the others each is reported, and so is one that is given twice.
    /// A field without a value counts as not given, as in every Kubernetes object.
    pub(super) fn fields<const N: usize>(&mut self, mapping: Id, known: [&'static str; N]) -> Option<[Option<Id>; N]> {
        let entries = self.mapping(mapping)?;
        let mut keys: [Option<Id>; N] = [None; N];
        let mut values: [Option<Id>; N] = [None; N];
        for (key, value) in entries {
            let name = self.tree.text(*key).unwrap_or_default();
            let Some(index) = known.iter().position(|known| *known == name) else {
                self.report_unknown(*key, name, &known);
                continue;
            };
            if let Some(first) = keys[index].replace(*key) {
                self.report_twice(*key, first);
            } else if !matches!(self.tree.node(*value).kind, Kind::Null) {
                values[index] = Some(*value);
            }
        }
        Some(values)
    }

    fn report_unknown(&mut self, key: Id, name: &str, known: &[&str]) {
        if self.only_counts() {
            return;
        }
        match name {
            "<<" => self.report(key, "merge keys are not supported", "write the fields out"),
            _ => self.report(key, "there is no such field", did_you_mean(name, known)),
        }
    }

    /// Reports a key that was given before.
    pub(super) fn report_twice(&mut self, key: Id, first: Id) {
        let related = (self.place(first), "first given here");
        self.report_related(key, "is given twice", "keep one of the two", related);
    }

    /// The entries of a mapping.
    pub(super) fn mapping(&mut self, id: Id) -> Option<&'r [(Id, Id)]> {
        let node = self.tree.node(id);
        match &node.kind {
            Kind::Mapping(entries) if !node.tagged => Some(entries),
            _ => self.mismatch(id, "fields"),
        }
    }

    /// The items of a sequence.
    pub(super) fn sequence(&mut self, id: Id) -> Option<&'r [Id]> {
        let node = self.tree.node(id);
        match &node.kind {
            Kind::Sequence(items) if !node.tagged => Some(items),
            _ => self.mismatch(id, "a list"),
        }
    }

    /// The items of a sequence that has at most `most`.
    pub(super) fn short_sequence(&mut self, id: Id, most: usize) -> Option<&'r [Id]> {
        let items = self.sequence(id)?;
        if items.len() > most {
            self.report(id, format!("the list has {} entries", items.len()), format!("write at most {most}"));
            return None;
        }
        Some(items)
    }

    /// A string. Text without quotes that YAML reads as a number or a truth value is none.
    pub(super) fn string(&mut self, id: Id) -> Option<&'r str> {
        let node = self.tree.node(id);
        match &node.kind {
            Kind::Quoted(text) if !node.tagged => Some(text),
            Kind::Plain(text) if !node.tagged && !is_number(text) && truth(text).is_none() => Some(text),
            _ => self.mismatch(id, "text"),
        }
    }

    /// A whole number that is not negative.
    pub(super) fn number(&mut self, id: Id) -> Option<u64> {
        let node = self.tree.node(id);
        match &node.kind {
            // What is too large for 64 bits is too large for everything that is counted here.
            Kind::Plain(text) if !node.tagged && is_whole(text) => Some(text.parse().unwrap_or(u64::MAX)),
            _ => self.mismatch(id, "a whole number"),
        }
    }

    /// A truth value.
    pub(super) fn truth(&mut self, id: Id) -> Option<bool> {
        let node = self.tree.node(id);
        match &node.kind {
            Kind::Plain(text) if !node.tagged && truth(text).is_some() => truth(text),
            _ => self.mismatch(id, "true or false"),
        }
    }

    fn mismatch<T>(&mut self, id: Id, expected: &str) -> Option<T> {
        let node = self.tree.node(id);
        if node.tagged {
            self.report(id, "YAML tags are not supported", "remove the word that begins with an exclamation mark");
            return None;
        }
        let (found, advice) = match &node.kind {
            Kind::Null => ("nothing".to_owned(), advice_for(expected)),
            Kind::Mapping(_) => ("fields".to_owned(), advice_for(expected)),
            Kind::Sequence(_) => ("a list".to_owned(), advice_for(expected)),
            Kind::Plain(text) if expected == "text" => (format!("the {} {text}", type_of(text)), "put it in quotes"),
            Kind::Quoted(text) if matches!(expected, "a whole number" | "true or false") && is_bare(expected, text) => {
                (format!("the text {}", quoted(text)), "remove the quotes")
            }
            Kind::Plain(text) | Kind::Quoted(text) => (quoted(text), advice_for(expected)),
        };
        self.report(id, format!("expected {expected}, found {found}"), advice);
        None
    }
}

fn advice_for(expected: &str) -> &'static str {
    match expected {
        "fields" => "write each field as name: value",
        "a list" => "write it as [one, another]",
        "a whole number" => "write digits alone, such as 3600",
        "true or false" => "write one of the two, without quotes",
        _ => "write one piece of text",
    }
}

fn is_bare(expected: &str, text: &str) -> bool {
    if expected == "true or false" { truth(text).is_some() } else { is_whole(text) }
}

fn type_of(text: &str) -> &'static str {
    if truth(text).is_some() { "truth value" } else { "number" }
}

fn truth(text: &str) -> Option<bool> {
    match text {
        "true" | "True" | "TRUE" => Some(true),
        "false" | "False" | "FALSE" => Some(false),
        _ => None,
    }
}

/// Decimal, without a leading zero that older YAML reads as octal.
fn is_whole(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit()) && !text.is_empty() && (text == "0" || !text.starts_with('0'))
}

/// Whether YAML 1.2 reads the text as a number.
fn is_number(text: &str) -> bool {
    let digits = text.trim_start_matches(['-', '+']);
    let hexadecimal = digits.strip_prefix("0x").is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let octal = digits.strip_prefix("0o").is_some_and(|rest| rest.bytes().all(|byte| (b'0'..=b'7').contains(&byte)));
    let begins = digits.starts_with(|first: char| first.is_ascii_digit() || first == '.');
    let special = matches!(digits.to_ascii_lowercase().as_str(), ".inf" | ".nan");
    hexadecimal || octal || special || (begins && digits.parse::<f64>().is_ok())
}
