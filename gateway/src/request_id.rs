//! The id under which a request is logged, here and at the upstream.

use std::sync::atomic::{AtomicU64, Ordering};

use domain::Timestamp;
use http::{HeaderMap, HeaderValue};
use uuid::{Builder, Uuid};

use crate::headers::REQUEST_ID;

/// A trusted proxy's id, when it is a plain one, or a new one.
pub(crate) fn request_id(headers: &HeaderMap, peer_is_trusted: bool) -> HeaderValue {
    let sent = headers.get(REQUEST_ID).map(HeaderValue::as_bytes);
    believed(sent, peer_is_trusted).unwrap_or_else(|| value(Uuid::now_v7()))
}

/// Makes the ids of one worker: UUIDs of version 7 (RFC 9562), whose random bits are a generator's that began at random.
/// They tell requests apart; nobody is kept from guessing them.
#[derive(Debug)]
pub(crate) struct RequestIds {
    state: AtomicU64,
    /// More random bits, the same in all of a worker's.
    worker: u16,
}

impl RequestIds {
    pub(crate) fn new() -> Self {
        // The last 32 bits are random in every one of these.
        let [one, two, three] = [(); 3].map(|()| Uuid::now_v7().as_u64_pair().1);
        Self {
            state: AtomicU64::new(one ^ two.rotate_left(32)),
            worker: (three & 0xffff) as u16,
        }
    }

    /// The id that was sent, when it is a plain one of a trusted proxy, or a new one.
    pub(crate) fn id_of(&self, sent: Option<&[u8]>, peer_is_trusted: bool, now: Timestamp) -> HeaderValue {
        believed(sent, peer_is_trusted).unwrap_or_else(|| value(self.make(now)))
    }

    /// SplitMix64 (Steele, Lea and Flood 2014): no number comes twice before all have come.
    fn make(&self, now: Timestamp) -> Uuid {
        let state = self.state.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
        let mut mixed = state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        let [a, b, c, d, e, f, g, h] = mixed.to_be_bytes();
        let [i, j] = self.worker.to_be_bytes();
        let millis = u64::try_from(now.as_millis()).unwrap_or_default();
        // Of the first and the third byte the version and the variant take bits, so those are the worker's.
        Builder::from_unix_timestamp_millis(millis, &[i, a, j, b, c, d, e, f, g, h]).into_uuid()
    }
}

fn value(id: Uuid) -> HeaderValue {
    let mut text = [0; uuid::fmt::Simple::LENGTH];
    let id = id.simple().encode_lower(&mut text);
    HeaderValue::from_str(id).unwrap_or_else(|_| HeaderValue::from_static("unknown"))
}

fn believed(sent: Option<&[u8]>, peer_is_trusted: bool) -> Option<HeaderValue> {
    let sent = sent.filter(|id| {
        peer_is_trusted
            && (1..=128).contains(&id.len())
            && id
                .iter()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
    });
    sent.and_then(|id| HeaderValue::from_bytes(id).ok())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn ids_are_uuids_of_their_time_and_none_comes_twice() {
        let now = Timestamp::from_millis(1_700_000_000_123);
        let workers = [RequestIds::new(), RequestIds::new()];
        let ids: HashSet<HeaderValue> = workers
            .iter()
            .flat_map(|worker| (0..10_000).map(|_| worker.id_of(None, true, now)))
            .collect();
        assert_eq!(ids.len(), 20_000);
        for id in &ids {
            let id = Uuid::try_parse(id.to_str().unwrap()).unwrap();
            assert_eq!((id.get_version_num(), id.get_variant()), (7, uuid::Variant::RFC4122));
            assert_eq!(id.get_timestamp().unwrap().to_unix().0, 1_700_000_000);
        }
    }

    #[test]
    fn only_plain_ids_of_trusted_proxies_are_kept() {
        let ids = RequestIds::new();
        let now = Timestamp::from_millis(0);
        for (sent, is_trusted, is_kept) in [
            ("a-B_9.z", true, true),
            ("a-B_9.z", false, false),
            ("", true, false),
            ("a b", true, false),
            ("a\"b", true, false),
        ] {
            let id = ids.id_of(Some(sent.as_bytes()), is_trusted, now);
            assert_eq!(id == sent, is_kept, "{sent:?}");
        }
        assert_eq!(ids.id_of(None, true, now).len(), 32);
    }
}
