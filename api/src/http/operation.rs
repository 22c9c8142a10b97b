//! The operation of a document that a request asks for, and what can be told of it before it runs.

use std::collections::HashSet;

use async_graphql::{
    Positioned, Value, Variables,
    parser::types::{
        DocumentOperations, ExecutableDocument, Field, OperationDefinition, OperationType, Selection, SelectionSet,
    },
};

/// Mutations that open or end a session. A token sent along is ignored: it may be the ended one that the caller is
/// about to replace.
const IGNORES_TOKEN: [&str; 5] = ["signIn", "signUp", "refreshSession", "signOut", "resetPassword"];

/// Why no operation could be chosen (GraphQL, section 6.1, "GetOperation").
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OperationNotChosen {
    /// There are several and no name.
    #[error("The document has several operations. Say in `operationName` which one to execute.")]
    NameRequired,
    /// There is no operation of that name.
    #[error("The document has no operation of the name in `operationName`.")]
    Unknown,
}

/// The operation to execute.
///
/// # Errors
/// [`OperationNotChosen`] when the name does not single one out.
pub fn select<'document>(
    document: &'document ExecutableDocument,
    operation_name: Option<&str>,
) -> Result<&'document OperationDefinition, OperationNotChosen> {
    match (&document.operations, operation_name) {
        (DocumentOperations::Single(operation), None) => Ok(&operation.node),
        (DocumentOperations::Single(_), Some(_)) => Err(OperationNotChosen::Unknown),
        (DocumentOperations::Multiple(operations), Some(name)) => operations
            .get(name)
            .map(|operation| &operation.node)
            .ok_or(OperationNotChosen::Unknown),
        (DocumentOperations::Multiple(operations), None) => {
            let mut all = operations.values();
            match (all.next(), all.next()) {
                (Some(only), None) => Ok(&only.node),
                (Some(_), Some(_)) | (None, _) => Err(OperationNotChosen::NameRequired),
            }
        }
    }
}

/// A variable that must have a value has none (GraphQL, section 6.1.2).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("The variable `${name}` of type `{kind}` has no value. Send one in `variables`.")]
pub struct VariableMissing {
    name: String,
    kind: String,
}

/// Gives variables that were not sent their defaults.
///
/// The schema would find a missing value only when the field that uses it is resolved, after other mutations of the
/// same request have been committed; so it is looked for here.
///
/// # Errors
/// [`VariableMissing`] when a variable that must not be null has no value.
pub fn complete_variables(operation: &OperationDefinition, variables: &mut Variables) -> Result<(), VariableMissing> {
    for definition in operation.variable_definitions.iter().map(|definition| &definition.node) {
        if !variables.contains_key(&definition.name.node)
            && let Some(default) = &definition.default_value
        {
            variables.insert(definition.name.node.clone(), default.node.clone());
        }
        let is_null = variables
            .get(&definition.name.node)
            .is_none_or(|value| *value == Value::Null);
        if is_null && !definition.var_type.node.nullable {
            return Err(VariableMissing {
                name: definition.name.node.to_string(),
                kind: definition.var_type.node.to_string(),
            });
        }
    }
    Ok(())
}

/// Whether a bad access token is no reason to refuse the operation: each of its root fields opens or ends a session.
#[must_use]
pub fn ignores_access_token(document: &ExecutableDocument, operation: &OperationDefinition) -> bool {
    if operation.ty != OperationType::Mutation {
        return false;
    }
    let mut fields = Vec::new();
    collect_root_fields(
        document,
        &operation.selection_set.node,
        &mut HashSet::new(),
        &mut fields,
    );
    !fields.is_empty()
        && fields
            .iter()
            .all(|field| IGNORES_TOKEN.contains(&field.name.node.as_str()))
}

