//! Asking for access: what it needs, and whether it is approved at once.

use crate::{
    Refusal, RefusalCode, Timestamp,
    access_request::AccessRequestStatus,
    app::{self, AppStatus, BoundKinds},
    decision::Decision,
    developer::{self, DeveloperStatus},
    portal::PortalSettings,
    registration::Registration,
    version::VersionLifecycle,
    viewer::Viewer,
};

/// What the past says about a developer (by normalised e-mail) and a version. Each of these makes a request wait for
/// a person, whatever is approved automatically.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// A hold is recorded: an admin has rejected or revoked a request of this e-mail for this version, with any app
    /// (see [`super::holds_requests`]), or an app was deleted while it was suspended with a request for it
    /// (see [`app::deletion_holds_requests`]). Nothing clears it: neither time, cancelling, deleting, signing up
    /// again, nor a later approval.
    pub held: bool,
    /// An app of the developer that has a request for the version, in whatever state, is suspended at present.
    pub suspended_app_with_request: bool,
}

/// All that a request for access depends on. That the app is the caller's own, and that app and version exist for
/// them, is for the caller to see to (NOT_FOUND).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Submission {
    /// The portal's settings.
    pub portal: PortalSettings,
    /// Where the developer stands.
    pub developer: DeveloperStatus,
    /// Where the app stands.
    pub app: AppStatus,
    /// What the app's live credentials and open requests bind it to.
    pub app_bound_to: BoundKinds,
    /// The app has an open request for the version.
    pub has_open_request: bool,
    /// The version's product is published.
    pub product_published: bool,
    /// The version's lifecycle.
    pub lifecycle: VersionLifecycle,
    /// The version's registration settings.
    pub registration: Registration,
    /// What an earlier "no" still says.
    pub history: History,
}

/// A request that was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// PENDING or APPROVED.
    pub status: AccessRequestStatus,
    /// The automatic decision; `None` while PENDING.
    pub decision: Option<Decision>,
}

/// Submits a request for access at `now`.
///
/// # Errors
/// Everything that stands against it, in this order: PORTAL_IS_PUBLIC, DEVELOPER_NOT_APPROVED, APP_SUSPENDED
/// (`appId`), VERSION_NOT_AVAILABLE, REGISTRATION_DISABLED, ALREADY_REQUESTED (`versionId`), STRATEGY_MISMATCH
/// (`appId`).
pub fn submit(submission: &Submission, now: Timestamp) -> Result<Outcome, Vec<Refusal>> {
    let Submission {
        portal,
        developer,
        app,
        app_bound_to,
        has_open_request,
        product_published,
        lifecycle,
        registration,
        history,
    } = submission;
    let mut refusals = Vec::new();
    refusals.extend(check_portal(portal).err());
    refusals.extend(developer::check_approved(*developer).err());
    refusals.extend(app::check_active("appId", *app).err());
    refusals.extend(check_version(*product_published, *lifecycle).err());
    refusals.extend(check_registration(registration).err());
    if *has_open_request {
        refusals.push(Refusal::at(
            "versionId",
            RefusalCode::AlreadyRequested,
            "The app has an open request for this version already. Look at its state, or cancel it before asking again.",
        ));
    }
    if let Some(strategy) = &registration.auth_strategy
        && !app_bound_to.admits(strategy.kind)
    {
        refusals.push(Refusal::at(
            "appId",
            RefusalCode::StrategyMismatch,
            format!(
                "The version's callers prove themselves by {}, but this app's credentials or open requests are of another kind. Ask with another app.",
                strategy.kind
            ),
        ));
    }
    if !refusals.is_empty() {
        return Err(refusals);
    }
    let History {
        held,
        suspended_app_with_request,
    } = *history;
    let waits_for_person = held || suspended_app_with_request;
    if portal.approves_requests(registration.auto_approve) && !waits_for_person {
        return Ok(Outcome {
            status: AccessRequestStatus::Approved,
            decision: Some(Decision {
                by: None,
                automatic: true,
                at: now,
                reason: None,
            }),
        });
    }
    Ok(Outcome {
        status: AccessRequestStatus::Pending,
        decision: None,
    })
}

/// Why the viewer cannot register any app with a version that exists for them: the portal's Register button shows
/// when this is empty. Whether the viewer has an app yet, and what it is bound to, doesn't matter. For admins and
/// anonymous viewers DEVELOPER_NOT_APPROVED stands: only approved developers register.
#[must_use]
pub fn viewer_cannot_register_reasons(
    viewer: &Viewer,
    portal: &PortalSettings,
    product_published: bool,
    lifecycle: VersionLifecycle,
    registration: &Registration,
) -> Vec<RefusalCode> {
    let mut reasons = Vec::new();
    reasons.extend(check_portal(portal).err().map(|refusal| refusal.code));
    if !viewer.is_approved_developer() {
        reasons.push(RefusalCode::DeveloperNotApproved);
    }
    let of_version = check_version(product_published, lifecycle).err();
    let of_registration = check_registration(registration).err();
    reasons.extend(
        of_version
            .into_iter()
            .chain(of_registration)
            .map(|refusal| refusal.code),
    );
    reasons
}

fn check_portal(portal: &PortalSettings) -> Result<(), Refusal> {
    if portal.is_public {
        return Err(Refusal::new(
            RefusalCode::PortalIsPublic,
            "A public portal takes no access requests. Ask its admins to make it private.",
        ));
    }
    Ok(())
}

fn check_version(product_published: bool, lifecycle: VersionLifecycle) -> Result<(), Refusal> {
    let message = match lifecycle {
        VersionLifecycle::Active if product_published => return Ok(()),
        VersionLifecycle::Active => "The version's product is not published. Ask the portal's admins.",
        VersionLifecycle::Draft => "The version is a draft. Wait until it is released, or choose another one.",
        VersionLifecycle::Deprecated => "The version is deprecated and takes no new requests. Choose a newer one.",
        VersionLifecycle::Retired => "The version is retired. Choose a newer one.",
    };
    Err(Refusal::at("versionId", RefusalCode::VersionNotAvailable, message))
}

fn check_registration(registration: &Registration) -> Result<(), Refusal> {
    // Enabled without a strategy would be a request that nothing can ever use.
    if registration.enabled && registration.auth_strategy.is_some() {
        return Ok(());
    }
    Err(Refusal::at(
        "versionId",
        RefusalCode::RegistrationDisabled,
        "Registration is not enabled on this version. Ask the portal's admins.",
    ))
}
