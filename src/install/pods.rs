//! The webhook's Pods: what they run as, where, and how many.

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::{Deployment, DeploymentSpec, DeploymentStrategy, RollingUpdateDeployment};
use k8s_openapi::api::core::v1::{
    Capabilities, ConfigMapVolumeSource, Container, ContainerPort, HTTPGetAction, PodSecurityContext, PodSpec,
    PodTemplateSpec, Probe, ResourceRequirements, SeccompProfile, SecretVolumeSource, SecurityContext, ServiceAccount,
    TopologySpreadConstraint, Volume, VolumeMount,
};
use k8s_openapi::api::policy::v1::{PodDisruptionBudget, PodDisruptionBudgetSpec};
use k8s_openapi::api::scheduling::v1::PriorityClass;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::network::{ADMIN_PORT, Port, WEBHOOK_PORT};
use super::object::{cluster_wide, labels, namespaced, selector};
use super::{INVENTORY_CONFIG_MAP, NAME, POLICY_CONFIG_MAP, Settings, TLS_SECRET};

/// What the Pods mount, each as a whole directory: the kubelet swaps directories, and never updates a `subPath`.
const POLICY_DIRECTORY: &str = "/etc/tokenward/policy";
const INVENTORY_DIRECTORY: &str = "/etc/tokenward/inventory";
const TLS_DIRECTORY: &str = "/etc/tokenward/tls";

/// A drain takes up to 95 s: so long does an API server keep an idle connection.
const GRACE_PERIOD_SECONDS: i64 = 120;

/// The highest value that is not reserved for the system. The class `system-cluster-critical` would need a quota of
/// its own in clusters that limit it to `kube-system` (GKE does), and would let the webhook push the cluster's Pods aside.
const PRIORITY: i32 = 1_000_000_000;

/// The importance of the Pods.
pub(super) fn priority_class() -> PriorityClass {
    PriorityClass {
        metadata: cluster_wide(NAME),
        value: PRIORITY,
        preemption_policy: Some("PreemptLowerPriority".to_owned()),
        description: Some("For the admission webhook that enforcing namespaces cannot create Pods without.".to_owned()),
        // Not the default; written out, kubectl apply would see a change each time, since `false` is not stored.
        global_default: None,
    }
}

/// The Pods' identity. No Role names it, and no token of it is mounted.
pub(super) fn service_account(settings: &Settings) -> ServiceAccount {
    ServiceAccount {
        metadata: namespaced(NAME, settings),
        automount_service_account_token: Some(false),
        ..ServiceAccount::default()
    }
}

/// Evicts one Pod at a time, and a broken one always.
pub(super) fn disruption_budget(settings: &Settings) -> PodDisruptionBudget {
    PodDisruptionBudget {
        metadata: namespaced(NAME, settings),
        spec: Some(PodDisruptionBudgetSpec {
            max_unavailable: Some(IntOrString::Int(1)),
            selector: Some(selector()),
            unhealthy_pod_eviction_policy: Some("AlwaysAllow".to_owned()),
            ..PodDisruptionBudgetSpec::default()
        }),
        ..PodDisruptionBudget::default()
    }
}

/// The Pods.
pub(super) fn deployment(settings: &Settings) -> Deployment {
    Deployment {
        metadata: namespaced(NAME, settings),
        spec: Some(DeploymentSpec {
            replicas: Some(settings.replicas),
            selector: selector(),
            strategy: Some(DeploymentStrategy {
                type_: Some("RollingUpdate".to_owned()),
                rolling_update: Some(RollingUpdateDeployment {
                    max_surge: Some(IntOrString::Int(1)),
                    max_unavailable: Some(IntOrString::Int(0)),
                }),
            }),
            template: PodTemplateSpec {
                metadata: Some(ObjectMeta { labels: Some(labels()), ..ObjectMeta::default() }),
                spec: Some(pod(settings)),
            },
            ..DeploymentSpec::default()
        }),
        ..Deployment::default()
    }
}

fn pod(settings: &Settings) -> PodSpec {
    PodSpec {
        service_account_name: Some(NAME.to_owned()),
        automount_service_account_token: Some(false),
        enable_service_links: Some(false),
        priority_class_name: Some(NAME.to_owned()),
        termination_grace_period_seconds: Some(GRACE_PERIOD_SECONDS),
        topology_spread_constraints: Some(vec![
            spread("kubernetes.io/hostname", "DoNotSchedule"),
            spread("topology.kubernetes.io/zone", "ScheduleAnyway"),
        ]),
        // No user is named here: the image has one, and OpenShift chooses its own.
        security_context: Some(PodSecurityContext {
            run_as_non_root: Some(true),
            seccomp_profile: Some(SeccompProfile { type_: "RuntimeDefault".to_owned(), localhost_profile: None }),
            ..PodSecurityContext::default()
        }),
        containers: vec![container(settings)],
        volumes: Some(volumes()),
        ..PodSpec::default()
    }
}

