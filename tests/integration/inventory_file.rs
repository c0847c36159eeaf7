//! The inventory file: what it means, what people see of a bad one, and that no input does harm.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use insta::assert_snapshot;
use proptest::prelude::*;
use tokenward::config::{self, InventoryDocument, InventoryEntry, Source};
use tokenward::policy::Inventory;

const INVENTORY: &str = "apiVersion: tokenward.dev/v1alpha1
kind: TokenInventory
generatedAt: 2026-11-01T00:00:00Z
secrets:
- {namespace: team-a, name: legacy-ci, serviceAccount: ci}
- {namespace: team-b, name: legacy-cd, serviceAccount: cd}
";

fn parse(bytes: impl Into<Vec<u8>>) -> Inventory {
    config::parse_inventory(&[Source::new("inventory.yaml", bytes)]).unwrap()
}

fn refusal(bytes: impl Into<Vec<u8>>) -> String {
    let error = config::parse_inventory(&[Source::new("inventory.yaml", bytes)]).unwrap_err();
    anstream::adapter::strip_str(&error.render()).to_string()
}

fn compressed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn entry<'e>(namespace: &'e str, name: &'e str, service_account: &'e str) -> InventoryEntry<'e> {
    InventoryEntry { namespace: namespace.into(), name: name.into(), service_account: service_account.into() }
}

#[test]
fn lists_secrets_with_their_service_accounts() {
    let inventory = parse(INVENTORY);
    assert_eq!(inventory.len(), 2);
    assert_eq!(inventory.service_account("team-a", "legacy-ci"), Some("ci"));
    assert_eq!(inventory.service_account("team-a", "legacy-cd"), None);
}

#[test]
fn json_and_gzip_mean_the_same_as_yaml() {
    let json = r#"{"apiVersion": "tokenward.dev/v1alpha1", "kind": "TokenInventory", "generatedAt": "2026-11-01T00:00:00Z",
        "secrets": [{"namespace": "team-a", "name": "legacy-ci", "serviceAccount": "ci"},
                    {"serviceAccount": "cd", "name": "legacy-cd", "namespace": "team-b"}]}"#;
    assert_eq!(parse(json), parse(INVENTORY));
    assert_eq!(parse(compressed(json.as_bytes())), parse(INVENTORY));
    assert_eq!(parse(compressed(INVENTORY.as_bytes())), parse(INVENTORY));
}

#[test]
fn a_directory_of_shards_is_one_inventory() {
    let directory = tempfile::tempdir().unwrap();
    let shard = |name: &str| INVENTORY.replace("team-", name);
    std::fs::write(directory.path().join("a.yaml"), shard("a-")).unwrap();
    std::fs::write(directory.path().join("b.json.gz"), compressed(shard("b-").as_bytes())).unwrap();
    std::fs::write(directory.path().join("c.gz"), "not an inventory").unwrap();
    let inventory = config::load_inventory(&[directory.path().to_owned()]).unwrap();
    assert_eq!(inventory.len(), 4);
}

#[test]
fn an_empty_list_is_an_inventory() {
    assert!(parse("apiVersion: tokenward.dev/v1alpha1\nkind: TokenInventory\nsecrets: []\n").is_empty());
    assert!(config::load_inventory(&[]).unwrap().is_empty());
}

#[test]
fn a_secret_may_be_listed_again_alike() {
    let twice = [Source::new("a.yaml", INVENTORY), Source::new("b.yaml", INVENTORY)];
    assert_eq!(config::parse_inventory(&twice).unwrap().len(), 2);
}

#[test]
fn a_service_account_needs_no_good_name() {
    // The API server takes any text for the annotation of a token Secret.
    let inventory = parse(INVENTORY.replace("serviceAccount: ci", "serviceAccount: \"C I\""));
    assert_eq!(inventory.service_account("team-a", "legacy-ci"), Some("C I"));
}

