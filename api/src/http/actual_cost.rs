//! What an operation has cost, told from its answer.
//!
//! It is counted as [`super::query_cost`] counts beforehand, with the objects that are there in the place of those that
//! might have been: a connection's by their number, nothing below what is null, nothing of what a condition left out.
//! So it is never more than what was asked for.

use async_graphql::{
    Name, Value,
    indexmap::IndexMap,
    parser::types::{ExecutableDocument, Field, OperationDefinition, OperationType, Selection, SelectionSet},
};

use super::{
    query_cost::{INTROSPECTION_FACTOR, MUTATION_COST, cost_of_field, cost_of_input, is_item},
    query_input::InputSizes,
};

/// What the operation has cost whose answer is `data`.
///
/// Takes as long as writing the answer does: what the answer lacks is not looked into.
#[must_use]
pub(super) fn measure(
    document: &ExecutableDocument,
    operation: &OperationDefinition,
    inputs: &InputSizes<'_>,
    data: &Value,
) -> usize {
    let Value::Object(data) = data else {
        return 0;
    };
    let counting = Counting { document, inputs };
    let dearer = match operation.ty {
        OperationType::Mutation => MUTATION_COST - 1,
        OperationType::Query | OperationType::Subscription => 0,
    };
    counting.selection_set(&operation.selection_set.node, data, dearer)
}

struct Counting<'document> {
    document: &'document ExecutableDocument,
    inputs: &'document InputSizes<'document>,
}

impl Counting<'_> {
    /// What a selection set of this object has cost, each of whose fields is so much dearer than elsewhere.
    fn selection_set(&self, set: &SelectionSet, object: &IndexMap<Name, Value>, dearer: usize) -> usize {
        set.items.iter().fold(0, |cost: usize, selection| {
            let part = match &selection.node {
                Selection::Field(field) => object
                    .get(&field.node.response_key().node)
                    .map_or(0, |value| self.field(&field.node, value).saturating_add(dearer)),
                Selection::InlineFragment(inline) => {
                    self.selection_set(&inline.node.selection_set.node, object, dearer)
                }
                Selection::FragmentSpread(spread) => {
                    let fragment = self.document.fragments.get(&spread.node.fragment_name.node);
                    fragment.map_or(0, |fragment| {
                        self.selection_set(&fragment.node.selection_set.node, object, dearer)
                    })
                }
            };
            cost.saturating_add(part)
        })
    }

    fn field(&self, field: &Field, value: &Value) -> usize {
        let name = field.name.node.as_str();
        // The text of a null is not there.
        let own = if *value == Value::Null { 1 } else { cost_of_field(name) };
        let own = own.saturating_add(cost_of_input(self.inputs, field));
        let set = &field.selection_set.node;
        match value {
            // The objects of a connection; `nodes(ids:)` itself is one field.
            Value::List(items) if is_item(name) => {
                let by_id = field.get_argument("ids").is_some();
                let each = if by_id { 0 } else { own };
                let once = if by_id { own } else { 0 };
                items.iter().fold(once, |cost, item| {
                    cost.saturating_add(each).saturating_add(self.below(set, item))
                })
            }
            _ => {
                let below = self.below(set, value);
                let below = if matches!(name, "__schema" | "__type") {
                    below.saturating_mul(INTROSPECTION_FACTOR)
                } else {
                    below
                };
                own.saturating_add(below)
            }
        }
    }

    /// What stands below a value. Other lists are short, and counted as one beforehand: so they are here.
    fn below(&self, set: &SelectionSet, value: &Value) -> usize {
        match value {
            Value::Object(object) => self.selection_set(set, object, 0),
            Value::List(items) => items.iter().map(|item| self.below(set, item)).max().unwrap_or(0),
            Value::Null
            | Value::Number(_)
            | Value::String(_)
            | Value::Boolean(_)
            | Value::Binary(_)
            | Value::Enum(_) => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::{Variables, parser::parse_query, value};

    use super::*;
    use crate::http::{
        operation,
        query_cost::{self, QueryLimits},
    };

    /// What it costs beforehand, and what it has cost.
    fn costs(document: &str, variables: Value, data: &Value) -> (usize, usize) {
        let document = parse_query(document).unwrap();
        let variables = Variables::from_value(variables);
        let requested = query_cost::check(&document, None, &variables, &QueryLimits::default());
        let operation = operation::select(&document, None).unwrap();
        let inputs = InputSizes::of(&variables).with_defaults(operation);
        let actual = measure(&document, operation, &inputs, data);
        (requested.unwrap().unwrap().cost, actual)
    }

    #[test]
    fn a_connection_costs_what_it_gave() {
        let document =
            "{ products(first: 100) { nodes { id name versions { nodes { id } } } pageInfo { hasNextPage } } }";
        let product = value!({ "id": "a", "name": "b", "versions": { "nodes": [{ "id": "v" }, { "id": "w" }] } });
        let page = value!({ "hasNextPage": false });
        let two = value!({ "products": { "nodes": [(product.clone()), (product)], "pageInfo": (page.clone()) } });
        let (requested, actual) = costs(document, value!({}), &two);
        assert_eq!(requested, 1 + 100 * (1 + 2 + 1 + 20 * 2) + 2);
        assert_eq!(actual, 1 + 2 * (1 + 2 + 1 + 2 * 2) + 2);
        let none = value!({ "products": { "nodes": [], "pageInfo": (page) } });
        assert_eq!(costs(document, value!({}), &none).1, 3);
        assert_eq!(costs(document, value!({}), &value!({ "products": null })).1, 1);
    }

    #[test]
    fn a_full_page_costs_what_was_asked_for() {
        let document = "query($n: Int) { products(first: $n) { edges { cursor node { id } } } }";
        let edge = value!({ "cursor": "c", "node": { "id": "a" } });
        let data = value!({ "products": { "edges": [(edge.clone()), (edge)] } });
        let (requested, actual) = costs(document, value!({ "n": 2 }), &data);
        assert_eq!(requested, actual);
    }

    #[test]
    fn what_a_condition_left_out_costs_nothing() {
        let document = "{ node(id: \"x\") { id ... on App { name } ...V a: description @include(if: false) } }
            fragment V on ProductVersion { specification }";
        let (requested, actual) = costs(document, value!({}), &value!({ "node": { "id": "x", "name": "n" } }));
        assert_eq!((requested, actual), (1 + 1 + 1 + 1000 + 5, 3));
        let null = value!({ "node": { "id": "x", "specification": null } });
        assert_eq!(costs(document, value!({}), &null).1, 3, "a text that is not there");
    }

    #[test]
    fn mutations_are_as_dear_as_before() {
        let document = "mutation { ...M } fragment M on Mutation { a: createApp { app { id } userErrors { code } } }";
        let data = value!({ "a": { "app": null, "userErrors": [{ "code": "TAKEN" }, { "code": "INVALID" }] } });
        assert_eq!(costs(document, value!({}), &data), (50 + 2 + 2, 50 + 1 + 2));
    }

    #[test]
    fn objects_by_id_cost_what_was_found() {
        let document = "query($ids: [ID!]!) { nodes(ids: $ids) { id } }";
        let data = value!({ "nodes": [{ "id": "a" }, null, { "id": "c" }] });
        assert_eq!(costs(document, value!({ "ids": ["a", "b", "c"] }), &data), (4, 3));
    }
}
