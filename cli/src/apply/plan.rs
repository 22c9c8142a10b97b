//! The difference between the file and the portal, as steps in the order in which they can be taken. Pure.

use std::{collections::BTreeMap, fmt};

use portico_sdk::{AuthStrategy as PresentStrategy, GatewayService as PresentService, VersionLifecycle};

use super::{
    file::{AuthStrategy, Field, GatewayService, Portal, Product, Registration, Route, Version, Wanted},
    present::{Present, PresentProduct, PresentVersion},
};
use crate::failure::Failure;

/// One call, and what it changes in words.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) call: Call,
    subject: String,
    makes: bool,
    changes: Vec<Change>,
}

/// A field that changes.
#[derive(Debug)]
struct Change {
    field: &'static str,
    before: String,
    after: String,
}

/// Which call, with the file's entry. Products are named by slug, versions by slug and name.
#[derive(Debug)]
pub(super) enum Call {
    UpdatePortal(Portal),
    CreateStrategy(AuthStrategy),
    UpdateStrategy(AuthStrategy),
    CreateProduct(Product),
    UpdateProduct(Product),
    SetPublished(String, bool),
    CreateVersion(VersionKey, Version),
    UpdateVersion(VersionKey, Version),
    SetLifecycle(VersionKey, VersionLifecycle),
    SetGatewayService(VersionKey, GatewayService),
    RemoveGatewayService(VersionKey),
    EnableRegistration(VersionKey, Registration),
    DisableRegistration(VersionKey),
}

/// A product's slug and a version's name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct VersionKey {
    pub(super) slug: String,
    pub(super) name: String,
}

/// The steps that make the portal match the file; none where it does.
///
/// # Errors
/// What the file wants that cannot be, such as a strategy that neither it nor the portal has.
pub(super) fn of(wanted: &Wanted, present: &Present) -> Result<Vec<Step>, Failure> {
    let mut steps = Vec::new();
    if let (Some(portal), Some(before)) = (&wanted.portal, &present.portal) {
        let mut changes = Changes::default();
        changes.given("name", &before.name, &portal.name);
        changes.given("isPublic", &before.is_public, &portal.is_public);
        changes.given(
            "autoApproveDevelopers",
            &before.auto_approve_developers,
            &portal.auto_approve_developers,
        );
        changes.given(
            "autoApproveAccessRequests",
            &before.auto_approve_access_requests,
            &portal.auto_approve_access_requests,
        );
        changes.update(&mut steps, "portal", || Call::UpdatePortal(portal.clone()));
    }
    for strategy in &wanted.auth_strategies {
        strategy_steps(strategy, present, &mut steps)?;
    }
    for product in &wanted.products {
        product_steps(product, wanted, present, &mut steps)?;
    }
    Ok(steps)
}

fn strategy_steps(wanted: &AuthStrategy, present: &Present, steps: &mut Vec<Step>) -> Result<(), Failure> {
    let subject = format!("auth strategy {}", wanted.name);
    let Some(before) = present.strategies.get(&wanted.name) else {
        steps.push(Step::making(subject, Call::CreateStrategy(wanted.clone())));
        return Ok(());
    };
    let PresentStrategy::KeyAuth(before) = before else {
        return Err(Failure::Usage(format!(
            "the {subject} is none of API keys: this file cannot change it"
        )));
    };
    let mut changes = Changes::default();
    changes.given("keyNames", &before.key_names, &wanted.key_names);
    changes.field(
        "credentialTtlDays",
        before.credential_ttl_days.as_ref(),
        &wanted.credential_ttl_days,
    );
    changes.update(steps, &subject, || Call::UpdateStrategy(wanted.clone()));
    Ok(())
}

fn product_steps(product: &Product, wanted: &Wanted, present: &Present, steps: &mut Vec<Step>) -> Result<(), Failure> {
    let subject = format!("product {}", product.slug);
    let before = present.products.get(&product.slug);
    match before {
        None => steps.push(Step::making(subject.clone(), Call::CreateProduct(product.clone()))),
        Some(before) => update_product(product, before, &subject, steps),
    }
    for version in &product.versions {
        let before = before.and_then(|before| before.versions.get(&version.name));
        version_steps(&product.slug, version, before, wanted, present, steps)?;
    }
    // Last, so that nobody sees a product that is half made.
    let published = before.is_some_and(|before| before.product.is_published);
    let mut changes = Changes::default();
    changes.given("published", &published, &product.published);
    changes.update(steps, &subject, || {
        Call::SetPublished(product.slug.clone(), product.published.unwrap_or(published))
    });
    Ok(())
}

