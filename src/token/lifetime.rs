//! How long a token lasts, which is not always what was asked for.

use super::built_in::AUTOMOUNT_SECONDS;
use super::cluster::ClusterSettings;

/// What the API server writes where no `expirationSeconds` was given (kubernetes `pkg/apis/core/v1/defaults.go`).
pub const DEFAULT_SECONDS: u64 = 3600;

/// One year of 365 days: `ExpirationExtensionSeconds` in kubernetes `pkg/serviceaccount/claims.go`.
pub const EXTENDED_SECONDS: u64 = 365 * 24 * 3600;

/// The lifetime in seconds of a token with this audience for which a Pod's volume asks `requested` seconds.
///
/// An API server with `--service-account-extend-token-expiration`, the default, turns exactly 3607 seconds for one of its
/// own audiences into a year (kubernetes `pkg/registry/core/serviceaccount/storage/token.go`). A value below zero, which
/// the API server refuses, counts as zero.
#[must_use]
pub fn effective_seconds(audience: &str, requested: Option<i64>, cluster: &ClusterSettings) -> u64 {
    let seconds = requested.map_or(DEFAULT_SECONDS, |seconds| u64::try_from(seconds).unwrap_or(0));
    if seconds == AUTOMOUNT_SECONDS && is_for_api_server(audience, cluster) && cluster.extends_token_expiration {
        EXTENDED_SECONDS
    } else {
        seconds
    }
}

/// Whether the API server accepts a token with this audience.
#[must_use]
pub fn is_for_api_server(audience: &str, cluster: &ClusterSettings) -> bool {
    audience.is_empty() || cluster.api_audiences.iter().any(|known| known == audience)
}

#[cfg(test)]
mod tests {
    use super::effective_seconds;
    use crate::token::ClusterSettings;

    fn seconds(audience: &str, requested: impl Into<Option<i64>>) -> u64 {
        effective_seconds(audience, requested.into(), &ClusterSettings::default())
    }

    #[test]
    fn is_what_was_asked_for() {
        assert_eq!(seconds("", 600), 600);
        assert_eq!(seconds("", 3606), 3606);
        assert_eq!(seconds("", 3608), 3608);
        assert_eq!(seconds("vault", 4_294_967_296), 4_294_967_296);
    }

    // row 42
    #[test]
    fn is_an_hour_where_nothing_was_asked_for() {
        assert_eq!(seconds("", None), 3600);
    }

    // row 44
    #[test]
    fn is_a_year_for_3607_seconds_and_an_audience_of_the_api_server() {
        assert_eq!(seconds("", 3607), 31_536_000);
        assert_eq!(seconds("https://kubernetes.default.svc", 3607), 31_536_000);
        assert_eq!(seconds("https://kubernetes.default.svc.cluster.local", 3607), 31_536_000);
    }

    // row 45
    #[test]
    fn is_3607_seconds_for_a_foreign_audience() {
        assert_eq!(seconds("https://vault.example.com", 3607), 3607);
    }

    #[test]
    fn is_3607_seconds_where_the_api_server_does_not_extend() {
        let cluster = ClusterSettings { extends_token_expiration: false, ..ClusterSettings::default() };
        assert_eq!(effective_seconds("", Some(3607), &cluster), 3607);
    }

    #[test]
    fn is_nothing_for_a_value_below_zero() {
        assert_eq!(seconds("", -1), 0);
        assert_eq!(seconds("", i64::MIN), 0);
    }
}
