//! The webhook and the exported policies, on the same requests to the same API server: the same is refused, and the same is
//! warned about.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::json;

use super::on_the_rig::Applied;
use super::recorded::WRITTEN;
use super::requests::{self, Case};
use crate::installation::{Installation, POLICY_LABEL};
use crate::rig::http::Answer;
use crate::rig::namespace::Namespace;
use crate::rig::users::User;
use crate::rig::{self, ControlPlane};

const POLICY: &str = include_str!("policy.yaml");
const INVENTORY: &str = include_str!("inventory.yaml");

/// Where the two differ, and why.
const KNOWN_DIFFERENCES: [(&str, &str); 4] = [
    // On an update CEL has no clock, so no exception counts.
    ("strict", "rotate an excepted token"),
    ("mild", "rotate an excepted token"),
    ("strict", "debug with an excepted Secret"),
    ("mild", "debug with an excepted Secret"),
];

/// What came of a request.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    /// Allowed with warnings of these rules.
    Allowed(BTreeSet<String>),
    /// Refused by these rules, all of them or one.
    Refused(BTreeSet<String>),
}

impl Verdict {
    fn of(case: &Case, answer: &Answer) -> Self {
        match answer.code {
            200..=299 => Self::Allowed(codes(&answer.warnings.join("\n"))),
            403 => Self::Refused(codes(answer.body["message"].as_str().unwrap_or_default())),
            code => panic!("{}: HTTP {code} {:#}", case.name, answer.body),
        }
    }

    /// Whether the exported policies say what the webhook says. They name one rule in a refusal, the webhook names all.
    fn is_that_of(&self, webhook: &Self) -> bool {
        match (self, webhook) {
            (Self::Refused(one), Self::Refused(all)) => !one.is_empty() && one.is_subset(all),
            (own, webhook) => own == webhook,
        }
    }

    fn codes(&self) -> &BTreeSet<String> {
        match self {
            Self::Allowed(codes) | Self::Refused(codes) => codes,
        }
    }
}

/// The rules whose findings stand in a text, as far as they are written in CEL.
fn codes(text: &str) -> BTreeSet<String> {
    let written = WRITTEN.iter().filter_map(|code| tokenward::policy::Rule::find(code));
    let found = written.filter(|rule| text.contains(&format!("{} {}: ", rule.code, rule.name)));
    found.map(|rule| rule.code.to_owned()).collect()
}

/// The verdicts on all requests in both namespaces.
fn verdicts(rig: &ControlPlane, namespaces: &[Namespace<'_>]) -> BTreeMap<(String, String), Verdict> {
    let mut verdicts = BTreeMap::new();
    for namespace in namespaces {
        let policy = namespace.name.rsplit('-').next().unwrap();
        for case in requests::all(&namespace.name) {
            let path = format!("{}?dryRun=All", case.path);
            let answer = rig.send(User::Administrator, case.method, &path, Some((case.content_type(), &case.body)));
            let verdict = Verdict::of(&case, &answer);
            assert!(verdicts.insert((policy.to_owned(), case.name.to_owned()), verdict).is_none(), "{}", case.name);
        }
    }
    verdicts
}

/// A namespace with what the requests change, made before anybody judges.
fn namespace<'rig>(rig: &'rig ControlPlane, policy: &str) -> Namespace<'rig> {
    let namespace = rig.namespace_named(&format!("compare-{policy}"), &[(POLICY_LABEL, policy)]);
    namespace.service_account("app", Some(false));
    namespace.service_account("open", None);
    for (name, labels) in [
        ("standing", json!({})),
        ("argocd-manager-standing", json!({})),
        ("switched-off", json!({"kubernetes.io/legacy-token-invalid-since": "2026-01-01"})),
    ] {
        let mut secret = requests::token_secret(name, "app");
        secret["metadata"]["labels"] = labels;
        rig.post(User::Administrator, &namespace.path("secrets"), &secret).expect_success();
    }
    rig.post(User::Administrator, &namespace.path("pods"), &requests::debugged()).expect_success();
    for name in ["standing", "argocd-manager-standing", "switched-off"] {
        crate::rig::eventually::eventually(std::time::Duration::from_secs(30), || {
            let secret = namespace.stored(&format!("secret/{name}"));
            if secret["data"]["token"].is_string() { Ok(()) } else { Err("the token is not filled in") }
        });
    }
    namespace
}

#[test]
fn the_webhook_and_the_exported_policies_give_the_same_verdicts() {
    let rig = rig::solitary();
    let rig: &ControlPlane = &rig;
    let namespaces = ["strict", "mild"].map(|policy| namespace(rig, policy));
    let by_webhook = {
        let _installation = Installation::on(rig, POLICY, INVENTORY).unwrap_or_else(|error| panic!("{error}"));
        verdicts(rig, &namespaces)
    };
    let by_policies = {
        let _applied = Applied::on(rig, POLICY, INVENTORY);
        verdicts(rig, &namespaces)
    };

    let mut story = String::new();
    let mut different = BTreeSet::new();
    for (case, webhook) in &by_webhook {
        let policies = &by_policies[case];
        if !policies.is_that_of(webhook) {
            let _ = writeln!(story, "{case:?}\n  webhook:  {webhook:?}\n  policies: {policies:?}");
            different.insert((case.0.as_str(), case.1.as_str()));
        }
    }
    assert_eq!(different, KNOWN_DIFFERENCES.into(), "\n{story}");

    // The requests have something for every rule, and each policy something that passes all.
    for (policy, refusing) in [("strict", true), ("mild", false)] {
        let of_policy = || by_policies.iter().filter(|((name, _), _)| name == policy).map(|(_, verdict)| verdict);
        let found: BTreeSet<&str> = of_policy()
            .filter(|verdict| matches!(verdict, Verdict::Refused(_)) == refusing)
            .flat_map(|verdict| verdict.codes().iter().map(String::as_str))
            .collect();
        let expected = WRITTEN.iter().copied().filter(|code| !refusing || *code != "TW501").collect();
        assert_eq!(found, expected, "{policy}");
        assert!(of_policy().filter(|verdict| verdict.codes().is_empty()).count() > 20, "{policy}");
    }
}
