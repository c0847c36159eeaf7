//! All policies of one policy file, and how a review finds its own.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::decision::{Decision, Phase};
use super::exception::Exceptions;
use super::facts::Facts;
use super::{Builtin, Policy, evaluate, tokens};
use crate::admission::{Malformed, Request, Resource};
use crate::token::TokenTable;

/// The policies by name: the built-in ones, those of the policy files, and the exceptions that all share.
#[derive(Clone, Debug)]
pub struct PolicySet {
    by_name: BTreeMap<String, Policy>,
    restricted: Policy,
    exceptions: Arc<Exceptions>,
}

impl PolicySet {
    /// The built-in policies, those of `policies` in addition or in their place, and `exceptions` for all of them.
    #[must_use]
    pub fn new(policies: Vec<Policy>, exceptions: Exceptions) -> Self {
        let exceptions = Arc::new(exceptions);
        let all: Vec<Policy> = Builtin::ALL.into_iter().map(Policy::builtin).chain(policies).collect();
        let known = Arc::new(all.iter().map(|policy| (policy.name.to_string(), policy.standing())).collect());
        let mut by_name = BTreeMap::new();
        let mut restricted = Policy::builtin(Builtin::Restricted);
        for mut policy in all {
            policy.known = Arc::clone(&known);
            policy.exceptions = Arc::clone(&exceptions);
            if policy.name == restricted.name {
                restricted = policy.clone();
            }
            by_name.insert(policy.name.to_string(), policy);
        }
        Self { by_name, restricted, exceptions }
    }

    /// The built-in policies alone.
    #[must_use]
    pub fn builtin() -> Self {
        Self::new(Vec::new(), Exceptions::default())
    }

    /// The policy with this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Policy> {
        self.by_name.get(name)
    }

    /// The policy that judges for `name`: where none has the name, `restricted`.
    #[must_use]
    pub fn select(&self, name: &str) -> &Policy {
        self.get(name).unwrap_or(&self.restricted)
    }

    /// All policies in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = &Policy> {
        self.by_name.values()
    }

    /// The exceptions of all policies.
    #[must_use]
    pub fn exceptions(&self) -> &Exceptions {
        &self.exceptions
    }

    /// Decides on `request` under the policy for `name`.
    #[must_use]
    pub fn decide(
        &self,
        name: &str,
        phase: Phase,
        request: &Request<'_>,
        facts: &dyn Facts,
        now: Timestamp,
    ) -> Decision {
        let policy = self.select(name);
        let mut decision = evaluate(phase, request, facts, policy, now);
        if self.get(name).is_none() {
            decision.requested_policy = Some(name.to_owned());
        }
        decision
    }

    /// Answers a review: bytes in, bytes out. What the webhook does between the two ends of a connection.
    ///
    /// # Errors
    /// When the body is no review that can be judged; the caller answers HTTP 400.
    pub fn answer(
        &self,
        name: &str,
        phase: Phase,
        body: &[u8],
        facts: &dyn Facts,
        now: Timestamp,
    ) -> Result<Answer, Malformed> {
        let request = Request::parse(body)?;
        let decision = self.decide(name, phase, &request, facts, now);
        let body = decision.response(&request.uid).encode();
        Ok(Answer {
            body,
            uid: request.uid.to_string(),
            resource: request.resource,
            dry_run: request.dry_run,
            decision,
        })
    }

    /// The tokens of the Pod or template in a review, as it stands there; `None` where it is about something else.
    ///
    /// # Errors
    /// As [`Self::answer`].
    pub fn tokens(
        &self,
        name: &str,
        body: &[u8],
        facts: &dyn Facts,
        now: Timestamp,
    ) -> Result<Option<TokenTable>, Malformed> {
        let request = Request::parse(body)?;
        Ok(tokens(&request, facts, self.select(name), now))
    }
}

/// The answer to a review, with what the log and the metrics say of it.
#[derive(Debug)]
pub struct Answer {
    /// The AdmissionReview to send.
    pub body: Vec<u8>,
    /// The `uid` of the request.
    pub uid: String,
    /// What the request was about.
    pub resource: Resource,
    /// True when nothing will be stored.
    pub dry_run: bool,
    /// The decision behind the answer.
    pub decision: Decision,
}
