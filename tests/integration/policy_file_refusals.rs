//! What people see of a policy file that cannot be used: every kind of mistake, as it is shown on a terminal.

use insta::assert_snapshot;
use tokenward::config::{self, Source};

fn policy(spec: &str) -> String {
    format!("apiVersion: tokenward.dev/v1alpha1\nkind: TokenPolicy\nmetadata:\n  name: strict\n{spec}\n")
}

fn exception(spec: &str) -> String {
    format!("apiVersion: tokenward.dev/v1alpha1\nkind: TokenException\nmetadata:\n  name: argocd\n{spec}\n")
}

const FIELDS: [(&str, &str); 7] = [
    ("rules", "[legacy-token-secret]"),
    ("namespace", "argocd"),
    ("secret", "argocd-manager-*"),
    ("serviceAccount", "argocd-manager"),
    ("reason", "no TokenRequest support"),
    ("owner", "platform@example.com"),
    ("expires", "2027-03-31"),
];

/// A good exception but for one field.
fn exception_with(field: &str, value: &str) -> String {
    let line = |(name, good): (&str, &str)| format!("\n  {name}: {}", if name == field { value } else { good });
    exception(&format!("spec:{}", FIELDS.map(line).concat()))
}

fn exception_without(field: &str) -> String {
    exception_with(field, "")
}

fn refusal(text: &str) -> String {
    let error = config::parse_policies(&[Source::new("policy.yaml", text)]).unwrap_err();
    anstream::adapter::strip_str(&error.render()).to_string()
}

