//! The files in `deploy/` that cannot be run here, each looked at by its own tool.

use std::{fs, path::Path, process::Command};

use crate::{TaskResult, programs};

/// Of the versions that the manifests are checked against.
const KUBERNETES: &str = "1.34";

/// The most that `systemd-analyze security` may find exposed, in tenths: 0 is nothing, 100 everything.
const EXPOSURE: &str = "20";

/// Checks all of them.
pub(crate) fn check(root: &Path) -> TaskResult {
    programs::ensure_all(root)?;
    let deploy = root.join("deploy");
    dockerfile(root, &deploy)?;
    compose(root, &deploy)?;
    kubernetes(root, &deploy)?;
    systemd(root, &deploy)?;
    println!(
        "deploy: what hadolint, docker-compose, caddy, kubernetes-validate and systemd-analyze look at is in order"
    );
    Ok(())
}

fn dockerfile(root: &Path, deploy: &Path) -> TaskResult {
    let mut hadolint = Command::new(programs::python_program(root, "hadolint"));
    run(hadolint.arg(deploy.join("docker/Dockerfile")))
}

fn compose(root: &Path, deploy: &Path) -> TaskResult {
    let variables = [
        ("API_HOST", "portal-api.example.com"),
        ("GATEWAY_HOST", "api.example.com"),
        ("POSTGRES_PASSWORD", "unused"),
        ("PORTICO_ADMIN_PASSWORD", "unused"),
    ];
    let mut compose = Command::new(programs::python_path(root).join("compose/docker-compose"));
    let file = deploy.join("docker/compose.yaml");
    run(compose
        .arg("--file")
        .arg(file)
        .args(["config", "--quiet"])
        .envs(variables))?;
    let caddyfile = deploy.join("docker/Caddyfile");
    let mut caddy = Command::new(programs::python_program(root, "caddy"));
    quietly(caddy.args(["validate", "--config"]).arg(caddyfile).envs(variables))
}

fn kubernetes(root: &Path, deploy: &Path) -> TaskResult {
    let mut validate = Command::new("python3");
    validate
        .env("PYTHONPATH", programs::python_path(root))
        .arg(programs::python_program(root, "kubernetes-validate"))
        .args(["--strict", "--quiet", "--kubernetes-version", KUBERNETES])
        .arg(deploy.join("kubernetes/portico.yaml"));
    run(&mut validate)
}

fn systemd(root: &Path, deploy: &Path) -> TaskResult {
    let folder = root.join("target/units");
    fs::create_dir_all(&folder).map_err(|error| format!("{} cannot be made: {error}", folder.display()))?;
    for unit in ["portico.service", "portico-gateway.service"] {
        let path = deploy.join("systemd").join(unit);
        let text = fs::read_to_string(&path).map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
        run(Command::new("systemd-analyze")
            .args(["security", "--offline=true", "--no-pager", "--threshold", EXPOSURE])
            .arg(&path)
            .stdout(std::process::Stdio::null()))?;
        // It asks for the program, too, which is not installed here.
        let here = std::env::current_exe().map_err(|error| format!("this program has no path: {error}"))?;
        let copy = folder.join(unit);
        fs::write(
            &copy,
            text.replace("/usr/local/bin/portico", &here.display().to_string()),
        )
        .map_err(|error| format!("{} cannot be written: {error}", copy.display()))?;
        run(Command::new("systemd-analyze").arg("verify").arg(&copy))?;
    }
    Ok(())
}

fn run(command: &mut Command) -> TaskResult {
    let program = command.get_program().display().to_string();
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(_) => Err(format!("{program} finds fault with a file in deploy/")),
        Err(error) => Err(format!("{program} could not be started: {error}")),
    }
}

/// Runs a program that says much when all is well, and repeats it only when it is not.
fn quietly(command: &mut Command) -> TaskResult {
    let program = command.get_program().display().to_string();
    match command.output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(format!("{program}: {}", String::from_utf8_lossy(&output.stderr))),
        Err(error) => Err(format!("{program} could not be started: {error}")),
    }
}
