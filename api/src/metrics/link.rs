//! Gauges of a gateway of its own: how its link to the control plane is, read when they are scraped.

use std::fmt;

use gateway::control_plane::LinkStatus;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric as _},
    metrics::gauge::ConstGauge,
};

/// What scrapes of a gateway of its own tell of its link.
#[derive(Debug)]
pub(crate) struct LinkCollector(pub(crate) LinkStatus);

impl Collector for LinkCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut gauge = |name: &str, help: &str, value: i64| {
            let gauge = ConstGauge::new(value);
            let metric = encoder.encode_descriptor(name, help, None, gauge.metric_type())?;
            gauge.encode(metric)
        };
        gauge(
            "portico_gateway_control_plane_connected",
            "Whether the stream from the control plane is up",
            self.0.is_connected().into(),
        )?;
        gauge(
            "portico_gateway_copy_failing",
            "Whether the copy of the snapshot cannot be written to disk",
            self.0.copy_failure().is_some().into(),
        )?;
        if let Some(age) = self.0.age() {
            gauge(
                "portico_gateway_snapshot_age_seconds",
                "How long ago the snapshot was known to be true",
                i64::try_from(age.as_secs()).unwrap_or(i64::MAX),
            )?;
        }
        Ok(())
    }
}
