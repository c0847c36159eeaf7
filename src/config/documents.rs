//! From files to policies and exceptions.

use std::collections::HashMap;

use super::error::{Error, Place, Problem, Problems};
use super::origin::Origin;
use super::quoted::quoted;
use super::reader::Reader;
use super::source::Source;
use super::suggestion::did_you_mean;
use super::tree::{Id, Tree};
use super::{exception, token_policy};
use crate::policy::{Exception, Exceptions, Policy, PolicySet};

/// The API group and version of every kind of ours.
pub const API_VERSION: &str = "tokenward.dev/v1alpha1";

/// The most values in a policy file: those of some 18 000 exceptions. Read, they take some 60 MB.
const MOST_VALUES: usize = 500_000;

/// The most policies. Each is an entry of its own in the webhook configurations, and a label of the metrics.
const MOST_POLICIES: usize = 100;

const GROUP: &str = "tokenward.dev/";

/// The kind of an inventory.
pub const INVENTORY_KIND: &str = "TokenInventory";

/// Something that was read, and where it stands.
#[derive(Clone, Debug)]
pub struct Placed<T> {
    /// What was read.
    pub value: T,
    /// Where its name stands.
    pub name: Place,
    /// Where the part of it stands that people ask after first: a policy's name, an exception's end date.
    pub place: Place,
}

/// The policies and exceptions of some files, in the files' order.
#[derive(Clone, Debug, Default)]
pub struct Documents {
    /// Every TokenPolicy.
    pub policies: Vec<Placed<Policy>>,
    /// Every TokenException.
    pub exceptions: Vec<Placed<Exception>>,
}

impl Documents {
    /// Reads the documents of all sources.
    ///
    /// # Errors
    /// With every problem of every source.
    pub fn parse(sources: &[Source]) -> Result<Self, Error> {
        let mut documents = Self::default();
        let mut problems = Problems::default();
        let mut names = Names::default();
        for source in sources {
            documents.add(source, &mut names, &mut problems);
        }
        problems.unless_any(documents)
    }

    /// The built-in policies with these in addition or in their place.
    #[must_use]
    pub fn into_set(self) -> PolicySet {
        let policies = self.policies.into_iter().map(|policy| policy.value).collect();
        let exceptions = self.exceptions.into_iter().map(|exception| exception.value).collect();
        PolicySet::new(policies, Exceptions::new(exceptions))
    }

    fn add(&mut self, source: &Source, names: &mut Names, problems: &mut Problems) {
        let origin = match Origin::of(source) {
            Ok(origin) => origin,
            Err(problem) => return problems.add(problem),
        };
        let tree = match Tree::parse(origin.text(), MOST_VALUES) {
            Ok(tree) => tree,
            Err(broken) => return problems.add(broken.problem(&origin)),
        };
        if tree.documents().next().is_none() {
            let advice = "write a TokenPolicy or a TokenException, or leave the file out";
            return problems.add(Problem::of_file(source.name(), "the file holds no document", advice));
        }
        let mut reader = Reader::new(&tree, &origin, problems);
        for document in tree.documents() {
            self.read(&mut reader, document, names);
        }
    }

    fn read(&mut self, reader: &mut Reader<'_>, document: Id, names: &mut Names) {
        match kind(reader, document) {
            Some(Kind::Policy) => {
                names.policies += 1;
                if names.policies == MOST_POLICIES + 1 {
                    let what = format!("there are more than {MOST_POLICIES} policies");
                    reader.report(document, what, "let namespaces share policies");
                }
                if names.policies > MOST_POLICIES {
                    return;
                }
                if let Some((policy, name)) = token_policy::read(reader, document) {
                    let place = names.claim(reader, ("TokenPolicy", &policy.name), name);
                    self.policies.push(Placed { value: policy, name: place.clone(), place });
                }
            }
            Some(Kind::Exception) => {
                if let Some(read) = exception::read(reader, document) {
                    let name = names.claim(reader, ("TokenException", &read.exception.name), read.name);
                    let place = reader.place(read.expires);
                    self.exceptions.push(Placed { value: read.exception, name, place });
                }
            }
            None => {}
        }
    }
}

enum Kind {
    Policy,
    Exception,
}

/// The kind of a document; one that is none of ours has been reported.
fn kind(reader: &mut Reader<'_>, document: Id) -> Option<Kind> {
    let version = reader.tree.value(document, "apiVersion");
    let kind = reader.tree.value(document, "kind");
    reader.mapping(document)?;
    match version {
        None => reader.report_missing(document, "apiVersion", format!("write apiVersion: {API_VERSION}")),
        Some(version) => match reader.string(version)? {
            API_VERSION => {}
            other => {
                let advice = if other.starts_with(GROUP) {
                    format!("write {API_VERSION}")
                } else {
                    format!("a policy file has only the TokenPolicy and TokenException documents of {API_VERSION}")
                };
                reader.report(version, format!("{} is not supported", quoted(other)), advice);
                return None;
            }
        },
    }
    let Some(kind) = kind else {
        reader.report_missing(document, "kind", "write kind: TokenPolicy or kind: TokenException");
        return None;
    };
    match reader.string(kind)? {
        "TokenPolicy" => Some(Kind::Policy),
        "TokenException" => Some(Kind::Exception),
        INVENTORY_KIND => {
            let what = "a TokenInventory is no policy";
            reader.report(kind, what, "keep it in a file of its own and give that with --inventory");
            None
        }
        other => {
            let what = format!("there is no kind {}", quoted(other));
            reader.report(kind, what, did_you_mean(other, &["TokenPolicy", "TokenException"]));
            None
        }
    }
}

/// The names that are taken, by kind, and how many policies there are.
#[derive(Default)]
struct Names {
    taken: HashMap<(&'static str, String), Place>,
    policies: usize,
}

impl Names {
    /// Takes a name that stands at `id`; reports it where it is taken already.
    fn claim(&mut self, reader: &mut Reader<'_>, (kind, name): (&'static str, &str), id: Id) -> Place {
        let place = reader.place(id);
        let key = (kind, name.to_owned());
        match self.taken.get(&key) {
            Some(first) => {
                let related = (first.clone(), "first given here");
                let what = format!("there are two {kind} documents named {}", quoted(name));
                reader.report_related(id, what, "rename or remove one of them", related);
            }
            None => {
                self.taken.insert(key, place.clone());
            }
        }
        place
    }
}
