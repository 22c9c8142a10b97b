//! What a refused call says.

use portico_sdk::Error;

/// The codes of the user errors, with the fields they name.
pub fn codes<T: std::fmt::Debug>(result: Result<T, Error>) -> Vec<(String, String)> {
    let error = result.expect_err("the call must be refused");
    error
        .user_errors()
        .iter()
        .map(|error| {
            (
                error.code.to_string(),
                error.field.clone().unwrap_or_default().join("."),
            )
        })
        .collect()
}

/// The one code of a refused call: of its user error, or else of its top-level error.
pub fn code<T: std::fmt::Debug>(result: Result<T, Error>) -> String {
    let error = result.expect_err("the call must be refused");
    error.code().unwrap_or_else(|| panic!("no code: {error:?}")).to_owned()
}
