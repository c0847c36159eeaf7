//! The list of all rules. Adding one is a file in `rules/`, a folder of fixtures, and a line here.

use super::Action;
use super::finding::Findings;
use super::review::{Change, PodReview};
use super::rules;
use crate::resource::{Namespace, Secret, ServiceAccount, TokenRequest};

/// A rule: a question asked of every review of one kind.
#[derive(Debug)]
pub struct Rule {
    /// Such as `TW101`. Codes never change meaning.
    pub code: &'static str,
    /// Such as `legacy-token-secret`; the name in policy files.
    pub name: &'static str,
    /// What it looks at, in a few words.
    pub looks_at: &'static str,
    /// What it finds, in one sentence.
    pub finding: &'static str,
    /// Its action under the built-in policy `baseline`.
    pub baseline: Action,
    /// Its action under the built-in policy `restricted`.
    pub restricted: Action,
    /// Whether it asks for exceptions: what it finds is one Secret of one account.
    pub takes_exceptions: bool,
    /// Its page, in Markdown: the rule's own documentation comment.
    documentation: &'static str,
    pub(super) check: Check,
}

/// What a rule asks of, and the question.
#[derive(Debug)]
pub(super) enum Check {
    /// A Pod, its new ephemeral containers, or a template.
    Pod(fn(&PodReview<'_>, &mut Findings<'_>)),
    /// A Secret and, on update, what it was.
    Secret(fn(&Change<'_, Secret<'_>>, &mut Findings<'_>)),
    /// A service account and, on update, what it was.
    ServiceAccount(fn(&Change<'_, ServiceAccount<'_>>, &mut Findings<'_>)),
    /// A request for a token.
    TokenRequest(fn(&Change<'_, TokenRequest<'_>>, &mut Findings<'_>)),
    /// A namespace and, on update, what it was.
    Namespace(fn(&Change<'_, Namespace<'_>>, &mut Findings<'_>)),
}

/// Every rule, by code.
pub static RULES: &[&Rule] = &[
    &rules::legacy_token_secret::RULE,
    &rules::legacy_token_retarget::RULE,
    &rules::legacy_token_revival::RULE,
    &rules::stored_token::RULE,
    &rules::legacy_token_reference::RULE,
    &rules::token_lifetime::RULE,
    &rules::token_audience::RULE,
    &rules::automounted_token::RULE,
    &rules::default_service_account::RULE,
    &rules::token_path_conflict::RULE,
    &rules::literal_token::RULE,
    &rules::injection_missing::RULE,
    &rules::invalid_annotation::RULE,
    &rules::service_account_automount::RULE,
    &rules::service_account_secrets::RULE,
    &rules::token_request_lifetime::RULE,
    &rules::namespace_policy::RULE,
];

impl Rule {
    /// The rule with this code or this name; letter case does not count.
    #[must_use]
    pub fn find(code_or_name: &str) -> Option<&'static Self> {
        let wanted = code_or_name.trim();
        RULES
            .iter()
            .copied()
            .find(|rule| rule.code.eq_ignore_ascii_case(wanted) || rule.name.eq_ignore_ascii_case(wanted))
    }

    /// The rule's page in Markdown, with its heading and its facts.
    #[must_use]
    pub fn page(&self) -> String {
        use std::fmt::Write as _;
        let mut page = format!("# {} {}\n\n{}\n\n", self.code, self.name, self.finding);
        let _ = write!(
            page,
            "| looks at | `baseline` | `restricted` |\n|---|---|---|\n| {} | {} | {} |\n",
            self.looks_at, self.baseline, self.restricted
        );
        page.push('\n');
        for line in self.documentation.lines() {
            page.push_str(line.strip_prefix(' ').unwrap_or(line));
            page.push('\n');
        }
        page
    }
}

/// Declares the `RULE` of a rule's file. The documentation comment is the rule's page.
macro_rules! rule {
    (
        $(#[doc = $line:literal])+
        $code:ident $name:literal {
            looks_at: $looks_at:literal,
            finding: $finding:literal,
            baseline: $baseline:ident,
            restricted: $restricted:ident,
            exceptions: $exceptions:literal,
            check: $kind:ident($check:path),
        }
    ) => {
        $(#[doc = $line])+
        pub(in crate::policy) static RULE: crate::policy::registry::Rule = crate::policy::registry::Rule::declare(
            [stringify!($code), $name, $looks_at, $finding, concat!($($line, "\n"),+)],
            crate::policy::Action::$baseline,
            crate::policy::Action::$restricted,
            $exceptions,
            crate::policy::registry::Check::$kind($check),
        );
    };
}
pub(super) use rule;

impl Rule {
    pub(super) const fn declare(
        [code, name, looks_at, finding, documentation]: [&'static str; 5],
        baseline: Action,
        restricted: Action,
        takes_exceptions: bool,
        check: Check,
    ) -> Self {
        Self { code, name, looks_at, finding, baseline, restricted, takes_exceptions, documentation, check }
    }
}

#[cfg(test)]
mod tests {
    use super::RULES;

    #[test]
    fn a_page_begins_with_what_the_rule_is_and_does() {
        for rule in RULES {
            let page = rule.page();
            assert!(page.starts_with(&format!("# {} {}\n\n{}\n", rule.code, rule.name, rule.finding)), "{page}");
            let actions = format!("| {} | {} | {} |\n", rule.looks_at, rule.baseline, rule.restricted);
            assert!(page.contains(&actions) && page.contains("\n## Limits\n"), "{page}");
            assert_eq!(page.contains("\n## Exceptions\n\nNone"), !rule.takes_exceptions, "{page}");
        }
    }
}
