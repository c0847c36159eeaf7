//! Exceptions: an agreed end for what the rules would refuse. Row numbers are those of the decision table.

use serde_json::{Value, json};
use tokenward::policy::{Exception, ExceptionState, Exceptions, NamePattern, Rule};

use crate::fixture::{Court, Review, exception, filled_token_secret, token_secret};
use crate::pods::opted_out;

fn secret() -> Review {
    Review::create("secrets", token_secret("ci-token", "ci"))
}

fn pod() -> Review {
    Review::create("pods", opted_out(&json!({"imagePullSecrets": [{"name": "ci-token"}]})))
}

fn judged_by(exceptions: Vec<Exception>) -> Court {
    Court::new().with_exceptions(exceptions).with_legacy_token("ci-token", "ci")
}

fn at(mut court: Court, instant: &str) -> Court {
    court.now = instant.parse().unwrap();
    court
}

/// An exception with other patterns than those of the fixture.
fn with_patterns(namespace: &str, secret: &str, account: &str) -> Exception {
    let pattern = |text| NamePattern::parse(text).unwrap();
    let mut exception = exception("TW101", secret, account, "2026-12-31");
    exception.namespace = pattern(namespace);
    exception
}

// row 58
#[test]
fn allows_what_it_lists_and_says_which_one_did() {
    let court = judged_by(vec![exception("TW101", "ci-token", "ci", "2026-12-31")]);
    for policy in ["baseline", "restricted"] {
        let verdict = court.validate(policy, &secret());
        assert!(verdict.is_allowed() && verdict.findings().is_empty() && verdict.warnings().is_empty(), "{verdict:?}");
        assert_eq!(verdict.annotation("exceptions"), "agreed");
    }
    let court = judged_by(vec![exception("TW201", "ci-token", "ci", "2026-12-31")]);
    let verdict = court.validate("restricted", &pod());
    assert!(verdict.is_allowed() && verdict.findings().is_empty());
    assert_eq!(verdict.annotation("exceptions"), "agreed");
}

#[test]
fn matches_namespace_and_secret_and_account() {
    let allowed = |exception: Exception| judged_by(vec![exception]).validate("baseline", &secret()).is_allowed();
    for (namespace, name, account) in [
        ("team-a", "ci-token", "ci"),
        ("team-*", "ci-*", "c?"),
        ("*", "*", "*"),
        ("team-[ab]", "{ci,web}-token", "[!x]i"),
    ] {
        assert!(allowed(with_patterns(namespace, name, account)), "{namespace} {name} {account}");
    }
    for (namespace, name, account) in [
        ("team-b", "ci-token", "ci"),
        ("team-a", "ci-token-2", "ci"),
        ("team-a", "ci-token", "web"),
        ("team", "ci-token", "ci"),
        ("team-a", "token", "ci"),
        ("team-a", "CI-TOKEN", "ci"),
        ("a-*", "*", "*"),
        ("*", "?", "*"),
        ("*", "*", "ci?"),
    ] {
        assert!(!allowed(with_patterns(namespace, name, account)), "{namespace} {name} {account}");
    }
}

#[test]
fn is_the_same_for_all_policies() {
    let policies = judged_by(vec![exception("TW101", "ci-token", "ci", "2026-12-31")]).policies;
    let names: Vec<&str> = policies.iter().map(|policy| &*policy.name).collect();
    assert_eq!(names, ["audit", "baseline", "restricted", "warn"]);
    let of_each = policies.iter().map(|policy| &*policy.exceptions).chain([policies.exceptions()]);
    for exceptions in of_each {
        let names: Vec<&str> = exceptions.all().iter().map(|exception| &*exception.name).collect();
        assert_eq!(names, ["agreed"]);
    }
}

#[test]
fn allows_only_under_the_rules_that_it_names() {
    let only = |rule: &str| judged_by(vec![exception(rule, "ci-token", "ci", "2026-12-31")]);
    assert!(!only("TW201").validate("baseline", &secret()).is_allowed());
    assert!(!only("TW101").validate("restricted", &pod()).is_allowed());
    let mut both = exception("TW101", "ci-token", "ci", "2026-12-31");
    both.rules.push(Rule::find("TW201").unwrap());
    let court = judged_by(vec![both]);
    assert!(court.validate("baseline", &secret()).is_allowed() && court.validate("restricted", &pod()).is_allowed());
}