#[test]
fn refuses_an_unknown_field() {
    assert_snapshot!(refusal(&policy("spec:
  extend: restricted")), @r"
    error: spec.extend: there is no such field
     --> policy.yaml:6:3
      |
    6 |   extend: restricted
      |   ^^^^^^
      |
      = help: did you mean extends?
    ");
}

#[test]
fn refuses_a_field_given_twice() {
    assert_snapshot!(refusal(&policy("spec:
  extends: restricted
  rules: {}
  extends: audit")), @r"
    error: spec.extends: is given twice
     --> policy.yaml:8:3
      |
    8 |   extends: audit
      |   ^^^^^^^
      |
     ::: policy.yaml:6:3
      |
    6 |   extends: restricted
      |   ------- first given here
      |
      = help: keep one of the two
    ");
}

#[test]
fn refuses_a_merge_key() {
    assert_snapshot!(refusal(&policy("spec:
  <<: {extends: audit}")), @r"
    error: spec.<<: merge keys are not supported
     --> policy.yaml:6:3
      |
    6 |   <<: {extends: audit}
      |   ^^
      |
      = help: write the fields out
    ");
}

#[test]
fn refuses_a_tag() {
    assert_snapshot!(refusal(&policy("spec:
  extends: !!str audit")), @r"
    error: spec.extends: YAML tags are not supported
     --> policy.yaml:6:18
      |
    6 |   extends: !!str audit
      |                  ^^^^^
      |
      = help: remove the word that begins with an exclamation mark
    ");
}

#[test]
fn refuses_an_unknown_rule() {
    assert_snapshot!(refusal(&policy("spec:
  rules:
    legacy-token-secrets: deny")), @r#"
    error: spec.rules.legacy-token-secrets: there is no rule "legacy-token-secrets"
     --> policy.yaml:7:5
      |
    7 |     legacy-token-secrets: deny
      |     ^^^^^^^^^^^^^^^^^^^^
      |
      = help: did you mean legacy-token-secret?
    "#);
}

#[test]
fn refuses_a_rule_that_is_like_no_other() {
    assert_snapshot!(refusal(&policy("spec:
  rules:
    no-privileged-pods: deny")), @r#"
    error: spec.rules.no-privileged-pods: there is no rule "no-privileged-pods"
     --> policy.yaml:7:5
      |
    7 |     no-privileged-pods: deny
      |     ^^^^^^^^^^^^^^^^^^
      |
      = help: tokenward explain lists all rules
    "#);
}

#[test]
fn refuses_a_rule_given_by_name_and_by_code() {
    assert_snapshot!(refusal(&policy("spec:
  rules:
    legacy-token-secret: deny
    TW101: warn")), @r"
    error: spec.rules.TW101: is given twice
     --> policy.yaml:8:5
      |
    8 |     TW101: warn
      |     ^^^^^
      |
     ::: policy.yaml:7:5
      |
    7 |     legacy-token-secret: deny
      |     ------------------- first given here
      |
      = help: keep one of the two
    ");
}

#[test]
fn refuses_an_unknown_action() {
    assert_snapshot!(refusal(&policy("spec:
  rules:
    legacy-token-secret: denied")), @r#"
    error: spec.rules.legacy-token-secret: there is no action "denied"
     --> policy.yaml:7:26
      |
    7 |     legacy-token-secret: denied
      |                          ^^^^^^
      |
      = help: did you mean deny?
    "#);
}

#[test]
fn refuses_an_action_that_another_tool_turned_into_false() {
    assert_snapshot!(refusal(&policy("spec:
  rules:
    legacy-token-secret: false")), @r#"
    error: spec.rules.legacy-token-secret: expected an action, found the truth value false
     --> policy.yaml:7:26
      |
    7 |     legacy-token-secret: false
      |                          ^^^^^
      |
      = help: write "off", in quotes
    "#);
}

#[test]
fn refuses_a_base_that_is_not_built_in() {
    assert_snapshot!(refusal(&policy("spec:
  extends: baselin")), @r#"
    error: spec.extends: there is no built-in policy "baselin"
     --> policy.yaml:6:12
      |
    6 |   extends: baselin
      |            ^^^^^^^
      |
      = help: did you mean baseline?
    "#);
}

#[test]
fn refuses_the_lifetime_that_becomes_a_year() {
    assert_snapshot!(refusal(&policy("spec:
  inject:
    apiToken: {expirationSeconds: 3607}")), @r"
    error: spec.inject.apiToken.expirationSeconds: 3607 seconds are turned into one year by the API server
     --> policy.yaml:7:35
      |
    7 |     apiToken: {expirationSeconds: 3607}
      |                                   ^^^^
      |
      = help: write another number, such as 3600
    ");
}

#[test]
fn refuses_a_lifetime_below_ten_minutes() {
    assert_snapshot!(refusal(&policy("spec:
  tokens:
    maxExpirationSeconds: 599")), @r"
    error: spec.tokens.maxExpirationSeconds: 599 seconds are too few
     --> policy.yaml:7:27
      |
    7 |     maxExpirationSeconds: 599
      |                           ^^^
      |
      = help: the API server issues no token for less than 600 seconds
    ");
}

#[test]
fn refuses_a_lifetime_that_the_api_server_never_grants() {
    assert_snapshot!(refusal(&policy("spec:
  tokens:
    maxExpirationSeconds: 4294967297")), @r"
    error: spec.tokens.maxExpirationSeconds: 4294967297 seconds are too many
     --> policy.yaml:7:27
      |
    7 |     maxExpirationSeconds: 4294967297
      |                           ^^^^^^^^^^
      |
      = help: the API server issues no token for more than 4294967296 seconds
    ");
}

#[test]
fn refuses_a_lifetime_in_quotes() {
    assert_snapshot!(refusal(&policy(r#"spec:
  tokens:
    maxExpirationSeconds: "3600""#)), @r#"
    error: spec.tokens.maxExpirationSeconds: expected a whole number, found the text "3600"
     --> policy.yaml:7:27
      |
    7 |     maxExpirationSeconds: "3600"
      |                           ^^^^^^
      |
      = help: remove the quotes
    "#);
}

#[test]
fn refuses_a_lifetime_with_a_unit() {
    assert_snapshot!(refusal(&policy("spec:
  tokens:
    maxExpirationSeconds: 1h")), @r#"
    error: spec.tokens.maxExpirationSeconds: expected a whole number, found "1h"
     --> policy.yaml:7:27
      |
    7 |     maxExpirationSeconds: 1h
      |                           ^^
      |
      = help: write digits alone, such as 3600
    "#);
}

#[test]
fn refuses_a_token_that_outlives_the_maximum() {
    assert_snapshot!(refusal(&policy("spec:
  tokens:
    maxExpirationSeconds: 1800
  inject:
    apiToken: {expirationSeconds: 1801}")), @r"
    error: spec.inject.apiToken.expirationSeconds: the token would live for 1801 seconds, which is more than maxExpirationSeconds, 1800
     --> policy.yaml:9:35
      |
    9 |     apiToken: {expirationSeconds: 1801}
      |                                   ^^^^
      |
      = help: lower expirationSeconds, or raise maxExpirationSeconds
    ");
}

#[test]
fn refuses_a_maximum_below_the_api_tokens_default() {
    assert_snapshot!(refusal(&policy("spec:
  tokens:
    maxExpirationSeconds: 1800")), @r"
    error: spec.tokens.maxExpirationSeconds: the API token's lifetime, 3600 seconds, is more than that
     --> policy.yaml:7:27
      |
    7 |     maxExpirationSeconds: 1800
      |                           ^^^^
      |
      = help: set spec.inject.apiToken.expirationSeconds to at most 1800
    ");
}

#[test]
fn refuses_a_bad_glob() {
    assert_snapshot!(refusal(&policy(r#"spec:
  tokens:
    allowedAudiences: ["", "https://[vault"]"#)), @r#"
    error: spec.tokens.allowedAudiences[1]: "https://[vault" is not a good glob: unclosed character class; missing ']'
     --> policy.yaml:7:28
      |
    7 |     allowedAudiences: ["", "https://[vault"]
      |                            ^^^^^^^^^^^^^^^^
      |
      = help: a glob has *, ?, [abc] and {one,other}; put \ before a character to take it as it is
    "#);
}

#[test]
fn refuses_a_number_for_an_audience() {
    assert_snapshot!(refusal(&policy(r#"spec:
  tokens:
    allowedAudiences: ["", 123456789012]"#)), @r#"
    error: spec.tokens.allowedAudiences[1]: expected text, found the number 123456789012
     --> policy.yaml:7:28
      |
    7 |     allowedAudiences: ["", 123456789012]
      |                            ^^^^^^^^^^^^
      |
      = help: put it in quotes
    "#);
}

#[test]
fn refuses_an_api_token_that_its_own_list_forbids() {
    assert_snapshot!(refusal(&policy("spec:
  tokens:
    allowedAudiences: [https://vault.example.com]
  inject:
    when: AutomountDisabled")), @r#"
    error: spec.tokens.allowedAudiences: the list does not allow the API token's audience, ""
     --> policy.yaml:7:23
      |
    7 |     allowedAudiences: [https://vault.example.com]
      |                       ^
      |
      = help: add "" to the list, or set spec.inject.apiToken.audience
    "#);
}

#[test]
fn refuses_an_injected_audience_that_its_own_list_forbids() {
    assert_snapshot!(refusal(&policy(r#"spec:
  tokens:
    allowedAudiences: [""]
  inject:
    tokens:
    - {name: vault, audience: https://vault.example.com}"#)), @r#"
    error: spec.inject.tokens[0].audience: the policy's own allowedAudiences do not allow the audience "https://vault.example.com"
      --> policy.yaml:10:31
       |
    10 |     - {name: vault, audience: https://vault.example.com}
       |                               ^^^^^^^^^^^^^^^^^^^^^^^^^
       |
       = help: add "https://vault.example.com" to spec.tokens.allowedAudiences, or choose another audience
    "#);
}

#[test]
fn refuses_two_tokens_of_one_name() {
    assert_snapshot!(refusal(&policy("spec:
  inject:
    tokens:
    - {name: vault, audience: a}
    - {name: vault, audience: b}")), @r"
    error: spec.inject.tokens[1].name: is given twice
     --> policy.yaml:9:14
      |
    9 |     - {name: vault, audience: b}
      |              ^^^^^
      |
     ::: policy.yaml:8:14
      |
    8 |     - {name: vault, audience: a}
      |              ----- first given here
      |
      = help: keep one of the two
    ");
}

#[test]
fn refuses_a_token_name_that_is_no_file() {
    assert_snapshot!(refusal(&policy("spec:
  inject:
    tokens:
    - {name: ../vault, audience: a}")), @r#"
    error: spec.inject.tokens[0].name: "../vault" cannot be the file of a token
     --> policy.yaml:8:14
      |
    8 |     - {name: ../vault, audience: a}
      |              ^^^^^^^^
      |
      = help: a name has at most 63 lower case letters, digits and -, beginning and ending with a letter or digit
    "#);
}

#[test]
fn refuses_a_further_token_for_the_api_server() {
    assert_snapshot!(refusal(&policy(r#"spec:
  inject:
    tokens:
    - {name: vault, audience: ""}"#)), @r#"
    error: spec.inject.tokens[0].audience: is empty, which means the API server
     --> policy.yaml:8:31
      |
    8 |     - {name: vault, audience: ""}
      |                               ^^
      |
      = help: the API token is spec.inject.apiToken; name another audience here
    "#);
}

#[test]
fn refuses_a_further_token_without_an_audience() {
    assert_snapshot!(refusal(&policy("spec:
  inject:
    tokens:
    - name: vault")), @r"
    error: spec.inject.tokens[0].audience: is missing
     --> policy.yaml:8:7
      |
    8 |     - name: vault
      |       ^^^^
      |
      = help: name whom the token is for, such as https://vault.example.com
    ");
}

#[test]
fn refuses_an_unknown_moment_of_injection() {
    assert_snapshot!(refusal(&policy("spec:
  inject:
    when: Always")), @r#"
    error: spec.inject.when: there is no value "Always"
     --> policy.yaml:7:11
      |
    7 |     when: Always
      |           ^^^^^^
      |
      = help: expected AutomountDisabled, Requested or Never
    "#);
}

#[test]
fn refuses_an_unknown_mount() {
    assert_snapshot!(refusal(&policy("spec:
  inject:
    tokens:
    - {name: vault, audience: a, mount: requested}")), @r#"
    error: spec.inject.tokens[0].mount: there is no value "requested"
     --> policy.yaml:8:41
      |
    8 |     - {name: vault, audience: a, mount: requested}
      |                                         ^^^^^^^^^
      |
      = help: did you mean Requested?
    "#);
}

#[test]
fn refuses_a_truth_value_in_quotes() {
    assert_snapshot!(refusal(&policy(r#"spec:
  cluster:
    extendsTokenExpiration: "yes""#)), @r#"
    error: spec.cluster.extendsTokenExpiration: expected true or false, found "yes"
     --> policy.yaml:7:29
      |
    7 |     extendsTokenExpiration: "yes"
      |                             ^^^^^
      |
      = help: write one of the two, without quotes
    "#);
}

#[test]
fn refuses_an_empty_list_of_api_audiences() {
    assert_snapshot!(refusal(&policy("spec:
  cluster:
    apiAudiences: []")), @r"
    error: spec.cluster.apiAudiences: the list names no audience
     --> policy.yaml:7:19
      |
    7 |     apiAudiences: []
      |                   ^
      |
      = help: write what the API server's --api-audiences says, or leave the field out
    ");
}

#[test]
fn refuses_a_list_where_fields_belong() {
    assert_snapshot!(refusal(&policy("spec:
- extends: audit")), @r"
    error: spec: expected fields, found a list
     --> policy.yaml:6:3
      |
    6 | - extends: audit
      |   ^
      |
      = help: write each field as name: value
    ");
}

#[test]
fn refuses_text_where_fields_belong() {
    assert_snapshot!(refusal(&policy("spec: restricted")), @r#"
    error: spec: expected fields, found "restricted"
     --> policy.yaml:5:7
      |
    5 | spec: restricted
      |       ^^^^^^^^^^
      |
      = help: write each field as name: value
    "#);
}

#[test]
fn refuses_an_exception_without_its_fields() {
    assert_snapshot!(refusal(&exception("spec: {}")), @r#"
    error: spec.rules: is missing
     --> policy.yaml:5:1
      |
    5 | spec: {}
      | ^^^^
      |
      = help: name the rules that it lifts, such as [legacy-token-secret]

    error: spec.namespace: is missing
     --> policy.yaml:5:1
      |
    5 | spec: {}
      | ^^^^
      |
      = help: write a name or a glob; "*" stands for any

    error: spec.secret: is missing
     --> policy.yaml:5:1
      |
    5 | spec: {}
      | ^^^^
      |
      = help: write a name or a glob; "*" stands for any

    error: spec.serviceAccount: is missing
     --> policy.yaml:5:1
      |
    5 | spec: {}
      | ^^^^
      |
      = help: write a name or a glob; "*" stands for any

    error: spec.reason: is missing
     --> policy.yaml:5:1
      |
    5 | spec: {}
      | ^^^^
      |
      = help: say why the legacy token is still needed

    error: spec.owner: is missing
     --> policy.yaml:5:1
      |
    5 | spec: {}
      | ^^^^
      |
      = help: name who answers for it, such as platform@example.com

    error: spec.expires: is missing
     --> policy.yaml:5:1
      |
    5 | spec: {}
      | ^^^^
      |
      = help: write the last day on which it holds, such as 2027-03-31
    "#);
}

#[test]
fn refuses_an_exception_without_an_owner() {
    assert_snapshot!(refusal(&exception_without("owner")), @r"
    error: spec.owner: is missing
     --> policy.yaml:5:1
      |
    5 | spec:
      | ^^^^
      |
      = help: name who answers for it, such as platform@example.com
    ");
}

#[test]
fn refuses_an_exception_without_an_end() {
    assert_snapshot!(refusal(&exception_without("expires")), @r"
    error: spec.expires: is missing
     --> policy.yaml:5:1
      |
    5 | spec:
      | ^^^^
      |
      = help: write the last day on which it holds, such as 2027-03-31
    ");
}

#[test]
fn refuses_a_blank_reason() {
    assert_snapshot!(refusal(&exception_with("reason", r#""  ""#)), @r#"
    error: spec.reason: is empty
      --> policy.yaml:10:11
       |
    10 |   reason: "  "
       |           ^^^^
       |
       = help: write a few words that people can act on
    "#);
}

#[test]
fn refuses_a_date_of_another_order() {
    assert_snapshot!(refusal(&exception_with("expires", "31.03.2027")), @r#"
    error: spec.expires: "31.03.2027" is not a date
      --> policy.yaml:12:12
       |
    12 |   expires: 31.03.2027
       |            ^^^^^^^^^^
       |
       = help: write the last day on which it holds as year-month-day, such as 2027-03-31
    "#);
}

#[test]
fn refuses_a_day_that_no_calendar_has() {
    assert_snapshot!(refusal(&exception_with("expires", "2027-02-29")), @r#"
    error: spec.expires: "2027-02-29" is not a date
      --> policy.yaml:12:12
       |
    12 |   expires: 2027-02-29
       |            ^^^^^^^^^^
       |
       = help: write the last day on which it holds as year-month-day, such as 2027-03-31
    "#);
}

#[test]
fn refuses_a_date_with_a_time() {
    assert_snapshot!(refusal(&exception_with("expires", "2027-03-31T12:00:00Z")), @r#"
    error: spec.expires: "2027-03-31T12:00:00Z" is not a date
      --> policy.yaml:12:12
       |
    12 |   expires: 2027-03-31T12:00:00Z
       |            ^^^^^^^^^^^^^^^^^^^^
       |
       = help: write the last day on which it holds as year-month-day, such as 2027-03-31
    "#);
}

#[test]
fn refuses_a_date_beyond_the_calendar() {
    assert_snapshot!(refusal(&exception_with("expires", "9999-12-31")), @r"
    error: spec.expires: the date is too far away
      --> policy.yaml:12:12
       |
    12 |   expires: 9999-12-31
       |            ^^^^^^^^^^
       |
       = help: choose an earlier one: an exception has to end
    ");
}

#[test]
fn refuses_an_exception_for_no_rule() {
    assert_snapshot!(refusal(&exception_with("rules", "[]")), @r"
    error: spec.rules: the list names no rule
     --> policy.yaml:6:10
      |
    6 |   rules: []
      |          ^
      |
      = help: name at least one, such as legacy-token-secret
    ");
}

#[test]
fn refuses_an_exception_for_an_unknown_rule() {
    assert_snapshot!(refusal(&exception_with("rules", "[TW999]")), @r#"
    error: spec.rules[0]: there is no rule "TW999"
     --> policy.yaml:6:11
      |
    6 |   rules: [TW999]
      |           ^^^^^
      |
      = help: tokenward explain lists all rules
    "#);
}

#[test]
fn refuses_an_exception_for_a_rule_that_asks_for_none() {
    assert_snapshot!(refusal(&exception_with("rules", "[token-lifetime]")), @r"
    error: spec.rules[0]: no exception lifts token-lifetime
     --> policy.yaml:6:11
      |
    6 |   rules: [token-lifetime]
      |           ^^^^^^^^^^^^^^
      |
      = help: tokenward explain TW202 says what to do instead
    ");
}

#[test]
fn refuses_a_rule_listed_twice() {
    assert_snapshot!(refusal(&exception_with("rules", "[TW101, legacy-token-secret]")), @r"
    error: spec.rules[1]: legacy-token-secret is listed twice
     --> policy.yaml:6:18
      |
    6 |   rules: [TW101, legacy-token-secret]
      |                  ^^^^^^^^^^^^^^^^^^^
      |
      = help: keep one of the two
    ");
}

#[test]
fn refuses_a_namespace_that_cannot_be() {
    assert_snapshot!(refusal(&exception_with("namespace", "Team_A")), @r#"
    error: spec.namespace: nothing can be named "Team_A"
     --> policy.yaml:7:14
      |
    7 |   namespace: Team_A
      |              ^^^^^^
      |
      = help: a name has at most 63 lower case letters, digits and -, beginning and ending with a letter or digit
    "#);
}

#[test]
fn refuses_an_empty_pattern() {
    assert_snapshot!(refusal(&exception_with("secret", r#""""#)), @r#"
    error: spec.secret: is empty
     --> policy.yaml:8:11
      |
    8 |   secret: ""
      |           ^^
      |
      = help: write a name or a glob; "*" stands for any
    "#);
}

#[test]
fn refuses_a_bad_secret_glob() {
    assert_snapshot!(refusal(&exception_with("secret", r#""argocd-{a""#)), @r#"
    error: spec.secret: "argocd-{a" is not a good glob: unclosed alternate group; missing '}' (maybe escape '{' with '[{]'?)
     --> policy.yaml:8:11
      |
    8 |   secret: "argocd-{a"
      |           ^^^^^^^^^^^
      |
      = help: a glob has *, ?, [abc] and {one,other}; put \ before a character to take it as it is
    "#);
}

#[test]
fn refuses_an_unknown_kind() {
    assert_snapshot!(refusal("apiVersion: tokenward.dev/v1alpha1
kind: TokenPolicies
metadata: {name: a}"), @r#"
    error: kind: there is no kind "TokenPolicies"
     --> policy.yaml:2:7
      |
    2 | kind: TokenPolicies
      |       ^^^^^^^^^^^^^
      |
      = help: did you mean TokenPolicy?
    "#);
}

#[test]
fn refuses_an_unknown_version() {
    assert_snapshot!(refusal("apiVersion: tokenward.dev/v1
kind: TokenPolicy
metadata: {name: a}"), @r#"
    error: apiVersion: "tokenward.dev/v1" is not supported
     --> policy.yaml:1:13
      |
    1 | apiVersion: tokenward.dev/v1
      |             ^^^^^^^^^^^^^^^^
      |
      = help: write tokenward.dev/v1alpha1
    "#);
}

#[test]
fn refuses_a_document_of_kubernetes() {
    assert_snapshot!(refusal("apiVersion: v1
kind: Secret
metadata: {name: a}"), @r#"
    error: apiVersion: "v1" is not supported
     --> policy.yaml:1:13
      |
    1 | apiVersion: v1
      |             ^^
      |
      = help: a policy file has only the TokenPolicy and TokenException documents of tokenward.dev/v1alpha1
    "#);
}

#[test]
fn refuses_an_inventory_among_policies() {
    assert_snapshot!(refusal("apiVersion: tokenward.dev/v1alpha1
kind: TokenInventory
secrets: []"), @r"
    error: kind: a TokenInventory is no policy
     --> policy.yaml:2:7
      |
    2 | kind: TokenInventory
      |       ^^^^^^^^^^^^^^
      |
      = help: keep it in a file of its own and give that with --inventory
    ");
}

#[test]
fn refuses_a_document_without_a_version() {
    assert_snapshot!(refusal("kind: TokenPolicy
metadata: {name: a}"), @r"
    error: apiVersion: is missing
     --> policy.yaml:1:1
      |
    1 | kind: TokenPolicy
      | ^^^^
      |
      = help: write apiVersion: tokenward.dev/v1alpha1
    ");
}

#[test]
fn refuses_a_policy_without_a_name() {
    assert_snapshot!(refusal("apiVersion: tokenward.dev/v1alpha1
kind: TokenPolicy
spec: {}"), @r"
    error: metadata.name: is missing
     --> policy.yaml:1:1
      |
    1 | apiVersion: tokenward.dev/v1alpha1
      | ^^^^^^^^^^
      |
      = help: give it a name
    ");
}

#[test]
fn refuses_a_policy_name_that_is_no_label_value() {
    assert_snapshot!(refusal("apiVersion: tokenward.dev/v1alpha1
kind: TokenPolicy
metadata:
  name: Team A"), @r#"
    error: metadata.name: "Team A" cannot be its name
     --> policy.yaml:4:9
      |
    4 |   name: Team A
      |         ^^^^^^
      |
      = help: a name has at most 63 lower case letters, digits and -, beginning and ending with a letter or digit
    "#);
}

#[test]
fn refuses_the_name_that_is_kept_for_unknown_policies() {
    assert_snapshot!(refusal("apiVersion: tokenward.dev/v1alpha1
kind: TokenPolicy
metadata:
  name: unknown"), @r#"
    error: metadata.name: "unknown" is kept for namespaces whose label names no policy
     --> policy.yaml:4:9
      |
    4 |   name: unknown
      |         ^^^^^^^
      |
      = help: choose another name
    "#);
}

#[test]
fn refuses_the_name_that_is_kept_for_namespaces_themselves() {
    assert_snapshot!(refusal("apiVersion: tokenward.dev/v1alpha1
kind: TokenPolicy
metadata:
  name: namespaces"), @r#"
    error: metadata.name: "namespaces" is kept for the webhook that looks at namespaces themselves
     --> policy.yaml:4:9
      |
    4 |   name: namespaces
      |         ^^^^^^^^^^
      |
      = help: choose another name
    "#);
}

#[test]
fn refuses_two_policies_of_one_name() {
    assert_snapshot!(refusal("apiVersion: tokenward.dev/v1alpha1
kind: TokenPolicy
metadata:
  name: strict
---
apiVersion: tokenward.dev/v1alpha1
kind: TokenPolicy
metadata:
  name: strict"), @r#"
    error: metadata.name: there are two TokenPolicy documents named "strict"
     --> policy.yaml:9:9
      |
    9 |   name: strict
      |         ^^^^^^
      |
     ::: policy.yaml:4:9
      |
    4 |   name: strict
      |         ------ first given here
      |
      = help: rename or remove one of them
    "#);
}

#[test]
fn refuses_text_that_is_no_document() {
    assert_snapshot!(refusal("restricted"), @r#"
    error: expected fields, found "restricted"
     --> policy.yaml:1:1
      |
    1 | restricted
      | ^^^^^^^^^^
      |
      = help: write each field as name: value
    "#);
}

#[test]
fn refuses_a_file_without_a_document() {
    assert_snapshot!(refusal("# nothing here"), @r"
    error: the file holds no document
    --> policy.yaml
     = help: write a TokenPolicy or a TokenException, or leave the file out
    ");
}

#[test]
fn refuses_a_tab() {
    assert_snapshot!(refusal("apiVersion: tokenward.dev/v1alpha1
kind: TokenPolicy
metadata:
\tname: strict"), @r"
    error: the file is not YAML: tabs disallowed within this context (block indentation)
     --> policy.yaml:4:2
      |
    4 |  name: strict
      |  ^
      |
      = help: look at the indentation, quotes and brackets here and just above
    ");
}

#[test]
fn refuses_a_quote_without_an_end() {
    assert_snapshot!(refusal(r#"apiVersion: tokenward.dev/v1alpha1
kind: TokenPolicy
metadata:
  name: "strict"#), @r#"
    error: the file is not YAML: unclosed quote
     --> policy.yaml:4:9
      |
    4 |   name: "strict
      |         ^
      |
      = help: look at the indentation, quotes and brackets here and just above
    "#);
}

#[test]
fn refuses_a_bracket_without_an_end() {
    assert_snapshot!(refusal("apiVersion: tokenward.dev/v1alpha1
kind: TokenPolicy
metadata:
  name: strict
spec: {extends: audit"), @r"
    error: the file is not YAML: unclosed bracket '{'
     --> policy.yaml:5:7
      |
    5 | spec: {extends: audit
      |       ^
      |
      = help: look at the indentation, quotes and brackets here and just above
    ");
}

#[test]
fn refuses_an_alias_of_nothing() {
    assert_snapshot!(refusal("apiVersion: tokenward.dev/v1alpha1
kind: TokenPolicy
metadata:
  name: strict
spec: *defaults"), @r"
    error: the file is not YAML: while parsing node, found unknown anchor
     --> policy.yaml:5:7
      |
    5 | spec: *defaults
      |       ^
      |
      = help: look at the indentation, quotes and brackets here and just above
    ");
}
