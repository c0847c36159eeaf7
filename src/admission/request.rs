//! The request of an AdmissionReview, borrowed from the bytes.

use serde::Deserialize;

use super::json::{Error, Reader};
use super::{Malformed, Object, Resource};
use crate::resource::{List, Text};

/// What happens to the object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// `CREATE`.
    Create,
    /// `UPDATE`.
    Update,
    /// `DELETE`; never registered, allowed when it arrives.
    Delete,
    /// `CONNECT`; never registered, allowed when it arrives.
    Connect,
}

/// Who asks. Rules judge the shape of a change, not its author; the groups are here for the exemption of nodes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct UserInfo<'a> {
    /// The user's name; empty for none.
    #[serde(borrow)]
    pub username: Text<'a>,
    /// The user's groups.
    pub groups: List<Text<'a>>,
}

/// The request of a review.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// Echoed in the answer.
    pub uid: Text<'a>,
    /// What the object is.
    pub resource: Resource,
    /// The object's name; empty while `generateName` has not been resolved.
    pub name: Text<'a>,
    /// The namespace, filled for every namespaced kind.
    pub namespace: Text<'a>,
    /// What happens.
    pub operation: Operation,
    /// Who asks.
    pub user: UserInfo<'a>,
    /// True when nothing will be stored.
    pub dry_run: bool,
    /// The object as it would be; there on create and update.
    pub object: Option<Object<'a>>,
    /// The object as it was; there on update and delete, and not looked at on create.
    pub old_object: Option<Object<'a>>,
}

impl<'a> Request<'a> {
    /// Reads an AdmissionReview.
    ///
    /// # Errors
    /// Everything that leaves a part of the review unknown: see [`Malformed`].
    pub fn parse(body: &'a [u8]) -> Result<Self, Malformed> {
        let text = std::str::from_utf8(body).map_err(|_| Malformed::Json("this is not UTF-8".to_owned()))?;
        // Go writes `resource` and `subResource` before the objects, so one pass can pick their views. In another order, or
        // where that went wrong, a second pass reads the objects when all else is known.
        let review = match Review::read(text, true) {
            Ok(review) if !review.picked_too_early() => review,
            _ => Review::read(text, false).map_err(|error| malformed(&error, text))?,
        };
        review.complete(text)
    }
}

fn malformed(error: &Error, text: &str) -> Malformed {
    if error.is_too_deep() { Malformed::TooDeep } else { Malformed::Json(error.describe(text)) }
}

/// Reads a field that may be given once.
fn once<T>(slot: &mut Option<T>, name: &'static str, read: impl FnOnce() -> Result<T, Error>) -> Result<(), Error> {
    if slot.is_some() {
        return Err(Error::twice(name));
    }
    *slot = Some(read().map_err(|error| error.within(name))?);
    Ok(())
}

#[derive(Default)]
struct Review<'a> {
    api_version: Option<Text<'a>>,
    kind: Option<Text<'a>>,
    request: Option<Envelope<'a>>,
}

impl<'a> Review<'a> {
    /// With `pick`, objects are read into the view of the resource that is known by then.
    fn read(text: &'a str, pick: bool) -> Result<Self, Error> {
        let mut reader = Reader::new(text);
        let mut review = Self::default();
        reader.object(|reader, key| match key {
            "apiVersion" => once(&mut review.api_version, "apiVersion", || reader.value()),
            "kind" => once(&mut review.kind, "kind", || reader.value()),
            "request" => once(&mut review.request, "request", || Envelope::read(reader, pick)),
            _ => reader.skip(),
        })?;
        reader.end()?;
        Ok(review)
    }

    fn picked_too_early(&self) -> bool {
        self.request.as_ref().is_some_and(|request| request.picked_too_early)
    }

    fn complete(self, text: &str) -> Result<Request<'a>, Malformed> {
        let (api_version, kind) = (self.api_version.unwrap_or_default(), self.kind.unwrap_or_default());
        if api_version != "admission.k8s.io/v1" || kind != "AdmissionReview" {
            return Err(Malformed::Version { api_version: named(&api_version), kind: named(&kind) });
        }
        self.request.ok_or(Malformed::Missing("request"))?.complete(text)
    }
}

/// The name of a version or kind, if it looks like one.
fn named(value: &str) -> String {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'/' | b'-');
    match value {
        "" => "(nothing)".to_owned(),
        _ if value.len() <= 60 && value.bytes().all(fits) => value.to_owned(),
        _ => "(something else)".to_owned(),
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct GroupVersionResource<'a> {
    #[serde(borrow)]
    group: Text<'a>,
    version: Text<'a>,
    resource: Text<'a>,
}

