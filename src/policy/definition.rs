//! A policy, ready to judge by.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use super::exception::{Exceptions, NamePattern};
use super::registry::{RULES, Rule};
use super::rules::legacy_token_reference;
use super::{Action, Builtin};
use crate::token::ClusterSettings;

/// A policy: which rules apply how strictly, which tokens are allowed, and what is injected.
#[derive(Clone, Debug)]
pub struct Policy {
    /// The name that a namespace's label chooses it by; shared, since every decision says it.
    pub name: Arc<str>,
    /// The built-in policy that it starts from; it also says how strict the policy is as a whole.
    pub extends: Builtin,
    actions: Vec<Action>,
    /// Bounds on projected tokens.
    pub tokens: TokenLimits,
    /// What Pods are given.
    pub inject: InjectionSettings,
    /// What is known of the API server.
    pub cluster: ClusterSettings,
    /// The exceptions, the same for all policies of a file.
    pub exceptions: Arc<Exceptions>,
    /// All policies of the file by name, as far as a namespace's label is concerned.
    pub known: Arc<BTreeMap<String, Standing>>,
}

impl Policy {
    /// The built-in policy with the name `name`, so far without exceptions.
    #[must_use]
    pub fn builtin(builtin: Builtin) -> Self {
        Self {
            name: builtin.as_str().into(),
            extends: builtin,
            actions: RULES.iter().map(|rule| builtin.action(rule)).collect(),
            tokens: TokenLimits::default(),
            inject: InjectionSettings {
                when: if builtin.is_enforcing() { InjectWhen::AutomountDisabled } else { InjectWhen::Never },
                api_token: ApiToken::default(),
                tokens: Vec::new(),
                retune_automounted: builtin == Builtin::Restricted,
            },
            cluster: ClusterSettings::default(),
            exceptions: Arc::default(),
            known: Arc::default(),
        }
    }

    /// Where it stands among the others.
    #[must_use]
    pub fn standing(&self) -> Standing {
        let refuses_legacy_tokens = self.action(&legacy_token_reference::RULE) == Action::Deny;
        Standing { extends: self.extends, refuses_legacy_tokens }
    }

    /// What the policy does with a finding of `rule`.
    #[must_use]
    pub fn action(&self, rule: &Rule) -> Action {
        RULES.iter().position(|known| known.code == rule.code).map_or(Action::Off, |index| self.actions[index])
    }

    /// Sets what the policy does with a finding of `rule`.
    pub fn set_action(&mut self, rule: &Rule, action: Action) {
        if let Some(index) = RULES.iter().position(|known| known.code == rule.code) {
            self.actions[index] = action;
        }
    }

    /// Every rule with its action, in the order of the registry.
    pub fn actions(&self) -> impl Iterator<Item = (&'static Rule, Action)> {
        RULES.iter().copied().zip(self.actions.iter().copied())
    }

    /// Whether a projected token may have this audience; the empty one is the API server. Where the API server is allowed,
    /// so are the names that it goes by.
    #[must_use]
    pub fn allows_audience(&self, audience: &str) -> bool {
        let allowed = |audience: &str| self.tokens.allowed_audiences.iter().any(|pattern| pattern.matches(audience));
        allowed(audience) || (self.cluster.api_audiences.iter().any(|known| known == audience) && allowed(""))
    }

    /// Whether Pods can be changed under this policy, so that it has a mutating entry in the webhook configuration.
    #[must_use]
    pub fn mutates(&self) -> bool {
        self.inject.when != InjectWhen::Never || !self.inject.tokens.is_empty() || self.inject.retune_automounted
    }
}

/// Where a policy stands among the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The built-in policy that it starts from.
    pub extends: Builtin,
    /// Whether it refuses Pods that reach a legacy token.
    pub refuses_legacy_tokens: bool,
}

/// Bounds on projected tokens.
#[derive(Clone, Debug)]
pub struct TokenLimits {
    /// The longest effective lifetime, in seconds.
    pub max_expiration_seconds: u64,
    /// The audiences that a projected token may name; the empty one is the API server.
    pub allowed_audiences: Vec<NamePattern>,
}

