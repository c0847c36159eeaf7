//! One object on its way into the cluster, step by step, for whoever asks a webhook about it.

use serde_json::Value;

use super::complete::complete;
use super::context::Known;
use super::input::Input;
use super::object::{Kind, Object, Role};
use super::source::Source;
use super::{account_plugin, change, request};
use crate::admission::Resource;
use crate::policy::Inventory;

/// An object as the API server has it in hand when it asks its webhooks about the creation.
#[derive(Debug)]
pub struct Creation {
    kind: &'static Kind,
    namespace: String,
    object: Value,
}

impl Creation {
    /// Takes a manifest of one object and completes it as the API server does before it asks a webhook. `cluster` holds
    /// manifests of what is there already: the Pod's service account decides whether it is given a token.
    ///
    /// # Errors
    /// When the manifest is not one object that a webhook is asked about.
    pub fn of(manifest: &str, cluster: &str, namespace: &str) -> Result<Self, String> {
        let sources = [Source::new("manifest", manifest.to_owned()), Source::new("cluster", cluster.to_owned())];
        let input = Input::parse(&sources);
        if let Some(error) = input.errors.first() {
            return Err(error.to_string());
        }
        let objects: Vec<(&Source, Object<'_>)> = input.objects().collect();
        let inventory = Inventory::default();
        let known = Known::new(objects.iter().map(|(_, object)| object), namespace, &inventory);
        let mut wanted = objects.iter().filter(|(source, _)| source.name == "manifest");
        let (Some((_, object)), None) = (wanted.next(), wanted.next()) else {
            return Err("the manifest holds not one object".to_owned());
        };
        let Role::Manifest(kind) = object.role else {
            return Err(format!("no webhook is asked about a {}", object.kind));
        };
        let mut value = object.node.value();
        complete(kind, namespace, &mut value);
        if kind.resource() == Resource::Pod {
            account_plugin::apply(namespace, &mut value, &known);
        }
        Ok(Self { kind, namespace: namespace.to_owned(), object: value })
    }

    /// Whether it is a Pod, of which a mutating webhook is asked too.
    #[must_use]
    pub fn is_pod(&self) -> bool {
        self.kind.resource() == Resource::Pod
    }

    /// The AdmissionReview that the API server sends about it.
    #[must_use]
    pub fn review(&self) -> Vec<u8> {
        request::create(self.kind, &self.namespace, &self.object)
    }

    /// The object as it is by now.
    #[must_use]
    pub fn object(&self) -> &Value {
        &self.object
    }

    /// Changes it by the JSON Patch that a mutating webhook answered.
    ///
    /// # Errors
    /// When the patch is none, or does not apply.
    pub fn apply(&mut self, patch: &[u8]) -> Result<(), String> {
        change::apply(patch, &mut self.object)
    }
}
