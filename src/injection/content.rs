//! The volumes that are injected: their names, their sources and where they are mounted.

use std::fmt;

use crate::policy::FurtherToken;
use crate::resource::Volume;
use crate::token::{API_DIRECTORY, Source, holds_exactly};

/// Where tokens for further audiences are mounted, each under its own name.
pub const FURTHER_DIRECTORY: &str = "/var/run/secrets/tokens";

/// What an injected volume holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content<'p> {
    /// The token for the API server, with what a client needs beside it: the volume of the built-in plugin, with another
    /// lifetime.
    Api {
        /// The audience; empty for the API server's own.
        audience: &'p str,
        /// The lifetime in seconds.
        seconds: u64,
    },
    /// Tokens for further audiences.
    Further(Vec<&'p FurtherToken>),
}

impl Content<'_> {
    /// The volume's name, where no other volume has it.
    #[must_use]
    pub const fn base_name(&self) -> &'static str {
        match self {
            Self::Api { .. } => "tokenward-api-access",
            Self::Further(_) => "tokenward-tokens",
        }
    }

    /// Where the volume is mounted.
    #[must_use]
    pub const fn directory(&self) -> &'static str {
        match self {
            Self::Api { .. } => API_DIRECTORY,
            Self::Further(_) => FURTHER_DIRECTORY,
        }
    }

    /// The tokens, for people, when some container is not given them.
    #[must_use]
    pub const fn described(&self) -> &'static str {
        match self {
            Self::Api { .. } => "API token",
            Self::Further(_) => "further token",
        }
    }

    /// The sources, in the order in which they are written.
    pub fn sources(&self) -> impl Iterator<Item = Source<'_>> {
        let (api, further) = match self {
            Self::Api { audience, seconds } => {
                let token = Source::Token { path: "token", audience, seconds: *seconds };
                (Some([token, Source::ROOT_CERTIFICATE, Source::Namespace]), None)
            }
            Self::Further(tokens) => (None, Some(tokens)),
        };
        api.into_iter().flatten().chain(further.into_iter().flatten().map(|token| Source::Token {
            path: &token.name,
            audience: &token.audience,
            seconds: token.expiration_seconds,
        }))
    }

    /// Whether `volume` has exactly this content.
    #[must_use]
    pub fn is_in(&self, volume: &Volume<'_>) -> bool {
        holds_exactly(volume, self.sources())
    }
}

/// The name of an injected volume: its base, and `-2`, `-3` and so on where a volume of other content has the base.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VolumeName {
    base: &'static str,
    number: u64,
}

impl VolumeName {
    /// The base itself.
    #[must_use]
    pub const fn first(base: &'static str) -> Self {
        Self { base, number: 1 }
    }

    /// The next name to try.
    #[must_use]
    pub const fn next(self) -> Self {
        Self { base: self.base, number: self.number + 1 }
    }

    /// The place of `name` among the names of this base; `None` where it is not one of them.
    #[must_use]
    pub fn number_of(base: &str, name: &str) -> Option<u64> {
        let rest = name.strip_prefix(base)?;
        if rest.is_empty() {
            return Some(1);
        }
        let digits = rest.strip_prefix('-')?;
        let canonical = !digits.starts_with('0') && digits.bytes().all(|digit| digit.is_ascii_digit());
        digits.parse().ok().filter(|number| canonical && *number > 1)
    }

    /// The place of this name among those of its base.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.number
    }
}

impl PartialEq<str> for VolumeName {
    fn eq(&self, other: &str) -> bool {
        Self::number_of(self.base, other) == Some(self.number)
    }
}

impl fmt::Display for VolumeName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.base)?;
        if self.number > 1 {
            write!(formatter, "-{}", self.number)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::VolumeName;

    #[test]
    fn numbers_the_names_of_a_base() {
        let number = |name: &str| VolumeName::number_of("tokenward-tokens", name);
        assert_eq!(number("tokenward-tokens"), Some(1));
        assert_eq!(number("tokenward-tokens-2"), Some(2));
        assert_eq!(number("tokenward-tokens-17"), Some(17));
        for other in ["-1", "-0", "-02", "-+2", "-", "2", "-x", "-2-2", "-99999999999999999999"] {
            assert_eq!(number(&format!("tokenward-tokens{other}")), None, "{other}");
        }
    }

    #[test]
    fn is_written_as_it_is_recognised() {
        let first = VolumeName::first("tokenward-tokens");
        for name in [first, first.next(), first.next().next()] {
            assert!(name == *name.to_string());
        }
        assert_eq!(first.next().to_string(), "tokenward-tokens-2");
    }
}
