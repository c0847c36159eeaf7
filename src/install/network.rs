//! How the webhook is reached.

use k8s_openapi::api::core::v1::{Service, ServicePort, ServiceSpec};
use k8s_openapi::api::networking::v1::{NetworkPolicy, NetworkPolicyIngressRule, NetworkPolicyPort, NetworkPolicySpec};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::object::{identity, namespaced, selector};
use super::{NAME, Settings};

/// A port of the Pods.
#[derive(Clone, Copy)]
pub(super) struct Port {
    pub(super) name: &'static str,
    pub(super) number: i32,
}

/// What the API server calls.
pub(super) const WEBHOOK_PORT: Port = Port { name: "webhook", number: 8443 };
/// Probes and metrics.
pub(super) const ADMIN_PORT: Port = Port { name: "admin", number: 8080 };

/// The address that the API server calls.
pub(super) fn service(settings: &Settings) -> Service {
    let port = ServicePort {
        name: Some(WEBHOOK_PORT.name.to_owned()),
        port: 443,
        protocol: Some("TCP".to_owned()),
        target_port: Some(IntOrString::String(WEBHOOK_PORT.name.to_owned())),
        ..ServicePort::default()
    };
    Service {
        metadata: namespaced(NAME, settings),
        spec: Some(ServiceSpec {
            type_: Some("ClusterIP".to_owned()),
            selector: Some(identity()),
            ports: Some(vec![port]),
            ..ServiceSpec::default()
        }),
        ..Service::default()
    }
}

/// Anybody may connect to the two ports, since the address of the API server is not known; the Pods connect to nobody.
pub(super) fn policy(settings: &Settings) -> NetworkPolicy {
    let ports = [WEBHOOK_PORT, ADMIN_PORT].map(|port| NetworkPolicyPort {
        port: Some(IntOrString::Int(port.number)),
        protocol: Some("TCP".to_owned()),
        end_port: None,
    });
    NetworkPolicy {
        metadata: namespaced(NAME, settings),
        spec: Some(NetworkPolicySpec {
            pod_selector: Some(selector()),
            policy_types: Some(vec!["Ingress".to_owned(), "Egress".to_owned()]),
            ingress: Some(vec![NetworkPolicyIngressRule { ports: Some(ports.into()), from: None }]),
            egress: None,
        }),
    }
}
