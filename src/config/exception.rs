//! TokenException documents.

use jiff::Timestamp;
use jiff::civil::Date;

use super::names::{SUBDOMAIN, is_subdomain};
use super::pattern::{self, Names};
use super::quoted::quoted;
use super::reader::Reader;
use super::suggestion::nearest;
use super::tree::Id;
use crate::policy::{Exception, RULES, Rule};

/// The longest reason, in characters.
pub(crate) const LONGEST_REASON: usize = 2000;
/// The longest owner, in characters.
pub(crate) const LONGEST_OWNER: usize = 100;

/// An exception, and where its name and its end date stand.
pub(super) struct Read {
    pub(super) exception: Exception,
    pub(super) name: Id,
    pub(super) expires: Id,
}

/// Reads a TokenException.
pub(super) fn read(reader: &mut Reader<'_>, document: Id) -> Option<Read> {
    let [_, _, metadata, spec] = reader.fields(document, ["apiVersion", "kind", "metadata", "spec"])?;
    let name = name(reader, document, metadata, SUBDOMAIN, is_subdomain);
    let Some(spec) = spec else {
        reader.report_missing(document, "spec", "write what is allowed, by whom and until when");
        return None;
    };
    let fields = ["rules", "namespace", "secret", "serviceAccount", "reason", "owner", "expires"];
    let [rules, namespace, secret, account, reason, owner, expires] = reader.fields(spec, fields)?;

    let any = "write a name or a glob; \"*\" stands for any";
    let rules = required(reader, spec, rules, "rules", "name the rules that it lifts, such as [legacy-token-secret]")
        .and_then(|id| read_rules(reader, id));
    let namespace =
        required(reader, spec, namespace, "namespace", any).and_then(|id| pattern::read(reader, id, Names::Namespaces));
    let secret = required(reader, spec, secret, "secret", any).and_then(|id| pattern::read(reader, id, Names::Objects));
    let account =
        required(reader, spec, account, "serviceAccount", any).and_then(|id| pattern::read(reader, id, Names::Objects));
    let reason = required(reader, spec, reason, "reason", "say why the legacy token is still needed")
        .and_then(|id| sentence(reader, id, LONGEST_REASON));
    let owner = required(reader, spec, owner, "owner", "name who answers for it, such as platform@example.com")
        .and_then(|id| sentence(reader, id, LONGEST_OWNER));
    let last_day =
        required(reader, spec, expires, "expires", "write the last day on which it holds, such as 2027-03-31")
            .and_then(|id| date(reader, id));

    let (name, name_id) = name?;
    let (expires_on, ends) = last_day?;
    let exception = Exception {
        name,
        rules: rules?,
        namespace: namespace?,
        secret: secret?,
        service_account: account?,
        reason: reason?,
        owner: owner?,
        expires: expires_on,
        ends,
    };
    Some(Read { exception, name: name_id, expires: expires? })
}

fn required(reader: &mut Reader<'_>, mapping: Id, field: Option<Id>, name: &str, advice: &str) -> Option<Id> {
    if field.is_none() {
        reader.report_missing(mapping, name, advice);
    }
    field
}

/// `metadata.name`, and where it stands. GitOps tools add labels, annotations and a namespace; they mean nothing here.
pub(super) fn name(
    reader: &mut Reader<'_>,
    document: Id,
    metadata: Option<Id>,
    form: &str,
    is_good: fn(&str) -> bool,
) -> Option<(String, Id)> {
    let Some(metadata) = metadata else {
        reader.report_missing(document, "metadata.name", "give it a name");
        return None;
    };
    let [name, labels, annotations, namespace] =
        reader.fields(metadata, ["name", "labels", "annotations", "namespace"])?;
    for map in [labels, annotations].into_iter().flatten() {
        reader.mapping(map)?;
    }
    if let Some(namespace) = namespace {
        reader.string(namespace)?;
    }
    let name = required(reader, metadata, name, "name", "give it a name")?;
    let text = reader.string(name)?;
    if !is_good(text) {
        reader.report(name, format!("{} cannot be its name", quoted(text)), format!("a name has {form}"));
        return None;
    }
    Some((text.to_owned(), name))
}

fn read_rules(reader: &mut Reader<'_>, list: Id) -> Option<Vec<&'static Rule>> {
    let items = reader.sequence(list)?;
    if items.is_empty() {
        reader.report(list, "the list names no rule", "name at least one, such as legacy-token-secret");
    }
    let mut rules: Vec<&'static Rule> = Vec::new();
    for item in items {
        let Some(rule) = reader.string(*item).and_then(|name| rule(reader, *item, name)) else { continue };
        if rules.iter().any(|known| known.code == rule.code) {
            reader.report(*item, format!("{} is listed twice", rule.name), "keep one of the two");
        } else if !rule.takes_exceptions {
            let advice = format!("tokenward explain {} says what to do instead", rule.code);
            reader.report(*item, format!("no exception lifts {}", rule.name), advice);
        } else {
            rules.push(rule);
        }
    }
    Some(rules)
}

/// The rule with this code or name; `id` is where the word stands.
pub(super) fn rule(reader: &mut Reader<'_>, id: Id, wanted: &str) -> Option<&'static Rule> {
    let found = Rule::find(wanted);
    if found.is_none() && !reader.only_counts() {
        let names = RULES.iter().flat_map(|rule| [rule.name, rule.code]);
        let advice = nearest(wanted, names)
            .map_or_else(|| "tokenward explain lists all rules".to_owned(), |near| format!("did you mean {near}?"));
        reader.report(id, format!("there is no rule {}", quoted(wanted)), advice);
    }
    found
}

/// Text that a person is to read, in one sentence or a few.
fn sentence(reader: &mut Reader<'_>, id: Id, longest: usize) -> Option<String> {
    match words(reader.string(id)?, longest) {
        Ok(text) => Some(text.to_owned()),
        Err(what) => {
            reader.report(id, what, "write a few words that people can act on");
            None
        }
    }
}

/// The text without the spaces around it, or what is wrong with it.
pub(crate) fn words(text: &str, longest: usize) -> Result<&str, String> {
    let text = text.trim();
    let is_control = |character: char| character.is_control() && character != '\n';
    if text.is_empty() {
        Err("is empty".to_owned())
    } else if text.chars().count() > longest {
        Err(format!("is longer than {longest} characters"))
    } else if text.contains(is_control) {
        Err("has control characters".to_owned())
    } else {
        Ok(text)
    }
}

/// The last day on which an exception holds, and the first instant at which it no longer does.
fn date(reader: &mut Reader<'_>, id: Id) -> Option<(Date, Timestamp)> {
    let text = reader.tree.text(id).unwrap_or_default();
    let parsed = text.parse::<Date>().ok().filter(|date| date.to_string() == text);
    let Some(date) = parsed else {
        let advice = "write the last day on which it holds as year-month-day, such as 2027-03-31";
        reader.report(id, format!("{} is not a date", quoted(text)), advice);
        return None;
    };
    let ends = Exception::end_of(date);
    if ends.is_none() {
        reader.report(id, "the date is too far away", "choose an earlier one: an exception has to end");
    }
    Some((date, ends?))
}
