//! The metrics. Their names are a promise.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use jiff::Timestamp;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric as _, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use super::dropped_lines;
use crate::admission::Resource;
use crate::certs::CertificateResolver;
use crate::policy::{Answer, Decision, ExceptionState, Phase, PolicySet};

/// From the time of a small review to the longest that a caller waits.
const DURATION_BUCKETS: [f64; 16] = [
    0.000_025, 0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5,
];

/// Everything that is counted.
#[derive(Clone, Debug)]
pub struct Metrics {
    registry: Arc<Registry>,
    admissions: Family<Admission, Counter>,
    findings: Family<Finding, Counter>,
    duration: Histogram,
    injected: Family<Injected, Counter>,
    reloads: Family<Reload, Counter>,
    shed: Family<ShedReason, Counter>,
    connections: Gauge,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Admission {
    policy: Arc<str>,
    phase: &'static str,
    resource: &'static str,
    decision: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Finding {
    policy: Arc<str>,
    rule: &'static str,
    action: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Injected {
    policy: Arc<str>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reload {
    what: &'static str,
    result: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ShedReason {
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Exceptions {
    state: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Build {
    version: &'static str,
}

/// How a review ended that was taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Allowed, nothing changed.
    Allowed,
    /// Allowed with a patch.
    Changed,
    /// Refused.
    Denied,
    /// The body was no review that can be judged.
    Malformed,
    /// A fault of our own.
    Error,
}

impl Outcome {
    /// What a decision came to.
    #[must_use]
    pub fn of(decision: &Decision) -> Self {
        match (decision.is_allowed(), &decision.patch) {
            (false, _) => Self::Denied,
            (true, Some(_)) => Self::Changed,
            (true, None) => Self::Allowed,
        }
    }

    /// The word in the metrics and the log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Changed => "changed",
            Self::Denied => "denied",
            Self::Malformed => "malformed",
            Self::Error => "error",
        }
    }
}

/// What was turned away, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shed {
    /// A connection beyond the bound.
    Connection,
    /// A connection that did not finish its handshake in time.
    Handshake,
    /// A review beyond the number in flight.
    Review,
    /// A body that did not fit into the memory for bodies.
    Bytes,
    /// A body beyond the limit for one.
    Body,
    /// A review that was not answered within its deadline.
    Deadline,
}

impl Shed {
    const ALL: [Self; 6] = [Self::Connection, Self::Handshake, Self::Review, Self::Bytes, Self::Body, Self::Deadline];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Connection => "connections",
            Self::Handshake => "handshake",
            Self::Review => "reviews-in-flight",
            Self::Bytes => "bytes-in-flight",
            Self::Body => "body-limit",
            Self::Deadline => "deadline",
        }
    }
}

/// What can be read again while the server runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reloaded {
    /// The serving certificate.
    Certificate,
    /// The policy files.
    Policy,
    /// The inventory files.
    Inventory,
    /// The authority for callers' certificates.
    ClientAuthority,
}

impl Reloaded {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Certificate, Self::Policy, Self::Inventory, Self::ClientAuthority];

    /// The word in the metrics and the log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Certificate => "certificate",
            Self::Policy => "policy",
            Self::Inventory => "inventory",
            Self::ClientAuthority => "client-ca",
        }
    }
}

impl Metrics {
    /// All metrics at zero. What follows from the clock is worked out when it is asked for.
    #[must_use]
    pub fn new(certificate: Arc<CertificateResolver>, policies: Arc<ArcSwap<PolicySet>>) -> Self {
        let mut registry = Registry::with_prefix("tokenward");
        let admissions = Family::default();
        let findings = Family::default();
        let duration = Histogram::new(DURATION_BUCKETS);
        let injected = Family::default();
        let reloads: Family<Reload, Counter> = Family::default();
        let shed: Family<ShedReason, Counter> = Family::default();
        let connections = Gauge::default();
        registry.register("admission", "Admission reviews by what was decided", admissions.clone());
        registry.register("findings", "Findings by rule and by what the policy did with them", findings.clone());
        registry.register(
            "admission_duration_seconds",
            "Time from the head of a review to its answer, in seconds",
            duration.clone(),
        );
        registry.register("injected", "Pods that were given a projected token", injected.clone());
        registry.register("reload", "Files that were read again while serving", reloads.clone());
        registry.register("shed", "Connections and reviews turned away", shed.clone());
        registry.register("connections", "Open connections of API servers", connections.clone());
        registry.register("build", "The running version", Info::new(Build { version: env!("CARGO_PKG_VERSION") }));
        registry.register_collector(Box::new(Clocked { certificate, policies }));
        for what in Reloaded::ALL {
            for result in ["ok", "error"] {
                reloads.get_or_create(&Reload { what: what.as_str(), result }).inc_by(0);
            }
        }
        for reason in Shed::ALL {
            shed.get_or_create(&ShedReason { reason: reason.as_str() }).inc_by(0);
        }
        Self { registry: Arc::new(registry), admissions, findings, duration, injected, reloads, shed, connections }
    }