#[test]
fn holds_to_the_last_second_of_its_day_and_no_longer() {
    let court = |instant| at(judged_by(vec![exception("TW101", "ci-token", "ci", "2026-11-30")]), instant);
    for instant in
        ["2026-11-23T12:00:00Z", "2026-11-30T00:00:00Z", "2026-11-30T23:59:59Z", "2026-11-30T23:59:59.999999999Z"]
    {
        assert!(court(instant).validate("baseline", &secret()).is_allowed(), "{instant}");
    }
    for instant in ["2026-12-01T00:00:00Z", "2026-12-01T00:00:01Z", "2027-06-01T00:00:00Z"] {
        assert!(!court(instant).validate("baseline", &secret()).is_allowed(), "{instant}");
    }
}

#[test]
fn a_refusal_after_its_end_names_it_its_date_and_its_owner() {
    let ended = |rule| judged_by(vec![exception(rule, "ci-token", "ci", "2026-10-31")]);
    let verdict = ended("TW101").validate("baseline", &secret());
    assert_eq!(
        verdict.message(),
        "TW101 legacy-token-secret: Secret team-a/ci-token would hold a token for ServiceAccount ci that never expires; \
         exception agreed expired on 2026-10-31 (owner platform@example.com). Use a projected token, or kubectl create token \
         ci. Details: tokenward explain TW101"
    );
    assert_eq!(verdict.annotation("exceptions"), "", "it was not used");
    let verdict = ended("TW201").validate("restricted", &pod());
    assert!(
        verdict.message().contains("; exception agreed expired on 2026-10-31 (owner platform@example.com). Use a"),
        "{}",
        verdict.message()
    );
}

#[test]
fn of_several_one_that_holds_is_enough() {
    let mut later = exception("TW101", "ci-*", "ci", "2026-12-31");
    later.name = "later".to_owned();
    let ended = exception("TW101", "ci-token", "ci", "2026-10-31");
    for exceptions in [vec![ended.clone(), later.clone()], vec![later, ended]] {
        let verdict = judged_by(exceptions).validate("baseline", &secret());
        assert!(verdict.is_allowed());
        assert_eq!(verdict.annotation("exceptions"), "later");
    }
}

#[test]
fn of_several_that_ended_the_last_one_is_named() {
    let mut later = exception("TW101", "ci-*", "ci", "2026-10-31");
    later.name = "later".to_owned();
    let first = exception("TW101", "ci-token", "ci", "2026-09-30");
    for exceptions in [vec![first.clone(), later.clone()], vec![later, first]] {
        let verdict = judged_by(exceptions).validate("baseline", &secret());
        assert!(verdict.message().contains("exception later expired on 2026-10-31"), "{}", verdict.message());
    }
}

#[test]
fn what_names_a_secret_and_holds_is_believed_before_what_has_ended() {
    let before = exception("TW201", "ci-token", "old-account", "2026-10-31");
    let now = exception("TW201", "ci-token", "ci", "2026-12-31");
    for exceptions in [vec![before.clone(), now.clone()], vec![now, before]] {
        let court = Court::new().with_exceptions(exceptions);
        assert!(court.validate("restricted", &pod()).is_allowed());
    }
}

#[test]
fn a_refusal_tells_nothing_of_exceptions_for_others() {
    let mut other = with_patterns("team-b", "argocd-manager", "argocd");
    other.name = "argocd-remote-clusters".to_owned();
    let near = with_patterns("team-a", "ci-token", "argocd");
    let verdict = judged_by(vec![other, near]).validate("restricted", &secret());
    let text = verdict.0.to_string();
    assert!(!text.contains("argocd") && !text.contains("agreed") && !text.contains("platform@"), "{text}");
}

