//! What an export consists of.

use std::collections::BTreeSet;

use serde_json::json;
use tokenward::install::validating_admission_policy::{Export, ExportError};
use tokenward::policy::{Inventory, PolicySet, RULES};

use super::cel::{binding, failed, policy};
use super::{export, policies};

fn policy_with(spec: &str) -> String {
    format!("apiVersion: tokenward.dev/v1alpha1\nkind: TokenPolicy\nmetadata: {{name: ours}}\nspec: {spec}\n")
}

fn exception_for(secret: &str) -> String {
    format!(
        "---\napiVersion: tokenward.dev/v1alpha1\nkind: TokenException\nmetadata: {{name: ours}}\nspec:\n  rules: [TW101]\n  \
         namespace: team-a\n  secret: {secret:?}\n  serviceAccount: ci\n  reason: r\n  owner: o\n  expires: 2099-12-31\n"
    )
}

fn names(export: &Export) -> BTreeSet<&str> {
    export.objects().filter_map(policy).map(|it| it.metadata.name.as_deref().unwrap()).collect()
}

/// What the binding of this name does.
fn actions<'e>(export: &'e Export, name: &str) -> Vec<&'e str> {
    let mut bindings = export.objects().filter_map(binding);
    let found = bindings.find(|it| it.metadata.name.as_deref() == Some(name)).unwrap_or_else(|| panic!("no {name}"));
    found.spec.as_ref().unwrap().validation_actions.iter().flatten().map(String::as_str).collect()
}

#[test]
fn every_rule_is_written_or_the_reader_is_told_why_not() {
    let export = export("");
    for rule in RULES {
        let code = format!(".{}.", rule.code.to_lowercase());
        let is_written = names(&export).iter().any(|name| name.contains(&code));
        let is_explained = export.preface.contains(&format!("\n- {} {}", rule.code, rule.name));
        assert!(is_written != is_explained, "{}: written {is_written}, explained {is_explained}", rule.code);
    }
}

#[test]
fn all_policies_are_written_and_what_judges_unknown_labels() {
    let export = export("");
    for label in ["audit", "warn", "baseline", "restricted", "unknown"] {
        assert!(names(&export).contains(format!("{label}.tw101.tokenward.dev").as_str()), "{label}");
    }
    assert!(names(&export).contains("namespaces.tw501.tokenward.dev"));
}

#[test]
fn only_the_policies_that_are_named_are_written() {
    let export = Export::of(&PolicySet::builtin(), &Inventory::default(), &["warn".to_owned()]).unwrap();
    assert!(names(&export).iter().all(|name| name.starts_with("warn.") || name.starts_with("namespaces.")));
    let unknown = Export::of(&PolicySet::builtin(), &Inventory::default(), &["wran".to_owned()]);
    assert!(matches!(unknown, Err(ExportError::UnknownPolicy(name)) if name == "wran"));
}

#[test]
fn the_action_of_a_rule_is_that_of_its_binding() {
    let export = export("");
    assert_eq!(actions(&export, "restricted.tw202.tokenward.dev"), ["Deny"]);
    assert_eq!(actions(&export, "restricted.tw202.templates.tokenward.dev"), ["Warn", "Audit"]);
    assert_eq!(actions(&export, "unknown.tw202.tokenward.dev"), ["Deny"]);
    assert_eq!(actions(&export, "baseline.tw202.tokenward.dev"), ["Warn", "Audit"]);
    assert_eq!(actions(&export, "baseline.tw204.tokenward.dev"), ["Audit"]);
    assert_eq!(actions(&export, "audit.tw101.tokenward.dev"), ["Audit"]);
}

#[test]
fn a_rule_that_is_off_is_not_written() {
    let export = export(&policy_with("{rules: {token-lifetime: off}}"));
    assert!(!names(&export).contains("ours.tw202.tokenward.dev"));
    assert!(names(&export).contains("ours.tw401.tokenward.dev"));
}

#[test]
fn a_binding_goes_by_the_label_and_leaves_the_system_out() {
    let export = export("");
    for object in export.objects().filter_map(binding) {
        let selector = object.spec.as_ref().unwrap().match_resources.as_ref().unwrap().namespace_selector.as_ref();
        let expressions = json!(selector.unwrap().match_expressions);
        let label = object.metadata.name.as_deref().unwrap().split('.').next().unwrap();
        let expected = match label {
            "namespaces" => json!([]),
            "unknown" => json!([
                {"key": "tokenward.dev/policy", "operator": "Exists"},
                {"key": "tokenward.dev/policy", "operator": "NotIn", "values": ["audit", "baseline", "restricted", "warn"]},
            ]),
            label => json!([{"key": "tokenward.dev/policy", "operator": "In", "values": [label]}]),
        };
        let mut expected = expected.as_array().unwrap().clone();
        expected.push(json!({
            "key": "kubernetes.io/metadata.name", "operator": "NotIn",
            "values": ["kube-system", "kube-node-lease", "kube-public", "tokenward"],
        }));
        assert_eq!(expressions, json!(expected), "{label}");
    }
}

