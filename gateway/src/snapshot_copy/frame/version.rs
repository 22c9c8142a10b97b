//! A version with its routes.

use domain::{
    gateway_service::{CanonicalHost, GatewayService, Route, RouteInput},
    id::{AuthStrategyId, VersionId},
    version::VersionLifecycle,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{CopyError, Id, owned, state_code::VersionLifecycleCode};
use crate::record::VersionRecord;

#[derive(Debug, Serialize, Deserialize)]
pub(in crate::snapshot_copy) struct VersionFrame<'a> {
    id: Id,
    #[serde(with = "VersionLifecycleCode")]
    lifecycle: VersionLifecycle,
    strategy: Option<Id>,
    #[serde(borrow)]
    service: Option<ServiceFrame<'a>>,
}

#[derive(Debug, Serialize, Deserialize)]
struct ServiceFrame<'a> {
    upstream_url: &'a str,
    #[serde(borrow)]
    routes: Vec<RouteFrame<'a>>,
}

#[derive(Debug, Serialize, Deserialize)]
struct RouteFrame<'a> {
    #[serde(borrow)]
    hosts: Vec<&'a str>,
    #[serde(borrow)]
    paths: Vec<&'a str>,
    #[serde(borrow)]
    methods: Vec<&'a str>,
    strip_path: bool,
}

impl<'a> VersionFrame<'a> {
    pub(super) fn of(record: &'a VersionRecord) -> Self {
        let VersionRecord {
            id,
            lifecycle,
            strategy,
            service,
        } = record;
        Self {
            id: id.uuid().into_bytes(),
            lifecycle: *lifecycle,
            strategy: strategy.map(|strategy| strategy.uuid().into_bytes()),
            service: service.as_ref().map(ServiceFrame::of),
        }
    }

    pub(super) fn record(self) -> Result<VersionRecord, CopyError> {
        let Self {
            id,
            lifecycle,
            strategy,
            service,
        } = self;
        Ok(VersionRecord {
            id: VersionId::from_uuid(Uuid::from_bytes(id)),
            lifecycle,
            strategy: strategy.map(|id| AuthStrategyId::from_uuid(Uuid::from_bytes(id))),
            service: service.map(|service| service.checked()).transpose()?,
        })
    }
}

impl<'a> ServiceFrame<'a> {
    fn of(service: &'a GatewayService) -> Self {
        let GatewayService { upstream_url, routes } = service;
        Self {
            upstream_url: upstream_url.as_str(),
            routes: routes.iter().map(RouteFrame::of).collect(),
        }
    }

    /// Checked like an admin's input: what this version would not accept, it does not serve.
    fn checked(self) -> Result<GatewayService, CopyError> {
        let Self { upstream_url, routes } = self;
        let routes: Vec<RouteInput> = routes.into_iter().map(RouteFrame::input).collect();
        GatewayService::validate(upstream_url, &routes)
            .map_err(|_| CopyError::Damaged("a gateway service is not valid"))
    }
}

impl<'a> RouteFrame<'a> {
    fn of(route: &'a Route) -> Self {
        Self {
            hosts: route.hosts().iter().map(CanonicalHost::as_str).collect(),
            paths: route.paths().iter().map(String::as_str).collect(),
            methods: route.methods().iter().map(String::as_str).collect(),
            strip_path: route.strip_path(),
        }
    }

    fn input(self) -> RouteInput {
        let Self {
            hosts,
            paths,
            methods,
            strip_path,
        } = self;
        RouteInput {
            hosts: owned(&hosts),
            paths: owned(&paths),
            methods: owned(&methods),
            strip_path,
        }
    }
}
