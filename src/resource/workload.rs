//! Objects that hold a Pod template.

use serde::Deserialize;

use super::{FieldPath, Metadata, Pod};

/// The kinds whose templates are looked at, as Pod Security admission does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WorkloadKind {
    /// `apps/v1` Deployment, ReplicaSet, StatefulSet and DaemonSet, `batch/v1` Job and `v1` ReplicationController.
    Template,
    /// `batch/v1` CronJob, whose template lies inside a job template.
    CronJob,
    /// `v1` PodTemplate.
    PodTemplate,
}

/// The template of a workload.
pub type PodTemplate<'a> = Pod<'a>;

/// A workload with the template that its Pods are made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workload<'a> {
    /// The kind of nesting.
    pub kind: WorkloadKind,
    /// The workload's own metadata.
    pub metadata: Metadata<'a>,
    /// The template; an object without one has nothing to say.
    pub template: Option<PodTemplate<'a>>,
}

impl<'de> Workload<'de> {
    /// Reads a workload of this kind.
    pub(crate) fn deserialize<D: serde::Deserializer<'de>>(
        kind: WorkloadKind,
        deserializer: D,
    ) -> Result<Self, D::Error> {
        let (metadata, template) = match kind {
            WorkloadKind::Template => {
                let object = WithSpec::<TemplateHolder<'de>>::deserialize(deserializer)?;
                (object.metadata, object.spec.and_then(|spec| spec.template))
            }
            WorkloadKind::CronJob => {
                let object = WithSpec::<JobTemplateHolder<'de>>::deserialize(deserializer)?;
                let job = object.spec.and_then(|spec| spec.job_template);
                (object.metadata, job.and_then(|job| job.spec).and_then(|spec| spec.template))
            }
            WorkloadKind::PodTemplate => {
                let object = DirectTemplate::deserialize(deserializer)?;
                (object.metadata, object.template)
            }
        };
        Ok(Self { kind, metadata, template })
    }

    /// Where the template lies in the object.
    #[must_use]
    pub fn template_path(&self) -> FieldPath {
        FieldPath::of(match self.kind {
            WorkloadKind::Template => "spec.template",
            WorkloadKind::CronJob => "spec.jobTemplate.spec.template",
            WorkloadKind::PodTemplate => "template",
        })
    }
}

#[derive(Deserialize)]
#[serde(bound(deserialize = "S: Deserialize<'de>"))]
struct WithSpec<'a, S> {
    #[serde(borrow, default)]
    metadata: Metadata<'a>,
    #[serde(default = "Option::default")]
    spec: Option<S>,
}

#[derive(Deserialize)]
struct TemplateHolder<'a> {
    #[serde(borrow, default)]
    template: Option<PodTemplate<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct JobTemplateHolder<'a> {
    #[serde(borrow, default)]
    job_template: Option<JobTemplate<'a>>,
}

#[derive(Deserialize)]
struct JobTemplate<'a> {
    #[serde(borrow, default)]
    spec: Option<TemplateHolder<'a>>,
}

#[derive(Deserialize)]
struct DirectTemplate<'a> {
    #[serde(borrow, default)]
    metadata: Metadata<'a>,
    #[serde(default)]
    template: Option<PodTemplate<'a>>,
}
