//! Documents as the objects that they hold, sorted by what there is to do with them.

use super::document::Document;
use super::node::Node;
use crate::admission::Resource;

/// The API group of tokenward's own kinds, in any version: the reader of policies says which it knows.
const OURS: &str = "tokenward.dev/";

/// A kind that the webhook is asked about.
#[derive(Debug)]
pub(super) struct Kind {
    pub(super) group: &'static str,
    pub(super) version: &'static str,
    pub(super) kind: &'static str,
    /// The resource in URLs.
    pub(super) plural: &'static str,
}

const fn kind(group: &'static str, kind: &'static str, plural: &'static str) -> Kind {
    Kind { group, version: "v1", kind, plural }
}

/// The kinds that the webhook is asked about.
static KINDS: [Kind; 12] = [
    kind("", "Pod", "pods"),
    kind("", "Secret", "secrets"),
    kind("", "ServiceAccount", "serviceaccounts"),
    kind("", "Namespace", "namespaces"),
    kind("", "ReplicationController", "replicationcontrollers"),
    kind("", "PodTemplate", "podtemplates"),
    kind("apps", "Deployment", "deployments"),
    kind("apps", "ReplicaSet", "replicasets"),
    kind("apps", "StatefulSet", "statefulsets"),
    kind("apps", "DaemonSet", "daemonsets"),
    kind("batch", "Job", "jobs"),
    kind("batch", "CronJob", "cronjobs"),
];

impl Kind {
    fn find(api_version: &str, kind: &str) -> Option<&'static Self> {
        KINDS.iter().find(|known| known.kind == kind && known.api_version() == api_version)
    }

    pub(super) fn pod() -> &'static Self {
        &KINDS[0]
    }

    pub(super) fn is_namespaced(&self) -> bool {
        self.resource() != Resource::Namespace
    }

    pub(super) fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.to_owned() } else { format!("{}/{}", self.group, self.version) }
    }

    pub(super) fn resource(&self) -> Resource {
        Resource::of(self.group, self.version, self.plural, "")
    }
}

/// An object of the input.
#[derive(Clone, Copy, Debug)]
pub(super) struct Object<'d> {
    pub(super) document: &'d Document,
    pub(super) node: &'d Node,
    /// In a typed list the elements may leave their kind out.
    pub(super) kind: &'d str,
    pub(super) api_version: &'d str,
    pub(super) role: Role,
}

/// What there is to do with an object.
#[derive(Clone, Copy, Debug)]
pub(super) enum Role {
    /// A manifest of a kind that the webhook is asked about.
    Manifest(&'static Kind),
    /// A recorded review.
    Recorded,
    /// A policy, an exception or an inventory.
    Ours,
    /// An object that no rule looks at.
    Other,
    /// Something else than a Kubernetes object.
    Foreign,
}

impl<'d> Object<'d> {
    /// The objects of a document: one, or the elements of a list.
    pub(super) fn all(document: &'d Document) -> Vec<Self> {
        let mut objects = Vec::new();
        collect(document, &document.node, ("", ""), &mut objects);
        objects
    }

    /// True for an object that is no element of a list.
    pub(super) fn is_whole_document(&self) -> bool {
        std::ptr::eq(self.node, &raw const self.document.node)
    }

    /// A string of `metadata`.
    pub(super) fn metadata(&self, field: &str) -> &'d str {
        self.node.get("metadata").and_then(|metadata| metadata.text(field)).unwrap_or_default()
    }

    /// The name, or the prefix of the name to come.
    pub(super) fn name(&self) -> &'d str {
        let name = self.metadata("name");
        if name.is_empty() { self.metadata("generateName") } else { name }
    }
}

fn collect<'d>(document: &'d Document, node: &'d Node, list: (&'d str, &'d str), objects: &mut Vec<Object<'d>>) {
    let api_version = node.text("apiVersion").unwrap_or(list.0);
    let kind = node.text("kind").unwrap_or(list.1);
    if let Some(element_kind) = kind.strip_suffix("List")
        && let Some(elements) = node.get("items").and_then(Node::elements)
    {
        let inherited = if element_kind.is_empty() { ("", "") } else { (api_version, element_kind) };
        for element in elements {
            collect(document, element, inherited, objects);
        }
        return;
    }
    let role = if !node.is_mapping() || kind.is_empty() || api_version.is_empty() {
        Role::Foreign
    } else if kind == "AdmissionReview" {
        Role::Recorded
    } else if api_version.starts_with(OURS) {
        Role::Ours
    } else {
        Kind::find(api_version, kind).map_or(Role::Other, Role::Manifest)
    };
    objects.push(Object { document, node, kind, api_version, role });
}

#[cfg(test)]
mod tests {
    use super::super::document::read;
    use super::super::source::Source;
    use super::{Object, Role};

    #[test]
    fn lists_are_their_elements() {
        let text = "{apiVersion: v1, kind: List, items: [{apiVersion: v1, kind: Pod}, {apiVersion: v1, kind: SecretList, items: [{metadata: {name: a}}]}]}";
        let documents = read(&Source::new("x", text.to_owned()));
        let objects = Object::all(documents[0].as_ref().unwrap());
        assert_eq!(objects.iter().map(|object| object.kind).collect::<Vec<_>>(), ["Pod", "Secret"]);
        assert!(objects.iter().all(|object| matches!(object.role, Role::Manifest(_))));
    }

    #[test]
    fn versions_that_no_api_server_has_any_more_are_other_objects() {
        let documents = read(&Source::new("x", "{apiVersion: extensions/v1beta1, kind: Deployment}".to_owned()));
        assert!(matches!(Object::all(documents[0].as_ref().unwrap())[0].role, Role::Other));
    }
}
