//! The SDK's package: what is published must build from its tarball alone.

use std::path::Path;

use crate::{TaskResult, process};

/// The root's profile, which a package does not carry: with another one every dependency would be built once more.
const PROFILE: [&str; 2] = [
    "profile.dev.debug=\"line-tables-only\"",
    "profile.dev.package.\"*\".debug=false",
];

/// Packs the SDK and builds it from the tarball, in the target directory that all else is built in.
///
/// Offline: what it depends on is there once the workspace was built. Cargo unpacks the tarball below `target/package`
/// and builds it there as a workspace of its own, with the versions of our lock file. What it builds stays, so that only
/// the SDK itself is built again the next time.
pub(crate) fn check(root: &Path) -> TaskResult {
    let target = process::target(root);
    let target = target.to_str().ok_or("the target directory's name is no UTF-8")?;
    let mut arguments = vec!["package", "--package", "portico-sdk", "--allow-dirty", "--offline"];
    arguments.extend(["--target-dir", target]);
    arguments.extend(PROFILE.iter().flat_map(|setting| ["--config", setting]));
    process::cargo(root, &arguments, &[])
        .map_err(|error| format!("{error}\nThe SDK is published by itself: it may use no file outside of sdk/."))
}
