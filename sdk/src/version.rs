//! Products' versions.

use serde_json::Value;

use crate::{
    AuthStrategyId, Created, Error, List, ProductId, Timestamp, UserErrorCode, VersionId,
    app::{App, AppConnection},
    client::handle,
    error::DecodeError,
    gateway_service::GatewayService,
    listing::{connection, listing},
    node::get_by_id,
    operation::{graphql_enum, input, mutation},
    product::ProductRef,
    registration::RegistrationSettings,
    schema,
};

/// A version of an API product: what apps register against, and what a gateway serves.
#[derive(Clone, Debug, PartialEq, cynic::QueryFragment)]
#[non_exhaustive]
pub struct ProductVersion {
    /// The version's id.
    pub id: VersionId,
    /// The name, such as `v1`, unique in its product.
    pub name: String,
    /// Whose version it is.
    pub product: ProductRef,
    /// Where it stands.
    pub lifecycle: VersionLifecycle,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// Where the gateway serves it; None: nowhere.
    pub gateway_service: Option<GatewayService>,
    /// Whether and how apps register.
    pub registration: RegistrationSettings,
    /// What the gateway enforces.
    pub plugins: Vec<Plugin>,
    /// Whether the caller may register an app, whether they have one yet or not.
    pub viewer_can_register: bool,
    /// Why not; empty when they may.
    pub viewer_cannot_register_reasons: Vec<UserErrorCode>,
}

/// A version as other objects name it.
#[derive(Clone, Debug, PartialEq, Eq, cynic::QueryFragment)]
#[cynic(graphql_type = "ProductVersion")]
#[non_exhaustive]
pub struct VersionRef {
    /// The version's id.
    pub id: VersionId,
    /// The name.
    pub name: String,
    /// Whose version it is.
    pub product: ProductRef,
}

/// What the gateway enforces on a version.
#[derive(Clone, Debug, PartialEq, cynic::QueryFragment)]
#[non_exhaustive]
pub struct Plugin {
    /// Which plugin: `acl`, `key-auth`, …
    pub name: String,
    /// Whether it follows from the registration settings and cannot be changed by itself.
    pub read_only: bool,
    /// Its settings.
    pub config: Value,
}

cynic::impl_scalar!(Value, schema::JSON);

graphql_enum! {
    /// Where a version stands.
    VersionLifecycle {
        /// Only admins see it; its routes answer 404.
        Draft = "DRAFT",
        /// It takes requests and traffic.
        Active = "ACTIVE",
        /// It is visible and takes traffic, but no new requests.
        Deprecated = "DEPRECATED",
        /// Only admins and those with a request see it; its traffic gets 410.
        Retired = "RETIRED",
    }
}

input! {
    /// What `createVersion` takes.
    #[derive(Clone, Debug, cynic::InputObject)]
    CreateVersionInput {
        required {
            /// Whose version.
            product_id: [ProductId],
            /// The name, unique in its product.
            name: [String],
        }
        optional {
            /// Where it begins; ACTIVE unless given.
            lifecycle: [VersionLifecycle],
            /// The OpenAPI document, up to 5 MiB.
            specification: [String],
            /// Makes repeating the call safe for 24 hours: 1 to 255 printable ASCII characters. Unless given, the crate
            /// makes one for the retries of this one call.
            idempotency_key: [String],
        }
    }
}

input! {
    /// What `updateVersion` takes.
    #[derive(Clone, Debug, cynic::InputObject)]
    UpdateVersionInput {
        required {
            /// Which version.
            id: [VersionId],
        }
        patch {
            /// The name; it cannot be cleared.
            name: [String],
            /// The OpenAPI document, up to 5 MiB.
            specification: [String],
        }
    }
}

input! {
    /// Which versions.
    #[derive(Clone, Debug, cynic::InputObject)]
    ProductVersionFilter {
        optional {
            /// Those that take registrations, or the others.
            registration_enabled: [bool],
            /// Those of one strategy.
            auth_strategy_id: [AuthStrategyId],
        }
        list {
            /// In one of these places of their life.
            lifecycle: [VersionLifecycle],
        }
    }
}

handle! {
    /// Products' versions; from [`crate::Portico::versions`].
    Versions
}

