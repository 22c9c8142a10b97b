//! The layering: which crate depends on which, and that in `api` nothing that makes up the GraphQL schema speaks to the
//! database. What a file is, is told by what it uses, not by its name.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::TaskResult;

/// What of async-graphql makes types and resolvers. A service uses its `ID`, a loader its `dataloader`.
const SCHEMA: &[&str] = &[
    "ComplexObject",
    "Context",
    "Enum",
    "InputObject",
    "Interface",
    "MergedObject",
    "MergedSubscription",
    "Object",
    "OneofObject",
    "Scalar",
    "SimpleObject",
    "Subscription",
    "Union",
];

/// A crate's place.
struct Place {
    folder: &'static str,
    /// Which of our crates it may depend on.
    ours: &'static [&'static str],
    /// Which others it may not.
    never: &'static [&'static str],
}

/// Every member of the workspace; tests of a crate may use what they like.
const PLACES: &[Place] = &[
    Place {
        folder: "domain",
        ours: &[],
        never: &["async-graphql", "axum", "hyper", "sea-orm", "tokio"],
    },
    Place {
        folder: "entity",
        ours: &["domain"],
        never: &["async-graphql", "axum"],
    },
    Place {
        folder: "migration",
        ours: &[],
        never: &["async-graphql", "axum"],
    },
    Place {
        folder: "gateway",
        ours: &["domain"],
        never: &["async-graphql", "sea-orm"],
    },
    Place {
        folder: "sdk",
        // For its feature `verify` alone: docs/adr/0040-services-verify-keys-with-the-gateways-own-code.md
        ours: &["domain", "gateway"],
        never: &["async-graphql", "axum", "sea-orm"],
    },
    Place {
        folder: "cli",
        ours: &["portico-sdk"],
        never: &["async-graphql", "axum", "sea-orm"],
    },
    Place {
        folder: "api",
        ours: &["domain", "entity", "gateway", "migration", "portico-sdk"],
        never: &[],
    },
    Place {
        folder: "cluster",
        ours: &[],
        never: &["async-graphql", "axum", "sea-orm"],
    },
    Place {
        folder: "tests",
        ours: &["domain", "portico", "portico-sdk", "test_cluster"],
        never: &[],
    },
    Place {
        folder: "xtask",
        ours: &["test_cluster"],
        never: &["sea-orm"],
    },
];

/// Our crates, as manifests name them.
const OURS: &[&str] = &[
    "domain",
    "entity",
    "gateway",
    "migration",
    "portico",
    "portico-cli",
    "portico-sdk",
    "portico-tests",
    "test_cluster",
    "xtask",
];

/// Checks every source file of `api`, and every manifest.
pub(crate) fn check(root: &Path) -> TaskResult {
    let mut broken = Vec::new();
    let mut files = Vec::new();
    collect(&root.join("api/src"), &mut files)?;
    let mut schema_files = 0_usize;
    for file in &files {
        let text = read(file)?;
        let is_service = file.file_name().is_some_and(|name| name == "service.rs");
        schema_files += usize::from(makes_schema(&text));
        for fault in faults(&text, is_service) {
            broken.push(format!("{}{fault}", file.display()));
        }
    }
    for place in PLACES {
        let manifest = root.join(place.folder).join("Cargo.toml");
        for name in forbidden_dependencies(&read(&manifest)?, place) {
            broken.push(format!("{}: depends on {name}", manifest.display()));
        }
    }
    for member in members(&read(&root.join("Cargo.toml"))?) {
        if !PLACES.iter().any(|place| place.folder == member) {
            broken.push(format!("{member} has no place in xtask/src/layering.rs"));
        }
    }
    if broken.is_empty() {
        println!(
            "layering: {} files in order, {schema_files} of them the schema's",
            files.len()
        );
        return Ok(());
    }
    Err(format!(
        "the layering is broken (docs/ARCHITECTURE.md says who may speak to whom):\n{}",
        broken.join("\n")
    ))
}

/// What is wrong in a source file: `:line: why`.
fn faults(text: &str, is_service: bool) -> Vec<String> {
    if !makes_schema(text) {
        return Vec::new();
    }
    if is_service {
        return vec![": a service makes no part of the schema".to_owned()];
    }
    let lines = text.lines().enumerate().filter(|(_, line)| !is_comment(line));
    lines
        .filter_map(|(number, line)| {
            let word = mentioned_of_database(line)?;
            Some(format!(":{}: mentions {word} beside the schema", number + 1))
        })
        .collect()
}

/// Whether the file makes types or resolvers of the schema.
fn makes_schema(text: &str) -> bool {
    let code: Vec<&str> = text.lines().filter(|line| !is_comment(line)).collect();
    let code = code.join("\n");
    words(&code).any(|(word, rest)| {
        let Some(path) = rest.strip_prefix("::").filter(|_| word == "async_graphql") else {
            return false;
        };
        let named = if path.starts_with('{') { braced(path) } else { path };
        let mut names = words(named).map(|(name, _)| name);
        if path.starts_with('{') {
            names.any(|name| SCHEMA.contains(&name))
        } else {
            names.next().is_some_and(|name| SCHEMA.contains(&name))
        }
    })
}