#[test]
fn a_written_inventory_is_sorted_and_read_back() {
    let secrets = vec![entry("b", "x", "y"), entry("a", "true", "12"), entry("a", "0", "ci: # ü")];
    let document = InventoryDocument::new("2026-11-01T00:00:00Z".parse().unwrap(), secrets);
    assert_snapshot!(document.to_yaml(), @r#"
    apiVersion: tokenward.dev/v1alpha1
    kind: TokenInventory
    generatedAt: 2026-11-01T00:00:00Z
    secrets:
    - {namespace: a, name: "0", serviceAccount: "ci: # ü"}
    - {namespace: a, name: "true", serviceAccount: "12"}
    - {namespace: b, name: x, serviceAccount: "y"}
    "#);
    assert_eq!(parse(document.to_yaml()), parse(serde_json::to_vec(&document).unwrap()));
    assert_eq!(parse(document.to_yaml()).service_account("a", "0"), Some("ci: # ü"));
}

#[test]
fn many_secrets_are_read_in_both_formats() {
    let names: Vec<[String; 3]> =
        (0..10_000).map(|number| [number / 50, number, number % 7].map(|part| format!("object-{part}"))).collect();
    let secrets = names.iter().map(|[namespace, name, account]| entry(namespace, name, account)).collect();
    let document = InventoryDocument::new("2026-11-01T00:00:00Z".parse().unwrap(), secrets);
    let json = parse(serde_json::to_vec(&document).unwrap());
    assert_eq!(json.len(), 10_000);
    assert_eq!(json, parse(document.to_yaml()));
}

#[test]
fn refuses_a_secret_that_is_listed_for_two_accounts() {
    assert_snapshot!(refusal(INVENTORY.replace("team-b, name: legacy-cd", "team-a, name: legacy-ci")), @r#"
    error: secrets[1]: "team-a/legacy-ci" is listed for two service accounts
     --> inventory.yaml:6:3
      |
    6 | - {namespace: team-a, name: legacy-ci, serviceAccount: cd}
      |   ^
      |
      = help: list it once; tokenward scan -o inventory writes the list anew
    "#);
}

#[test]
fn refuses_two_accounts_in_json_too() {
    let json = r#"{"apiVersion": "tokenward.dev/v1alpha1", "kind": "TokenInventory", "secrets": [
      {"namespace": "a", "name": "b", "serviceAccount": "c"},
      {"namespace": "a", "name": "b", "serviceAccount": "d"}]}"#;
    assert_snapshot!(refusal(json), @r#"
    error: secrets[1]: "a/b" is listed for two service accounts
     --> inventory.yaml:3:7
      |
    3 |       {"namespace": "a", "name": "b", "serviceAccount": "d"}]}
      |       ^
      |
      = help: list it once; tokenward scan -o inventory writes the list anew
    "#);
}

#[test]
fn refuses_an_unknown_field() {
    assert_snapshot!(refusal(INVENTORY.replace("serviceAccount: cd", "serviceAcount: cd")), @r"
    error: secrets[1].serviceAccount: is missing
     --> inventory.yaml:6:4
      |
    6 | - {namespace: team-b, name: legacy-cd, serviceAcount: cd}
      |    ^^^^^^^^^
      |
      = help: write where the Secret is and for whom it speaks

    error: secrets[1].serviceAcount: there is no such field
     --> inventory.yaml:6:40
      |
    6 | - {namespace: team-b, name: legacy-cd, serviceAcount: cd}
      |                                        ^^^^^^^^^^^^^
      |
      = help: did you mean serviceAccount?
    ");
}

#[test]
fn refuses_an_unknown_field_of_json() {
    let json = r#"{"apiVersion": "tokenward.dev/v1alpha1", "kind": "TokenInventory", "secrets": [],
      "data": {"token": "eyJhbGciOiJSUzI1NiIsImtpZCI6IkFCQyJ9.eyJpc3MiOiJrdWJlcm5ldGVzIn0.U2lnbmF0dXJl"}}"#;
    assert_snapshot!(refusal(json), @r#"
    error: data: there is no such field
     --> inventory.yaml:2:7
      |
    2 |       "data": {"token": "*****************************************************************************"}}
      |       ^^^^^^
      |
      = help: expected apiVersion, kind, generatedAt or secrets
    "#);
}

