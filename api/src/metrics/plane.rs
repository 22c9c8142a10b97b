//! What the control plane's parts have counted by themselves, read when scraped.

use std::{fmt, sync::Arc};

use domain::Timestamp;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{counter::ConstCounter, gauge::ConstGauge},
};

use crate::control_plane::ControlPlane;

/// Reads the follower and the throttle.
pub(crate) struct PlaneCollector(pub(crate) Arc<ControlPlane>);

impl fmt::Debug for PlaneCollector {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("PlaneCollector").finish_non_exhaustive()
    }
}

impl Collector for PlaneCollector {
    #[allow(
        clippy::cast_precision_loss,
        reason = "an age in milliseconds is exact for centuries"
    )]
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let progress = self.0.follower.progress();
        let mut counter = |name: &str, help: &str, value: u64| {
            let counter = ConstCounter::new(value);
            let metric = encoder.encode_descriptor(name, help, None, counter.metric_type())?;
            counter.encode(metric)
        };
        counter(
            "portico_change_rows",
            "Objects that the change log named and this node read anew",
            progress.rows(),
        )?;
        counter(
            "portico_change_full_loads",
            "Times that everything was read anew: at start, and when the change log did not go on",
            progress.full_loads(),
        )?;
        counter(
            "portico_change_read_failures",
            "Reads of the change log that failed",
            progress.failures(),
        )?;
        let (sign_ins, sign_ups) = self.0.throttle.refusals();
        counter(
            "portico_sign_ins_throttled",
            "Sign-ins refused for coming too fast",
            sign_ins,
        )?;
        counter(
            "portico_sign_ups_throttled",
            "Sign-ups refused for coming too fast",
            sign_ups,
        )?;
        // What is not true yet is not shown: there is no age before the first read.
        if let Some(at) = progress.read_at() {
            let age = Timestamp::now().as_millis().saturating_sub(at.as_millis()).max(0);
            let age = ConstGauge::new(age as f64 / 1000.0);
            let metric = encoder.encode_descriptor(
                "portico_change_position_age_seconds",
                "Time since this node last knew that it holds all that was committed: the most that it may lag",
                None,
                age.metric_type(),
            )?;
            age.encode(metric)?;
        }
        Ok(())
    }
}
