//! From a request to the bytes of its body, within every bound.

use std::sync::Arc;

use axum::body::Body;
use bytes::Bytes;
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use http_body_util::BodyExt as _;

use super::budget::{Budget, Share};
use super::refusal::Refusal;

/// How much room is made for what is announced and has not come. Almost every review is smaller, and is copied once.
const AHEAD: usize = 128 * 1024;

/// A body, and its share of the memory for bodies for as long as it is held.
#[derive(Debug)]
pub(super) struct Received {
    pub(super) bytes: Bytes,
    _share: Share,
}

/// Refuses what the head alone shows to be wrong.
pub(super) fn check_head(headers: &HeaderMap, limit: usize) -> Result<(), Refusal> {
    if !is_json(headers) {
        return Err(Refusal::ContentType);
    }
    if headers.get_all(CONTENT_ENCODING).iter().any(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return Err(Refusal::Encoded);
    }
    if announced(headers).is_some_and(|length| length > limit as u64) {
        return Err(Refusal::TooLarge { limit });
    }
    Ok(())
}

/// `application/json`, whatever its parameters.
fn is_json(headers: &HeaderMap) -> bool {
    let stated = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = stated.split(';').next().unwrap_or_default().trim();
    media_type.eq_ignore_ascii_case("application/json")
}

fn announced(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Reads the whole body.
///
/// The share covers the memory that is taken, not only the bytes that have come: a crowd of bodies of which each has just
/// begun takes as much as if all of them were there.
pub(super) async fn receive(mut body: Body, limit: usize, budget: &Arc<Budget>) -> Result<Received, Refusal> {
    let mut share = budget.share();
    let mut first = Bytes::new();
    let mut whole = Vec::new();
    let mut received = 0;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| Refusal::CutShort)?.into_data() else { continue };
        received += data.len();
        if received > limit {
            return Err(Refusal::TooLarge { limit });
        }
        let room = if received == data.len() {
            received
        } else {
            room_for(received, whole.capacity(), http_body::Body::size_hint(&body).upper(), limit)
        };
        if !share.grow_to(room) {
            return Err(Refusal::TooManyBytes);
        }
        // Most reviews come in one piece, which needs no copy.
        if received == data.len() {
            first = data;
        } else {
            whole.reserve_exact(room - whole.len());
            whole.extend_from_slice(&std::mem::take(&mut first));
            whole.extend_from_slice(&data);
        }
    }
    let bytes = if whole.is_empty() { first } else { whole.into() };
    Ok(Received { bytes, _share: share })
}

