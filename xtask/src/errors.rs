//! docs/errors.md: its tables of codes are generated from the code, committed, and checked for drift.

use std::{fs, path::Path};

use crate::{TaskResult, process};

const FILE: &str = "docs/errors.md";

/// The tables, by what the binary calls them. In the file each stands between `<!-- codes: NAME -->` and
/// `<!-- end of codes -->`.
const TABLES: [&str; 2] = ["user", "top-level"];
const END: &str = "<!-- end of codes -->";

/// Writes the tables anew.
pub(crate) fn write(root: &Path, binary: &Path) -> TaskResult {
    let (_, wanted) = compare(root, binary)?;
    fs::write(root.join(FILE), wanted).map_err(|error| format!("{FILE} cannot be written: {error}"))
}

/// Checks that the tables are what the code generates.
pub(crate) fn check(root: &Path, binary: &Path) -> TaskResult {
    let (committed, wanted) = compare(root, binary)?;
    if committed == wanted {
        println!("{FILE}: as generated");
        return Ok(());
    }
    Err(format!(
        "{FILE} is not what the code generates. Run `cargo xtask schema` and commit the result."
    ))
}

/// The file as it is, and as it should be.
fn compare(root: &Path, binary: &Path) -> Result<(String, String), String> {
    let committed = fs::read_to_string(root.join(FILE)).map_err(|error| format!("{FILE} cannot be read: {error}"))?;
    let mut wanted = committed.clone();
    for name in TABLES {
        let table = process::output(root, binary, &["error-codes", name])?;
        wanted = put(&wanted, name, &table)?;
    }
    Ok((committed, wanted))
}

/// The text with another table of this name.
fn put(text: &str, name: &str, table: &str) -> Result<String, String> {
    let begin = format!("<!-- codes: {name} -->");
    let missing = || format!("{FILE} lacks `{begin}` … `{END}`");
    let (before, rest) = text.split_once(&begin).ok_or_else(missing)?;
    let (_, after) = rest.split_once(END).ok_or_else(missing)?;
    Ok(format!("{before}{begin}\n{table}{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_put_in_its_place_and_nothing_else_changes() {
        let text = "a\n<!-- codes: user -->\nold\n<!-- end of codes -->\nb\n<!-- codes: top-level -->\n<!-- end of codes -->\n";
        let put_in = put(text, "user", "| new |\n").unwrap();
        let expected = "a\n<!-- codes: user -->\n| new |\n<!-- end of codes -->\nb\n<!-- codes: top-level -->\n<!-- end of codes -->\n";
        assert_eq!(put_in, expected);
        assert!(put("no table", "user", "").is_err());
    }
}