impl<'a> Versions<'a> {
    /// A product's versions (`Product.versions`).
    pub fn list(self, product: &ProductId) -> List<'a, VersionListing> {
        List::new(self.client, VersionListing::of(product))
    }

    /// One version (`node`); None where the caller may see none such.
    ///
    /// # Errors
    ///
    /// [`Error::GraphQl`] with BAD_USER_INPUT for what is no id.
    pub async fn get(self, id: &VersionId) -> Result<Option<ProductVersion>, Error> {
        GetVersion::fetch(self.client, id).await
    }

    /// A product's version of this name (`product.version`); None where the caller may see none such.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] where the caller may see no such product.
    pub async fn get_by_name(
        self,
        product: &ProductId,
        name: impl Into<String>,
    ) -> Result<Option<ProductVersion>, Error> {
        let variables = GetVersionByNameVariables {
            id: product.clone(),
            name: name.into(),
        };
        let data = self.client.query::<GetVersionByName, _>(variables).await?;
        data.product
            .map(|product| product.version)
            .ok_or(Error::NotFound { what: "Product" })
    }

    /// A version's OpenAPI document as uploaded (`ProductVersion.specification`); None where it has none.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] where the caller may see no such version.
    pub async fn specification(self, id: &VersionId) -> Result<Option<String>, Error> {
        let found = GetSpecification::fetch(self.client, id).await?;
        found
            .map(|version| version.specification)
            .ok_or(Error::NotFound { what: "ProductVersion" })
    }

    /// The caller's apps whose request for this version would succeed (`ProductVersion.eligibleApps`).
    pub fn eligible_apps(self, id: &VersionId) -> List<'a, EligibleAppListing> {
        List::new(self.client, EligibleAppListing::of(id))
    }

    /// Makes a version (`createVersion`). Admins only.
    ///
    /// # Errors
    ///
    /// [`Error::User`] with TAKEN when the product has one of this name, NOT_FOUND, INVALID or TOO_LONG.
    pub async fn create(self, input: CreateVersionInput) -> Result<Created<ProductVersion>, Error> {
        let payload = self.client.mutate_repeatable::<CreateVersion>(input).await?;
        let object = payload
            .version
            .ok_or_else(|| DecodeError::missing("createVersion.version"))?;
        Ok(Created {
            object,
            replayed: payload.replayed,
        })
    }

    /// Changes a version (`updateVersion`). Admins only.
    ///
    /// # Errors
    ///
    /// [`Error::User`] with TAKEN, NOT_FOUND, INVALID, REQUIRED or TOO_LONG.
    pub async fn update(self, input: UpdateVersionInput) -> Result<ProductVersion, Error> {
        let payload = self.client.mutate::<UpdateVersion>(input).await?;
        Ok(payload
            .version
            .ok_or_else(|| DecodeError::missing("updateVersion.version"))?)
    }

    /// Moves a version through its life (`setVersionLifecycle`). Admins only.
    ///
    /// # Errors
    ///
    /// [`Error::User`] with INVALID_TRANSITION, ROUTE_CONFLICT when it becomes live, or NOT_FOUND.
    pub async fn set_lifecycle(self, id: &VersionId, lifecycle: VersionLifecycle) -> Result<ProductVersion, Error> {
        let input = SetVersionLifecycleInput {
            id: id.clone(),
            lifecycle,
        };
        let payload = self.client.mutate::<SetVersionLifecycle>(input).await?;
        Ok(payload
            .version
            .ok_or_else(|| DecodeError::missing("setVersionLifecycle.version"))?)
    }

    /// Deletes a version that nobody may call (`deleteVersion`). Answers with its id. Admins only.
    ///
    /// # Errors
    ///
    /// [`Error::User`] with IN_USE while it has approved requests, or NOT_FOUND.
    pub async fn delete(self, id: &VersionId) -> Result<VersionId, Error> {
        self.delete_with(DeleteVersionInput {
            id: id.clone(),
            force: false,
        })
        .await
    }

    /// Deletes a version with its requests (`deleteVersion` with `force`); its traffic stops at once. Answers with its
    /// id. Admins only.
    ///
    /// # Errors
    ///
    /// [`Error::User`] with NOT_FOUND.
    pub async fn delete_forced(self, id: &VersionId) -> Result<VersionId, Error> {
        self.delete_with(DeleteVersionInput {
            id: id.clone(),
            force: true,
        })
        .await
    }

    async fn delete_with(self, input: DeleteVersionInput) -> Result<VersionId, Error> {
        let payload = self.client.mutate::<DeleteVersion>(input).await?;
        Ok(payload
            .deleted_id
            .ok_or_else(|| DecodeError::missing("deleteVersion.deletedId"))?)
    }
}

connection!(ProductVersionConnection of ProductVersion);

listing! {
    /// What [`Versions::list`] lists.
    VersionListing(ProductId) = ListVersions(ListVersionsVariables).ProductVersionsNode::ProductVersions("Product")
        .versions -> ProductVersionConnection of ProductVersion, filter: ProductVersionFilter
}

listing! {
    /// What [`Versions::eligible_apps`] lists.
    EligibleAppListing(VersionId) = ListEligibleApps(ListEligibleAppsVariables)
        .EligibleAppsNode::EligibleApps("ProductVersion").eligible_apps -> AppConnection of App
}

get_by_id!(GetVersion(GetVersionVariables: VersionId) -> VersionNode::ProductVersion(ProductVersion));

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "ProductVersion")]
struct VersionSpecification {
    specification: Option<String>,
}

get_by_id!(GetSpecification(GetSpecificationVariables: VersionId)
    -> SpecificationNode::ProductVersion(VersionSpecification));

#[derive(cynic::QueryVariables)]
struct GetVersionByNameVariables {
    id: ProductId,
    name: String,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "GetVersionByNameVariables")]
struct GetVersionByName {
    #[arguments(id: $id)]
    product: Option<ProductWithVersion>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Product", variables = "GetVersionByNameVariables")]
struct ProductWithVersion {
    #[arguments(name: $name)]
    version: Option<ProductVersion>,
}

#[derive(cynic::InputObject)]
pub(crate) struct SetVersionLifecycleInput {
    id: VersionId,
    lifecycle: VersionLifecycle,
}

#[derive(cynic::InputObject)]
pub(crate) struct DeleteVersionInput {
    id: VersionId,
    force: bool,
}

mutation!(CreateVersion.create_version(CreateVersionVariables: CreateVersionInput)
    -> CreateVersionPayload { version: ProductVersion; replayed });
mutation!(UpdateVersion.update_version(UpdateVersionVariables: UpdateVersionInput)
    -> UpdateVersionPayload { version: ProductVersion });
mutation!(SetVersionLifecycle.set_version_lifecycle(SetVersionLifecycleVariables: SetVersionLifecycleInput)
    -> SetVersionLifecyclePayload { version: ProductVersion });
mutation!(DeleteVersion.delete_version(DeleteVersionVariables: DeleteVersionInput)
    -> DeleteVersionPayload { deleted_id: VersionId });
