//! What stands in the file.

use std::{collections::HashSet, path::Path};

use serde::{Deserialize, Deserializer};

use crate::{choice::LifecycleChoice, failure::Failure, input};

/// A field that may be left out (the portal's value stays), null (it is taken away), or there.
pub(super) type Field<T> = Option<Option<T>>;

fn field<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Field<T>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// The whole file.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(super) struct Wanted {
    pub(super) portal: Option<Portal>,
    pub(super) auth_strategies: Vec<AuthStrategy>,
    pub(super) products: Vec<Product>,
}

/// The portal's settings.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Portal {
    pub(super) name: Option<String>,
    pub(super) is_public: Option<bool>,
    pub(super) auto_approve_developers: Option<bool>,
    pub(super) auto_approve_access_requests: Option<bool>,
}

/// A strategy of API keys, told apart by its name.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct AuthStrategy {
    pub(super) name: String,
    pub(super) key_names: Option<Vec<String>>,
    #[serde(default, deserialize_with = "field")]
    pub(super) credential_ttl_days: Field<i32>,
}

/// A product, told apart by its slug.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Product {
    pub(super) slug: String,
    pub(super) name: Option<String>,
    #[serde(default, deserialize_with = "field")]
    pub(super) description: Field<String>,
    pub(super) labels: Option<std::collections::BTreeMap<String, String>>,
    pub(super) documents: Option<Vec<Document>>,
    pub(super) published: Option<bool>,
    #[serde(default)]
    pub(super) versions: Vec<Version>,
}

/// A page of documentation: its text, or the file that has it, beside the one that names it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Document {
    pub(super) slug: String,
    pub(super) title: String,
    #[serde(default)]
    pub(super) body: String,
    body_file: Option<std::path::PathBuf>,
}

/// A version, told apart by its name.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Version {
    pub(super) name: String,
    pub(super) lifecycle: Option<Lifecycle>,
    #[serde(default, deserialize_with = "field")]
    pub(super) specification: Field<String>,
    specification_file: Option<std::path::PathBuf>,
    #[serde(default, deserialize_with = "field")]
    pub(super) gateway_service: Field<GatewayService>,
    pub(super) registration: Option<Registration>,
}

/// Where a version stands, spelled as the schema does.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum Lifecycle {
    Draft,
    Active,
    Deprecated,
    Retired,
}

impl From<Lifecycle> for portico_sdk::VersionLifecycle {
    fn from(lifecycle: Lifecycle) -> Self {
        match lifecycle {
            Lifecycle::Draft => LifecycleChoice::Draft,
            Lifecycle::Active => LifecycleChoice::Active,
            Lifecycle::Deprecated => LifecycleChoice::Deprecated,
            Lifecycle::Retired => LifecycleChoice::Retired,
        }
        .into()
    }
}

/// Where the gateway serves a version.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct GatewayService {
    pub(super) upstream_url: String,
    pub(super) routes: Vec<Route>,
}

/// Calls that it takes.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Route {
    pub(super) paths: Vec<String>,
    #[serde(default)]
    pub(super) hosts: Vec<String>,
    #[serde(default)]
    pub(super) methods: Vec<String>,
    #[serde(default = "strip")]
    pub(super) strip_path: bool,
}

const fn strip() -> bool {
    true
}

/// Whether and how apps register.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Registration {
    pub(super) enabled: bool,
    pub(super) auto_approve: Option<bool>,
    /// By its name.
    pub(super) auth_strategy: Option<String>,
}

/// The file's text, and that of the files it names.
///
/// # Errors
/// What is wrong and where; a second entry of the same name too, since one of them would undo the other.
pub(super) fn parse(text: &str, path: &Path) -> Result<Wanted, Failure> {
    let mut wanted: Wanted =
        serde_saphyr::from_str(text).map_err(|error| Failure::Usage(format!("{}: {error}", path.display())))?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let strategies = wanted.auth_strategies.iter().map(|strategy| &strategy.name);
    distinct("auth strategy", strategies)?;
    distinct("product", wanted.products.iter().map(|product| &product.slug))?;
    for product in &mut wanted.products {
        distinct("version", product.versions.iter().map(|version| &version.name))?;
        for document in product.documents.iter_mut().flatten() {
            if let Some(body_file) = document.body_file.take() {
                document.body = input::text(&folder.join(body_file))?;
            }
        }
        for version in &mut product.versions {
            if let Some(specification_file) = version.specification_file.take() {
                version.specification = Some(Some(input::text(&folder.join(specification_file))?));
            }
        }
    }
    Ok(wanted)
}

fn distinct<'a>(what: &str, names: impl Iterator<Item = &'a String>) -> Result<(), Failure> {
    let mut seen = HashSet::new();
    for name in names {
        if !seen.insert(name) {
            return Err(Failure::Usage(format!("the {what} `{name}` stands in the file twice")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Wanted, parse};

    #[test]
    fn left_out_is_not_null() {
        let text = "products:\n  - slug: a\n  - slug: b\n    description: null\n  - slug: c\n    description: text\n";
        let wanted = parse(text, Path::new("portal.yaml")).unwrap();
        let descriptions: Vec<_> = wanted
            .products
            .iter()
            .map(|product| product.description.clone())
            .collect();
        assert_eq!(descriptions, [None, Some(None), Some(Some("text".to_owned()))]);
    }

    #[test]
    fn the_example_in_the_documents_is_read() {
        let page = include_str!("../../../docs/porticoctl.md");
        let (_, example) = page.split_once("```yaml\n").unwrap();
        let (example, _) = example.split_once("```").unwrap();
        let wanted: Wanted = serde_saphyr::from_str(example).unwrap();
        assert_eq!(wanted.products.len(), 1);
    }

    #[test]
    fn what_is_not_known_or_stands_twice_is_refused() {
        for text in [
            "products:\n  - slug: a\n    descripton: text\n",
            "products:\n  - slug: a\n  - slug: a\n",
            "products:\n  - slug: a\n    versions:\n      - name: v1\n      - name: v1\n",
            "authStrategies:\n  - name: a\n  - name: a\n",
            "products: 1\n",
        ] {
            assert!(parse(text, Path::new("portal.yaml")).is_err(), "{text}");
        }
    }
}
