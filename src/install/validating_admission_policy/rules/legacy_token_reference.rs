//! TW201 in CEL, for the Secrets that an inventory or an exception names.

use std::collections::BTreeMap;

use crate::install::condition::Condition;
use crate::install::entry::rule as request;
use crate::install::validating_admission_policy::in_cel::{Check, Given, InCel, Unwritten, variable};
use crate::install::validating_admission_policy::literal::{map, string};
use crate::install::validating_admission_policy::{ExportError, exceptions};
use crate::policy::{Exception, Inventory, NamePattern};

/// The legacy Secrets of the namespace, and their accounts.
const HERE: &str = "request.namespace in variables.known ? variables.known[request.namespace] : {}";

/// The containers that a Secret is looked for in: those that an update adds, or all.
const CONTAINERS: &str = r#"request.operation == "UPDATE"
? (has(object.spec.ephemeralContainers) ? dyn(object.spec.ephemeralContainers).filter(container,
    !(has(oldObject.spec.ephemeralContainers)
      && oldObject.spec.ephemeralContainers.exists(old, old.name == container.name))) : [])
: (has(object.spec.initContainers) ? dyn(object.spec.initContainers) : [])
  + (has(object.spec.containers) ? dyn(object.spec.containers) : [])"#;

/// The volumes: those that an added container mounts, or all.
const VOLUMES: &str = r#"!has(object.spec.volumes) ? [] : dyn(object.spec.volumes).filter(volume,
  request.operation != "UPDATE" || variables.containers.exists(container,
    has(container.volumeMounts) && container.volumeMounts.exists(mount, mount.name == volume.name)))"#;

/// Where `VisitPodSecretNames` in kubernetes `pkg/api/v1/pod/util.go` looks.
const REACHED: &str = r#"variables.here.filter(secret,
  request.operation != "UPDATE" && has(object.spec.imagePullSecrets)
    && object.spec.imagePullSecrets.exists(reference, has(reference.name) && reference.name == secret)
  || variables.volumes.exists(volume,
    has(volume.secret) && has(volume.secret.secretName) && volume.secret.secretName == secret
    || has(volume.azureFile) && has(volume.azureFile.secretName) && volume.azureFile.secretName == secret
    || has(volume.csi) && has(volume.csi.nodePublishSecretRef)
      && has(volume.csi.nodePublishSecretRef.name) && volume.csi.nodePublishSecretRef.name == secret
    || has(volume.projected) && has(volume.projected.sources) && volume.projected.sources.exists(source,
      has(source.secret) && has(source.secret.name) && source.secret.name == secret)
    || [
      has(volume.cephfs) ? dyn(volume.cephfs) : dyn({}),
      has(volume.cinder) ? dyn(volume.cinder) : dyn({}),
      has(volume.flexVolume) ? dyn(volume.flexVolume) : dyn({}),
      has(volume.iscsi) ? dyn(volume.iscsi) : dyn({}),
      has(volume.rbd) ? dyn(volume.rbd) : dyn({}),
      has(volume.scaleIO) ? dyn(volume.scaleIO) : dyn({}),
      has(volume.storageos) ? dyn(volume.storageos) : dyn({})
    ].exists(source, has(source.secretRef) && has(source.secretRef.name) && source.secretRef.name == secret))
  || variables.containers.exists(container,
    has(container.env) && container.env.exists(entry, has(entry.valueFrom) && has(entry.valueFrom.secretKeyRef)
      && has(entry.valueFrom.secretKeyRef.name) && entry.valueFrom.secretKeyRef.name == secret)
    || has(container.envFrom) && container.envFrom.exists(source,
      has(source.secretRef) && has(source.secretRef.name) && source.secretRef.name == secret)))"#;

/// Without those that an exception allows. Only a creation carries an instant to end one by.
const REFUSED: &str = r#"variables.reached.filter(secret,
  !(request.operation == "CREATE" && has(object.metadata.creationTimestamp)
    && variables.exceptions.exists(exception,
      request.namespace.matches(exception.namespace)
      && secret.matches(exception.secret)
      && variables.here[secret].matches(exception.account)
      && timestamp(object.metadata.creationTimestamp) < timestamp(exception.ends))))"#;

const CHECK: Check = Check {
    holds: "size(variables.refused) == 0",
    says: r#"(size(variables.refused) == 0 ? "" : "legacy Secret " + variables.refused[0]
+ " is reached (ServiceAccount " + variables.here[variables.refused[0]] + ")")
+ (size(variables.refused) > 1 ? ", and " + string(size(variables.refused) - 1) + " more" : "")
+ ". Use a projected token.""#,
};

pub(super) fn in_cel(given: &Given<'_>) -> Result<InCel, Unwritten> {
    let known = known(given.inventory, given.policy.exceptions.all());
    if known.is_empty() {
        return Err(Unwritten::NotNeeded("neither an inventory nor an exception names a legacy Secret"));
    }
    let known = map(known.iter().map(|(namespace, secrets)| {
        let secrets = map(secrets.iter().map(|(name, account)| (*name, string(account))));
        (*namespace, secrets)
    }));
    let [exceptions, ..] = exceptions::variables(given)?;
    Ok(InCel {
        rule: given.rule,
        resources: vec![request("", &["pods"], &["CREATE"]), request("", &["pods/ephemeralcontainers"], &["UPDATE"])],
        templates: Vec::new(),
        conditions: vec![Condition::NotBeingDeleted, Condition::NotMirrored],
        variables: vec![
            variable("known", ExportError::unless_too_long("legacy Secrets", known)?),
            variable("here", HERE),
            exceptions,
            variable("containers", CONTAINERS),
            variable("volumes", VOLUMES),
            variable("reached", REACHED),
            variable("refused", REFUSED),
        ],
        checks: vec![CHECK],
        left_out: "Secrets that neither the inventory nor an exception named when this was written; templates; and exceptions \
                   for ephemeral containers, since an update carries no clock to end them by.",
    })
}

/// The Secrets by namespace and name, each with its account: those of the inventory, and those that an exception, of any rule
/// and of any date, names without a glob.
fn known<'k>(inventory: &'k Inventory, exceptions: &'k [Exception]) -> BTreeMap<&'k str, BTreeMap<&'k str, &'k str>> {
    let mut known: BTreeMap<&str, BTreeMap<&str, &str>> = BTreeMap::new();
    let mut by_end: Vec<&Exception> = exceptions.iter().collect();
    by_end.sort_by_key(|exception| exception.ends);
    for exception in by_end {
        if let (NamePattern::Exact(namespace), NamePattern::Exact(secret), NamePattern::Exact(account)) =
            (&exception.namespace, &exception.secret, &exception.service_account)
        {
            known.entry(namespace).or_default().insert(secret, account);
        }
    }
    for (namespace, secret, account) in inventory.iter() {
        known.entry(namespace).or_default().insert(secret, account);
    }
    known
}
