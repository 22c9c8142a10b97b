//! What the numbers were taken on.

use std::{fs, path::Path, thread::available_parallelism};

use crate::process;

/// A description in a few words: processor, cores, memory, kernel, compiler, and what was measured when.
pub(crate) fn describe(root: &Path) -> Result<Vec<(String, String)>, String> {
    let processor = field("/proc/cpuinfo", "model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned());
    let cores = available_parallelism().map_or(0, usize::from);
    let kibibytes: u64 = field("/proc/meminfo", "MemTotal")
        .and_then(|text| text.split(' ').next()?.parse().ok())
        .unwrap_or_default();
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let commit = process::output(root, "git".as_ref(), &["describe", "--always", "--dirty"])?;
    let compiler = process::output(root, "rustc".as_ref(), &["--version"])?;
    Ok([
        ("Processor", format!("{processor}, {cores} cores of it")),
        ("Memory", format!("{} GiB", kibibytes / 1024 / 1024)),
        ("Kernel", format!("Linux {}", kernel.trim())),
        ("Compiler", compiler.trim().to_owned()),
        ("Portico", commit.trim().to_owned()),
        (
            "Taken",
            jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M UTC").to_string(),
        ),
    ]
    .map(|(what, is)| (what.to_owned(), is))
    .to_vec())
}

/// A value of a file of lines such as `name : value`.
fn field(file: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let (_, value) = text.lines().find(|line| line.starts_with(name))?.split_once(':')?;
    Some(value.trim().to_owned())
}
