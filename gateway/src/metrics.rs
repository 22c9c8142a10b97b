//! What the data plane counts, for operators: atomic numbers, written on the request path and read when scraped.
//!
//! No label holds anything that a caller chooses: status codes, reasons, protocols and kinds are lists of ours.

use std::{
    array, fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use domain::access::Denial;
use http::StatusCode;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder, NoLabelSet},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
    registry::Registry,
};
use strum::IntoEnumIterator as _;

use crate::{answer::Refused, front_proxy::Protocol, snapshot::SnapshotReader};

/// Counters of one gateway. Cloning shares them.
#[derive(Clone, Debug, Default)]
pub struct Metrics(Arc<Counters>);

#[derive(Debug, Default)]
struct Counters {
    answered: ByStatus,
    denied: ByDenial,
    upstream_unreachable: AtomicU64,
    upstream_timeout: AtomicU64,
    durations: Durations,
    forward_auth: Decisions,
    ext_authz: Decisions,
}

#[derive(Debug, Default)]
struct Decisions {
    decided: ByStatus,
    denied: ByDenial,
}

impl Metrics {
    /// Nothing counted yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A call was answered: by the upstream, or (`refused`) by the gateway itself. `took` is until the response's head.
    pub(crate) fn answered(&self, status: StatusCode, refused: Option<Refused>, took: Duration) {
        self.0.durations.add(took);
        self.0.answered.add(status);
        match refused {
            Some(Refused::Denied(denial)) => self.0.denied.add(denial),
            Some(Refused::BadUpstream) => add(&self.0.upstream_unreachable),
            Some(Refused::UpstreamTimeout) => add(&self.0.upstream_timeout),
            Some(_) | None => {}
        }
    }

    /// A proxy's question was answered.
    pub(crate) fn decided(&self, protocol: Protocol, refused: Option<Refused>) {
        let decisions = match protocol {
            Protocol::ForwardAuth => &self.0.forward_auth,
            Protocol::ExtAuthz => &self.0.ext_authz,
        };
        decisions.decided.add(refused.map_or(StatusCode::OK, Refused::status));
        if let Some(Refused::Denied(denial)) = refused {
            decisions.denied.add(denial);
        }
    }

    /// Shows them, and what `reader` sees, to whoever scrapes the registry.
    pub fn register(&self, registry: &mut Registry, reader: SnapshotReader) {
        let metrics = self.clone();
        registry.register_collector(Box::new(Shown { metrics, reader }));
    }
}

fn add(counter: &AtomicU64) {
    counter.fetch_add(1, Relaxed);
}

/// Every status code that HTTP can have; those that never came are not shown.
struct ByStatus([AtomicU64; 500]);

impl Default for ByStatus {
    fn default() -> Self {
        Self(array::from_fn(|_| AtomicU64::new(0)))
    }
}

impl fmt::Debug for ByStatus {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_map().entries(self.counted()).finish()
    }
}

impl ByStatus {
    fn add(&self, status: StatusCode) {
        if let Some(counter) = self.0.get(usize::from(status.as_u16()).wrapping_sub(100)) {
            add(counter);
        }
    }

    fn counted(&self) -> impl Iterator<Item = (usize, u64)> + '_ {
        let all = self.0.iter().enumerate();
        all.map(|(at, counter)| (at + 100, counter.load(Relaxed)))
            .filter(|(_, count)| *count > 0)
    }
}

/// Room for more reasons than there are, by their place in the enumeration.
#[derive(Debug, Default)]
struct ByDenial([AtomicU64; 32]);

impl ByDenial {
    fn add(&self, denial: Denial) {
        if let Some(counter) = self.0.get(denial as usize) {
            add(counter);
        }
    }

    fn counted(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        Denial::iter().filter_map(|denial| {
            let count = self.0.get(denial as usize)?.load(Relaxed);
            (count > 0).then(|| (denial.into(), count))
        })
    }
}

/// Upper bounds in microseconds; one more bucket takes the rest.
const BOUNDS: [u64; 14] = [
    250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 5_000_000, 30_000_000,
];

#[derive(Debug, Default)]
struct Durations {
    buckets: [AtomicU64; BOUNDS.len() + 1],
    sum_in_microseconds: AtomicU64,
}

impl Durations {
    fn add(&self, took: Duration) {
        let microseconds = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let bucket = BOUNDS.partition_point(|bound| *bound < microseconds);
        if let Some(counter) = self.buckets.get(bucket) {
            add(counter);
        }
        self.sum_in_microseconds.fetch_add(microseconds, Relaxed);
    }
}

impl EncodeMetric for Durations {
    #[allow(clippy::cast_precision_loss, reason = "a sum of microseconds is exact for centuries")]
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        let bounds = BOUNDS.iter().map(|bound| *bound as f64 / 1e6).chain([f64::INFINITY]);
        let counts = self.buckets.iter().map(|bucket| bucket.load(Relaxed));
        let buckets: Vec<(f64, u64)> = bounds.zip(counts).collect();
        let count = buckets.iter().map(|(_, count)| count).sum();
        let sum = self.sum_in_microseconds.load(Relaxed) as f64 / 1e6;
        encoder.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Histogram
    }
}

#[derive(Debug)]
struct Shown {
    metrics: Metrics,
    reader: SnapshotReader,
}

