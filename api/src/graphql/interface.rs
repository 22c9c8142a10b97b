//! Interfaces that implement interfaces (GraphQL specification, October 2021, section 3.7), which the derive macro of
//! the GraphQL library cannot say.

use std::borrow::Cow;

use async_graphql::{
    ContextSelectionSet, OutputType, Positioned, ServerResult, Value,
    parser::types::Field,
    registry::{MetaField, MetaType, Registry},
};

/// Each of these interfaces implements [`NODE`].
const NODES: [&str; 2] = ["Account", "AuthStrategy"];
const NODE: &str = "Node";

/// Completes the interfaces in the schema. Register it last, by `register_output_type`: it looks at the types that are
/// there. No value has this type.
///
/// It also gives the fields of interfaces the cost that they have in objects; the library would count a list behind an
/// interface as one item.
pub enum InterfaceHierarchy {}

impl OutputType for InterfaceHierarchy {
    fn type_name() -> Cow<'static, str> {
        NODE.into()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        for interface in NODES {
            if registry.types.contains_key(interface) {
                registry.add_implements(interface, NODE);
            }
        }
        for (interface, dear) in dear_fields(registry) {
            if let Some(MetaType::Interface { fields, .. }) = registry.types.get_mut(&interface)
                && let Some(field) = fields.get_mut(&dear.name)
            {
                field.compute_complexity = dear.compute_complexity;
            }
        }
        Self::qualified_type_name()
    }

    async fn resolve(&self, _context: &ContextSelectionSet<'_>, _field: &Positioned<Field>) -> ServerResult<Value> {
        match *self {}
    }
}

/// Fields of interfaces as an object has them that says what they cost.
fn dear_fields(registry: &Registry) -> Vec<(String, MetaField)> {
    let mut dear = Vec::new();
    for (interface, kind) in &registry.types {
        let MetaType::Interface { possible_types, .. } = kind else {
            continue;
        };
        let objects = possible_types.iter().filter_map(|object| registry.types.get(object));
        let fields = objects.filter_map(MetaType::fields).flat_map(|fields| fields.values());
        let costly =
            fields.filter(|field| field.compute_complexity.is_some() && kind.field_by_name(&field.name).is_some());
        dear.extend(costly.map(|field| (interface.clone(), field.clone())));
    }
    dear
}

#[cfg(test)]
mod tests {
    use crate::graphql::{schema, sdl};

    #[test]
    fn interfaces_implement_node() {
        let sdl = sdl();
        assert!(sdl.contains("\ninterface AuthStrategy implements Node {"), "{sdl}");
    }

    #[tokio::test]
    async fn only_objects_are_possible_types() {
        let document = "{ node: __type(name: \"Node\") { possibleTypes { name kind } } \
             strategy: __type(name: \"AuthStrategy\") { possibleTypes { name kind } } }";
        let data = schema().execute(document).await.into_result().unwrap().data;
        let data = data.into_json().unwrap();
        for interface in ["node", "strategy"] {
            let types = data[interface]["possibleTypes"].as_array().unwrap();
            assert!(types.iter().any(|one| one["name"] == "KeyAuthStrategy"), "{types:?}");
            assert!(types.iter().all(|one| one["kind"] == "OBJECT"), "{types:?}");
        }
    }
}
