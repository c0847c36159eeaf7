//! The policy file: what it means, how it is read from disk, and that no input does harm.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use tokenward::config::{self, Source};
use tokenward::policy::{
    Action, Builtin, Exceptions, FurtherToken, InjectWhen, MountWhen, NamePattern, Policy, PolicySet, RULES, Rule,
};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/policy").join(name)
}

fn parse(text: &str) -> PolicySet {
    config::parse_policies(&[Source::new("policy.yaml", text)]).unwrap()
}

fn policy(name: &str, spec: &str) -> String {
    format!("apiVersion: tokenward.dev/v1alpha1\nkind: TokenPolicy\nmetadata: {{name: {name}}}\nspec: {spec}\n")
}

fn exception(name: &str, expires: &str) -> String {
    format!(
        "apiVersion: tokenward.dev/v1alpha1\nkind: TokenException\nmetadata: {{name: {name}}}\nspec: {{rules: [TW101], \
         namespace: a, secret: b, serviceAccount: c, reason: r, owner: o, expires: {expires}}}\n"
    )
}

fn rule(name: &str) -> &'static Rule {
    Rule::find(name).unwrap()
}

#[test]
fn reads_every_field_of_a_policy() {
    let set = config::load_policies(&[fixture("good.yaml")]).unwrap();
    let policy = set.get("baseline").unwrap();
    assert_eq!(policy.extends, Builtin::Baseline);
    assert_eq!(policy.action(rule("TW101")), Action::Deny);
    assert_eq!(policy.tokens.max_expiration_seconds, 86_400);
    assert!(policy.allows_audience("sts.amazonaws.com") && !policy.allows_audience("other"));
    assert_eq!((policy.inject.when, policy.inject.retune_automounted), (InjectWhen::AutomountDisabled, false));
    assert_eq!(policy.inject.api_token.expiration_seconds, 3600);
    let vault = FurtherToken {
        name: "vault".into(),
        audience: "https://vault.example.com".into(),
        expiration_seconds: 600,
        mount: MountWhen::Requested,
    };
    assert_eq!(policy.inject.tokens, [vault]);
    assert_eq!(policy.cluster.api_audiences.len(), 2);
    assert_eq!(set.iter().count(), 4);
}

#[test]
fn reads_every_field_of_an_exception() {
    let set = config::load_policies(&[fixture("good.yaml")]).unwrap();
    let exception = &set.exceptions().all()[0];
    assert_eq!(exception.name, "argocd-remote-clusters");
    assert_eq!(exception.rules.iter().map(|rule| rule.code).collect::<Vec<_>>(), ["TW101", "TW201"]);
    assert!(matches!(&exception.namespace, NamePattern::Exact(name) if **name == *"argocd"));
    assert!(exception.secret.matches("argocd-manager-token") && !exception.secret.matches("argocd"));
    assert_eq!(exception.service_account.as_str(), "argocd-manager");
    assert_eq!(exception.owner, "platform@example.com");
    assert!(exception.reason.starts_with("Argo CD has no TokenRequest support"));
}

#[test]
fn an_exception_ends_with_its_last_day_in_utc() {
    let set = config::load_policies(&[fixture("good.yaml")]).unwrap();
    let exception = &set.exceptions().all()[0];
    assert_eq!(exception.ends.to_string(), "2027-04-01T00:00:00Z");
    assert!(!exception.is_expired("2027-03-31T23:59:59.999Z".parse().unwrap()));
    assert!(exception.is_expired("2027-04-01T00:00:00Z".parse().unwrap()));
}

#[test]
fn an_exception_that_has_ended_is_a_good_document() {
    let set = parse(&exception("old", "2020-01-01"));
    assert_eq!(set.exceptions().all().len(), 1);
}

#[test]
fn a_policy_extends_the_built_in_of_its_name() {
    let set = parse(&policy("restricted", "{rules: {TW101: warn}}"));
    let restricted = set.get("restricted").unwrap();
    assert_eq!(restricted.extends, Builtin::Restricted);
    assert_eq!(restricted.action(rule("TW101")), Action::Warn);
    assert_eq!(restricted.action(rule("TW201")), Action::Deny);
    assert!(restricted.inject.retune_automounted);
}

