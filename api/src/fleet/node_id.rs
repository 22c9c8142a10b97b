//! A gateway's id: made at its first start, and kept in its data directory.

use std::{fs, io, path::Path};

use domain::id::GatewayNodeId;

const FILE: &str = "gateway-node-id";

/// The id that the directory holds; a new one when it holds none, or what is there is none.
///
/// # Errors
/// When the file can be neither read nor written.
pub fn load_or_create(directory: &Path) -> io::Result<GatewayNodeId> {
    let path = directory.join(FILE);
    match fs::read_to_string(&path) {
        Ok(text) => {
            if let Ok(id) = text.trim().parse() {
                return Ok(id);
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let id = GatewayNodeId::new();
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    io::Write::write_all(&mut file, format!("{id}\n").as_bytes())?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stays_the_same() {
        let directory = tempfile::tempdir().unwrap();
        let id = load_or_create(directory.path()).unwrap();
        assert_eq!(load_or_create(directory.path()).unwrap(), id);
        fs::write(directory.path().join(FILE), "junk").unwrap();
        assert_ne!(load_or_create(directory.path()).unwrap(), id);
    }
}