/// An object of the envelope: read at once where the resource is known by then, otherwise the place where it begins.
enum Part<'a> {
    Read(Option<Object<'a>>),
    Later(Reader<'a>),
}

impl<'a> Part<'a> {
    fn read(self, resource: Resource) -> Result<Option<Object<'a>>, Error> {
        match self {
            Self::Read(object) => Ok(object),
            Self::Later(mut reader) => Object::read(resource, &mut reader),
        }
    }
}

/// The fields of a request.
#[derive(Default)]
struct Envelope<'a> {
    picked_too_early: bool,
    uid: Option<Text<'a>>,
    resource: Option<GroupVersionResource<'a>>,
    sub_resource: Option<Text<'a>>,
    name: Option<Text<'a>>,
    namespace: Option<Text<'a>>,
    operation: Option<Text<'a>>,
    user: Option<UserInfo<'a>>,
    dry_run: Option<bool>,
    object: Option<Part<'a>>,
    old_object: Option<Part<'a>>,
}

impl<'a> Envelope<'a> {
    fn read(reader: &mut Reader<'a>, pick: bool) -> Result<Self, Error> {
        let mut envelope = Self::default();
        reader.object(|reader, key| match key {
            "uid" => once(&mut envelope.uid, "uid", || reader.value()),
            "resource" => once(&mut envelope.resource, "resource", || reader.value()),
            "subResource" => {
                let objects = [&envelope.object, &envelope.old_object];
                envelope.picked_too_early = objects.iter().any(|part| matches!(part, Some(Part::Read(_))));
                once(&mut envelope.sub_resource, "subResource", || reader.value())
            }
            "name" => once(&mut envelope.name, "name", || reader.value()),
            "namespace" => once(&mut envelope.namespace, "namespace", || reader.value()),
            "operation" => once(&mut envelope.operation, "operation", || reader.value()),
            "userInfo" => once(&mut envelope.user, "userInfo", || reader.value()),
            "dryRun" => once(&mut envelope.dry_run, "dryRun", || reader.value()),
            "object" => {
                let resource = envelope.known_resource().filter(|_| pick);
                once(&mut envelope.object, "object", || Self::part(resource, reader))
            }
            "oldObject" => {
                let resource = envelope.known_resource().filter(|_| pick);
                once(&mut envelope.old_object, "oldObject", || Self::part(resource, reader))
            }
            _ => reader.skip(),
        })?;
        Ok(envelope)
    }

    fn part(resource: Option<Resource>, reader: &mut Reader<'a>) -> Result<Part<'a>, Error> {
        if let Some(resource) = resource {
            return Object::read(resource, reader).map(Part::Read);
        }
        let start = *reader;
        reader.skip()?;
        Ok(Part::Later(start))
    }

    /// `subResource` is left out when it is empty, so the resource counts as known as soon as `resource` was read; Go
    /// writes both before the objects.
    fn known_resource(&self) -> Option<Resource> {
        self.resource.as_ref().filter(|found| !found.resource.is_empty()).map(|found| {
            let sub_resource = self.sub_resource.as_ref().map_or("", |found| found);
            Resource::of(&found.group, &found.version, &found.resource, sub_resource)
        })
    }

    fn complete(self, text: &str) -> Result<Request<'a>, Malformed> {
        let resource = self.known_resource().ok_or(Malformed::Missing("request.resource"))?;
        let uid = self.uid.filter(|uid| !uid.is_empty()).ok_or(Malformed::Missing("request.uid"))?;
        let operation = match self.operation.as_deref() {
            Some("CREATE") => Operation::Create,
            Some("UPDATE") => Operation::Update,
            Some("DELETE") => Operation::Delete,
            Some("CONNECT") => Operation::Connect,
            _ => return Err(Malformed::Missing("request.operation of CREATE, UPDATE, DELETE or CONNECT")),
        };
        let namespace = self.namespace.unwrap_or_default();
        if resource.is_namespaced() && namespace.is_empty() {
            return Err(Malformed::Missing("request.namespace"));
        }
        let read = |part: Option<Part<'a>>, name| match part.map(|part| part.read(resource)) {
            None => Ok(None),
            Some(Ok(object)) => Ok(object),
            Some(Err(error)) => Err(malformed(&error.within(name).within("request"), text)),
        };
        let object = read(self.object, "object")?;
        let old_object = read(self.old_object, "oldObject")?;
        if matches!(operation, Operation::Create | Operation::Update) && object.is_none() {
            return Err(Malformed::Missing("request.object"));
        }
        if operation == Operation::Update && old_object.is_none() {
            return Err(Malformed::Missing("request.oldObject"));
        }
        Ok(Request {
            uid,
            resource,
            name: self.name.unwrap_or_default(),
            namespace,
            operation,
            user: self.user.unwrap_or_default(),
            dry_run: self.dry_run.unwrap_or_default(),
            object,
            // What is created was nothing before, whatever a review says.
            old_object: old_object.filter(|_| operation != Operation::Create),
        })
    }
}
