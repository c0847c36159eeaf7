//! The installation as a tree of files for Kustomize: a base without webhook configurations, and one overlay for each way
//! to install. An overlay builds to the same objects that the command line renders for it.

use std::collections::BTreeMap;

use serde::Serialize;

use super::object::Object;
use super::webhooks::ca_injection;
use super::{Certificates, Mode, Place, Settings, cert_manager, webhook_configurations, workload, yaml};
use crate::policy::PolicySet;

const HEADING: &str = "# Rendered by `tokenward manifests --out-dir manifests`; changes here get lost.\n";
const KUSTOMIZATION: &str = "kustomization.yaml";
const WEBHOOKS: &str = "webhook-configurations.yaml";
const CERTIFICATES: &str = "certificates.yaml";
const BASE: &str = "../../base";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Kustomization {
    api_version: &'static str,
    kind: &'static str,
    resources: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    patches: Vec<Patch>,
}

#[derive(Serialize)]
struct Patch {
    target: PatchTarget,
    patch: String,
}

#[derive(Serialize)]
struct PatchTarget {
    group: &'static str,
}

/// An operation of RFC 6902.
#[derive(Serialize)]
struct Add {
    op: &'static str,
    path: &'static str,
    value: BTreeMap<String, String>,
}

/// The files by their path below the directory that they are for. Mode and certificates of `settings` do not count: there
/// is an overlay for each.
///
/// # Errors
/// As [`yaml::document`].
pub fn tree(settings: &Settings, policies: &PolicySet) -> Result<BTreeMap<String, String>, yaml::Error> {
    let mut settings = Settings { place: Place::Cluster, certificates: Certificates::Elsewhere, ..settings.clone() };
    let mut tree = Tree::default();

    let mut base = BTreeMap::<String, Vec<Object>>::new();
    let mut resources = Vec::new();
    for object in workload(&settings) {
        let file = format!("{}.yaml", kebab_case(object.kind()));
        if !resources.contains(&file) {
            resources.push(file.clone());
        }
        base.entry(file).or_default().push(object);
    }
    for (file, objects) in base {
        tree.add("base", &file, &yaml::stream(&objects)?);
    }
    tree.add_kustomization("base", resources, Vec::new())?;

    for (overlay, mode) in [("overlays/opt-in", Mode::OptIn), ("overlays/cluster-wide", Mode::ClusterWide)] {
        settings.mode = mode;
        tree.add(overlay, WEBHOOKS, &yaml::stream(&webhook_configurations(&settings, policies))?);
        tree.add_kustomization(overlay, vec![BASE.to_owned(), WEBHOOKS.to_owned()], Vec::new())?;
    }

    let overlay = "overlays/cert-manager";
    tree.add(overlay, CERTIFICATES, &yaml::stream(&cert_manager::objects(&settings))?);
    tree.add_kustomization(
        overlay,
        vec!["../opt-in".to_owned(), CERTIFICATES.to_owned()],
        vec![Patch {
            target: PatchTarget { group: "admissionregistration.k8s.io" },
            patch: yaml::document(&[Add { op: "add", path: "/metadata/annotations", value: ca_injection(&settings) }])?,
        }],
    )?;
    Ok(tree.files)
}

#[derive(Default)]
struct Tree {
    files: BTreeMap<String, String>,
}

impl Tree {
    fn add(&mut self, directory: &str, file: &str, text: &str) {
        self.files.insert(format!("{directory}/{file}"), format!("{HEADING}{text}"));
    }

    fn add_kustomization(
        &mut self,
        directory: &str,
        resources: Vec<String>,
        patches: Vec<Patch>,
    ) -> Result<(), yaml::Error> {
        let kustomization =
            Kustomization { api_version: "kustomize.config.k8s.io/v1beta1", kind: "Kustomization", resources, patches };
        self.add(directory, KUSTOMIZATION, &yaml::document(&kustomization)?);
        Ok(())
    }
}

/// `PodDisruptionBudget` as `pod-disruption-budget`.
fn kebab_case(kind: &str) -> String {
    let mut word = String::with_capacity(kind.len() + 4);
    for (index, letter) in kind.char_indices() {
        if letter.is_ascii_uppercase() && index > 0 {
            word.push('-');
        }
        word.push(letter.to_ascii_lowercase());
    }
    word
}