// row 71
#[test]
fn an_update_says_whether_the_secret_is_listed() {
    let review =
        Review::update("secrets", filled_token_secret("ci-token", "ci"), filled_token_secret("ci-token", "ci"));
    for (last_day, state) in [("2026-12-31", "listed"), ("2026-10-31", "unlisted")] {
        let court = judged_by(vec![exception("TW101", "ci-token", "ci", last_day)]);
        let verdict = court.validate("restricted", &review);
        assert!(verdict.is_allowed() && verdict.findings().is_empty() && verdict.warnings().is_empty());
        assert_eq!(verdict.annotation("legacy-secret"), state);
    }
}

#[test]
fn an_annotation_on_the_secret_excuses_nothing() {
    let mut secret = token_secret("ci-token", "ci");
    for key in ["tokenward.dev/exception", "tokenward.dev/policy", "tokenward.dev/inject"] {
        secret["metadata"]["annotations"][key] = json!("agreed");
    }
    let court = judged_by(vec![exception("TW101", "other-token", "ci", "2026-12-31")]);
    assert!(!court.validate("baseline", &Review::create("secrets", secret)).is_allowed());
}

#[test]
fn looks_only_at_what_speaks_of_the_namespace() {
    let exceptions = Exceptions::new(vec![
        with_patterns("team-b", "*", "*"),
        with_patterns("team-?", "ci-token", "ci"),
        with_patterns("team-a", "web-token", "web"),
    ]);
    let rule = Rule::find("TW101").unwrap();
    let covering = |namespace, secret, account| {
        exceptions.covering(rule, namespace, secret, account).map(|found| found.namespace.as_str())
    };
    assert_eq!(covering("team-a", "ci-token", "ci"), Some("team-?"));
    assert_eq!(covering("team-a", "web-token", "web"), Some("team-a"));
    assert_eq!(covering("team-a", "other", "web"), None);
    assert_eq!(covering("team-b", "other", "web"), Some("team-b"));
    assert_eq!(covering("unrelated", "ci-token", "ci"), None);
}

// ---- an end that is near

const WARNING: &str = "exception agreed ends on 2026-11-30 (owner platform@example.com)";

fn ending(rule: &str) -> Court {
    judged_by(vec![exception(rule, "ci-token", "ci", "2026-11-30")])
}

#[test]
fn warns_whoever_uses_an_exception_that_ends_within_two_weeks() {
    for policy in ["warn", "baseline", "restricted"] {
        for (rule, review) in [("TW101", secret()), ("TW201", pod())] {
            let verdict = ending(rule).validate(policy, &review);
            assert!(verdict.is_allowed() && verdict.findings().is_empty(), "{verdict:?}");
            assert_eq!(verdict.warnings(), [WARNING], "{policy} {rule}");
            assert_eq!(verdict.annotation("exceptions"), "agreed");
        }
    }
}

#[test]
fn does_not_warn_before_the_two_weeks_begin() {
    for (instant, warnings) in [
        ("2026-11-16T23:59:59.999999999Z", &[][..]),
        ("2026-11-17T00:00:00Z", &[WARNING]),
        ("2026-11-30T23:59:59Z", &[WARNING]),
    ] {
        assert_eq!(at(ending("TW101"), instant).validate("baseline", &secret()).warnings(), warnings, "{instant}");
    }
}

#[test]
fn does_not_warn_who_would_not_see_the_finding() {
    let verdict = ending("TW101").validate("audit", &secret());
    assert!(verdict.warnings().is_empty());
    assert_eq!(verdict.annotation("exceptions"), "agreed");
    // The exception is not used where it is for another Secret.
    let other = Review::create("pods", opted_out(&json!({"imagePullSecrets": [{"name": "other"}]})));
    assert!(ending("TW201").validate("restricted", &other).warnings().is_empty());
}

#[test]
fn does_not_warn_about_an_update_that_adds_nothing() {
    let filled = filled_token_secret("ci-token", "ci");
    for old in [token_secret("ci-token", "ci"), filled.clone()] {
        let verdict = ending("TW101").validate("restricted", &Review::update("secrets", old, filled.clone()));
        assert!(verdict.is_allowed() && verdict.warnings().is_empty(), "{verdict:?}");
        assert_eq!((verdict.annotation("legacy-secret"), verdict.annotation("exceptions")), ("listed", "agreed"));
    }
}

