//! The PostgreSQL server that the tests run on: found, or installed where that needs nobody's help.

use test_cluster::Programs;

use crate::debian;

const REMEDY: &str = "install the server and its programs (Debian: `apt-get install postgresql`; macOS: `brew install \
                      postgresql`), or put its directory into PATH";

/// Finds PostgreSQL's programs. As root on a system with apt-get it installs Debian's package when there are none.
pub(crate) fn ensure() -> Result<Programs, String> {
    let missing = match Programs::find() {
        Ok(programs) => return Ok(programs),
        Err(missing) => missing,
    };
    debian::install(&["postgresql"], &missing.to_string(), REMEDY)?;
    Programs::find().map_err(|missing| format!("apt-get installed postgresql, but {missing}; {REMEDY}"))
}
