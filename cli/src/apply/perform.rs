//! Taking the steps, one after the other. Each is told when it is taken, so that a run that breaks off shows how far it
//! came.

use std::collections::HashMap;

use portico_sdk::{
    AuthStrategyId, CreateKeyAuthStrategyInput, CreateProductInput, CreateVersionInput, DocumentInput,
    EnableRegistrationInput, LabelInput, Patch, Portico, ProductId, RouteInput, SetGatewayServiceInput,
    UpdateKeyAuthStrategyInput, UpdatePortalInput, UpdateProductInput, UpdateVersionInput, VersionId,
};

use super::{
    file::{AuthStrategy, Field, GatewayService, Portal, Product, Registration, Version},
    plan::{Call, Step, VersionKey},
    present::Present,
};
use crate::failure::Failure;

/// Takes all steps.
///
/// # Errors
/// Those of the first step that fails; those before it are taken.
#[allow(clippy::print_stderr, reason = "progress is for the person at the terminal")]
pub(super) async fn all(client: &Portico, steps: &[Step], present: &Present) -> Result<(), Failure> {
    let mut performer = Performer::new(client, present);
    for step in steps {
        performer.perform(&step.call).await?;
        eprint!("{step}");
    }
    Ok(())
}

/// The ids behind the file's names: of what was there, and of what has been made meanwhile.
struct Performer<'a> {
    client: &'a Portico,
    strategies: HashMap<String, AuthStrategyId>,
    products: HashMap<String, ProductId>,
    versions: HashMap<VersionKey, VersionId>,
}

impl<'a> Performer<'a> {
    fn new(client: &'a Portico, present: &Present) -> Self {
        let mut versions = HashMap::new();
        let mut products = HashMap::new();
        for (slug, product) in &present.products {
            products.insert(slug.clone(), product.product.id.clone());
            for (name, version) in &product.versions {
                let (slug, name) = (slug.clone(), name.clone());
                versions.insert(VersionKey { slug, name }, version.version.id.clone());
            }
        }
        let strategies = present.strategies.iter();
        Self {
            client,
            strategies: strategies
                .map(|(name, strategy)| (name.clone(), strategy.id().clone()))
                .collect(),
            products,
            versions,
        }
    }

    async fn perform(&mut self, call: &Call) -> Result<(), Failure> {
        match call {
            Call::UpdatePortal(portal) => self.update_portal(portal).await,
            Call::CreateStrategy(strategy) => self.create_strategy(strategy).await,
            Call::UpdateStrategy(strategy) => self.update_strategy(strategy).await,
            Call::CreateProduct(product) => self.create_product(product).await,
            Call::UpdateProduct(product) => self.update_product(product).await,
            Call::SetPublished(slug, published) => self.set_published(slug, *published).await,
            Call::CreateVersion(key, version) => self.create_version(key, version).await,
            Call::UpdateVersion(key, version) => {
                let mut input = UpdateVersionInput::new(self.version(key)?);
                input.specification = patch(&version.specification);
                self.client.versions().update(input).await?;
                Ok(())
            }
            Call::SetLifecycle(key, lifecycle) => {
                self.client
                    .versions()
                    .set_lifecycle(&self.version(key)?, lifecycle.clone())
                    .await?;
                Ok(())
            }
            Call::SetGatewayService(key, service) => {
                let input = service_input(self.version(key)?, service);
                self.client.gateway_services().set(input).await?;
                Ok(())
            }
            Call::RemoveGatewayService(key) => {
                self.client.gateway_services().remove(&self.version(key)?).await?;
                Ok(())
            }
            Call::EnableRegistration(key, registration) => self.enable_registration(key, registration).await,
            Call::DisableRegistration(key) => {
                self.client.registrations().disable(&self.version(key)?).await?;
                Ok(())
            }
        }
    }

    async fn update_portal(&self, portal: &Portal) -> Result<(), Failure> {
        let mut input = UpdatePortalInput::new();
        input.name = given(&portal.name);
        input.is_public = given(&portal.is_public);
        input.auto_approve_developers = given(&portal.auto_approve_developers);
        input.auto_approve_access_requests = given(&portal.auto_approve_access_requests);
        self.client.portal().update(input).await?;
        Ok(())
    }

    async fn create_strategy(&mut self, strategy: &AuthStrategy) -> Result<(), Failure> {
        let mut input = CreateKeyAuthStrategyInput::new(strategy.name.clone());
        input.key_names = strategy.key_names.clone();
        input.credential_ttl_days = strategy.credential_ttl_days.flatten();
        let created = self.client.auth_strategies().create_key_auth(input).await?;
        self.strategies.insert(strategy.name.clone(), created.id.clone());
        Ok(())
    }

