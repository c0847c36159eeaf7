//! What a request is about, as the rules see it.

use super::review::{Change, Context, PodReview, PodScope};
use crate::admission::{Object, Operation, Resource};
use crate::resource::{FieldPath, Metadata, Namespace, Secret, ServiceAccount, TokenRequest, Workload};

/// What the rules of one kind are asked about.
pub(super) enum Subject<'r> {
    Pod(PodReview<'r>),
    Secret(Change<'r, Secret<'r>>),
    ServiceAccount(Change<'r, ServiceAccount<'r>>),
    TokenRequest(Change<'r, TokenRequest<'r>>),
    Namespace(Change<'r, Namespace<'r>>),
}

impl<'r> Subject<'r> {
    /// What there is to judge; nothing where no rule can find anything, or where an object that is being deleted must be
    /// let go. A Secret on its way out may lose its finalizers, and is judged by what an update adds to it all the same: the
    /// token controller fills it as any other, and such a token outlives the Secret.
    pub(super) fn of(context: Context<'r>) -> Option<Self> {
        let request = context.request;
        let object = request.object.as_ref()?;
        match request.operation {
            Operation::Create => Self::created(context, object),
            Operation::Update if is_being_deleted(object) && !matches!(object, Object::Secret(_)) => None,
            Operation::Update => Self::updated(context, object, request.old_object.as_ref()?),
            Operation::Delete | Operation::Connect => None,
        }
    }

    fn created(context: Context<'r>, object: &'r Object<'r>) -> Option<Self> {
        Some(match object {
            Object::Pod(_) => Self::Pod(created_pod(context)?),
            Object::Workload(workload) => Self::Pod(template(context, workload)?),
            Object::Secret(new) => Self::Secret(Change { context, new, old: None }),
            Object::ServiceAccount(new) => Self::ServiceAccount(Change { context, new, old: None }),
            Object::TokenRequest(new) => Self::TokenRequest(Change { context, new, old: None }),
            Object::Namespace(new) => Self::Namespace(Change { context, new, old: None }),
            Object::Other => return None,
        })
    }

    fn updated(context: Context<'r>, object: &'r Object<'r>, old: &'r Object<'r>) -> Option<Self> {
        Some(match (object, old) {
            // Any other update of a Pod changes nothing that a rule reads.
            (Object::Pod(pod), Object::Pod(old)) if context.request.resource == Resource::EphemeralContainers => {
                let scope = PodScope::EphemeralContainers { old };
                Self::Pod(PodReview { context, pod, scope, base: FieldPath::default() })
            }
            (Object::Workload(workload), Object::Workload(old)) if workload.template != old.template => {
                Self::Pod(template(context, workload)?)
            }
            (Object::Secret(new), Object::Secret(old)) => Self::Secret(Change { context, new, old: Some(old) }),
            (Object::ServiceAccount(new), Object::ServiceAccount(old)) => {
                Self::ServiceAccount(Change { context, new, old: Some(old) })
            }
            (Object::Namespace(new), Object::Namespace(old)) => {
                Self::Namespace(Change { context, new, old: Some(old) })
            }
            _ => return None,
        })
    }

    /// The template of a workload as it was: what was found there already is not found again.
    pub(super) fn template_before(context: Context<'r>) -> Option<Self> {
        match context.request.old_object.as_ref()? {
            Object::Workload(old) => template(context, old).map(Self::Pod),
            _ => None,
        }
    }

    /// True for the template of a workload.
    pub(super) const fn is_template(&self) -> bool {
        matches!(self, Self::Pod(review) if review.is_template())
    }
}

/// The Pod that is created, if that is what the request is about.
pub(super) fn created_pod(context: Context<'_>) -> Option<PodReview<'_>> {
    match (context.request.resource, context.request.operation, context.request.object.as_ref()?) {
        (Resource::Pod, Operation::Create, Object::Pod(pod)) => {
            Some(PodReview { context, pod, scope: PodScope::Create, base: FieldPath::default() })
        }
        _ => None,
    }
}

fn template<'r>(context: Context<'r>, workload: &'r Workload<'r>) -> Option<PodReview<'r>> {
    let pod = workload.template.as_ref()?;
    Some(PodReview { context, pod, scope: PodScope::Template, base: workload.template_path() })
}

/// From then on only finalizers hold an object, and their removal is an update.
fn is_being_deleted(object: &Object<'_>) -> bool {
    object.metadata().is_some_and(Metadata::is_being_deleted)
}