/// How large a buffer should be when `received` bytes have come and `left` are still announced: room for all of it where
/// that is not much, and else for twice as much as came.
fn room_for(received: usize, capacity: usize, left: Option<u64>, limit: usize) -> usize {
    if received <= capacity {
        return capacity;
    }
    let left = left.map_or(received, |left| usize::try_from(left).unwrap_or(usize::MAX));
    received.saturating_add(left.min(received.max(AHEAD))).min(limit)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::pin::Pin;
    use std::task::{Context, Poll, Waker};

    use axum::body::Body;
    use bytes::Bytes;
    use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderName};
    use http::{HeaderMap, HeaderValue};
    use http_body::{Frame, SizeHint};

    use super::{AHEAD, Budget, Refusal, check_head, receive, room_for};

    fn head(fields: &[(HeaderName, &'static str)]) -> HeaderMap {
        fields.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn takes_json_with_and_without_parameters() {
        for stated in ["application/json", "application/json; charset=utf-8", "Application/JSON ;q=1"] {
            assert!(check_head(&head(&[(CONTENT_TYPE, stated)]), 10).is_ok(), "{stated}");
        }
        for stated in ["", "text/json", "application/json-patch+json", "application/yaml"] {
            assert!(matches!(check_head(&head(&[(CONTENT_TYPE, stated)]), 10), Err(Refusal::ContentType)), "{stated}");
        }
    }

    #[test]
    fn refuses_compression_and_announced_excess_by_the_head_alone() {
        let json = (CONTENT_TYPE, "application/json");
        let compressed = head(&[json.clone(), (CONTENT_ENCODING, "gzip")]);
        assert!(matches!(check_head(&compressed, 10), Err(Refusal::Encoded)));
        assert!(check_head(&head(&[json.clone(), (CONTENT_ENCODING, "identity")]), 10).is_ok());
        assert!(check_head(&head(&[json.clone(), (CONTENT_LENGTH, "10")]), 10).is_ok());
        assert!(matches!(check_head(&head(&[json, (CONTENT_LENGTH, "11")]), 10), Err(Refusal::TooLarge { limit: 10 })));
    }

    /// A body that comes in pieces.
    struct Pieces {
        left: std::slice::Iter<'static, &'static str>,
        /// What is still announced; such a body is given up by its sender behind the last piece.
        announced: Option<usize>,
    }

    impl http_body::Body for Pieces {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _context: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            let Some(piece) = self.left.next() else {
                return if self.announced.is_some() { Poll::Pending } else { Poll::Ready(None) };
            };
            self.announced = self.announced.map(|announced| announced - piece.len());
            Poll::Ready(Some(Ok(Frame::data(Bytes::from(*piece)))))
        }

        fn size_hint(&self) -> SizeHint {
            self.announced.map_or_else(SizeHint::default, |announced| SizeHint::with_exact(announced as u64))
        }
    }

    fn pieces(parts: &'static [&'static str]) -> Body {
        Body::new(Pieces { left: parts.iter(), announced: None })
    }

    #[tokio::test]
    async fn joins_pieces() {
        let budget = Budget::new(100);
        assert_eq!(receive(pieces(&[]), 10, &budget).await.unwrap().bytes, "");
        assert_eq!(receive(pieces(&["one"]), 10, &budget).await.unwrap().bytes, "one");
        assert_eq!(receive(pieces(&["one", "", "two", "3"]), 10, &budget).await.unwrap().bytes, "onetwo3");
    }

    #[tokio::test]
    async fn stops_at_the_limit_whatever_was_announced() {
        let budget = Budget::new(100);
        let refusal = receive(pieces(&["12345", "67890", "1"]), 10, &budget).await.unwrap_err();
        assert!(matches!(refusal, Refusal::TooLarge { limit: 10 }));
    }

    #[tokio::test]
    async fn a_body_holds_its_share_until_it_is_dropped() {
        let budget = Budget::new(5);
        let held = receive(pieces(&["1234"]), 10, &budget).await.unwrap();
        assert!(matches!(receive(pieces(&["12"]), 10, &budget).await, Err(Refusal::TooManyBytes)));
        drop(held);
        assert!(receive(pieces(&["12345"]), 10, &budget).await.is_ok());
    }
    #[test]
    fn makes_room_for_what_is_announced_where_that_is_little() {
        const LIMIT: usize = 16 << 20;
        assert_eq!(room_for(20_000, 0, Some(46_000), LIMIT), 66_000);
        assert_eq!(room_for(20_000, 0, Some(3 << 20), LIMIT), 20_000 + AHEAD);
        assert_eq!(room_for(1 << 20, 300_000, Some(8 << 20), LIMIT), 2 << 20);
        assert_eq!(room_for(12 << 20, 300_000, Some(u64::MAX), LIMIT), LIMIT);
        assert_eq!(room_for(20_000, 0, None, LIMIT), 40_000);
        assert_eq!(room_for(40_000, 66_000, Some(26_000), LIMIT), 66_000);
    }

    #[tokio::test]
    async fn a_body_that_has_just_begun_takes_as_much_as_is_made_ready_for_it() {
        let budget = Budget::new(250_000);
        let receive = || {
            let body = Body::new(Pieces { left: ["piece"; 2].iter(), announced: Some(100_000) });
            Box::pin(receive(body, 1 << 20, &budget))
        };
        let mut context = Context::from_waker(Waker::noop());
        let (mut one, mut other) = (receive(), receive());
        assert!(one.as_mut().poll(&mut context).is_pending() && other.as_mut().poll(&mut context).is_pending());
        assert!(matches!(receive().as_mut().poll(&mut context), Poll::Ready(Err(Refusal::TooManyBytes))));
        drop(one);
        assert!(receive().as_mut().poll(&mut context).is_pending());
    }
}