#[test]
fn a_policy_of_another_name_extends_baseline() {
    let set = parse(&policy("strict", "{}"));
    assert_eq!(set.get("strict").unwrap().extends, Builtin::Baseline);
    assert_eq!(set.iter().count(), 5);
}

#[test]
fn what_a_policy_leaves_out_is_taken_from_what_it_extends() {
    let set = parse(&policy("quiet", "{extends: audit, tokens: {maxExpirationSeconds: 7200}}"));
    let quiet = set.get("quiet").unwrap();
    assert_eq!(quiet.tokens.max_expiration_seconds, 7200);
    assert_eq!(quiet.inject.when, InjectWhen::Never);
    assert!(RULES.iter().all(|rule| quiet.action(rule) == Builtin::Audit.action(rule)));
}

#[test]
fn a_replaced_restricted_judges_for_unknown_labels_too() {
    let set = parse(&policy("restricted", "{rules: {TW101: audit}}"));
    assert_eq!(set.select("nonsense").action(rule("TW101")), Action::Audit);
}

#[test]
fn off_without_quotes_is_the_action() {
    let set = parse(&policy("strict", "{rules: {legacy-token-secret: off, TW201: \"off\"}}"));
    let strict = set.get("strict").unwrap();
    assert_eq!([rule("TW101"), rule("TW201")].map(|rule| strict.action(rule)), [Action::Off; 2]);
}

#[test]
fn a_field_without_a_value_counts_as_not_given() {
    let set = parse(&policy("strict", "{extends: , rules: null, inject: {tokens: ~}}"));
    assert_eq!(set.get("strict").unwrap().extends, Builtin::Baseline);
}

#[test]
fn a_token_needs_only_a_name_and_an_audience() {
    let set =
        parse(&policy("strict", "{inject: {apiToken: {expirationSeconds: 1200}, tokens: [{name: a, audience: b}]}}"));
    let token = &set.get("strict").unwrap().inject.tokens[0];
    assert_eq!((token.expiration_seconds, token.mount), (1200, MountWhen::Requested));
}

#[test]
fn a_policy_that_never_injects_may_forbid_the_api_audience_and_short_lifetimes() {
    let tokens = "tokens: {maxExpirationSeconds: 600, allowedAudiences: [vault]}";
    parse(&policy("strict", &format!("{{extends: audit, {tokens}}}")));
}

#[test]
fn an_allowed_api_server_may_be_called_by_its_names() {
    let set = parse(&policy("strict", "{tokens: {allowedAudiences: [\"\"]}, cluster: {apiAudiences: [https://api]}}"));
    let strict = set.get("strict").unwrap();
    assert!(strict.allows_audience("") && strict.allows_audience("https://api") && !strict.allows_audience("vault"));
}

#[test]
fn json_is_accepted() {
    let json = r#"{"apiVersion": "tokenward.dev/v1alpha1", "kind": "TokenPolicy", "metadata": {"name": "strict"},
        "spec": {"extends": "restricted", "tokens": {"maxExpirationSeconds": 3600}}}"#;
    assert_eq!(parse(json).get("strict").unwrap().tokens.max_expiration_seconds, 3600);
}

#[test]
fn metadata_that_gitops_tools_add_is_accepted() {
    parse(
        "apiVersion: tokenward.dev/v1alpha1\nkind: TokenPolicy\nmetadata:\n  name: strict\n  namespace: tokenward\n  \
         labels: {app: a}\n  annotations: {b: c}\n",
    );
}

#[test]
fn anchors_and_aliases_are_followed() {
    let set = parse(&policy("strict", "{inject: {tokens: [{name: a, audience: &x vault}, {name: b, audience: *x}]}}"));
    assert_eq!(set.get("strict").unwrap().inject.tokens[1].audience, "vault");
}

