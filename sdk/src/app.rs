//! Developers' apps.

use crate::{
    AppId, Created, DeveloperId, Error, GatewayConfirmation, List, OrderDirection, Timestamp,
    client::handle,
    confirmation::waiting_mutation,
    decision::Decision,
    developer::DeveloperRef,
    error::DecodeError,
    listing::{connection, listing},
    node::get_by_id,
    operation::{graphql_enum, input, mutation},
    schema,
};

/// An application of a developer: what is registered against versions, and what credentials belong to.
#[derive(Clone, Debug, PartialEq, cynic::QueryFragment, serde::Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct App {
    /// The app's id.
    pub id: AppId,
    /// The name, 1 to 255 characters.
    pub name: String,
    /// The developer's own id for it, unique in the portal.
    pub reference_id: String,
    /// What it is for, up to 10,000 characters.
    pub description: Option<String>,
    /// Whether its credentials count.
    pub status: AppStatus,
    /// Why it is suspended; None unless it is.
    pub suspension: Option<Decision>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// Whose it is.
    pub developer: DeveloperRef,
    /// What the caller may do with it at present.
    pub allowed_actions: Vec<AppAction>,
}

/// An app as other objects name it.
#[derive(Clone, Debug, PartialEq, Eq, cynic::QueryFragment, serde::Serialize)]
#[serde(rename_all = "camelCase")]
#[cynic(graphql_type = "App")]
#[non_exhaustive]
pub struct AppRef {
    /// The app's id.
    pub id: AppId,
    /// The name.
    pub name: String,
    /// The developer's own id for it.
    pub reference_id: String,
    /// Whose it is.
    pub developer: DeveloperRef,
}

graphql_enum! {
    /// Whether an app's credentials count.
    AppStatus {
        /// They do.
        Active = "ACTIVE",
        /// None of them does, until an admin resumes the app.
        Suspended = "SUSPENDED",
    }
}

graphql_enum! {
    /// What can be done with an app.
    AppAction {
        /// Change it.
        Update = "UPDATE",
        /// Delete it.
        Delete = "DELETE",
        /// Suspend it.
        Suspend = "SUSPEND",
        /// Resume it.
        Resume = "RESUME",
        /// Request access with it.
        RequestAccess = "REQUEST_ACCESS",
        /// Generate a credential of it.
        GenerateCredential = "GENERATE_CREDENTIAL",
    }
}

input! {
    /// What `createApp` takes.
    #[derive(Clone, Debug, cynic::InputObject)]
    CreateAppInput {
        required {
            /// The name, 1 to 255 characters.
            name: [String],
            /// The developer's own id for it: `[A-Za-z0-9][A-Za-z0-9._:-]{0,254}`, unique in the portal.
            reference_id: [String],
        }
        optional {
            /// What it is for, up to 10,000 characters.
            description: [String],
            /// Makes repeating the call safe for 24 hours: 1 to 255 printable ASCII characters. Unless given, the crate
            /// makes one for the retries of this one call.
            idempotency_key: [String],
        }
    }
}

input! {
    /// What `updateApp` takes.
    #[derive(Clone, Debug, cynic::InputObject)]
    UpdateAppInput {
        required {
            /// Which app.
            id: [AppId],
        }
        patch {
            /// The name; it cannot be cleared.
            name: [String],
            /// The developer's own id for it; it cannot be cleared.
            reference_id: [String],
            /// What it is for.
            description: [String],
        }
    }
}

input! {
    /// Which apps.
    #[derive(Clone, Debug, cynic::InputObject)]
    AppFilter {
        optional {
            /// A prefix of the name, the reference id or the developer's e-mail address, whatever the case.
            search: [String],
            /// One developer's.
            developer_id: [DeveloperId],
            /// With exactly this reference id.
            reference_id: [String],
        }
        list {
            /// In one of these states.
            status: [AppStatus],
        }
    }
}

graphql_enum! {
    /// What apps can be ordered by.
    AppOrderField {
        /// The name, whatever the case.
        Name = "NAME",
        /// When they were made.
        CreatedAt = "CREATED_AT",
    }
}

input! {
    /// In which order.
    #[derive(Clone, Debug, cynic::InputObject)]
    AppOrder {
        required {
            /// By what.
            field: [AppOrderField],
            /// Which end first.
            direction: [OrderDirection],
        }
    }
}

handle! {
    /// Developers' apps; from [`crate::Portico::apps`].
    Apps
}

