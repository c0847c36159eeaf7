//! The inventory file: read in shards, and written.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::Read as _;

use flate2::read::MultiGzDecoder;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::documents::{API_VERSION, INVENTORY_KIND};
use super::error::{Error, Problem, Problems};
use super::origin::{Origin, decode};
use super::quoted::quoted;
use super::reader::Reader;
use super::source::Source;
use super::suggestion::did_you_mean;
use super::tree::{Id, Tree};
use crate::policy::Inventory;

/// The largest inventory when decompressed, in bytes.
const LARGEST: u64 = 256 << 20;

/// The most values in an inventory that is not plain JSON: those of some 500 000 Secrets.
const MOST_VALUES: usize = 4_000_000;

/// A TokenInventory as it is stored: where the legacy tokens are, never a byte of one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct InventoryDocument<'d> {
    #[serde(borrow)]
    api_version: Cow<'d, str>,
    #[serde(borrow)]
    kind: Cow<'d, str>,
    /// When the cluster was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generated_at: Option<Timestamp>,
    /// The Secrets.
    #[serde(borrow)]
    pub secrets: Vec<InventoryEntry<'d>>,
}

/// A legacy token Secret.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct InventoryEntry<'d> {
    /// Its namespace.
    #[serde(borrow)]
    pub namespace: Cow<'d, str>,
    /// Its name.
    #[serde(borrow)]
    pub name: Cow<'d, str>,
    /// The service account that it speaks for.
    #[serde(borrow)]
    pub service_account: Cow<'d, str>,
}

impl<'d> InventoryDocument<'d> {
    /// The inventory of a cluster as it was at `generated_at`, in the order of namespaces and names.
    #[must_use]
    pub fn new(generated_at: Timestamp, mut secrets: Vec<InventoryEntry<'d>>) -> Self {
        secrets.sort();
        let (api_version, kind) = (Cow::Borrowed(API_VERSION), Cow::Borrowed(INVENTORY_KIND));
        Self { api_version, kind, generated_at: Some(generated_at), secrets }
    }

    /// The document in YAML, one line for each Secret.
    #[must_use]
    pub fn to_yaml(&self) -> String {
        let mut yaml = format!("apiVersion: {API_VERSION}\nkind: {INVENTORY_KIND}\n");
        if let Some(instant) = self.generated_at {
            let _ = writeln!(yaml, "generatedAt: {instant}");
        }
        yaml.push_str(if self.secrets.is_empty() { "secrets: []\n" } else { "secrets:\n" });
        for entry in &self.secrets {
            let [namespace, name, account] =
                [&entry.namespace, &entry.name, &entry.service_account].map(|text| super::show::scalar(text));
            let _ = writeln!(yaml, "- {{namespace: {namespace}, name: {name}, serviceAccount: {account}}}");
        }
        yaml
    }
}

/// Reads the inventory of files whose bytes are at hand: YAML or JSON, each compressed with gzip or not.
///
/// # Errors
/// With every problem of every file.
pub fn parse_inventory(sources: &[Source]) -> Result<Inventory, Error> {
    let mut inventory = Inventory::default();
    let mut problems = Problems::default();
    for source in sources {
        if let Err(problem) = add(source, &mut inventory, &mut problems) {
            problems.add(problem);
        }
    }
    problems.unless_any(inventory)
}

fn add(source: &Source, inventory: &mut Inventory, problems: &mut Problems) -> Result<(), Problem> {
    let bytes = decompressed(source, LARGEST)?;
    let text = decode(source.name(), &bytes)?;
    if take_plain_json(text, inventory) {
        return Ok(());
    }
    let origin = Origin::new(source.name(), text);
    let tree = Tree::parse(text, MOST_VALUES).map_err(|broken| broken.problem(&origin))?;
    if tree.documents().next().is_none() {
        let advice = "write a TokenInventory, with secrets: [] where there are none";
        return Err(Problem::of_file(source.name(), "the file holds no document", advice));
    }
    let mut reader = Reader::new(&tree, &origin, problems);
    for document in tree.documents() {
        read(&mut reader, document, inventory);
    }
    Ok(())
}