#[test]
fn an_alias_bomb_costs_no_more_than_its_bytes() {
    let level = |level| format!("l{level}: &l{level} [*l{0}, *l{0}, *l{0}, *l{0}]\n", level - 1);
    let bomb = format!("l0: &l0 [x]\n{}", (1..40).map(level).collect::<Vec<_>>().concat());
    let error = config::parse_policies(&[Source::new("bomb.yaml", bomb)]).unwrap_err();
    assert_eq!(error.problems().len(), 2);
}

#[test]
fn all_problems_of_all_files_are_told_in_order() {
    let sources = [
        Source::new("b.yaml", policy("strict", "\n  cluster: {apiAudiences: []}\n  rules: {TW1: deny}\n  extend: x")),
        Source::new("a.yaml", exception("old", "never")),
    ];
    let error = config::parse_policies(&sources).unwrap_err();
    insta::assert_snapshot!(error, @r#"
    b.yaml:5:27: spec.cluster.apiAudiences: the list names no audience; write what the API server's --api-audiences says, or leave the field out
    b.yaml:6:11: spec.rules.TW1: there is no rule "TW1"; did you mean TW101?
    b.yaml:7:3: spec.extend: there is no such field; did you mean extends?
    a.yaml:4:98: spec.expires: "never" is not a date; write the last day on which it holds as year-month-day, such as 2027-03-31
    "#);
}

#[test]
fn names_are_unique_over_all_files() {
    let sources =
        [Source::new("a.yaml", exception("x", "2027-01-01")), Source::new("b.yaml", exception("x", "2027-01-01"))];
    insta::assert_snapshot!(config::parse_policies(&sources).unwrap_err(), @r#"
    b.yaml:3:18: metadata.name: there are two TokenException documents named "x"; rename or remove one of them (first given here: a.yaml:3:18)
    "#);
}

#[test]
fn a_policy_and_an_exception_may_share_a_name() {
    parse(&format!("{}---\n{}", policy("x", "{}"), exception("x", "2027-01-01")));
}

#[test]
fn an_error_tells_of_fifty_problems_and_counts_the_others() {
    let fields = (0..70).map(|number| format!("\n  field{number}: 1")).collect::<Vec<_>>().concat();
    let error = config::parse_policies(&[Source::new("policy.yaml", policy("strict", &fields))]).unwrap_err();
    assert_eq!((error.problems().len(), error.more()), (50, 20));
    assert!(error.to_string().ends_with("\nand 20 more problems"));
    assert!(error.render().ends_with("\n\nand 20 more problems"));
}

/// What the one problem of a file says.
fn only_problem(text: &str) -> String {
    let error = config::parse_policies(&[Source::new("policy.yaml", text)]).unwrap_err();
    let [problem] = error.problems() else { panic!("{error}") };
    problem.what.clone()
}

#[test]
fn what_would_slow_a_decision_down_is_bounded() {
    let many = |count: usize, entry: &dyn Fn(usize) -> String| (0..count).map(entry).collect::<Vec<_>>().join(", ");
    let audiences = many(1001, &|number| format!("a{number}"));
    let text = policy("strict", &format!("{{extends: audit, tokens: {{allowedAudiences: [{audiences}]}}}}"));
    assert_eq!(only_problem(&text), "the list has 1001 entries");
    let tokens = many(101, &|number| format!("{{name: a{number}, audience: b}}"));
    assert_eq!(
        only_problem(&policy("strict", &format!("{{inject: {{tokens: [{tokens}]}}}}"))),
        "the list has 101 entries"
    );
    let policies: Vec<String> = (0..101).map(|number| policy(&format!("p{number}"), "{}")).collect();
    assert_eq!(only_problem(&policies.join("---\n")), "there are more than 100 policies");
    assert_eq!(only_problem(&format!("a: [{}]", "x,".repeat(500_000))), "the file has more than 500000 values");
    let long = policy("strict", &format!("{{tokens: {{allowedAudiences: [\"\", {}]}}}}", "a".repeat(513)));
    assert_eq!(only_problem(&long), "the pattern is longer than 512 bytes");
}

#[test]
fn a_directory_is_read_as_the_kubelet_lays_it_out() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("..2026_11_23_22_00_00.1");
    fs::create_dir(&data).unwrap();
    fs::write(data.join("b.yaml"), policy("beta", "{}")).unwrap();
    fs::write(data.join("a.yml"), policy("alpha", "{}")).unwrap();
    fs::write(data.join("notes.txt"), "not a policy").unwrap();
    fs::write(data.join(".hidden.yaml"), "not a policy").unwrap();
    symlink(&data, directory.path().join("..data")).unwrap();
    for name in ["a.yml", "b.yaml", "notes.txt", ".hidden.yaml"] {
        symlink(Path::new("..data").join(name), directory.path().join(name)).unwrap();
    }
    let sources = config::read_policies(&[directory.path().to_owned()]).unwrap();
    let names: Vec<&Path> = sources.iter().map(|source| Path::new(source.name())).collect();
    assert_eq!(names, [directory.path().join("a.yml"), directory.path().join("b.yaml")]);
    assert_eq!(config::parse_policies(&sources).unwrap().iter().count(), 6);
}

#[test]
fn a_directory_without_a_policy_file_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let error = config::load_policies(&[directory.path().to_owned()]).unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("the directory holds no file named *.yaml, *.yml, *.json; put one there, or leave the path out")
    );
}

