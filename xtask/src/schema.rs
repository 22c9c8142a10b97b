//! The schema files: generated from the code, committed, and checked for drift.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{TaskResult, contract, errors, process};

/// The schema at the root, and the copy that the SDK's package carries.
const FILES: [&str; 2] = ["schema.graphql", "sdk/schema.graphql"];

/// Writes the schema files anew.
pub(crate) fn write(root: &Path) -> TaskResult {
    let schema = generate(root)?;
    for file in FILES {
        fs::write(root.join(file), &schema).map_err(|error| format!("{file} cannot be written: {error}"))?;
    }
    errors::write(root, &binary(root))?;
    contract::check(root, &schema)
}

/// Checks that the schema files are what the code generates, and that they only add to the contract.
pub(crate) fn check(root: &Path) -> TaskResult {
    let schema = generate(root)?;
    for file in FILES {
        let committed =
            fs::read_to_string(root.join(file)).map_err(|error| format!("{file} cannot be read: {error}"))?;
        if committed != schema {
            return Err(format!(
                "{file} is not what the code generates. Run `cargo xtask schema` and commit the result."
            ));
        }
    }
    println!("schema: as committed");
    errors::check(root, &binary(root))?;
    contract::check(root, &schema)
}

fn generate(root: &Path) -> Result<String, String> {
    // The whole workspace, as the tests build it: another selection would build the dependencies twice.
    process::cargo(root, &["build", "--workspace", "--all-targets", "--locked"], &[])?;
    process::output(root, &binary(root), &["schema"])
}

fn binary(root: &Path) -> PathBuf {
    process::target(root)
        .join("debug")
        .join(format!("portico{}", std::env::consts::EXE_SUFFIX))
}