/// A word of the line by which it reaches for the database: the library, an entity or a store's module.
fn mentioned_of_database(line: &str) -> Option<&str> {
    let (word, _) = words(line).find(|(word, rest)| match *word {
        "sea_orm" => true,
        "entity" => rest.starts_with("::"),
        // A path, or an item of a list of imports.
        _ if *word == "store" || word.ends_with("_store") => ["::", ",", "}", ";", " as "]
            .iter()
            .any(|after| rest.starts_with(after)),
        _ => false,
    })?;
    Some(word)
}

fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with("//")
}

/// The words of a text, each with what stands after it.
fn words(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let is_part = |character: char| character.is_alphanumeric() || character == '_';
        rest = &rest[rest.find(is_part)?..];
        let end = rest.find(|character| !is_part(character)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        rest = after;
        Some((word, after))
    })
}

/// What stands up to the brace that closes the first one.
fn braced(text: &str) -> &str {
    let mut depth = 0_usize;
    for (at, character) in text.char_indices() {
        match character {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return &text[..at];
        }
    }
    text
}

/// What the manifest depends on, other than for tests, against its crate's place.
fn forbidden_dependencies<'a>(manifest: &'a str, place: &Place) -> Vec<&'a str> {
    let mut section = "";
    let mut forbidden = Vec::new();
    for line in manifest.lines().map(str::trim) {
        let name = if let Some(header) = line.strip_prefix('[') {
            section = header.trim_end_matches(']');
            // `[dependencies.name]`
            section.rsplit_once("dependencies.").map(|(_, name)| name)
        } else {
            section
                .ends_with("dependencies")
                .then(|| line.split(['.', ' ', '=']).next().unwrap_or_default())
        };
        let Some(name) = name.filter(|_| !section.contains("dev-dependencies")) else {
            continue;
        };
        let is_foreign = OURS.contains(&name) && !place.ours.contains(&name);
        if is_foreign || place.never.contains(&name) {
            forbidden.push(name);
        }
    }
    forbidden
}

/// The folders of the workspace's crates.
fn members(manifest: &str) -> Vec<&str> {
    let list = manifest
        .split_once("members = [")
        .and_then(|(_, rest)| rest.split_once(']'))
        .map_or("", |(list, _)| list);
    list.split(',')
        .map(|member| member.trim().trim_matches('"'))
        .filter(|member| !member.is_empty())
        .collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> TaskResult {
    let unreadable = |error| format!("{} cannot be read: {error}", folder.display());
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    Ok(())
}

fn read(file: &Path) -> Result<String, String> {
    fs::read_to_string(file).map_err(|error| format!("{} cannot be read: {error}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_told_by_what_it_uses() {
        for schema in [
            "use async_graphql::{ID, Object};",
            "use async_graphql::{\n    ID,\n    connection::{Edge, Connection},\n    SimpleObject,\n};",
            "#[derive(async_graphql::Enum)]",
            "use async_graphql::Context;",
        ] {
            assert!(makes_schema(schema), "{schema}");
        }
        for other in [
            "use async_graphql::{ID, MaybeUndefined};\nstruct Object;",
            "use async_graphql::dataloader::Loader;",
            "// async_graphql::Object",
            "use my_async_graphql::Object;",
        ] {
            assert!(!makes_schema(other), "{other}");
        }
    }

    #[test]
    fn the_schema_does_not_speak_to_the_database() {
        let schema = "use async_graphql::Object;\n";
        for reaching in [
            "use sea_orm::EntityTrait;",
            "use entity::app;",
            "use super::{service, store};",
            "use super::store as records;",
            "hold_store::find(id)",
        ] {
            assert_eq!(faults(&format!("{schema}{reaching}"), false).len(), 1, "{reaching}");
            assert!(faults(reaching, false).is_empty(), "{reaching}");
        }
        for innocent in [
            "//! A store:: of its own",
            "identity::of(1)",
            "\"no-store\"",
            "let restore = 1;",
        ] {
            assert!(faults(&format!("{schema}{innocent}"), false).is_empty(), "{innocent}");
        }
        assert_eq!(faults(schema, true).len(), 1, "a service");
    }

    #[test]
    fn manifests_keep_to_their_place() {
        let place = Place {
            folder: "gateway",
            ours: &["domain"],
            never: &["sea-orm"],
        };
        let manifest = "[package]\nname = \"portico\"\n[dependencies]\ndomain.workspace = true\nbytes = \"1\"\n\
            sea-orm = { version = \"2\" }\nportico = { path = \"../api\" }\n[dev-dependencies]\nentity.workspace = true\n\
            [target.'cfg(unix)'.dependencies]\nmigration = \"1\"\n[dependencies.portico-sdk]\nversion = \"1\"\n\
            [lints]\nworkspace = true\n";
        assert_eq!(
            forbidden_dependencies(manifest, &place),
            ["sea-orm", "portico", "migration", "portico-sdk"]
        );
        assert_eq!(
            members("[workspace]\nmembers = [\n  \"api\",\n  \"domain\"\n]\n"),
            ["api", "domain"]
        );
    }
}