    /// Counts a decision, its findings and its injection. A dry run is a review like any, but gives no Pod a token.
    pub fn decided(&self, phase: Phase, answer: &Answer, took: Duration) {
        let decision = &answer.decision;
        self.answered(phase, answer.resource, &decision.policy, Outcome::of(decision), took);
        for finding in &decision.findings {
            let (rule, action) = (finding.rule.code, finding.action.as_str());
            self.findings.get_or_create(&Finding { policy: Arc::clone(&decision.policy), rule, action }).inc();
        }
        let is_injected = decision.patch.is_some() && decision.injected.as_ref().is_some_and(|injected| injected.done);
        if is_injected && !answer.dry_run {
            self.injected.get_or_create(&Injected { policy: Arc::clone(&decision.policy) }).inc();
        }
    }

    /// Counts a review that came to no decision. `policy` is the name of a policy there is, never of one asked for.
    pub fn undecided(&self, phase: Phase, policy: &Arc<str>, outcome: Outcome, took: Duration) {
        self.answered(phase, Resource::Other, policy, outcome, took);
    }

    fn answered(&self, phase: Phase, resource: Resource, policy: &Arc<str>, outcome: Outcome, took: Duration) {
        let labels = Admission {
            policy: Arc::clone(policy),
            phase: phase.as_str(),
            resource: resource.label(),
            decision: outcome.as_str(),
        };
        self.admissions.get_or_create(&labels).inc();
        self.duration.observe(took.as_secs_f64());
    }

    /// Counts something that was turned away.
    pub fn shed(&self, shed: Shed) {
        self.shed.get_or_create(&ShedReason { reason: shed.as_str() }).inc();
    }

    /// Counts a file that was read again.
    pub fn reloaded(&self, what: Reloaded, succeeded: bool) {
        let result = if succeeded { "ok" } else { "error" };
        self.reloads.get_or_create(&Reload { what: what.as_str(), result }).inc();
    }

    /// Counts a connection that was opened.
    pub fn connection_opened(&self) {
        self.connections.inc();
    }

    /// Counts a connection that has ended.
    pub fn connection_closed(&self) {
        self.connections.dec();
    }

    /// All of them in the text format of `OpenMetrics`.
    ///
    /// # Errors
    /// Never: a `String` takes all that is written to it.
    pub fn encode(&self) -> Result<String, fmt::Error> {
        let mut text = String::with_capacity(8 * 1024);
        text::encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

/// Metrics that change as time passes, without anything happening.
#[derive(Debug)]
struct Clocked {
    certificate: Arc<CertificateResolver>,
    policies: Arc<ArcSwap<PolicySet>>,
}

impl Collector for Clocked {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let now = Timestamp::now();
        let left = ConstGauge::new(self.certificate.current().leaf().seconds_left(now));
        left.encode(encoder.encode_descriptor(
            "certificate_expiry_seconds",
            "Seconds until the serving certificate ends; negative once it has",
            None,
            MetricType::Gauge,
        )?)?;

        let policies = self.policies.load();
        let all = policies.exceptions().all();
        let mut exceptions =
            encoder.encode_descriptor("exceptions", "Exceptions of the policy file", None, MetricType::Gauge)?;
        for state in ExceptionState::ALL {
            let count = all.iter().filter(|exception| exception.state(now) == state).count();
            let count = i64::try_from(count).unwrap_or(i64::MAX);
            let labels = Exceptions { state: state.as_str() };
            ConstGauge::new(count).encode(exceptions.encode_family(&labels)?)?;
        }

        ConstCounter::new(dropped_lines()).encode(encoder.encode_descriptor(
            "log_lines_dropped",
            "Log lines dropped because nobody read them",
            None,
            MetricType::Counter,
        )?)
    }
}
