//! Whether the API server accepts a token.

use k8s_openapi::api::authentication::v1::{TokenReview, TokenReviewSpec, TokenReviewStatus};
use kube::api::{Api, PostParams};
use serde::Serialize;

use super::error::one_line;
use super::{Cluster, ClusterError};

/// What the API server says of a token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TokenVerdict {
    /// Whether it accepts the token, for at least one of the audiences that it was asked about.
    pub accepted: bool,
    /// Whom it takes the bearer for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// For which of the audiences that it was asked about it accepts the token.
    pub audiences: Vec<String>,
    /// Why it does not, in its own words; some API servers say nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Cluster {
    /// Asks the API server whether it accepts `token` for one of `audiences`, or for itself where none is given.
    ///
    /// # Errors
    /// When it cannot be reached, or refuses to say. No error holds a part of the token.
    pub async fn review_token(&self, token: &str, audiences: &[String]) -> Result<TokenVerdict, ClusterError> {
        let api: Api<TokenReview> = Api::all(self.client.clone());
        let asked = (!audiences.is_empty()).then(|| audiences.to_vec());
        let review = TokenReview {
            spec: TokenReviewSpec { audiences: asked, token: Some(token.to_owned()) },
            ..TokenReview::default()
        };
        let patience = self.access.patience;
        let answer = tokio::time::timeout(patience, api.create(&PostParams::default(), &review))
            .await
            .map_err(|_| ClusterError::timed_out(self.server(), patience))?
            .map_err(|error| ClusterError::of_review(error, self.server(), |text| withheld(text, token)))?;
        Ok(TokenVerdict::of(answer.status.unwrap_or_default(), token, audiences))
    }
}

impl TokenVerdict {
    fn of(status: TokenReviewStatus, token: &str, asked: &[String]) -> Self {
        let audiences = status.audiences.unwrap_or_default();
        let authenticated = status.authenticated == Some(true);
        // An authenticator that knows nothing of audiences names none, and has then checked the token for itself alone.
        let for_us = asked.is_empty() || audiences.iter().any(|audience| asked.contains(audience));
        let reason = match status.error.filter(|error| !error.is_empty()) {
            Some(error) => Some(withheld(&error, token)),
            None if authenticated && !for_us => {
                Some("it names none of the audiences that it was asked about".to_owned())
            }
            None => None,
        };
        let user = status.user.and_then(|user| user.username).filter(|_| authenticated);
        Self { accepted: authenticated && for_us, user, audiences, reason }
    }
}

/// The server's words in one line, unless they quote a part of the token.
fn withheld(text: &str, token: &str) -> String {
    let text = one_line(text);
    let quotes_it = token.split('.').any(|part| !part.is_empty() && text.contains(part));
    if quotes_it { "words that quote the token".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::authentication::v1::{TokenReviewStatus, UserInfo};

    use super::TokenVerdict;

    fn accepted(audiences: Option<&[&str]>) -> TokenReviewStatus {
        TokenReviewStatus {
            authenticated: Some(true),
            audiences: audiences.map(|list| list.iter().map(ToString::to_string).collect()),
            user: Some(UserInfo { username: Some("ci".to_owned()), ..UserInfo::default() }),
            ..TokenReviewStatus::default()
        }
    }

    fn verdict(status: TokenReviewStatus, asked: &[&str]) -> TokenVerdict {
        let asked: Vec<String> = asked.iter().map(ToString::to_string).collect();
        TokenVerdict::of(status, "header.payload.signature", &asked)
    }

    #[test]
    fn is_accepted_for_the_api_server_whatever_audiences_are_named() {
        for audiences in [None, Some(&["api"][..])] {
            let verdict = verdict(accepted(audiences), &[]);
            assert!(verdict.accepted && verdict.user.as_deref() == Some("ci"), "{verdict:?}");
        }
    }

    #[test]
    fn is_accepted_for_an_audience_only_where_it_is_named() {
        assert!(verdict(accepted(Some(&["vault"])), &["vault", "other"]).accepted);
        for audiences in [None, Some(&["api"][..])] {
            let verdict = verdict(accepted(audiences), &["vault"]);
            assert!(!verdict.accepted, "{verdict:?}");
            assert_eq!(verdict.reason.as_deref(), Some("it names none of the audiences that it was asked about"));
        }
    }

    #[test]
    fn is_refused_where_the_server_says_nothing() {
        let verdict = verdict(TokenReviewStatus::default(), &[]);
        assert_eq!(verdict, TokenVerdict { accepted: false, user: None, audiences: Vec::new(), reason: None });
    }

    #[test]
    fn passes_on_no_words_that_quote_the_token() {
        for (error, told) in [
            ("bad signature\nin token", "words that quote the token"),
            ("cannot read payload", "words that quote the token"),
            ("the token\nhas expired", "the token has expired"),
        ] {
            let status = TokenReviewStatus { error: Some(error.to_owned()), ..TokenReviewStatus::default() };
            assert_eq!(verdict(status, &[]).reason.as_deref(), Some(told));
        }
    }
}
