//! Vendored assets: each file is what its checksum says, and none is there without one.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use sha2::{Digest as _, Sha256};

use crate::TaskResult;

/// Where vendored files and their `SHA256SUMS` are.
const VENDORED: &str = "api/assets/graphiql/vendor";

/// Checks the vendored files against their checksums.
pub(crate) fn check(root: &Path) -> TaskResult {
    let folder = root.join(VENDORED);
    let sums = folder.join("SHA256SUMS");
    let text = fs::read_to_string(&sums).map_err(|error| format!("{} cannot be read: {error}", sums.display()))?;
    let mut expected: BTreeMap<PathBuf, &str> = BTreeMap::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let (sum, name) = line
            .split_once("  ")
            .ok_or_else(|| format!("{}: not a checksum: {line}", sums.display()))?;
        expected.insert(folder.join(name), sum);
    }
    let count = expected.len();
    for path in files_below(&folder)? {
        if path == sums {
            continue;
        }
        let bytes = fs::read(&path).map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
        let sum: String = Sha256::digest(&bytes)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        match expected.remove(&path) {
            Some(wanted) if wanted == sum => {}
            Some(_) => return Err(format!("{} is not the file that was vendored", path.display())),
            None => return Err(format!("{} has no checksum in SHA256SUMS", path.display())),
        }
    }
    match expected.keys().next() {
        Some(missing) => Err(format!("{} is missing", missing.display())),
        None => {
            println!("assets: {count} vendored files as they came");
            Ok(())
        }
    }
}

fn files_below(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let unreadable = |error| format!("{} cannot be read: {error}", folder.display());
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.is_dir() {
            files.extend(files_below(&path)?);
        } else {
            files.push(path);
        }
    }
    Ok(files)
}