impl Collector for Shown {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let Counters {
            answered,
            denied,
            upstream_unreachable,
            upstream_timeout,
            durations,
            forward_auth,
            ext_authz,
        } = &*self.metrics.0;
        family(
            &mut encoder,
            "portico_gateway_requests",
            "Calls that the gateway answered, by status",
            answered
                .counted()
                .map(|(status, count)| ([("status", status.to_string())], count)),
        )?;
        family(
            &mut encoder,
            "portico_gateway_denials",
            "Calls with a key that exists and opened nothing, by the reason in X-Portico-Denial",
            denied
                .counted()
                .map(|(reason, count)| ([("reason", reason.to_owned())], count)),
        )?;
        let failures = [("unreachable", upstream_unreachable), ("timeout", upstream_timeout)];
        family(
            &mut encoder,
            "portico_gateway_upstream_errors",
            "Calls that could not be forwarded, by what failed",
            failures
                .map(|(kind, count)| ([("kind", kind.to_owned())], count.load(Relaxed)))
                .into_iter(),
        )?;
        let histogram = encoder.encode_descriptor(
            "portico_gateway_request_duration_seconds",
            "Time from a call's head to its response's head",
            None,
            durations.metric_type(),
        )?;
        durations.encode(histogram)?;
        let protocols = [("forward_auth", forward_auth), ("ext_authz", ext_authz)];
        family(
            &mut encoder,
            "portico_proxy_decisions",
            "Questions of proxies that were answered, by protocol and the status that the client gets",
            protocols.into_iter().flat_map(|(protocol, decisions)| {
                let counted = decisions.decided.counted();
                counted.map(move |(status, count)| {
                    (
                        [("protocol", protocol.to_owned()), ("status", status.to_string())],
                        count,
                    )
                })
            }),
        )?;
        family(
            &mut encoder,
            "portico_proxy_denials",
            "Questions of proxies about a key that exists and opened nothing, by protocol and reason",
            protocols.into_iter().flat_map(|(protocol, decisions)| {
                let counted = decisions.denied.counted();
                counted.map(move |(reason, count)| {
                    (
                        [("protocol", protocol.to_owned()), ("reason", reason.to_owned())],
                        count,
                    )
                })
            }),
        )?;
        let loaded = ConstGauge::new(i64::from(self.reader.load().is_some()));
        let gauge = encoder.encode_descriptor(
            "portico_gateway_snapshot_loaded",
            "1 when the gateway has a snapshot; at 0 every call is answered 503",
            None,
            loaded.metric_type(),
        )?;
        loaded.encode(gauge)?;
        let published = ConstCounter::new(*self.reader.changes().borrow());
        let counter = encoder.encode_descriptor(
            "portico_gateway_snapshots_published",
            "Snapshots that took the place of the one before",
            None,
            published.metric_type(),
        )?;
        published.encode(counter)
    }
}

fn family<const LABELS: usize>(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    counted: impl Iterator<Item = ([(&'static str, String); LABELS], u64)>,
) -> fmt::Result {
    let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
    for (labels, count) in counted {
        let counter = ConstCounter::new(count);
        counter.encode(metric.encode_family(&labels)?)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot;

    fn scrape(metrics: &Metrics) -> String {
        let (mut writer, reader) = snapshot::channel();
        writer.replace([]);
        let mut registry = Registry::default();
        metrics.register(&mut registry, reader);
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
        text
    }

    #[test]
    fn what_is_counted_is_shown() {
        let metrics = Metrics::new();
        let (fast, slow) = (Duration::from_micros(300), Duration::from_secs(60));
        metrics.answered(StatusCode::OK, None, fast);
        metrics.answered(StatusCode::OK, None, slow);
        let denied = Refused::Denied(Denial::AppSuspended);
        metrics.answered(denied.status(), Some(denied), fast);
        metrics.answered(StatusCode::BAD_GATEWAY, Some(Refused::BadUpstream), fast);
        // The upstream's own 502 is no failure to reach it.
        metrics.answered(StatusCode::BAD_GATEWAY, None, fast);
        metrics.decided(Protocol::ForwardAuth, None);
        metrics.decided(Protocol::ExtAuthz, Some(denied));
        let text = scrape(&metrics);
        for line in [
            r#"portico_gateway_requests_total{status="200"} 2"#,
            r#"portico_gateway_requests_total{status="403"} 1"#,
            r#"portico_gateway_requests_total{status="502"} 2"#,
            r#"portico_gateway_denials_total{reason="APP_SUSPENDED"} 1"#,
            r#"portico_gateway_upstream_errors_total{kind="unreachable"} 1"#,
            r#"portico_gateway_upstream_errors_total{kind="timeout"} 0"#,
            r#"portico_gateway_request_duration_seconds_bucket{le="0.00025"} 0"#,
            r#"portico_gateway_request_duration_seconds_bucket{le="0.0005"} 4"#,
            r#"portico_gateway_request_duration_seconds_bucket{le="30.0"} 4"#,
            r#"portico_gateway_request_duration_seconds_bucket{le="+Inf"} 5"#,
            r#"portico_gateway_request_duration_seconds_count 5"#,
            r#"portico_proxy_decisions_total{protocol="forward_auth",status="200"} 1"#,
            r#"portico_proxy_decisions_total{protocol="ext_authz",status="403"} 1"#,
            r#"portico_proxy_denials_total{protocol="ext_authz",reason="APP_SUSPENDED"} 1"#,
            "portico_gateway_snapshot_loaded 1",
            "portico_gateway_snapshots_published_total 1",
        ] {
            assert!(text.lines().any(|one| one == line), "{line} is missing in\n{text}");
        }
        assert!(text.ends_with("# EOF\n"));
    }

    #[test]
    fn every_reason_has_its_own_counter() {
        let metrics = Metrics::new();
        for denial in Denial::iter() {
            metrics.answered(StatusCode::FORBIDDEN, Some(Refused::Denied(denial)), Duration::ZERO);
        }
        let shown = scrape(&metrics).matches("portico_gateway_denials_total{").count();
        assert_eq!(shown, Denial::iter().count());
    }
}