#[test]
fn what_cel_could_not_say_is_an_error() {
    let globs = policies(&policy_with("{inject: {when: Never}, tokens: {allowedAudiences: [\"caf\u{e9}-*\"]}}"));
    assert!(
        matches!(Export::of(&globs, &Inventory::default(), &[]), Err(ExportError::GlobBeyondAscii(glob)) if glob.starts_with("caf"))
    );
}

/// The policy `ours` with these audiences on a Pod with one token.
fn allows(audiences: &str, audience: &str) -> bool {
    let export =
        export(&policy_with(&format!("{{inject: {{when: Never}}, tokens: {{allowedAudiences: {audiences}}}}}")));
    let rule =
        export.objects().filter_map(policy).find(|it| it.metadata.name.as_deref() == Some("ours.tw203.tokenward.dev"));
    let token = json!({"serviceAccountToken": {"path": "token", "audience": audience, "expirationSeconds": 600}});
    let object = json!({
        "metadata": {"name": "web"},
        "spec": {"volumes": [{"name": "tokens", "projected": {"sources": [token]}}]},
    });
    let request = json!({
        "operation": "CREATE", "resource": {"group": "", "version": "v1", "resource": "pods"},
        "userInfo": {"username": "dev"}, "object": object, "oldObject": null,
    });
    failed(rule.unwrap(), &request).is_empty()
}

#[test]
fn globs_of_audiences_match_as_in_the_webhook() {
    for (audiences, audience, is_allowed) in [
        (r#"["https://*.example.com"]"#, "https://vault.example.com", true),
        (r#"["https://*.example.com"]"#, "https://vault.example.com.evil.test", false),
        (r#"["https://*.example.com"]"#, "https://vaultXexample.com", false),
        (r#"["https://*.example.com"]"#, "https://a/b\nc.example.com", true),
        (r#"["sts.{eu,us}-?.example"]"#, "sts.eu-1.example", true),
        (r#"["sts.{eu,us}-?.example"]"#, "sts.ap-1.example", false),
        (r#"["sts.{eu,us}-?.example"]"#, "sts.eu-\u{e9}.example", false),
        (r#"["vault-[a-c]"]"#, "vault-b", true),
        (r#"["vault-[!a-c]"]"#, "vault-b", false),
        (r#"["vault-[!a-c]"]"#, "vault-\u{e9}", false),
        (r#"["a+(b)|c$"]"#, "a+(b)|c$", true),
        (r#"["a+(b)|*"]"#, "a+(b)|x", true),
        (r#"["a+(b)|*"]"#, "aa", false),
        (r#"["caf\u00e9"]"#, "caf\u{e9}", true),
        (r#"[""]"#, "", true),
        (r#"[""]"#, "https://kubernetes.default.svc", true),
        (r#"["vault"]"#, "", false),
        (r#"["vault"]"#, "https://kubernetes.default.svc", false),
    ] {
        assert_eq!(allows(audiences, audience), is_allowed, "{audiences} {audience:?}");
        let set =
            policies(&policy_with(&format!("{{inject: {{when: Never}}, tokens: {{allowedAudiences: {audiences}}}}}")));
        assert_eq!(set.get("ours").unwrap().allows_audience(audience), is_allowed, "{audiences} {audience:?}");
    }
}

#[test]
fn many_exceptions_are_written_and_too_many_are_an_error() {
    let some: String = (0..100).map(|number| numbered(&exception_for(&format!("ci-{number}-*")), number)).collect();
    export(&some);
    let many: String = (0..700).map(|number| numbered(&exception_for(&format!("ci-{number}-*")), number)).collect();
    assert!(
        matches!(Export::of(&policies(&many), &Inventory::default(), &[]), Err(ExportError::TooLong { length, .. }) if length > 100_000)
    );
}

fn numbered(exception: &str, number: usize) -> String {
    exception.replace("{name: ours}", &format!("{{name: ours-{number}}}"))
}