#[test]
fn refuses_an_empty_name() {
    assert_snapshot!(refusal(INVENTORY.replace("legacy-cd", "\"\"")), @r#"
    error: secrets[1].name: is empty
     --> inventory.yaml:6:29
      |
    6 | - {namespace: team-b, name: "", serviceAccount: cd}
      |                             ^^
      |
      = help: write where the Secret is and for whom it speaks
    "#);
}

#[test]
fn refuses_a_policy_in_its_place() {
    assert_snapshot!(refusal(INVENTORY.replace("TokenInventory", "TokenPolicy")), @r#"
    error: kind: "TokenPolicy" is not supported here
     --> inventory.yaml:2:7
      |
    2 | kind: TokenPolicy
      |       ^^^^^^^^^^^
      |
      = help: did you mean TokenInventory?
    "#);
}

#[test]
fn refuses_another_version() {
    assert_snapshot!(refusal(INVENTORY.replace("v1alpha1", "v2")), @r#"
    error: apiVersion: "tokenward.dev/v2" is not supported here
     --> inventory.yaml:1:13
      |
    1 | apiVersion: tokenward.dev/v2
      |             ^^^^^^^^^^^^^^^^
      |
      = help: did you mean tokenward.dev/v1alpha1?
    "#);
}

#[test]
fn refuses_a_time_that_is_none() {
    assert_snapshot!(refusal(INVENTORY.replace("2026-11-01T00:00:00Z", "yesterday")), @r#"
    error: generatedAt: "yesterday" is not an instant
     --> inventory.yaml:3:14
      |
    3 | generatedAt: yesterday
      |              ^^^^^^^^^
      |
      = help: write it as 2026-11-01T00:00:00Z
    "#);
}

#[test]
fn refuses_a_file_that_is_cut_off_before_its_list() {
    assert_snapshot!(refusal(&INVENTORY[..INVENTORY.find("- {").unwrap()]), @r"
    error: secrets: is missing
     --> inventory.yaml:1:1
      |
    1 | apiVersion: tokenward.dev/v1alpha1
      | ^^^^^^^^^^
      |
      = help: list the Secrets; write secrets: [] where there are none
    ");
}

#[test]
fn refuses_half_a_file() {
    assert_snapshot!(refusal(&INVENTORY[..INVENTORY.len() - 20]), @r"
    error: the file is not YAML: unclosed bracket '{'
     --> inventory.yaml:6:3
      |
    6 | - {namespace: team-b, name: legacy-cd, 
      |   ^
      |
      = help: look at the indentation, quotes and brackets here and just above
    ");
}

#[test]
fn refuses_half_a_compressed_file() {
    let mut bytes = compressed(INVENTORY.as_bytes());
    bytes.truncate(bytes.len() / 2);
    assert_snapshot!(refusal(bytes), @r"
    error: the file cannot be decompressed: incomplete deflate stream
    --> inventory.yaml
     = help: write it again
    ");
}

#[test]
fn refuses_an_empty_file() {
    assert_snapshot!(refusal(""), @r"
    error: the file holds no document
    --> inventory.yaml
     = help: write a TokenInventory, with secrets: [] where there are none
    ");
}

proptest! {
    #[test]
    fn whatever_is_written_is_read_back(
        secrets in proptest::collection::btree_map((".{1,12}", ".{1,12}"), ".{1,12}", 0..8),
    ) {
        let entries = secrets.iter().map(|((namespace, name), account)| entry(namespace, name, account)).collect();
        let document = InventoryDocument::new("2026-11-01T00:00:00Z".parse().unwrap(), entries);
        let mut listed = Inventory::default();
        for ((namespace, name), account) in &secrets {
            listed.insert(namespace, name, account);
        }
        prop_assert_eq!(&parse(document.to_yaml()), &listed);
        prop_assert_eq!(&parse(serde_json::to_vec(&document).unwrap()), &listed);
    }

    #[test]
    fn no_bytes_do_harm(bytes in proptest::collection::vec(any::<u8>(), 0..2000), is_gzip in any::<bool>()) {
        let bytes = if is_gzip { compressed(&bytes) } else { bytes };
        if let Err(error) = config::parse_inventory(&[Source::new("inventory.yaml", bytes)]) {
            prop_assert!(!error.render().is_empty());
        }
    }
}