fn update_product(product: &Product, before: &PresentProduct, subject: &str, steps: &mut Vec<Step>) {
    let PresentProduct {
        product: is, documents, ..
    } = before;
    let labels: BTreeMap<_, _> = is
        .labels
        .iter()
        .map(|label| (label.key.clone(), label.value.clone()))
        .collect();
    let mut changes = Changes::default();
    changes.given("name", &is.name, &product.name);
    changes.field("description", is.description.as_ref(), &product.description);
    changes.given("labels", &labels, &product.labels);
    let documents: Vec<_> = documents
        .iter()
        .map(|page| (&page.slug, &page.title, &page.body))
        .collect();
    if let Some(pages) = &product.documents {
        let pages: Vec<_> = pages.iter().map(|page| (&page.slug, &page.title, &page.body)).collect();
        changes.compare("documents", &documents, &pages);
    }
    changes.update(steps, subject, || Call::UpdateProduct(product.clone()));
}

fn version_steps(
    slug: &str,
    version: &Version,
    before: Option<&PresentVersion>,
    wanted: &Wanted,
    present: &Present,
    steps: &mut Vec<Step>,
) -> Result<(), Failure> {
    let key = VersionKey {
        slug: slug.to_owned(),
        name: version.name.clone(),
    };
    let subject = format!("version {slug}/{}", version.name);
    match before {
        None => steps.push(Step::making(
            subject.clone(),
            Call::CreateVersion(key.clone(), version.clone()),
        )),
        Some(before) => {
            let mut changes = Changes::default();
            changes.field("specification", before.specification.as_ref(), &version.specification);
            changes.update(steps, &subject, || Call::UpdateVersion(key.clone(), version.clone()));
            if let Some(lifecycle) = version.lifecycle.map(VersionLifecycle::from) {
                let mut changes = Changes::default();
                changes.compare("lifecycle", before.version.lifecycle.as_str(), lifecycle.as_str());
                changes.update(steps, &subject, || Call::SetLifecycle(key.clone(), lifecycle.clone()));
            }
        }
    }
    service_steps(&key, &subject, version, before, steps);
    registration_steps(&key, &subject, version, before, wanted, present, steps)
}

fn service_steps(
    key: &VersionKey,
    subject: &str,
    version: &Version,
    before: Option<&PresentVersion>,
    steps: &mut Vec<Step>,
) {
    let before = before
        .and_then(|before| before.version.gateway_service.as_ref())
        .map(service_of);
    let mut changes = Changes::default();
    changes.field("gatewayService", before.as_ref(), &version.gateway_service);
    changes.update(steps, subject, || match version.gateway_service.clone().flatten() {
        Some(service) => Call::SetGatewayService(key.clone(), service),
        None => Call::RemoveGatewayService(key.clone()),
    });
}

/// What the portal has, as the file would say it.
fn service_of(service: &PresentService) -> GatewayService {
    GatewayService {
        upstream_url: service.upstream_url.clone().unwrap_or_default(),
        routes: service
            .routes
            .iter()
            .map(|route| Route {
                paths: route.paths.clone(),
                hosts: route.hosts.clone(),
                methods: route.methods.clone(),
                strip_path: route.strip_path,
            })
            .collect(),
    }
}

fn registration_steps(
    key: &VersionKey,
    subject: &str,
    version: &Version,
    before: Option<&PresentVersion>,
    wanted: &Wanted,
    present: &Present,
    steps: &mut Vec<Step>,
) -> Result<(), Failure> {
    let Some(registration) = &version.registration else {
        return Ok(());
    };
    if let Some(strategy) = &registration.auth_strategy {
        let in_file = wanted.auth_strategies.iter().any(|wanted| wanted.name == *strategy);
        if !in_file && !present.strategies.contains_key(strategy) {
            return Err(Failure::Usage(format!(
                "the {subject} names the auth strategy `{strategy}`, which neither the file nor the portal has"
            )));
        }
    }
    let is = before.map(|before| &before.version.registration);
    let mut changes = Changes::default();
    changes.compare(
        "registration.enabled",
        &is.is_some_and(|is| is.enabled),
        &registration.enabled,
    );
    if registration.enabled {
        let auto_approve = is.is_some_and(|is| is.auto_approve);
        changes.given("registration.autoApprove", &auto_approve, &registration.auto_approve);
        let strategy = is
            .and_then(|is| is.auth_strategy.as_ref())
            .map(|strategy| strategy.name.clone());
        if let Some(name) = &registration.auth_strategy {
            changes.compare("registration.authStrategy", &strategy, &Some(name.clone()));
        }
    }
    changes.update(steps, subject, || match registration.enabled {
        true => Call::EnableRegistration(key.clone(), registration.clone()),
        false => Call::DisableRegistration(key.clone()),
    });
    Ok(())
}