#[test]
fn warns_about_a_rotation_which_asks_for_a_new_token() {
    let review = Review::update("secrets", filled_token_secret("ci-token", "ci"), token_secret("ci-token", "ci"));
    let verdict = ending("TW101").validate("restricted", &review);
    assert!(verdict.is_allowed(), "{verdict:?}");
    assert_eq!(verdict.warnings(), [WARNING]);
}

#[test]
fn warns_about_a_template_once() {
    let template = |container: &str, secrets: &[&str]| {
        let secrets: Vec<Value> = secrets.iter().map(|name| json!({"name": name})).collect();
        let spec = json!({"imagePullSecrets": secrets, "containers": [{"name": container}]});
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": {"template": {"spec": spec}}})
    };
    let court = ending("TW201");
    let using = template("app", &["ci-token"]);
    let created = court.validate("restricted", &Review::create("apps/deployments", using.clone()));
    assert_eq!(created.warnings(), [WARNING]);
    let update = |old: Value| court.validate("restricted", &Review::update("apps/deployments", old, using.clone()));
    assert_eq!(update(template("app", &[])).warnings(), [WARNING]);
    assert_eq!(update(template("other", &["ci-token"])).warnings(), [""; 0]);
}

#[test]
fn a_refusal_does_not_warn_of_the_exceptions_that_were_used() {
    let court = ending("TW201").with_legacy_token("other", "ci");
    let both = opted_out(&json!({"imagePullSecrets": [{"name": "ci-token"}, {"name": "other"}]}));
    let verdict = court.validate("restricted", &Review::create("pods", both));
    assert!(!verdict.is_allowed() && verdict.warnings().is_empty());
    assert!(!verdict.message().contains("agreed"), "{}", verdict.message());
}

#[test]
fn of_several_that_hold_the_one_that_ends_last_is_used() {
    let mut later = exception("TW101", "ci-*", "ci", "2026-12-31");
    later.name = "later".to_owned();
    let soon = exception("TW101", "ci-token", "ci", "2026-11-30");
    for exceptions in [vec![soon.clone(), later.clone()], vec![later, soon]] {
        let verdict = judged_by(exceptions).validate("baseline", &secret());
        assert!(verdict.warnings().is_empty());
        assert_eq!(verdict.annotation("exceptions"), "later");
    }
}

#[test]
fn the_warning_is_whole_within_its_bound_whatever_the_names() {
    let mut soon = exception("TW101", "ci-token", "ci", "2026-11-30");
    (soon.name, soon.owner) = ("e".repeat(253), format!("{}\n{}", "o".repeat(50), "p".repeat(49)));
    let verdict = judged_by(vec![soon]).validate("baseline", &secret());
    let [warning] = verdict.warnings()[..] else { panic!("one warning: {verdict:?}") };
    assert!(warning.chars().count() <= 120 && !warning.contains(char::is_control), "{warning}");
    assert!(
        warning.contains("ee...ee") && warning.contains(" ends on 2026-11-30 (owner oo") && warning.ends_with("pp)")
    );
}

#[test]
fn is_in_one_state_at_a_time() {
    let soon = exception("TW101", "ci-token", "ci", "2026-11-30");
    let state = |instant: &str| soon.state(instant.parse().unwrap());
    for (instant, expected) in [
        ("2020-01-01T00:00:00Z", ExceptionState::Active),
        ("2026-11-16T23:59:59Z", ExceptionState::Active),
        ("2026-11-17T00:00:00Z", ExceptionState::Expiring),
        ("2026-11-30T23:59:59Z", ExceptionState::Expiring),
        ("2026-12-01T00:00:00Z", ExceptionState::Expired),
        ("9999-12-30T00:00:00Z", ExceptionState::Expired),
    ] {
        assert_eq!(state(instant), expected, "{instant}");
    }
}
