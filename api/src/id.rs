//! Ids as clients send them.

use async_graphql::ID;
use type_safe_id::{StaticType, TypeSafeId};

use crate::error::ServiceError;

/// Reads the id in `field`.
///
/// # Errors
/// `BAD_USER_INPUT` when it has another form or is of another kind.
pub fn parse<T: StaticType>(field: &str, id: &ID) -> Result<TypeSafeId<T>, ServiceError> {
    id.parse().map_err(|_| {
        ServiceError::BadUserInput(format!(
            "{field} must be an id that starts with {}_, as this server gave it; {:?} is not one.",
            T::TYPE,
            shown(id)
        ))
    })
}

/// An id as an error may repeat it: what is longer than any id is cut.
fn shown(id: &str) -> String {
    id.chars().take(64).collect()
}
