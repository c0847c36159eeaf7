//! The request of an AdmissionReview, borrowed from the bytes.

use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::object::ObjectSeed;
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
    /// The object as it was; there on update.
    pub old_object: Option<Object<'a>>,
}

impl<'a> Request<'a> {
    /// Reads an AdmissionReview.
    ///
    /// # Errors
    /// Everything that leaves a part of the review unknown: see [`Malformed`].
    pub fn parse(body: &'a [u8]) -> Result<Self, Malformed> {
        let text = std::str::from_utf8(body).map_err(|_| Malformed::Json("it is not UTF-8".to_owned()))?;
        // Go writes `resource` and `subResource` before the objects, so one pass can pick the views. In another order a
        // second pass reads the objects when all else is known.
        match read::<true>(text) {
            Ok(review) if !review.request.as_ref().is_some_and(|request| request.picked_too_early) => review.complete(),
            _ => read::<false>(text).map_err(|error| Malformed::Json(describe(&error)))?.complete(),
        }
    }
}

fn read<const PICK: bool>(text: &str) -> serde_json::Result<Review<'_, PICK>> {
    serde_json::from_str(text)
}

/// The position and nature of a JSON error, without a byte of the body.
fn describe(error: &serde_json::Error) -> String {
    let nature = match error.classify() {
        serde_json::error::Category::Eof => "it ends too early",
        serde_json::error::Category::Syntax | serde_json::error::Category::Io => "it is not JSON",
        serde_json::error::Category::Data => {
            return format!("{} at line {} column {}", quoted_fields_only(error), error.line(), error.column());
        }
    };
    format!("{nature} at line {} column {}", error.line(), error.column())
}

/// serde's sentences quote values of a wrong type; only those about names of fields, which are ours, are passed on.
fn quoted_fields_only(error: &serde_json::Error) -> String {
    let sentence = error.to_string();
    let known = ["missing field", "duplicate field", "a key is given twice"];
    match known.iter().find(|start| sentence.starts_with(**start)) {
        Some(_) => sentence.split(" at line ").next().unwrap_or_default().to_owned(),
        None => "a field has a value of the wrong type".to_owned(),
    }
}

fn shorten(value: &str) -> String {
    if value.is_empty() {
        return "(nothing)".to_owned();
    }
    value.chars().filter(|character| !character.is_control()).take(60).collect()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Review<'a, const PICK: bool> {
    #[serde(borrow, default)]
    api_version: Text<'a>,
    #[serde(default)]
    kind: Text<'a>,
    #[serde(default)]
    request: Option<Envelope<'a, PICK>>,
}

impl<'a, const PICK: bool> Review<'a, PICK> {
    fn complete(self) -> Result<Request<'a>, Malformed> {
        if self.api_version != "admission.k8s.io/v1" || self.kind != "AdmissionReview" {
            return Err(Malformed::Version { api_version: shorten(&self.api_version), kind: shorten(&self.kind) });
        }
        self.request.ok_or(Malformed::Missing("request"))?.complete()
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

/// An object of the envelope: read at once where the resource is known by then, kept as text where it comes first.
enum Part<'a> {
    Read(Option<Object<'a>>),
    Later(&'a RawValue),
}

impl<'a> Part<'a> {
    fn read(self, resource: Resource) -> Result<Option<Object<'a>>, Malformed> {
        match self {
            Self::Read(object) => Ok(object),
            Self::Later(raw) => ObjectSeed(resource)
                .deserialize(&mut serde_json::Deserializer::from_str(raw.get()))
                .map_err(|error| Malformed::Json(describe(&error))),
        }
    }
}

/// The fields of a request. With `PICK`, objects are read into the view of the resource known so far.
#[derive(Default)]
struct Envelope<'a, const PICK: bool> {
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

impl<'a, const PICK: bool> Envelope<'a, PICK> {
    /// `subResource` is left out when it is empty, so the resource counts as known as soon as `resource` was read; Go
    /// writes both before the objects.
    fn known_resource(&self) -> Option<Resource> {
        self.resource.as_ref().map(|found| {
            let sub_resource = self.sub_resource.as_ref().map_or("", |found| found);
            Resource::of(&found.group, &found.version, &found.resource, sub_resource)
        })
    }

    fn complete(self) -> Result<Request<'a>, Malformed> {
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
        let object = self.object.map_or(Ok(None), |part| part.read(resource))?;
        let old_object = self.old_object.map_or(Ok(None), |part| part.read(resource))?;
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
            old_object,
        })
    }
}

#[derive(Clone, Copy, Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum Field {
    Uid,
    Resource,
    SubResource,
    Name,
    Namespace,
    Operation,
    UserInfo,
    DryRun,
    Object,
    OldObject,
    #[serde(other)]
    Unread,
}

struct EnvelopeVisitor<const PICK: bool>;

fn once<'de, A: MapAccess<'de>, T: Deserialize<'de>>(
    slot: &mut Option<T>,
    name: &'static str,
    map: &mut A,
) -> Result<(), A::Error> {
    if slot.is_some() {
        return Err(Error::duplicate_field(name));
    }
    *slot = Some(map.next_value()?);
    Ok(())
}

fn part_once<'de, A: MapAccess<'de>>(
    slot: &mut Option<Part<'de>>,
    name: &'static str,
    resource: Option<Resource>,
    map: &mut A,
) -> Result<(), A::Error> {
    if slot.is_some() {
        return Err(Error::duplicate_field(name));
    }
    *slot = Some(match resource {
        Some(resource) => Part::Read(map.next_value_seed(ObjectSeed(resource))?),
        None => Part::Later(map.next_value()?),
    });
    Ok(())
}

impl<'de, const PICK: bool> Visitor<'de> for EnvelopeVisitor<PICK> {
    type Value = Envelope<'de, PICK>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an admission request")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut envelope = Envelope::default();
        while let Some(field) = map.next_key()? {
            match field {
                Field::Uid => once(&mut envelope.uid, "uid", &mut map)?,
                Field::Resource => once(&mut envelope.resource, "resource", &mut map)?,
                Field::SubResource => {
                    let picked =
                        [&envelope.object, &envelope.old_object].map(|part| matches!(part, Some(Part::Read(_))));
                    envelope.picked_too_early = picked.contains(&true);
                    once(&mut envelope.sub_resource, "subResource", &mut map)?;
                }
                Field::Name => once(&mut envelope.name, "name", &mut map)?,
                Field::Namespace => once(&mut envelope.namespace, "namespace", &mut map)?,
                Field::Operation => once(&mut envelope.operation, "operation", &mut map)?,
                Field::UserInfo => once(&mut envelope.user, "userInfo", &mut map)?,
                Field::DryRun => once(&mut envelope.dry_run, "dryRun", &mut map)?,
                Field::Object => {
                    let resource = envelope.known_resource().filter(|_| PICK);
                    part_once(&mut envelope.object, "object", resource, &mut map)?;
                }
                Field::OldObject => {
                    let resource = envelope.known_resource().filter(|_| PICK);
                    part_once(&mut envelope.old_object, "oldObject", resource, &mut map)?;
                }
                Field::Unread => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(envelope)
    }
}

impl<'de: 'a, 'a, const PICK: bool> Deserialize<'de> for Envelope<'a, PICK> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EnvelopeVisitor::<PICK>)
    }
}
