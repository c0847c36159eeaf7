//! Everything that a Pod holds, put together for people: what the webhook asks piece by piece, in one list.

mod legacy;
mod literal;
mod projected;
mod view;

use std::fmt;

use jiff::Timestamp;

use super::automount::Automount;
use super::cluster::{ClusterSettings, SecretFact};
use super::container::{ContainerList, Holder};
use crate::resource::FieldPath;
use view::View;

/// The tokens of a Pod.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TokenTable {
    /// The account that the Pod runs as.
    pub service_account: String,
    /// What is known to be there: projected tokens volume by volume, then legacy Secrets, then those in the Pod's own text.
    pub tokens: Vec<HeldToken>,
    /// What may be there, and why that is not known.
    pub unknown: Vec<UnknownToken>,
}

/// One token, and who sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldToken {
    /// Where it comes from.
    pub source: TokenSource,
    /// The namespace of the account that it speaks for.
    pub namespace: String,
    /// The account that it speaks for.
    pub service_account: String,
    /// Whom it is for; none where the API server fills in its own name, and none for a legacy token.
    pub audiences: Vec<String>,
    /// Whether the API server accepts it.
    pub is_for_api_server: bool,
    /// The lifetime that is asked for, in seconds; nothing for a legacy token.
    pub requested_seconds: Option<u64>,
    /// The lifetime that it has, in seconds; nothing for a token that never expires.
    pub effective_seconds: Option<u64>,
    /// Where the Pod asks for it.
    pub paths: Vec<FieldPath>,
    /// Who sees it, and where.
    pub sightings: Vec<Sighting>,
}

/// Where a token comes from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TokenSource {
    /// The volume of the built-in plugin, with the plugin's lifetime or another one.
    Automount {
        /// The volume; nothing where the plugin is yet to add it.
        volume: Option<String>,
    },
    /// A `serviceAccountToken` source of another volume.
    Projected {
        /// The volume.
        volume: String,
    },
    /// A legacy token Secret.
    LegacySecret {
        /// The Secret.
        secret: String,
    },
    /// It is written into the Pod.
    Literal,
}

impl TokenSource {
    /// The word in reports.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Automount { .. } => "automount",
            Self::Projected { .. } => "projected",
            Self::LegacySecret { .. } => "legacy",
            Self::Literal => "literal",
        }
    }

    /// The volume.
    #[must_use]
    pub fn volume(&self) -> Option<&str> {
        match self {
            Self::Automount { volume } => volume.as_deref(),
            Self::Projected { volume } => Some(volume),
            Self::LegacySecret { .. } | Self::Literal => None,
        }
    }

    /// The Secret.
    #[must_use]
    pub fn secret(&self) -> Option<&str> {
        match self {
            Self::LegacySecret { secret } => Some(secret),
            _ => None,
        }
    }
}

impl HeldToken {
    /// Whether everybody who sees the token sees it renewed; nothing where nobody sees it.
    #[must_use]
    pub fn is_renewed(&self) -> Option<bool> {
        (!self.sightings.is_empty()).then(|| self.sightings.iter().all(|sighting| sighting.is_renewed))
    }
}

/// A place where a token is seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// Who sees it.
    pub reader: Reader,
    /// Where the reader sees it.
    pub spot: Spot,
    /// Whether the token there is replaced before it ends.
    pub is_renewed: bool,
    /// Why it may not be there after all, or be another one.
    pub doubts: Vec<Doubt>,
    /// The field of the Pod that shows it to the reader.
    pub path: FieldPath,
}

/// Who sees a token.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reader {
    /// A container.
    Container {
        /// The list that it is in.
        list: ContainerList,
        /// Its name.
        name: String,
    },
    /// The node, in the Pod's name: the kubelet, or a storage driver.
    Node,
    /// Whoever may read Pods.
    PodReader,
}

