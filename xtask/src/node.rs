//! Node, npm, a browser and the packages of `tests/node`, with which the tests do what frontend teams do: found, or
//! installed where that needs nobody's help.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use serde_json::Value;

use crate::{TaskResult, debian};

/// The npm project, below the workspace's root.
const PROJECT: &str = "tests/node";

/// What was installed from: `tests/src/node.rs` compares it, too, so that no test runs on other packages.
const MARK: &str = "node_modules/.installed-from";

/// The oldest that will do: Debian 12's.
const OLDEST: u32 = 18;

const REMEDY: &str = "install Node.js 18 or newer with npm (Debian: `apt-get install nodejs npm`; macOS: `brew install \
                      node`), so that `node --version` and `npm --version` answer";

/// The browser's names; `tests/src/node.rs` looks for the same.
const BROWSERS: &[&str] = &["chromium", "chromium-browser", "google-chrome"];

const BROWSER_REMEDY: &str = "install Chromium (Debian: `apt-get install chromium`), so that `chromium --version` \
                              answers";

/// Makes sure that all of it is there.
pub(crate) fn ensure_all(root: &Path) -> TaskResult {
    ensure_node()?;
    ensure_browser()?;
    ensure_packages(&root.join(PROJECT))
}

fn ensure_node() -> TaskResult {
    let missing = match (version("node"), version("npm")) {
        (Some(node), Some(_)) if major(&node).is_some_and(|major| major >= OLDEST) => return Ok(()),
        // A newer one beside it is somebody's decision.
        (Some(node), _) if major(&node).is_none_or(|major| major < OLDEST) => {
            return Err(format!("Node.js {node} is too old; {REMEDY}"));
        }
        (Some(_), _) => "npm is missing",
        (None, _) => "Node.js is missing",
    };
    debian::install(&["nodejs", "npm"], missing, REMEDY)?;
    match (version("node"), version("npm")) {
        (Some(node), Some(_)) if major(&node).is_some_and(|major| major >= OLDEST) => Ok(()),
        (node, npm) => Err(format!(
            "apt-get installed nodejs and npm, but node is {} and npm is {}; {REMEDY}",
            node.as_deref().unwrap_or("missing"),
            npm.as_deref().unwrap_or("missing"),
        )),
    }
}

fn ensure_browser() -> TaskResult {
    let is_there = || BROWSERS.iter().any(|name| version(name).is_some());
    if is_there() {
        return Ok(());
    }
    debian::install(&["chromium"], "Chromium is missing", BROWSER_REMEDY)?;
    if is_there() {
        Ok(())
    } else {
        Err(format!(
            "apt-get installed chromium, but it does not answer; {BROWSER_REMEDY}"
        ))
    }
}

/// Installs what the lock file says, unless that has been done.
fn ensure_packages(project: &Path) -> TaskResult {
    let wanted = manifests(project)?;
    let mark = project.join(MARK);
    if fs::read_to_string(&mark).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    println!("node: installing the packages of {PROJECT}");
    let status = Command::new("npm")
        // No package's own program runs: none of these needs one, and none is trusted with it.
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"])
        .current_dir(project)
        .stdin(Stdio::null())
        .status()
        .map_err(|error| format!("npm could not be started: {error}; {REMEDY}"))?;
    if !status.success() {
        return Err(format!(
            "`npm ci` failed in {PROJECT}; it needs a reachable package registry, and a package-lock.json that fits \
             package.json"
        ));
    }
    // npm has emptied the folder before, so what is half installed has no mark.
    fs::write(&mark, wanted).map_err(|error| format!("{} cannot be written: {error}", mark.display()))
}

/// What decides which packages are installed.
fn manifests(project: &Path) -> Result<String, String> {
    let read = |name: &str| read(&project.join(name));
    Ok(read("package.json")? + &read("package-lock.json")?)
}

/// Checks that the packages are pinned, each by its hash, and that the lock file leads to no particular registry:
/// whoever installs uses theirs.
pub(crate) fn check(root: &Path) -> TaskResult {
    let project = root.join(PROJECT);
    let parse = |name: &str| -> Result<Value, String> {
        serde_json::from_str(&read(&project.join(name))?).map_err(|error| format!("{PROJECT}/{name}: {error}"))
    };
    let settings = read(&project.join(".npmrc"))?;
    let setting = "omit-lockfile-registry-resolved=true";
    if !settings.lines().any(|line| line == setting) {
        return Err(format!("{PROJECT}/.npmrc must say {setting}"));
    }
    let faults = faults(&parse("package.json")?, &parse("package-lock.json")?);
    if faults.is_empty() {
        println!("node: every package pinned");
        Ok(())
    } else {
        Err(format!("{PROJECT}: {}", faults.join("; ")))
    }
}

fn faults(manifest: &Value, lock: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    for kind in ["dependencies", "devDependencies"] {
        for (name, version) in manifest[kind].as_object().into_iter().flatten() {
            let version = version.as_str().unwrap_or_default();
            if !version.starts_with(|first: char| first.is_ascii_digit()) || version.contains([' ', '|', 'x']) {
                faults.push(format!("{name} is not pinned to one version: {version:?}"));
            }
        }
    }
    let Some(packages) = lock["packages"].as_object() else {
        return vec!["package-lock.json has no packages".to_owned()];
    };
    // The entry without a path is the project itself.
    for (path, package) in packages.iter().filter(|(path, _)| !path.is_empty()) {
        if !package["integrity"].is_string() {
            faults.push(format!("{path} has no hash in package-lock.json"));
        }
        if !package["resolved"].is_null() {
            faults.push(format!(
                "{path} names a registry in package-lock.json; run `npm install` in {PROJECT}"
            ));
        }
    }
    faults
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("{} cannot be read: {error}", path.display()))
}

/// What a program answers when it is asked for its version.
fn version(program: &str) -> Option<String> {
    let output = Command::new(program)
        .arg("--version")
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}

/// The first number of a version such as `v18.19.1`.
fn major(version: &str) -> Option<u32> {
    version.trim_start_matches('v').split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn versions_are_read() {
        assert_eq!(major("v18.19.1"), Some(18));
        assert_eq!(major("9.2.0"), Some(9));
        assert_eq!(major("none"), None);
    }

    #[test]
    fn what_is_not_pinned_is_a_fault() {
        let manifest = json!({ "devDependencies": { "a": "1.2.3", "b": "^1.2.3", "c": "1.x", "d": "latest" } });
        let lock = json!({ "packages": {
            "": { "name": "tests" },
            "node_modules/a": { "version": "1.2.3", "integrity": "sha512-…" },
            "node_modules/b": { "version": "1.2.3", "integrity": "sha512-…", "resolved": "https://registry.example/b" },
            "node_modules/c": { "version": "1.2.3" },
        }});
        assert_eq!(
            faults(&manifest, &lock),
            [
                "b is not pinned to one version: \"^1.2.3\"",
                "c is not pinned to one version: \"1.x\"",
                "d is not pinned to one version: \"latest\"",
                "node_modules/b names a registry in package-lock.json; run `npm install` in tests/node",
                "node_modules/c has no hash in package-lock.json",
            ]
        );
        assert!(faults(&json!({}), &json!({ "packages": {} })).is_empty());
        assert_eq!(faults(&json!({}), &json!({})).len(), 1);
    }
}
