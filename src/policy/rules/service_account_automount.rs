//! TW301: service accounts do not hand out their token unasked.

use crate::policy::finding::Findings;
use crate::policy::registry::rule;
use crate::policy::review::Change;
use crate::policy::text::shortened;
use crate::resource::{FieldPath, ServiceAccount};

rule! {
    /// ## What it finds
    ///
    /// A service account without `automountServiceAccountToken: false`, when it is created, and when an update takes the
    /// `false` away.
    ///
    /// ## Why it matters
    ///
    /// Every Pod of such an account that says nothing itself gets a token for the API server, needed or not
    /// (kubernetes `plugin/pkg/admission/serviceaccount/admission.go`, v1.37). With the default settings of the API server that
    /// token is accepted for one year.
    ///
    /// ## Warned about
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: ServiceAccount
    /// metadata:
    ///   name: web
    ///   namespace: team-a
    /// ```
    ///
    /// ## Instead
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: ServiceAccount
    /// metadata:
    ///   name: web
    ///   namespace: team-a
    /// automountServiceAccountToken: false
    /// ```
    ///
    /// Its Pods are then given a short-lived token by injection, where the policy says so.
    ///
    /// ## Exceptions
    ///
    /// None; set the rule to `off` in a policy of your own.
    ///
    /// ## Limits
    ///
    /// Accounts that exist already are not looked at until an update takes their `false` away.
    TW301 "service-account-automount" {
        looks_at: "ServiceAccount CREATE, UPDATE",
        finding: "Automount not set to false.",
        baseline: Audit,
        restricted: Warn,
        exceptions: false,
        check: ServiceAccount(check),
    }
}

fn check(change: &Change<'_, ServiceAccount<'_>>, findings: &mut Findings<'_>) {
    let automounts = |account: &ServiceAccount<'_>| account.automount_service_account_token != Some(false);
    if !automounts(change.new) || change.old.is_some_and(automounts) {
        return;
    }
    let name = shortened(change.new.metadata.display_name());
    findings.report(
        format!("ServiceAccount {name} hands its token to every Pod that does not refuse it"),
        "Set automountServiceAccountToken: false",
        vec![FieldPath::of("automountServiceAccountToken")],
    );
}