/// Where a token is seen.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Spot {
    /// A file, by its path in the container.
    File(String),
    /// The mount at this path, or a file below it.
    Mount(String),
    /// A variable.
    Variable(String),
    /// An item of `command`, from 0.
    Command(usize),
    /// An item of `args`, from 0.
    Argument(usize),
    /// An annotation of the Pod.
    Annotation(String),
    /// `imagePullSecrets`.
    PullSecret,
    /// The driver of this volume.
    VolumeDriver(String),
}

/// Why a token may not be where it is expected, or be another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Doubt {
    /// The mount has a `subPathExpr`.
    SubPathExpr,
    /// The mount's `subPath` leads into a directory that the kubelet made.
    KubeletDirectory,
    /// Another source of the volume writes the same file.
    SameFile,
    /// Another source of the volume has no `items`.
    AllKeys,
    /// Something else is mounted over it.
    Covered,
}

impl Doubt {
    /// The word in reports for programs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SubPathExpr => "sub-path-expr",
            Self::KubeletDirectory => "kubelet-directory",
            Self::SameFile => "same-file",
            Self::AllKeys => "source-without-items",
            Self::Covered => "other-mount",
        }
    }

    /// The reason, for people.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::SubPathExpr => "which file a subPathExpr shows is known when the container starts",
            Self::KubeletDirectory => "the subPath leads into a directory that the kubelet makes",
            Self::SameFile => "another source of the volume writes the same file",
            Self::AllKeys => "a source without items may write the same file",
            Self::Covered => "something else is mounted over it",
        }
    }
}

/// A token that may be there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UnknownToken {
    /// A Secret that the Pod reaches, and of which nothing is known.
    Secret {
        /// The Secret.
        secret: String,
        /// Where the Pod names it.
        paths: Vec<FieldPath>,
        /// Who would see its token, and where.
        sightings: Vec<Sighting>,
    },
    /// The API server's own token, since nothing is known of the Pod's account.
    Automount {
        /// The account.
        service_account: String,
    },
}

impl fmt::Display for UnknownToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Secret { secret, .. } => {
                write!(formatter, "whether Secret {secret} holds a legacy token is not known")
            }
            Self::Automount { service_account } => {
                write!(formatter, "whether ServiceAccount {service_account} automounts a token is not known")
            }
        }
    }
}

/// What has to be known beside the Pod.
#[derive(Clone, Copy)]
pub struct Surroundings<'s> {
    /// The namespace.
    pub namespace: &'s str,
    /// Where the Pod lies in its object.
    pub base: &'s FieldPath,
    /// Whether the API server mounts its own token.
    pub automount: Automount,
    /// Whether the built-in plugin has done its work; on a template it has not.
    pub is_resolved: bool,
    /// What is known of the API server.
    pub cluster: &'s ClusterSettings,
    /// What is known of a Secret.
    pub secret: &'s dyn Fn(&str) -> SecretFact<'s>,
    /// Tokens that have expired by then are none.
    pub now: Timestamp,
}

impl Holder<'_> {
    /// The tokens that the Pod holds.
    #[must_use]
    pub fn table(self, surroundings: Surroundings<'_>) -> TokenTable {
        let view = View::of(self, surroundings);
        let service_account = self.pod.spec.service_account_name().to_owned();
        let mut table = TokenTable { service_account, ..TokenTable::default() };
        projected::add(&view, &mut table);
        legacy::add(&view, &mut table);
        literal::add(&view, &mut table);
        table
    }
}

#[cfg(test)]
mod tests {
    use super::Doubt;

    #[test]
    fn each_doubt_has_a_reason_of_its_own() {
        let doubts = [Doubt::SubPathExpr, Doubt::KubeletDirectory, Doubt::SameFile, Doubt::AllKeys, Doubt::Covered];
        for (index, doubt) in doubts.iter().enumerate() {
            assert!(doubt.reason().contains(' '));
            assert!(doubts[..index].iter().all(|other| other.reason() != doubt.reason()));
        }
    }
}