/// The quick way for the JSON of large clusters. What it does not accept is read again, to say why.
fn take_plain_json(text: &str, inventory: &mut Inventory) -> bool {
    let Ok(document) = serde_json::from_str::<InventoryDocument<'_>>(text) else { return false };
    let is_ours = document.api_version == API_VERSION && document.kind == INVENTORY_KIND;
    let is_complete = |entry: &InventoryEntry<'_>| {
        [&entry.namespace, &entry.name, &entry.service_account].iter().all(|text| !text.is_empty())
    };
    is_ours
        && document.secrets.iter().all(is_complete)
        && document.secrets.iter().all(|entry| list(inventory, &entry.namespace, &entry.name, &entry.service_account))
}

/// Lists a Secret; false where it is listed for another service account already.
fn list(inventory: &mut Inventory, namespace: &str, name: &str, account: &str) -> bool {
    match inventory.service_account(namespace, name) {
        Some(known) => known == account,
        None => inventory.insert(namespace, name, account),
    }
}

fn decompressed(source: &Source, largest: u64) -> Result<Cow<'_, [u8]>, Problem> {
    let bytes = source.bytes();
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return Ok(Cow::Borrowed(bytes));
    }
    let mut plain = Vec::new();
    MultiGzDecoder::new(bytes).take(largest + 1).read_to_end(&mut plain).map_err(|error| {
        Problem::of_file(source.name(), format!("the file cannot be decompressed: {error}"), "write it again")
    })?;
    if plain.len() as u64 > largest {
        let what = format!("the file is larger than {} MiB when decompressed", largest >> 20);
        return Err(Problem::of_file(source.name(), what, "split it into several files"));
    }
    Ok(Cow::Owned(plain))
}

fn read(reader: &mut Reader<'_>, document: Id, inventory: &mut Inventory) -> Option<()> {
    let [version, kind, generated_at, secrets] =
        reader.fields(document, ["apiVersion", "kind", "generatedAt", "secrets"])?;
    exactly(reader, document, version, ("apiVersion", API_VERSION))?;
    exactly(reader, document, kind, ("kind", INVENTORY_KIND))?;
    if let Some(instant) = generated_at {
        let text = reader.tree.text(instant).unwrap_or_default();
        if text.parse::<Timestamp>().is_err() {
            reader.report(instant, format!("{} is not an instant", quoted(text)), "write it as 2026-11-01T00:00:00Z");
        }
    }
    let Some(secrets) = secrets else {
        // A file that is cut off here is not to pass for a cluster without legacy tokens.
        reader.report_missing(document, "secrets", "list the Secrets; write secrets: [] where there are none");
        return None;
    };
    for entry in reader.sequence(secrets)? {
        read_entry(reader, *entry, inventory);
    }
    Some(())
}

fn exactly(reader: &mut Reader<'_>, document: Id, field: Option<Id>, (name, wanted): (&str, &str)) -> Option<()> {
    let Some(id) = field else {
        reader.report_missing(document, name, format!("write {name}: {wanted}"));
        return None;
    };
    let text = reader.string(id)?;
    if text != wanted {
        reader.report(id, format!("{} is not supported here", quoted(text)), did_you_mean(text, &[wanted]));
        return None;
    }
    Some(())
}

fn read_entry(reader: &mut Reader<'_>, entry: Id, inventory: &mut Inventory) -> Option<()> {
    let known = ["namespace", "name", "serviceAccount"];
    let fields = reader.fields(entry, known)?;
    let mut texts = [""; 3];
    for ((field, name), text) in fields.into_iter().zip(known).zip(&mut texts) {
        let Some(id) = field else {
            reader.report_missing(entry, name, "write where the Secret is and for whom it speaks");
            return None;
        };
        *text = reader.string(id)?;
        if text.is_empty() {
            reader.report(id, "is empty", "write where the Secret is and for whom it speaks");
            return None;
        }
    }
    let [namespace, name, account] = texts;
    if !list(inventory, namespace, name, account) {
        let what = format!("{} is listed for two service accounts", quoted(&format!("{namespace}/{name}")));
        reader.report(entry, what, "list it once; tokenward scan -o inventory writes the list anew");
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::{Source, decompressed};

    #[test]
    fn refuses_what_grows_too_large_when_decompressed() {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(&vec![b' '; (1 << 20) + 1]).unwrap();
        let source = Source::new("inventory.gz", encoder.finish().unwrap());
        let told = decompressed(&source, 1 << 20).unwrap_err().to_string();
        assert_eq!(told, "inventory.gz: the file is larger than 1 MiB when decompressed; split it into several files");
        assert!(decompressed(&source, 2 << 20).is_ok());
    }
}