    async fn update_strategy(&self, strategy: &AuthStrategy) -> Result<(), Failure> {
        let mut input = UpdateKeyAuthStrategyInput::new(self.strategy(&strategy.name)?);
        input.key_names = given(&strategy.key_names);
        input.credential_ttl_days = patch(&strategy.credential_ttl_days);
        self.client.auth_strategies().update_key_auth(input).await?;
        Ok(())
    }

    async fn create_product(&mut self, product: &Product) -> Result<(), Failure> {
        let name = product.name.clone().unwrap_or_else(|| product.slug.clone());
        let mut input = CreateProductInput::new(name).slug(product.slug.clone());
        input.description = product.description.clone().flatten();
        input.labels = labels(product);
        input.documents = documents(product);
        let created = self.client.products().create(input).await?;
        self.products.insert(product.slug.clone(), created.id.clone());
        Ok(())
    }

    async fn update_product(&self, product: &Product) -> Result<(), Failure> {
        let mut input = UpdateProductInput::new(self.product(&product.slug)?);
        input.name = given(&product.name);
        input.description = patch(&product.description);
        input.labels = given(&labels(product));
        input.documents = given(&documents(product));
        self.client.products().update(input).await?;
        Ok(())
    }

    async fn set_published(&self, slug: &str, published: bool) -> Result<(), Failure> {
        let (products, id) = (self.client.products(), self.product(slug)?);
        match published {
            true => products.publish(&id).await?,
            false => products.unpublish(&id).await?,
        };
        Ok(())
    }

    async fn create_version(&mut self, key: &VersionKey, version: &Version) -> Result<(), Failure> {
        let mut input = CreateVersionInput::new(self.product(&key.slug)?, key.name.clone());
        input.lifecycle = version.lifecycle.map(Into::into);
        input.specification = version.specification.clone().flatten();
        let created = self.client.versions().create(input).await?;
        self.versions.insert(key.clone(), created.id.clone());
        Ok(())
    }

    async fn enable_registration(&self, key: &VersionKey, registration: &Registration) -> Result<(), Failure> {
        let mut input = EnableRegistrationInput::new(self.version(key)?);
        input.auto_approve = registration.auto_approve;
        if let Some(name) = &registration.auth_strategy {
            input.auth_strategy_id = Some(self.strategy(name)?);
        }
        self.client.registrations().enable(input).await?;
        Ok(())
    }

    fn strategy(&self, name: &str) -> Result<AuthStrategyId, Failure> {
        let id = self.strategies.get(name);
        id.cloned().ok_or_else(|| Failure::not_found("auth strategy", name))
    }

    fn product(&self, slug: &str) -> Result<ProductId, Failure> {
        let id = self.products.get(slug);
        id.cloned().ok_or_else(|| Failure::not_found("product", slug))
    }

    fn version(&self, key: &VersionKey) -> Result<VersionId, Failure> {
        let id = self.versions.get(key);
        id.cloned()
            .ok_or_else(|| Failure::not_found("version", format!("{}/{}", key.slug, key.name)))
    }
}

fn given<T: Clone>(field: &Option<T>) -> Patch<T> {
    field.clone().map_or(Patch::Leave, Patch::Set)
}

fn patch<T: Clone>(field: &Field<T>) -> Patch<T> {
    match field {
        None => Patch::Leave,
        Some(None) => Patch::Clear,
        Some(Some(value)) => Patch::Set(value.clone()),
    }
}

fn labels(product: &Product) -> Option<Vec<LabelInput>> {
    let labels = product.labels.as_ref()?;
    Some(
        labels
            .iter()
            .map(|(key, value)| LabelInput::new(key.clone(), value.clone()))
            .collect(),
    )
}

fn documents(product: &Product) -> Option<Vec<DocumentInput>> {
    let pages = product.documents.as_ref()?.iter();
    Some(
        pages
            .map(|page| DocumentInput::new(page.slug.clone(), page.title.clone(), page.body.clone()))
            .collect(),
    )
}

fn service_input(version: VersionId, service: &GatewayService) -> SetGatewayServiceInput {
    let routes: Vec<RouteInput> = service
        .routes
        .iter()
        .map(|route| {
            RouteInput::new(route.paths.clone())
                .hosts(route.hosts.clone())
                .methods(route.methods.clone())
                .strip_path(route.strip_path)
        })
        .collect();
    SetGatewayServiceInput::new(version, service.upstream_url.clone(), routes)
}
