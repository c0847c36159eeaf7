//! The two webhook configurations. Every field that the API server would fill in is written out, so that what is stored
//! equals what was applied.

use std::collections::BTreeMap;

use k8s_openapi::ByteString;
use k8s_openapi::api::admissionregistration::v1::{
    MatchCondition, MutatingWebhook, MutatingWebhookConfiguration, ServiceReference, ValidatingWebhook,
    ValidatingWebhookConfiguration, WebhookClientConfig,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};

use super::entry::{self, Entry};
use super::object::cluster_wide;
use super::{Certificates, NAME, Place, Settings, TLS_SECRET};
use crate::policy::PolicySet;

/// Long enough for a few retries of an overloaded webhook, short enough for the user who waits.
const TIMEOUT_SECONDS: i32 = 3;

/// Which requests the webhook judges.
pub(super) fn validating(settings: &Settings, policies: &PolicySet) -> ValidatingWebhookConfiguration {
    let webhooks =
        entry::validating(settings.mode, policies).into_iter().map(|entry| validating_webhook(entry, settings));
    ValidatingWebhookConfiguration { metadata: metadata(settings), webhooks: Some(webhooks.collect()) }
}

/// Which requests the webhook changes.
pub(super) fn mutating(settings: &Settings, policies: &PolicySet) -> MutatingWebhookConfiguration {
    let webhooks = entry::mutating(settings.mode, policies).into_iter().map(|entry| mutating_webhook(entry, settings));
    MutatingWebhookConfiguration { metadata: metadata(settings), webhooks: Some(webhooks.collect()) }
}

fn metadata(settings: &Settings) -> ObjectMeta {
    let mut metadata = cluster_wide(NAME);
    if matches!(settings.certificates, Certificates::CertManager) {
        metadata.annotations = Some(ca_injection(settings));
    }
    metadata
}

/// Tells cert-manager's CA injector which Secret's `ca.crt` is the CA bundle.
pub(super) fn ca_injection(settings: &Settings) -> BTreeMap<String, String> {
    let certificate = format!("{}/{TLS_SECRET}", settings.namespace);
    BTreeMap::from([("cert-manager.io/inject-ca-from".to_owned(), certificate)])
}

fn validating_webhook(entry: Entry<'_>, settings: &Settings) -> ValidatingWebhook {
    ValidatingWebhook {
        admission_review_versions: vec!["v1".to_owned()],
        client_config: client_config(&entry, settings),
        failure_policy: Some(failure_policy(&entry).to_owned()),
        match_conditions: Some(match_conditions(&entry)),
        match_policy: Some("Equivalent".to_owned()),
        namespace_selector: Some(entry.scope.selector(&settings.namespace)),
        object_selector: Some(LabelSelector::default()),
        side_effects: "None".to_owned(),
        timeout_seconds: Some(TIMEOUT_SECONDS),
        name: entry.name,
        rules: Some(entry.rules),
    }
}

fn mutating_webhook(entry: Entry<'_>, settings: &Settings) -> MutatingWebhook {
    MutatingWebhook {
        admission_review_versions: vec!["v1".to_owned()],
        client_config: client_config(&entry, settings),
        failure_policy: Some(failure_policy(&entry).to_owned()),
        match_conditions: Some(match_conditions(&entry)),
        match_policy: Some("Equivalent".to_owned()),
        namespace_selector: Some(entry.scope.selector(&settings.namespace)),
        object_selector: Some(LabelSelector::default()),
        // A webhook after us may add a sidecar, which needs its mount too.
        reinvocation_policy: Some("IfNeeded".to_owned()),
        side_effects: "None".to_owned(),
        timeout_seconds: Some(TIMEOUT_SECONDS),
        name: entry.name,
        rules: Some(entry.rules),
    }
}

fn client_config(entry: &Entry<'_>, settings: &Settings) -> WebhookClientConfig {
    let ca_bundle = settings.certificates.ca_bundle().map(|pem| ByteString(pem.to_vec()));
    match &settings.place {
        Place::Cluster => WebhookClientConfig {
            ca_bundle,
            service: Some(ServiceReference {
                namespace: settings.namespace.clone(),
                name: NAME.to_owned(),
                path: Some(entry.path.clone()),
                port: Some(443),
            }),
            url: None,
        },
        Place::Url(url) => WebhookClientConfig { ca_bundle, service: None, url: Some(format!("{url}{}", entry.path)) },
    }
}

const fn failure_policy(entry: &Entry<'_>) -> &'static str {
    if entry.fails_closed { "Fail" } else { "Ignore" }
}

fn match_conditions(entry: &Entry<'_>) -> Vec<MatchCondition> {
    entry.conditions.iter().copied().map(MatchCondition::from).collect()
}
