//! The three things that an update can do with a field.

use cynic::schema::IsScalar;
use serde::{Serialize, Serializer, ser::Error as _};

use crate::{document::DocumentInput, product::LabelInput, schema};

/// What an update does with one field: leave it, clear it, or set it.
///
/// GraphQL tells an omitted field from `null`, and so do Portico's update inputs: an omitted field stays as it is,
/// `null` clears what may be null and empties a list; on a field that must have a value it is refused with
/// [`crate::UserErrorCode::Required`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum Patch<T> {
    /// Leave the field as it is: it is not sent.
    #[default]
    Leave,
    /// Clear the field: `null` is sent.
    Clear,
    /// Set the field to this value.
    Set(T),
}

impl<T> Patch<T> {
    /// Whether the field stays as it is.
    pub fn is_leave(&self) -> bool {
        matches!(self, Self::Leave)
    }
}

impl<T> From<T> for Patch<T> {
    fn from(value: T) -> Self {
        Self::Set(value)
    }
}

impl From<&str> for Patch<String> {
    fn from(value: &str) -> Self {
        Self::Set(value.to_owned())
    }
}

impl<T: Serialize> Serialize for Patch<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            // Sending `null` here would clear what the caller wanted to keep.
            Self::Leave => Err(S::Error::custom("a field that is left alone must not be sent")),
            Self::Clear => serializer.serialize_none(),
            Self::Set(value) => value.serialize(serializer),
        }
    }
}

// cynic wraps the Rust type of an input field until it has the shape of the schema's type, and then asks for these.
// One line for each type that an update input has, so that a field of another type does not compile.
macro_rules! patch_of {
    (scalar $rust:ty => $marker:ty) => {
        impl IsScalar<$marker> for Patch<$rust> {
            type SchemaType = $marker;
        }
    };
    (input $rust:ty => $marker:ty) => {
        impl cynic::InputObject for Patch<$rust> {
            type SchemaType = $marker;
        }
    };
}

patch_of!(scalar bool => bool);
patch_of!(scalar i32 => i32);
patch_of!(scalar String => String);
patch_of!(scalar Vec<String> => String);
patch_of!(input Vec<DocumentInput> => schema::DocumentInput);
patch_of!(input Vec<LabelInput> => schema::LabelInput);

#[cfg(test)]
mod tests {
    use super::Patch;

    #[test]
    fn a_field_left_alone_is_never_serialised() {
        assert!(serde_json::to_value(Patch::<String>::Leave).is_err());
        assert_eq!(
            serde_json::to_value(Patch::<String>::Clear).unwrap(),
            serde_json::Value::Null
        );
        assert_eq!(
            serde_json::to_value(Patch::<String>::from("x")).unwrap(),
            serde_json::json!("x")
        );
    }
}
