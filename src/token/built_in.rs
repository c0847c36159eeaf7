//! The volume of the built-in `ServiceAccount` admission plugin.

use super::source::{Source, holds_exactly};
use crate::resource::{PodSpec, Volume};

/// The lifetime that the plugin asks for: `WarnOnlyBoundTokenExpirationSeconds` in kubernetes
/// `pkg/serviceaccount/claims.go`.
pub const AUTOMOUNT_SECONDS: u64 = 3607;

/// What the names of the plugin's volumes begin with.
pub(super) const NAME_PREFIX: &str = "kube-api-access-";

/// The letters that the API server ends generated names with: no vowels, and nothing that looks like one (kubernetes
/// `staging/src/k8s.io/apimachinery/pkg/util/rand/rand.go`).
const ALPHABET: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

/// Whether `volume` is the plugin's own: its name, exactly its content, and a Pod that does not refuse automounting. The
/// plugin of OpenShift adds one more certificate.
///
/// A volume that only has such a name is one like any other; the plugin itself looks at nothing but the name.
#[must_use]
pub fn is_built_in(volume: &Volume<'_>, spec: &PodSpec<'_>) -> bool {
    automounted_seconds(volume, spec) == Some(AUTOMOUNT_SECONDS)
}

/// The lifetime that is asked for in the plugin's own volume, in seconds: the plugin's, or what it was retuned to. `None` for
/// any other volume.
pub(super) fn automounted_seconds(volume: &Volume<'_>, spec: &PodSpec<'_>) -> Option<u64> {
    if spec.automount_service_account_token == Some(false) || !has_generated_name(&volume.name) {
        return None;
    }
    let token = volume.projected.as_ref()?.sources.first()?.service_account_token.as_ref()?;
    let seconds = u64::try_from(token.expiration_seconds?).ok()?;
    let token = Source::Token { path: "token", audience: "", seconds };
    let content = [token, Source::ROOT_CERTIFICATE, Source::Namespace];
    let with_services = content.into_iter().chain([Source::SERVICE_CERTIFICATE]);
    (holds_exactly(volume, content) || holds_exactly(volume, with_services)).then_some(seconds)
}

