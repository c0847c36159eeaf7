//! TW302: service accounts do not list legacy tokens.

use std::collections::HashSet;

use crate::policy::SecretFact;
use crate::policy::finding::Findings;
use crate::policy::registry::rule;
use crate::policy::review::Change;
use crate::policy::text::shortened;
use crate::resource::{FieldPath, ServiceAccount};

rule! {
    /// ## What it finds
    ///
    /// A service account whose `secrets` newly lists a Secret that is known to hold a legacy token.
    ///
    /// ## Why it matters
    ///
    /// To be listed there is what tells the legacy token cleaner that a Secret was made by Kubernetes and not by hand
    /// (kubernetes `pkg/controller/serviceaccount/legacy_serviceaccount_token_cleaner.go`, v1.37): the cleaner will switch it
    /// off and delete it when it has not been used for a year. Some tools also take the first entry for the account's token.
    ///
    /// ## Warned about
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: ServiceAccount
    /// metadata:
    ///   name: ci
    ///   namespace: team-a
    /// automountServiceAccountToken: false
    /// secrets:
    /// - name: legacy-ci
    /// ```
    ///
    /// ## Instead
    ///
    /// Leave the list empty. Since Kubernetes 1.24 nothing has to stand in it.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: ServiceAccount
    /// metadata:
    ///   name: ci
    ///   namespace: team-a
    /// automountServiceAccountToken: false
    /// ```
    ///
    /// ## Exceptions
    ///
    /// A `TokenException` for the rule `service-account-secrets` that matches namespace, Secret and service account.
    ///
    /// ## Limits
    ///
    /// A Secret is known as legacy from the inventory. About any other nothing is guessed.
    TW302 "service-account-secrets" {
        looks_at: "ServiceAccount CREATE, UPDATE",
        finding: "A legacy token Secret newly listed in secrets.",
        baseline: Warn,
        restricted: Warn,
        exceptions: true,
        check: ServiceAccount(check),
    }
}

fn check(change: &Change<'_, ServiceAccount<'_>>, findings: &mut Findings<'_>) {
    let account = change.new.metadata.display_name();
    let listed: HashSet<&str> =
        change.old.iter().flat_map(|old| &old.secrets).map(|reference| &*reference.name).collect();
    for (index, reference) in change.new.secrets.iter().enumerate() {
        let fact = change.context.facts.secret(&change.context.request.namespace, &reference.name);
        if listed.contains(&*reference.name) || !matches!(fact, SecretFact::LegacyToken { .. }) {
            continue;
        }
        let Err(expired) = change.context.excuse(&reference.name, account, findings) else { continue };
        findings.report(
            format!(
                "ServiceAccount {} lists legacy token Secret {}{expired}",
                shortened(account),
                shortened(&reference.name)
            ),
            "Leave it out of secrets",
            vec![FieldPath::of("secrets").index(index).field("name")],
        );
    }
}
