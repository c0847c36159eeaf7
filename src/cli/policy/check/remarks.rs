//! What is to be said of a good exception.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::overlap::{Overlap, Overlaps};
use crate::config::{Place, Placed};
use crate::policy::{Action, Exception};
use crate::review::Candidates;

/// An exception that ends within this time is pointed out: long enough to agree on something else.
pub(super) const SOON: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Something that whoever keeps the file should know. None makes the file a bad one.
#[derive(Serialize)]
pub(super) struct Remark<'d> {
    pub(super) kind: Kind,
    level: &'static str,
    #[serde(flatten)]
    pub(super) place: JsonPlace<'d>,
    pub(super) message: String,
    /// The exception that it overlaps.
    other: Option<Other<'d>>,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Kind {
    /// It has ended.
    Expired,
    /// It ends within 30 days.
    EndsSoon,
    /// It is for nothing of what it was compared with.
    MatchesNothing,
    /// Another one allows the same.
    Overlaps,
}

impl Kind {
    pub(super) const fn level(self) -> Action {
        match self {
            Self::Expired => Action::Deny,
            Self::EndsSoon | Self::MatchesNothing | Self::Overlaps => Action::Warn,
        }
    }
}

/// A place in the words of the JSON output.
#[derive(Serialize)]
pub(super) struct JsonPlace<'d> {
    pub(super) file: &'d str,
    pub(super) line: usize,
    pub(super) column: usize,
}

impl<'d> JsonPlace<'d> {
    pub(super) fn of(place: &'d Place) -> Self {
        Self { file: &place.file, line: place.line, column: place.column }
    }
}

#[derive(Serialize)]
struct Other<'d> {
    name: &'d str,
    #[serde(flatten)]
    place: JsonPlace<'d>,
}

/// All remarks on an exception.
pub(super) fn of<'d>(
    exception: &'d Placed<Exception>,
    overlaps: &Overlaps<'d>,
    candidates: Option<&Candidates>,
    now: Timestamp,
) -> Vec<Remark<'d>> {
    let mut remarks = Vec::new();
    let Placed { value, name, place } = exception;
    if value.is_expired(now) {
        let message = "agree on a new date with the owner, or remove the exception";
        remarks.push(remark(Kind::Expired, place, message));
    } else if value.ends.duration_since(now) <= SOON {
        let message = "agree with the owner on what follows: another token, or a new date";
        remarks.push(remark(Kind::EndsSoon, place, message));
    }
    if candidates.is_some_and(|candidates| candidates.covered_by(value).next().is_none()) {
        let message = "matches no Secret that --against holds or reaches: remove it if nothing needs it any more";
        remarks.push(remark(Kind::MatchesNothing, name, message));
    }
    for overlap in &overlaps.told {
        let mut remark = remark(Kind::Overlaps, name, overlap_in_words(overlap));
        remark.other = Some(Other { name: &overlap.with.value.name, place: JsonPlace::of(&overlap.with.name) });
        remarks.push(remark);
    }
    if overlaps.more > 0 {
        remarks.push(remark(Kind::Overlaps, name, format!("overlaps {} more", overlaps.more)));
    }
    remarks
}

fn remark(kind: Kind, place: &Place, message: impl Into<String>) -> Remark<'_> {
    let level = kind.level().as_str();
    Remark { kind, level, place: JsonPlace::of(place), message: message.into(), other: None }
}

fn overlap_in_words(overlap: &Overlap<'_>) -> String {
    let Overlap { with, rule, secret, service_account } = overlap;
    let (name, place) = (&with.value.name, &with.name);
    format!(
        "overlaps exception {name} ({place}): both allow Secret {secret} of ServiceAccount {service_account} under {}",
        rule.name
    )
}
