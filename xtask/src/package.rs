//! The SDK's package: what is published must build from its tarball alone.

use std::path::Path;

use crate::{TaskResult, process};

/// Packs the SDK and builds it from the tarball, in the target directory that all else is built in.
///
/// Offline: what it depends on is there once the workspace was built. Cargo builds the tarball in a workspace of its
/// own, below `target/package`, with the versions of our lock file, so crates whose features are the same are not built
/// again.
pub(crate) fn check(root: &Path) -> TaskResult {
    process::cargo(
        root,
        &[
            "package",
            "--package",
            "portico-sdk",
            "--allow-dirty",
            "--offline",
            "--quiet",
        ],
        &[],
    )
    .map_err(|error| format!("{error}\nThe SDK is published by itself: it may use no file outside of sdk/."))
}