fn has_generated_name(name: &str) -> bool {
    name.strip_prefix(NAME_PREFIX)
        .is_some_and(|suffix| suffix.len() == 5 && suffix.bytes().all(|letter| ALPHABET.contains(&letter)))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::is_built_in;
    use crate::resource::{PodSpec, Volume};

    fn plugin_volume() -> Value {
        json!({
            "name": "kube-api-access-x2b9k",
            "projected": {"defaultMode": 420, "sources": [
                {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
                {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
                {"downwardAPI": {"items": [
                    {"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}
                ]}},
            ]},
        })
    }

    fn recognised(volume: &Value) -> bool {
        let text = volume.to_string();
        is_built_in(&serde_json::from_str::<Volume<'_>>(&text).unwrap(), &PodSpec::default())
    }

    fn changed(pointer: &str, value: Value) -> Value {
        let mut volume = plugin_volume();
        *volume.pointer_mut(pointer).unwrap() = value;
        volume
    }

    fn added(pointer: &str, key: &str, value: Value) -> Value {
        let mut volume = plugin_volume();
        volume.pointer_mut(pointer).unwrap().as_object_mut().unwrap().insert(key.to_owned(), value);
        volume
    }

    #[test]
    fn recognises_the_plugins_volume() {
        assert!(recognised(&plugin_volume()));
    }

    #[test]
    fn recognises_the_volume_of_openshifts_plugin_and_no_other_that_has_a_source_more() {
        let services = |map: &str, key: &str, path: &str| {
            let items = json!([{"key": key, "path": path}]);
            let mut volume = plugin_volume();
            let sources = volume.pointer_mut("/projected/sources").unwrap().as_array_mut().unwrap();
            sources.push(json!({"configMap": {"name": map, "items": items}}));
            volume
        };
        assert!(recognised(&services("openshift-service-ca.crt", "service-ca.crt", "service-ca.crt")));
        assert!(!recognised(&services("openshift-service-ca.crt", "service-ca.crt", "token")));
        assert!(!recognised(&services("openshift-service-ca.crt", "ca.crt", "service-ca.crt")));
        assert!(!recognised(&services("own-service-ca.crt", "service-ca.crt", "service-ca.crt")));
        assert!(!recognised(&services("kube-root-ca.crt", "ca.crt", "ca.crt")));
    }

    #[test]
    fn recognises_it_where_the_pod_asks_for_it_but_not_where_the_pod_refuses_it() {
        let text = plugin_volume().to_string();
        let volume: Volume<'_> = serde_json::from_str(&text).unwrap();
        let recognised = |spec: &str| is_built_in(&volume, &serde_json::from_str::<PodSpec<'_>>(spec).unwrap());
        assert!(recognised(r#"{"automountServiceAccountToken": true}"#));
        assert!(!recognised(r#"{"automountServiceAccountToken": false}"#));
    }

    #[test]
    fn goes_by_five_letters_of_the_api_servers_alphabet() {
        for name in [
            "kube-api-access-",
            "kube-api-access-x2b9",
            "kube-api-access-x2b9kk",
            "kube-api-access-x2b9a",
            "kube-api-access-x2b91",
            "kube-api-access-X2B9K",
            "kube-api-accessx-x2b9k",
            "my-kube-api-access-x2b9k",
        ] {
            assert!(!recognised(&changed("/name", json!(name))), "{name}");
        }
        assert!(recognised(&changed("/name", json!("kube-api-access-24567"))));
    }

    #[test]
    fn does_not_recognise_other_content_under_the_plugins_name() {
        let token = "/projected/sources/0/serviceAccountToken";
        let map = "/projected/sources/1/configMap";
        let field = "/projected/sources/2/downwardAPI/items/0";
        let first = plugin_volume()["projected"]["sources"][0].clone();
        let second = plugin_volume()["projected"]["sources"][1].clone();
        let third = plugin_volume()["projected"]["sources"][2].clone();
        for other in [
            changed("/projected", Value::Null),
            changed("/projected/defaultMode", json!(384)),
            changed("/projected/defaultMode", Value::Null),
            changed("/projected/sources", Value::Null),
            changed("/projected/sources", json!([first, third, second])),
            changed("/projected/sources", json!([first, second])),
            changed("/projected/sources", json!([first, second, third, first])),
            changed(&format!("{token}/expirationSeconds"), json!(3600)),
            changed(&format!("{token}/expirationSeconds"), Value::Null),
            changed(&format!("{token}/path"), json!("./token")),
            added(token, "audience", json!("vault")),
            added("/projected/sources/0", "secret", json!({"name": "legacy"})),
            added("/projected/sources/0", "clusterTrustBundle", json!({"path": "x"})),
            added("/projected/sources/0", "podCertificate", json!({})),
            changed(&format!("{map}/name"), json!("kube-root-ca.crt-2")),
            changed(&format!("{map}/items"), json!([])),
            changed(&format!("{map}/items/0/key"), json!("tls.crt")),
            changed(&format!("{map}/items/0/path"), json!("token")),
            added(&format!("{map}/items/0"), "mode", json!(384)),
            added(map, "optional", json!(true)),
            changed(&format!("{field}/path"), json!("token")),
            changed(&format!("{field}/fieldRef/fieldPath"), json!("metadata.name")),
            changed(&format!("{field}/fieldRef/apiVersion"), json!("v2")),
            added(field, "mode", json!(384)),
            added("", "secret", json!({"secretName": "legacy"})),
        ] {
            assert!(!recognised(&other), "{other}");
        }
    }

    #[test]
    fn takes_an_empty_audience_for_none() {
        let token = "/projected/sources/0/serviceAccountToken";
        assert!(recognised(&added(token, "audience", json!(""))));
    }
}