#[test]
fn missing_and_oversized_files_are_told_together() {
    let directory = tempfile::tempdir().unwrap();
    let large = directory.path().join("large.yaml");
    fs::File::create(&large).unwrap().set_len((8 << 20) + 1).unwrap();
    let error = config::load_policies(&[directory.path().join("missing.yaml"), large]).unwrap_err();
    let text = error.to_string().replace(&*directory.path().to_string_lossy(), "DIR");
    insta::assert_snapshot!(text, @r"
    DIR/missing.yaml: there is no such file or directory; check the path
    DIR/large.yaml: the file is larger than 8 MiB; split it into several files
    ");
}

#[test]
fn no_path_means_the_built_in_policies() {
    assert_eq!(config::load_policies(&[]).unwrap().iter().count(), 4);
}

#[test]
fn bytes_that_are_no_text_are_refused_with_their_place() {
    let error = config::parse_policies(&[Source::new("policy.yaml", b"a: b\nc: \xff".as_slice())]).unwrap_err();
    assert_eq!(error.to_string(), "policy.yaml:2:4: the file is not UTF-8 text; save it as UTF-8");
}

#[test]
fn a_token_given_in_place_of_a_file_is_not_repeated() {
    let token = "eyJhbGciOiJSUzI1NiIsImtpZCI6IkFCQyJ9.eyJpc3MiOiJrdWJlcm5ldGVzIn0.U2lnbmF0dXJlT2ZUaGVUb2tlbg";
    let kinds =
        [token.to_owned(), format!("{token}: x"), format!("a: {token}"), policy("x", &format!("{{{token}: 1}}"))];
    for text in kinds.iter().chain([&policy("x", token), &format!("a: [{token}"), &exception("x", token)]) {
        let error = config::parse_policies(&[Source::new("policy.yaml", text.as_str())]).unwrap_err();
        for told in [error.render(), error.to_string(), format!("{error:?}")] {
            assert!(!told.contains("eyJ") && !told.contains("U2ln"), "{told}");
        }
    }
}

#[test]
fn every_shown_built_in_policy_means_the_same() {
    let shown: Vec<String> = PolicySet::builtin().iter().map(config::show_policy).collect();
    let read = parse(&shown.join("---\n"));
    assert_eq!(described(&read), described(&PolicySet::builtin()));
}

#[test]
fn a_shown_exception_means_the_same() {
    let set = config::load_policies(&[fixture("good.yaml")]).unwrap();
    let shown = config::show_exception(&set.exceptions().all()[0]);
    assert_eq!(format!("{:?}", parse(&shown).exceptions()), format!("{:?}", set.exceptions()));
}

/// All that a set of policies holds.
fn described(set: &PolicySet) -> Vec<String> {
    set.iter().map(|policy| format!("{policy:?}")).collect()
}

fn any_seconds() -> impl Strategy<Value = u64> {
    (600_u64..=1 << 32).prop_filter("becomes a year", |seconds| *seconds != 3607)
}

fn any_audience() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ -~]{1,20}".prop_filter("a glob of its own", |text| !NamePattern::is_glob(text)),
        Just("https://vault.example.com".to_owned()),
        Just("true".to_owned()),
        Just("0x10".to_owned()),
        Just("ünïcode: #".to_owned()),
    ]
}

