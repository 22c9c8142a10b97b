//! The layering of `api`: a resolver is thin, so `graphql.rs` never speaks to the database.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::TaskResult;

/// What a file of this name may not contain.
const RULES: &[(&str, &[&str])] = &[
    ("graphql.rs", &["sea_orm", "store::", "entity::"]),
    ("service.rs", &["async_graphql::Object", "async_graphql::Context"]),
];

/// What no manifest of these crates may depend on.
const DEPENDENCIES: &[(&str, &[&str])] = &[
    (
        "domain",
        &[
            "entity",
            "gateway",
            "migration",
            "portico",
            "sea-orm",
            "tokio",
            "async-graphql",
        ],
    ),
    (
        "gateway",
        &["entity", "migration", "portico", "sea-orm", "async-graphql"],
    ),
    ("entity", &["gateway", "migration", "portico"]),
    ("sdk", &["domain", "entity", "gateway", "migration", "portico"]),
];

/// Checks every source file and manifest.
pub(crate) fn check(root: &Path) -> TaskResult {
    let mut broken = Vec::new();
    let mut files = Vec::new();
    collect(&root.join("api/src"), &mut files)?;
    for file in &files {
        let name = file.file_name().unwrap_or_default();
        // A slice's graphql.rs may be split into a folder of that name.
        let in_folder = file.parent().is_some_and(|folder| folder.ends_with("graphql"));
        let name = if in_folder { "graphql.rs".as_ref() } else { name };
        for (_, forbidden) in RULES.iter().filter(|(rule, _)| *rule == name) {
            let text = read(file)?;
            for (number, line) in text.lines().enumerate() {
                if line.trim_start().starts_with("//") {
                    continue;
                }
                for word in forbidden.iter().filter(|word| line.contains(**word)) {
                    broken.push(format!("{}:{}: mentions {word}", file.display(), number + 1));
                }
            }
        }
    }
    for (crate_name, forbidden) in DEPENDENCIES {
        let manifest = root.join(crate_name).join("Cargo.toml");
        let text = read(&manifest)?;
        let dependencies = text.split("[dev-dependencies]").next().unwrap_or_default();
        for line in dependencies.lines() {
            let name = line.split(['.', ' ', '=']).next().unwrap_or_default();
            if forbidden.contains(&name) {
                broken.push(format!("{}: depends on {name}", manifest.display()));
            }
        }
    }
    if broken.is_empty() {
        println!("layering: {} files in order", files.len());
        return Ok(());
    }
    Err(format!(
        "the layering is broken (docs/ARCHITECTURE.md says who may speak to whom):\n{}",
        broken.join("\n")
    ))
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