impl Default for TokenLimits {
    fn default() -> Self {
        let any = NamePattern::parse("*").into_iter().collect();
        Self { max_expiration_seconds: 86_400, allowed_audiences: any }
    }
}

/// What Pods are given.
#[derive(Clone, Debug)]
pub struct InjectionSettings {
    /// When the API token is injected.
    pub when: InjectWhen,
    /// The API token.
    pub api_token: ApiToken,
    /// Tokens for further audiences.
    pub tokens: Vec<FurtherToken>,
    /// Whether 3607 s in the built-in volume is replaced by the API token's lifetime.
    pub retune_automounted: bool,
}

/// When a Pod is given the API token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InjectWhen {
    /// Whenever its automount is off, and on request.
    AutomountDisabled,
    /// Only on request.
    Requested,
    /// Never.
    Never,
}

/// The token for the API server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiToken {
    /// Its audience; empty for the API server's own.
    pub audience: String,
    /// Its lifetime in seconds, from 600; never 3607.
    pub expiration_seconds: u64,
}

impl Default for ApiToken {
    fn default() -> Self {
        Self { audience: String::new(), expiration_seconds: 3600 }
    }
}

/// A token for another audience, mounted at `/var/run/secrets/tokens/<name>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FurtherToken {
    /// The file.
    pub name: String,
    /// The audience.
    pub audience: String,
    /// The lifetime in seconds, from 600.
    pub expiration_seconds: u64,
    /// Which Pods are given it.
    pub mount: MountWhen,
}

/// Which Pods are given a further token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MountWhen {
    /// All of them.
    Always,
    /// Those whose automount is off.
    AutomountDisabled,
    /// Those that name it in `tokenward.dev/tokens`.
    Requested,
}

macro_rules! words {
    ($type:ident { $($variant:ident),+ $(,)? }) => {
        impl $type {
            /// The word in policy files.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => stringify!($variant)),+ }
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(self.as_str())
            }
        }

        impl FromStr for $type {
            type Err = ();

            fn from_str(word: &str) -> Result<Self, ()> {
                [$(Self::$variant),+].into_iter().find(|known| known.as_str() == word).ok_or(())
            }
        }
    };
}

words!(InjectWhen { AutomountDisabled, Requested, Never });
words!(MountWhen { Always, AutomountDisabled, Requested });

#[cfg(test)]
mod tests {
    use super::{Builtin, FurtherToken, InjectWhen, InjectionSettings, MountWhen, NamePattern, Policy};

    #[test]
    fn changes_pods_if_it_injects_the_api_token_or_another_or_retunes() {
        let mutates_with = |change: fn(&mut InjectionSettings)| {
            let mut policy = Policy::builtin(Builtin::Audit);
            change(&mut policy.inject);
            policy.mutates()
        };
        assert!(!mutates_with(|_| {}));
        assert!(mutates_with(|inject| inject.when = InjectWhen::Requested));
        assert!(mutates_with(|inject| {
            let (name, audience) = ("vault".to_owned(), "https://vault.example.com".to_owned());
            inject.tokens.push(FurtherToken { name, audience, expiration_seconds: 600, mount: MountWhen::Requested });
        }));
        assert!(mutates_with(|inject| inject.retune_automounted = true));
    }

    #[test]
    fn allows_what_is_listed_and_the_api_servers_names_only_where_it_is_listed_itself() {
        let allowing = |patterns: &[&str]| {
            let mut policy = Policy::builtin(Builtin::Restricted);
            policy.cluster.api_audiences =
                vec!["https://one.example.com".to_owned(), "https://two.example.com".to_owned()];
            policy.tokens.allowed_audiences =
                patterns.iter().map(|pattern| NamePattern::parse(pattern).unwrap()).collect();
            move |audience: &str| policy.allows_audience(audience)
        };
        let api_and_vault = allowing(&["", "vault-*"]);
        for allowed in ["", "https://one.example.com", "https://two.example.com", "vault-east"] {
            assert!(api_and_vault(allowed), "{allowed}");
        }
        assert!(!api_and_vault("https://three.example.com"));
        let vault = allowing(&["vault-*"]);
        assert!(vault("vault-east"));
        for refused in ["", "https://one.example.com", "vault"] {
            assert!(!vault(refused), "{refused}");
        }
    }
}