/// Pods of one revision are spread among the nodes that can take them, so that neither a rollout nor a lost or drained
/// node leaves one waiting for ever.
fn spread(topology_key: &str, when_unsatisfiable: &str) -> TopologySpreadConstraint {
    TopologySpreadConstraint {
        max_skew: 1,
        topology_key: topology_key.to_owned(),
        when_unsatisfiable: when_unsatisfiable.to_owned(),
        label_selector: Some(selector()),
        match_label_keys: Some(vec!["pod-template-hash".to_owned()]),
        node_taints_policy: Some("Honor".to_owned()),
        ..TopologySpreadConstraint::default()
    }
}

fn container(settings: &Settings) -> Container {
    Container {
        name: NAME.to_owned(),
        image: Some(settings.image.clone()),
        args: Some(vec![
            "serve".to_owned(),
            format!("--listen=:{}", WEBHOOK_PORT.number),
            format!("--admin-listen=:{}", ADMIN_PORT.number),
            format!("--tls-dir={TLS_DIRECTORY}"),
            format!("--policy={POLICY_DIRECTORY}"),
            format!("--inventory={INVENTORY_DIRECTORY}"),
        ]),
        ports: Some(vec![container_port(WEBHOOK_PORT), container_port(ADMIN_PORT)]),
        readiness_probe: Some(Probe { period_seconds: Some(2), failure_threshold: Some(2), ..probe("/readyz") }),
        liveness_probe: Some(Probe { period_seconds: Some(10), failure_threshold: Some(3), ..probe("/livez") }),
        resources: Some(resources()),
        security_context: Some(SecurityContext {
            allow_privilege_escalation: Some(false),
            capabilities: Some(Capabilities { drop: Some(vec!["ALL".to_owned()]), add: None }),
            read_only_root_filesystem: Some(true),
            run_as_non_root: Some(true),
            ..SecurityContext::default()
        }),
        volume_mounts: Some(vec![
            mount("tls", TLS_DIRECTORY),
            mount("policy", POLICY_DIRECTORY),
            mount("inventory", INVENTORY_DIRECTORY),
        ]),
        ..Container::default()
    }
}

/// Idle, the process has 10 MiB; reviews in flight have 64 MiB, and two thousand connections about as much. There is no
/// limit on the processor: throttling would let calls run into their time-out.
fn resources() -> ResourceRequirements {
    let quantities = |pairs: &[(&str, &str)]| -> BTreeMap<String, Quantity> {
        pairs.iter().map(|&(name, amount)| (name.to_owned(), Quantity(amount.to_owned()))).collect()
    };
    ResourceRequirements {
        requests: Some(quantities(&[("cpu", "50m"), ("memory", "32Mi")])),
        limits: Some(quantities(&[("memory", "256Mi")])),
        claims: None,
    }
}

fn container_port(port: Port) -> ContainerPort {
    ContainerPort {
        name: Some(port.name.to_owned()),
        container_port: port.number,
        protocol: Some("TCP".to_owned()),
        ..ContainerPort::default()
    }
}

fn probe(path: &str) -> Probe {
    Probe {
        http_get: Some(HTTPGetAction {
            path: Some(path.to_owned()),
            port: IntOrString::String(ADMIN_PORT.name.to_owned()),
            ..HTTPGetAction::default()
        }),
        ..Probe::default()
    }
}

fn mount(volume: &str, directory: &str) -> VolumeMount {
    VolumeMount {
        name: volume.to_owned(),
        mount_path: directory.to_owned(),
        read_only: Some(true),
        ..VolumeMount::default()
    }
}

fn volumes() -> Vec<Volume> {
    let config_map = |volume: &str, name: &str| Volume {
        name: volume.to_owned(),
        config_map: Some(ConfigMapVolumeSource { name: name.to_owned(), ..ConfigMapVolumeSource::default() }),
        ..Volume::default()
    };
    let tls = Volume {
        name: "tls".to_owned(),
        secret: Some(SecretVolumeSource { secret_name: Some(TLS_SECRET.to_owned()), ..SecretVolumeSource::default() }),
        ..Volume::default()
    };
    vec![tls, config_map("policy", POLICY_CONFIG_MAP), config_map("inventory", INVENTORY_CONFIG_MAP)]
}