fn any_token() -> impl Strategy<Value = FurtherToken> {
    let mount = prop_oneof![Just(MountWhen::Always), Just(MountWhen::AutomountDisabled), Just(MountWhen::Requested)];
    ("[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?", any_audience(), any_seconds(), mount).prop_map(
        |(name, audience, expiration_seconds, mount)| FurtherToken { name, audience, expiration_seconds, mount },
    )
}

prop_compose! {
    fn any_policy()(
        name in "[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?".prop_filter("kept", |name| name != "unknown"),
        extends in proptest::sample::select(Builtin::ALL.to_vec()),
        actions in proptest::collection::vec(proptest::sample::select(Action::ALL.to_vec()), RULES.len()),
        seconds in any_seconds(),
        audience in prop_oneof![Just(String::new()), any_audience()],
        tokens in proptest::collection::btree_map("[a-z]{1,5}", any_token(), 0..4),
        when in prop_oneof![Just(InjectWhen::AutomountDisabled), Just(InjectWhen::Requested), Just(InjectWhen::Never)],
        api_audiences in proptest::collection::vec(any_audience(), 1..3),
        (retune, extends_expiration) in any::<(bool, bool)>(),
    ) -> Policy {
        let mut policy = Policy::builtin(extends);
        policy.name = name.into();
        for (rule, action) in RULES.iter().zip(actions) {
            policy.set_action(rule, action);
        }
        policy.tokens.max_expiration_seconds = 1 << 32;
        policy.inject.when = when;
        policy.inject.retune_automounted = retune;
        policy.inject.api_token.audience = audience;
        policy.inject.api_token.expiration_seconds = seconds;
        policy.inject.tokens = tokens.into_iter().map(|(name, token)| FurtherToken { name, ..token }).collect();
        policy.cluster.api_audiences = api_audiences;
        policy.cluster.extends_token_expiration = extends_expiration;
        policy
    }
}

/// Reads `bytes` and looks at all that there is to see of the outcome.
fn read_and_tell(bytes: Vec<u8>) {
    if let Err(error) = config::parse_policies(&[Source::new("policy.yaml", bytes)]) {
        assert!(!error.problems().is_empty());
        assert!(!error.to_string().is_empty() && !error.render().is_empty());
    }
}

proptest! {
    #[test]
    fn a_shown_policy_means_the_same(policy in any_policy()) {
        let read = parse(&config::show_policy(&policy));
        let meant = PolicySet::new(vec![policy], Exceptions::default());
        prop_assert_eq!(described(&read), described(&meant));
    }

    #[test]
    fn no_bytes_do_harm(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        read_and_tell(bytes);
    }

    #[test]
    fn no_text_does_harm(text in "[ -~\n\t{}\\[\\]:,&*!|>'\"%@`#?\\-éß😀]{0,400}") {
        read_and_tell(text.into_bytes());
    }

    /// A good file of which some bytes have been lost, doubled, or replaced by others of it.
    #[test]
    fn no_damage_to_a_good_file_does_harm(
        cuts in proptest::collection::vec((any::<proptest::sample::Index>(), any::<proptest::sample::Index>(), 0..3_u8), 1..6),
    ) {
        let mut bytes = fs::read(fixture("good.yaml")).unwrap();
        for (from, to, kind) in cuts {
            let (from, to) = (from.index(bytes.len()), to.index(bytes.len()));
            let (from, to) = (from.min(to), from.max(to));
            match kind {
                0 => drop(bytes.drain(from..to.min(from + 40))),
                1 => bytes.extend_from_within(from..to.min(from + 400)),
                _ => bytes.swap(from, to),
            }
            if bytes.is_empty() {
                break;
            }
        }
        read_and_tell(bytes);
    }
}
