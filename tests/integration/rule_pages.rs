//! The pages of the rules: each says what it has to say, and what it shows is so.

use serde_json::Value;
use tokenward::policy::{Action, Builtin, Exceptions, Phase, PolicySet, RULES, Rule};
use tokenward::review::Creation;

use crate::fixture::{Court, NAMESPACE, Review, Verdict};
use crate::pods::{audiences, policy};

/// The API server asks a mutating webhook once, and once more after a change.
const MOST_ROUNDS: usize = 2;

/// The headings of a rule's page, in their order.
fn headings(rule: &Rule) -> [&'static str; 6] {
    let shown = if rule.restricted == Action::Deny { "Refused" } else { "Warned about" };
    ["What it finds", "Why it matters", shown, "Instead", "Exceptions", "Limits"]
}

/// The sections of a page, each with its heading.
fn sections(page: &str) -> Vec<(String, String)> {
    let section = |text: &str| {
        let (heading, text) = text.split_once('\n').unwrap_or((text, ""));
        (heading.to_owned(), text.trim().to_owned())
    };
    page.split("\n## ").skip(1).map(section).collect()
}

/// The text below one of the headings.
fn section(rule: &Rule, heading: &str) -> String {
    let mut sections = sections(&rule.page()).into_iter();
    let found = sections.find(|(found, _)| found == heading);
    found.unwrap_or_else(|| panic!("{} has no section {heading}", rule.code)).1
}

/// The manifests in a section.
fn manifests(section: &str) -> Vec<String> {
    let blocks = section.split("```yaml\n").skip(1);
    blocks.map(|rest| rest.split("```").next().unwrap_or_default().to_owned()).collect()
}

#[test]
fn every_page_has_all_its_sections_in_their_order() {
    for rule in RULES {
        let sections = sections(&rule.page());
        let found: Vec<&str> = sections.iter().map(|(heading, _)| heading.as_str()).collect();
        assert_eq!(found, headings(rule), "{}", rule.code);
        for (heading, text) in &sections {
            assert!(!text.is_empty(), "{}: {heading} is empty", rule.code);
        }
    }
}

#[test]
fn every_page_names_the_source_in_kubernetes_and_its_version() {
    for rule in RULES {
        let why = section(rule, "Why it matters");
        let words = why.replace('\n', " ");
        assert!(words.contains("(kubernetes `") && words.contains(".go`"), "{} names no source: {why}", rule.code);
        assert!(words.contains(", v1."), "{} names no version: {why}", rule.code);
    }
}

/// The policy that the pages speak of: `restricted`, with the list of audiences on the page of TW203.
fn court() -> Court {
    let listed = policy(Builtin::Restricted, |policy| {
        policy.tokens.allowed_audiences = audiences(["", "https://vault.example.com"]);
    });
    let policies = PolicySet::new(vec![listed], Exceptions::default());
    Court { policies, ..Court::new() }.with_legacy_token("legacy-ci", "ci")
}

fn parsed(manifest: &str) -> Value {
    serde_saphyr::from_str(manifest).unwrap_or_else(|error| panic!("{error}:\n{manifest}"))
}

/// What the API server sends when somebody applies the manifests of a section: one object is created, and of two the first
/// becomes the second.
fn review(manifests: &[String]) -> Review {
    match manifests {
        [old, new] => Review::update("secrets", parsed(old), parsed(new)),
        [one] if parsed(one)["kind"] == "TokenRequest" => Review::create("serviceaccounts/token", parsed(one)),
        [one] => {
            let creation = Creation::of(one, "", NAMESPACE).unwrap_or_else(|error| panic!("{error}:\n{one}"));
            Review(serde_json::from_slice(&creation.review()).unwrap())
        }
        _ => panic!("a page shows one object, or one that is turned into another: {manifests:#?}"),
    }
}

/// What is said of it after it went through the mutating phase.
fn finally(mut review: Review) -> Verdict {
    for _ in 0..MOST_ROUNDS {
        let Some(patch) = court().mutate("custom", &review).patch() else { break };
        let patch: json_patch::Patch = serde_json::from_value(patch).unwrap();
        json_patch::patch(&mut review.0["request"]["object"], &patch).unwrap();
    }
    court().validate("custom", &review)
}

#[test]
fn what_a_page_shows_as_wrong_is_found_and_refused_or_warned_about() {
    for rule in RULES {
        let review = review(&manifests(&section(rule, headings(rule)[2])));
        let verdict = court().validate("custom", &review);
        let wanted = format!("{}={}", rule.code, rule.restricted);
        assert!(verdict.findings().contains(&&*wanted), "{wanted} is not in {verdict:?}");
        assert_eq!(verdict.is_allowed(), rule.restricted != Action::Deny, "{}", rule.code);
    }
}

#[test]
fn what_a_page_shows_instead_is_admitted_without_a_word() {
    for rule in RULES {
        let verdict = finally(review(&manifests(&section(rule, "Instead"))));
        assert!(verdict.is_allowed() && verdict.findings().is_empty(), "{}: {verdict:?}", rule.code);
        assert_eq!(verdict.warnings(), [""; 0], "{}", rule.code);
    }
}

#[test]
fn nothing_of_a_tokens_text_is_repeated_where_a_page_shows_one() {
    for code in ["TW103", "TW104", "TW207"] {
        let rule = Rule::find(code).unwrap();
        let review = review(&manifests(&section(rule, "Refused")));
        let answer = court().answer("custom", Phase::Validate, &review, &court().inventory);
        assert!(!answer.0.to_string().contains("eyJ"), "{answer:?}");
    }
}