impl<'a> Apps<'a> {
    /// The caller's apps, or everybody's for an admin (`apps`).
    pub fn list(self) -> List<'a, AppListing> {
        List::new(self.client, AppListing::default())
    }

    /// One app (`node`); None where the caller may see none such.
    ///
    /// # Errors
    ///
    /// [`Error::GraphQl`] with BAD_USER_INPUT for what is no id.
    pub async fn get(self, id: &AppId) -> Result<Option<App>, Error> {
        GetApp::fetch(self.client, id).await
    }

    /// Makes an app (`createApp`).
    ///
    /// # Errors
    ///
    /// [`Error::User`] with TAKEN when the reference id is in use, LIMIT_REACHED, INVALID, TOO_LONG or
    /// DEVELOPER_NOT_APPROVED.
    pub async fn create(self, input: CreateAppInput) -> Result<Created<App>, Error> {
        let payload = self.client.mutate_repeatable::<CreateApp>(input).await?;
        let object = payload.app.ok_or_else(|| DecodeError::missing("createApp.app"))?;
        Ok(Created {
            object,
            replayed: payload.replayed,
        })
    }

    /// Changes an app (`updateApp`).
    ///
    /// # Errors
    ///
    /// [`Error::User`] with NOT_FOUND, TAKEN, INVALID, TOO_LONG or REQUIRED.
    pub async fn update(self, input: UpdateAppInput) -> Result<App, Error> {
        let payload = self.client.mutate::<UpdateApp>(input).await?;
        Ok(payload.app.ok_or_else(|| DecodeError::missing("updateApp.app"))?)
    }

    /// Deletes an app with its requests and credentials (`deleteApp`); its traffic stops at once. Answers with its id.
    ///
    /// # Errors
    ///
    /// [`Error::User`] with NOT_FOUND.
    pub async fn delete(self, id: &AppId) -> Result<AppId, Error> {
        let payload = self
            .client
            .mutate::<DeleteApp>(DeleteAppInput { id: id.clone() })
            .await?;
        Ok(payload
            .deleted_id
            .ok_or_else(|| DecodeError::missing("deleteApp.deletedId"))?)
    }

    /// Suspends an app (`suspendApp`): all of its credentials stop at once, until it is resumed. Admins only.
    ///
    /// # Errors
    ///
    /// [`Error::User`] with INVALID_TRANSITION when it is suspended already, NOT_FOUND or REQUIRED.
    pub async fn suspend(self, id: &AppId, reason: impl Into<String>) -> Result<App, Error> {
        let input = SuspendAppInput {
            id: id.clone(),
            reason: reason.into(),
            wait_for_gateways: None,
        };
        let payload = self.client.mutate::<SuspendApp>(input).await?;
        Ok(payload.app.ok_or_else(|| DecodeError::missing("suspendApp.app"))?)
    }

    /// Suspends an app as [`Apps::suspend`] does, and waits up to 5 seconds until every gateway enforces it
    /// (`suspendApp` with `waitForGateways`). Call it again to go on waiting. Admins only.
    ///
    /// # Errors
    ///
    /// [`Error::User`] with NOT_FOUND or REQUIRED. INVALID_TRANSITION is no error here: the call has waited, and
    /// [`GatewayConfirmation::object`] has it.
    pub async fn suspend_and_wait(
        self,
        id: &AppId,
        reason: impl Into<String>,
    ) -> Result<GatewayConfirmation<App>, Error> {
        let input = SuspendAppInput {
            id: id.clone(),
            reason: reason.into(),
            wait_for_gateways: Some(true),
        };
        self.client.mutate_and_wait::<SuspendAppAndWait>(input).await
    }

    /// Resumes a suspended app (`resumeApp`). Admins only.
    ///
    /// # Errors
    ///
    /// [`Error::User`] with INVALID_TRANSITION when it is not suspended, or NOT_FOUND.
    pub async fn resume(self, id: &AppId) -> Result<App, Error> {
        let payload = self
            .client
            .mutate::<ResumeApp>(ResumeAppInput { id: id.clone() })
            .await?;
        Ok(payload.app.ok_or_else(|| DecodeError::missing("resumeApp.app"))?)
    }
}

connection!(AppConnection of App);

listing! {
    /// What [`Apps::list`] lists.
    AppListing = ListApps(ListAppsVariables).apps -> AppConnection of App, filter: AppFilter, order_by: AppOrder
}

get_by_id!(GetApp(GetAppVariables: AppId) -> AppNode::App(App));

#[derive(cynic::InputObject)]
pub(crate) struct DeleteAppInput {
    id: AppId,
}

#[derive(cynic::InputObject)]
pub(crate) struct SuspendAppInput {
    id: AppId,
    reason: String,
    #[cynic(skip_serializing_if = "Option::is_none")]
    wait_for_gateways: Option<bool>,
}

#[derive(cynic::InputObject)]
pub(crate) struct ResumeAppInput {
    id: AppId,
}

mutation!(CreateApp.create_app(CreateAppVariables: CreateAppInput)
    -> CreateAppPayload { app: App; replayed });
mutation!(UpdateApp.update_app(UpdateAppVariables: UpdateAppInput) -> UpdateAppPayload { app: App });
mutation!(DeleteApp.delete_app(DeleteAppVariables: DeleteAppInput) -> DeleteAppPayload { deleted_id: AppId });
mutation!(SuspendApp.suspend_app(SuspendAppVariables: SuspendAppInput) -> SuspendAppPayload { app: App });
waiting_mutation!(SuspendAppAndWait.suspend_app(SuspendAppAndWaitVariables: SuspendAppInput)
    -> SuspendAppAndWaitPayload("SuspendAppPayload") { app: App });
mutation!(ResumeApp.resume_app(ResumeAppVariables: ResumeAppInput) -> ResumeAppPayload { app: App });