fn collect_root_fields<'document>(
    document: &'document ExecutableDocument,
    selection_set: &'document SelectionSet,
    visited: &mut HashSet<&'document str>,
    fields: &mut Vec<&'document Field>,
) {
    for selection in &selection_set.items {
        match &selection.node {
            Selection::Field(Positioned { node, .. }) => fields.push(node),
            Selection::InlineFragment(inline) => {
                collect_root_fields(document, &inline.node.selection_set.node, visited, fields);
            }
            Selection::FragmentSpread(spread) => {
                let name = spread.node.fragment_name.node.as_str();
                if visited.insert(name)
                    && let Some(fragment) = document.fragments.get(name)
                {
                    collect_root_fields(document, &fragment.node.selection_set.node, visited, fields);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{OperationNotChosen, complete_variables, ignores_access_token, select};
    use async_graphql::{Variables, parser::parse_query, value};

    #[test]
    fn chooses_the_named_or_the_only_operation() {
        let anonymous = parse_query("{ a }").unwrap();
        assert!(select(&anonymous, None).is_ok());
        assert_eq!(select(&anonymous, Some("A")).unwrap_err(), OperationNotChosen::Unknown);
        let named = parse_query("query A { a }").unwrap();
        assert!(select(&named, None).is_ok());
        assert!(select(&named, Some("A")).is_ok());
        assert_eq!(select(&named, Some("")).unwrap_err(), OperationNotChosen::Unknown);
        let several = parse_query("query A { a } query B { b }").unwrap();
        assert_eq!(select(&several, None).unwrap_err(), OperationNotChosen::NameRequired);
        assert!(select(&several, Some("B")).is_ok());
    }

    fn completed(document: &str, variables: async_graphql::Value) -> Result<async_graphql::Value, String> {
        let document = parse_query(document).unwrap();
        let mut variables = Variables::from_value(variables);
        complete_variables(select(&document, None).unwrap(), &mut variables).map_err(|error| error.to_string())?;
        Ok(variables.into_value())
    }

    #[test]
    fn variables_get_their_defaults_and_required_ones_must_be_there() {
        let document = "query($a: Int! = 1, $b: Int = 2, $c: Int) { x }";
        assert_eq!(completed(document, value!({})), Ok(value!({ "a": 1, "b": 2 })));
        let sent = value!({ "a": 3, "b": null, "c": null });
        assert_eq!(
            completed(document, sent.clone()),
            Ok(sent),
            "null is a value where it is allowed"
        );
        for variables in [value!({}), value!({ "ids": null })] {
            let missing = completed("query($ids: [ID!]!) { x }", variables).unwrap_err();
            assert_eq!(
                missing,
                "The variable `$ids` of type `[ID!]!` has no value. Send one in `variables`."
            );
        }
        assert!(completed("query($a: Int! = 1) { x }", value!({ "a": null })).is_err());
    }

    fn ignores(document: &str) -> bool {
        let document = parse_query(document).unwrap();
        ignores_access_token(&document, select(&document, None).unwrap())
    }

    #[test]
    fn only_session_mutations_ignore_the_token() {
        for field in ["signIn", "signUp", "refreshSession", "signOut", "resetPassword"] {
            assert!(
                ignores(&format!("mutation {{ {field} {{ userErrors {{ code }} }} }}")),
                "{field}"
            );
        }
        assert!(ignores(
            "mutation { again: signIn { session { accessToken } } signOut { userErrors { code } } }"
        ));
        assert!(ignores(
            "mutation { ...F } fragment F on Mutation { ... on Mutation { signIn { userErrors { code } } } }"
        ));
    }

    #[test]
    fn everything_else_minds_the_token() {
        for document in [
            "{ signIn }",
            "mutation { __typename }",
            "mutation { createApp { userErrors { code } } }",
            "mutation { signIn: createApp { userErrors { code } } }",
            "mutation { signIn { userErrors { code } } createApp { userErrors { code } } }",
            "mutation { signIn { userErrors { code } } ...F } fragment F on Mutation { createApp { app { id } } }",
            "mutation { changePassword { userErrors { code } } }",
            "mutation { ...Missing }",
            "mutation { ...F } fragment F on Mutation { ...F }",
        ] {
            assert!(!ignores(document), "{document}");
        }
    }
}
