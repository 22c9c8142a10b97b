//! What commands read besides their arguments: files, standard input, passwords.

use std::{
    env, fs,
    io::{self, IsTerminal, Read},
    path::Path,
};

use portico_sdk::SecretString;

use crate::failure::Failure;

/// The text of a file; of standard input for `-`.
///
/// # Errors
/// Where it cannot be read, or is not UTF-8.
pub(crate) fn text(path: &Path) -> Result<String, Failure> {
    if path == Path::new("-") {
        let mut text = String::new();
        io::stdin().read_to_string(&mut text).map_err(Failure::file(path))?;
        return Ok(text);
    }
    fs::read_to_string(path).map_err(Failure::file(path))
}

/// A secret: of the environment variable, or else typed at the terminal without being shown, or else the first line of
/// standard input. Never an argument, which every process of the machine may read.
///
/// # Errors
/// Where there is none.
pub(crate) fn secret(variable: &str, prompt: &str) -> Result<SecretString, Failure> {
    if let Ok(secret) = env::var(variable) {
        return Ok(SecretString::from(secret));
    }
    if io::stdin().is_terminal() {
        return rpassword::prompt_password(format!("{prompt}: "))
            .map(SecretString::from)
            .map_err(Failure::file("the terminal"));
    }
    let mut line = String::new();
    io::stdin()
        .read_line(&mut line)
        .map_err(Failure::file("standard input"))?;
    let secret = line.trim_end_matches(['\n', '\r']);
    if secret.is_empty() {
        return Err(Failure::Usage(format!(
            "no {}: set {variable}, type it at a terminal, or give it as a line on standard input",
            prompt.to_lowercase()
        )));
    }
    Ok(SecretString::from(secret.to_owned()))
}

/// `key=value`, for labels.
///
/// # Errors
/// In words, where there is no `=`.
pub(crate) fn label(text: &str) -> Result<(String, String), String> {
    text.split_once('=')
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .ok_or_else(|| "a label is written key=value".to_owned())
}

/// `slug=title=path`, for a page of documentation.
///
/// # Errors
/// In words, where a part is missing.
pub(crate) fn document(text: &str) -> Result<(String, String, std::path::PathBuf), String> {
    let mut parts = text.splitn(3, '=');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(slug), Some(title), Some(path)) => Ok((slug.to_owned(), title.to_owned(), path.into())),
        _ => Err("a document is written slug=title=file".to_owned()),
    }
}
