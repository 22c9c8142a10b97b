//! The packages: what is published must build from its tarball alone.

use std::path::Path;

use crate::{TaskResult, process};

/// The root's profile, which a package does not carry: with another one every dependency would be built once more.
const PROFILE: [&str; 2] = [
    "profile.dev.debug=\"line-tables-only\"",
    "profile.dev.package.\"*\".debug=false",
];

/// The SDK, and what its feature `verify` depends on: a package's dependencies are published packages, the optional ones
/// too. Packed together, they are found in each other's tarballs.
const PUBLISHED: [&str; 3] = ["portico-domain", "portico-gateway", "portico-sdk"];

/// Packs them and builds each from its tarball with its default features, in the target directory that all else is built
/// in.
///
/// Offline: what it depends on is there once the workspace was built. Cargo unpacks the tarball below `target/package`
/// and builds it there as a workspace of its own, with the versions of our lock file. What it builds stays, so that only
/// the packages themselves are built again the next time.
pub(crate) fn check(root: &Path) -> TaskResult {
    let target = process::target(root);
    let target = target.to_str().ok_or("the target directory's name is no UTF-8")?;
    let mut arguments = vec!["package", "--allow-dirty", "--offline"];
    arguments.extend(PUBLISHED.iter().flat_map(|name| ["--package", name]));
    arguments.extend(["--target-dir", target]);
    arguments.extend(PROFILE.iter().flat_map(|setting| ["--config", setting]));
    process::cargo(root, &arguments, &[])
        .map_err(|error| format!("{error}\nEach is published by itself: it may use no file outside of its folder."))
}
