//! The caller of one request, as services see it.

use std::net::IpAddr;

use domain::{
    Timestamp,
    developer::DeveloperStatus,
    id::{AdminId, DeveloperId, SessionId},
    viewer::Viewer,
};

use crate::error::ServiceError;

/// Who calls, from where, and when. Made once per request, passed to every service.
#[derive(Clone, Debug)]
pub struct CallContext {
    /// Whose eyes the answer is for.
    pub viewer: Viewer,
    /// The session of the viewer's token.
    pub session: Option<SessionId>,
    /// The request's id, as in the logs and in `X-Request-Id`.
    pub request_id: Option<String>,
    /// Where the request came from, after trusted proxies.
    pub client_address: Option<IpAddr>,
    /// When the request began: the one time that all its rules use.
    pub now: Timestamp,
}

impl CallContext {
    /// A call that nobody made over the network: start-up, the command line.
    #[must_use]
    pub fn internal() -> Self {
        Self {
            viewer: Viewer::Anonymous,
            session: None,
            request_id: None,
            client_address: None,
            now: Timestamp::now(),
        }
    }

    /// Who acts, as audit events name it.
    #[must_use]
    pub fn actor(&self) -> String {
        match self.viewer {
            Viewer::Anonymous => "anonymous".to_owned(),
            Viewer::Developer { id, .. } => id.to_string(),
            Viewer::Admin { id } => id.to_string(),
        }
    }

    /// The viewer as an admin.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` when nobody is signed in, `FORBIDDEN` for a developer.
    pub fn admin(&self) -> Result<AdminId, ServiceError> {
        match self.viewer {
            Viewer::Admin { id } => Ok(id),
            Viewer::Developer { .. } => Err(ServiceError::Forbidden),
            Viewer::Anonymous => Err(ServiceError::Unauthenticated),
        }
    }

    /// The viewer as an admin, for root fields that are an admin's alone: everyone else is told so, signed in or not.
    ///
    /// # Errors
    /// `FORBIDDEN` for everyone else.
    pub fn admin_only(&self) -> Result<AdminId, ServiceError> {
        match self.viewer {
            Viewer::Admin { id } => Ok(id),
            Viewer::Developer { .. } | Viewer::Anonymous => Err(ServiceError::Forbidden),
        }
    }

    /// The viewer as a developer, whatever their status; the rules look at that.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` when nobody is signed in, `FORBIDDEN` for an admin.
    pub fn developer(&self) -> Result<(DeveloperId, DeveloperStatus), ServiceError> {
        match self.viewer {
            Viewer::Developer { id, status } => Ok((id, status)),
            Viewer::Admin { .. } => Err(ServiceError::Forbidden),
            Viewer::Anonymous => Err(ServiceError::Unauthenticated),
        }
    }

    /// Checks that somebody is signed in.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` otherwise.
    pub fn signed_in(&self) -> Result<(), ServiceError> {
        match self.viewer {
            Viewer::Anonymous => Err(ServiceError::Unauthenticated),
            Viewer::Developer { .. } | Viewer::Admin { .. } => Ok(()),
        }
    }
}