/// The fields of one call that change.
#[derive(Default)]
struct Changes(Vec<Change>);

impl Changes {
    fn compare<T: PartialEq + fmt::Debug + ?Sized>(&mut self, field: &'static str, before: &T, after: &T) {
        if before != after {
            self.0.push(Change {
                field,
                before: shown(before),
                after: shown(after),
            });
        }
    }

    /// A field that may be left out.
    fn given<T: PartialEq + fmt::Debug>(&mut self, field: &'static str, before: &T, after: &Option<T>) {
        if let Some(after) = after {
            self.compare(field, before, after);
        }
    }

    /// A field that may be left out, or taken away.
    fn field<T: PartialEq + fmt::Debug>(&mut self, field: &'static str, before: Option<&T>, after: &Field<T>) {
        if let Some(after) = after {
            self.compare(field, &before, &after.as_ref());
        }
    }

    /// A step, where something changes.
    fn update(self, steps: &mut Vec<Step>, subject: &str, call: impl FnOnce() -> Call) {
        if !self.0.is_empty() {
            steps.push(Step {
                call: call(),
                subject: subject.to_owned(),
                makes: false,
                changes: self.0,
            });
        }
    }
}

/// A value on one line, cut off where it is long: the difference is for reading, the file has the rest.
fn shown<T: fmt::Debug + ?Sized>(value: &T) -> String {
    const LONGEST: usize = 120;
    let text = format!("{value:?}");
    let text = match text.strip_prefix("Some(").and_then(|text| text.strip_suffix(')')) {
        Some(inner) => inner.to_owned(),
        None if text == "None" => "none".to_owned(),
        None => text,
    };
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

impl Step {
    fn making(subject: String, call: Call) -> Self {
        Self {
            call,
            subject,
            makes: true,
            changes: Vec::new(),
        }
    }
}

/// `+` is made, `~` changes.
impl fmt::Display for Step {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.makes { '+' } else { '~' };
        writeln!(formatter, "{sign} {}", self.subject)?;
        for Change { field, before, after } in &self.changes {
            writeln!(formatter, "    {field}: {before} → {after}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{super::file::parse, Present, of, shown};

    const FILE: &str = "
authStrategies:
  - name: partners
    keyNames: [x-partner-key]
products:
  - slug: mock-api
    name: Mock API
    published: true
    versions:
      - name: v1
        gatewayService:
          upstreamUrl: http://127.0.0.1:1
          routes: [{paths: [/mock]}]
        registration: {enabled: true, autoApprove: true, authStrategy: partners}
";

    #[test]
    fn an_empty_portal_gets_everything_and_is_published_last() {
        let wanted = parse(FILE, Path::new("portal.yaml")).unwrap();
        let steps = of(&wanted, &Present::default()).unwrap();
        let told: Vec<String> = steps
            .iter()
            .map(|step| step.to_string().lines().next().unwrap().to_owned())
            .collect();
        assert_eq!(
            told,
            [
                "+ auth strategy partners",
                "+ product mock-api",
                "+ version mock-api/v1",
                "~ version mock-api/v1",
                "~ version mock-api/v1",
                "~ product mock-api",
            ]
        );
        assert!(steps.last().unwrap().to_string().contains("published: false → true"));
    }

    #[test]
    fn a_strategy_that_nobody_has_is_refused_before_anything_is_done() {
        let text = FILE.replace("authStrategy: partners", "authStrategy: friends");
        let wanted = parse(&text, Path::new("portal.yaml")).unwrap();
        let refused = of(&wanted, &Present::default()).unwrap_err();
        assert!(refused.to_string().contains("`friends`"), "{refused}");
    }

    #[test]
    fn values_are_shown_on_one_line_and_not_endlessly() {
        assert_eq!(shown(&Some("a\nb")), r#""a\nb""#);
        assert_eq!(shown(&None::<i32>), "none");
        assert_eq!(shown(&"ä".repeat(500)).chars().count(), 121);
    }
}
