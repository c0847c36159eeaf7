//! The routes that the API server calls.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use jiff::Timestamp;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::Limits;
use super::budget::Budget;
use super::deadline::time_allowed;
use super::intake::{Received, check_head, receive};
use super::refusal::Refusal;
use crate::admission::Malformed;
use crate::policy::{Answer, Inventory, Phase, PolicySet};
use crate::telemetry::{Metrics, Outcome};

/// Bodies from this size on are judged on a thread of their own: a quarter of a millisecond and more is too long to keep
/// other connections waiting.
const LARGE: usize = 256 * 1024;

/// How a review is decided.
type Judge = fn(&PolicySet, &str, Phase, &[u8], &Inventory, Timestamp) -> Result<Answer, Malformed>;

/// What reviews are answered from.
pub(super) struct Reviews {
    pub(super) policies: Arc<ArcSwap<PolicySet>>,
    pub(super) inventory: Arc<ArcSwap<Inventory>>,
    pub(super) metrics: Metrics,
    /// [`judge`] and the system's clock, but in tests.
    judge: Judge,
    clock: fn() -> Timestamp,
    in_flight: Semaphore,
    budget: Arc<Budget>,
    limits: Limits,
}

impl Reviews {
    pub(super) fn new(
        policies: Arc<ArcSwap<PolicySet>>,
        inventory: Arc<ArcSwap<Inventory>>,
        metrics: Metrics,
        limits: Limits,
    ) -> Arc<Self> {
        let in_flight = Semaphore::new(limits.reviews.min(Semaphore::MAX_PERMITS));
        let budget = Budget::new(limits.bodies);
        Arc::new(Self { policies, inventory, metrics, judge, clock: Timestamp::now, in_flight, budget, limits })
    }

    /// The routes: one path for each policy and phase, so that the webhook configuration chooses the policy.
    pub(super) fn router(self: Arc<Self>) -> Router {
        Router::new()
            .route("/mutate/{policy}", post(mutate))
            .route("/validate/{policy}", post(validate))
            .method_not_allowed_fallback(async || Refusal::Method("POST"))
            .fallback(async || Refusal::NotFound)
            .with_state(self)
    }

    async fn answer(self: Arc<Self>, phase: Phase, policy: &str, request: Request) -> Result<Answer, Refusal> {
        let begun = Instant::now();
        check_head(request.headers(), self.limits.body)?;
        let Ok(_one_of_many) = self.in_flight.try_acquire() else { return Err(Refusal::TooManyReviews) };
        let allowed = time_allowed(request.uri().query());
        let received = receive(request.into_body(), self.limits.body, &self.budget);
        let received = timeout(allowed.min(self.limits.slow), received).await.map_err(|_| Refusal::TooLate)??;
        if received.bytes.len() < LARGE {
            return self.decide(phase, policy, &received.bytes, begun);
        }
        let left = allowed.saturating_sub(begun.elapsed());
        let decided = Arc::clone(&self).decide_elsewhere(phase, policy.to_owned(), received, begun, allowed);
        timeout(left, decided).await.map_err(|_| Refusal::TooLate)?
    }

    /// Decides on a thread for long work.
    async fn decide_elsewhere(
        self: Arc<Self>,
        phase: Phase,
        policy: String,
        received: Received,
        begun: Instant,
        allowed: Duration,
    ) -> Result<Answer, Refusal> {
        let decided = spawn_blocking(move || {
            // It may have waited for a thread, and nobody may wait for it any more.
            if begun.elapsed() >= allowed {
                return Err(Refusal::TooLate);
            }
            self.decide(phase, &policy, &received.bytes, begun)
        });
        // The thread is only told to end without a result by a panic, which is dealt with where all are.
        decided
            .await
            .unwrap_or_else(|error| error.try_into_panic().map_or(Err(Refusal::Fault), |panic| resume_unwind(panic)))
    }

    /// Decides by one version of the policies and of the inventory.
    fn decide(&self, phase: Phase, policy: &str, body: &Bytes, begun: Instant) -> Result<Answer, Refusal> {
        let policies = self.policies.load();
        let inventory = self.inventory.load();
        match (self.judge)(&policies, policy, phase, body, &inventory, (self.clock)()) {
            Ok(answer) => {
                self.metrics.decided(phase, &answer, begun.elapsed());
                Ok(answer)
            }
            Err(malformed) => {
                self.metrics.undecided(phase, &policies.select(policy).name, Outcome::Malformed, begun.elapsed());
                Err(malformed.into())
            }
        }
    }
}

fn judge(
    policies: &PolicySet,
    policy: &str,
    phase: Phase,
    body: &[u8],
    inventory: &Inventory,
    now: Timestamp,
) -> Result<Answer, Malformed> {
    policies.answer(policy, phase, body, inventory, now)
}

/// Runs an answer to its end; `None` when it panicked. A review changes nothing outside of itself, and what it has taken of
/// the limits comes back when it is dropped, so nothing is left broken.
async fn contained<T>(answer: impl Future<Output = T>) -> Option<T> {
    let mut answer = pin!(answer);
    poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| answer.as_mut().poll(context))) {
        Ok(poll) => poll.map(Some),
        Err(_) => Poll::Ready(None),
    })
    .await
}

async fn mutate(
    State(reviews): State<Arc<Reviews>>,
    policy: Result<Path<String>, PathRejection>,
    request: Request,
) -> Response {
    respond(reviews, Phase::Mutate, policy, request).await
}

async fn validate(
    State(reviews): State<Arc<Reviews>>,
    policy: Result<Path<String>, PathRejection>,
    request: Request,
) -> Response {
    respond(reviews, Phase::Validate, policy, request).await
}

async fn respond(
    reviews: Arc<Reviews>,
    phase: Phase,
    policy: Result<Path<String>, PathRejection>,
    request: Request,
) -> Response {
    let Ok(Path(policy)) = policy else { return Refusal::NotFound.into_response() };
    let begun = Instant::now();
    let answered = contained(async {
        let answer = Arc::clone(&reviews).answer(phase, &policy, request).await?;
        log(phase, &answer);
        Ok(([(CONTENT_TYPE, HeaderValue::from_static("application/json"))], answer.body).into_response())
    });
    match answered.await.unwrap_or(Err(Refusal::Fault)) {
        Ok(response) => response,
        Err(refusal) => {
            if let Some(shed) = refusal.shed() {
                reviews.metrics.shed(shed);
            }
            if matches!(refusal, Refusal::Fault) {
                let policies = reviews.policies.load();
                reviews.metrics.undecided(phase, &policies.select(&policy).name, Outcome::Error, begun.elapsed());
            }
            tracing::info!(phase = phase.as_str(), status = refusal.status().as_u16(), reason = %refusal, "no review");
            refusal.into_response()
        }
    }
}

/// One line: what was asked and what was said, by code; never what the object holds.
fn log(phase: Phase, answer: &Answer) {
    let outcome = Outcome::of(&answer.decision);
    macro_rules! line {
        ($level:ident) => {
            tracing::$level!(
                uid = answer.uid,
                phase = phase.as_str(),
                resource = answer.resource.label(),
                policy = &*answer.decision.policy,
                decision = outcome.as_str(),
                codes = answer.decision.codes(),
                "review"
            )
        };
    }
    if outcome == Outcome::Denied {
        line!(info);
    } else {
        line!(debug);
    }
}

#[cfg(test)]
mod tests;
