//! Interfaces that implement interfaces (GraphQL specification, October 2021, section 3.7), which the derive macro of
//! the GraphQL library cannot say.

use std::borrow::Cow;

use async_graphql::{
    ContextSelectionSet, OutputType, Positioned, ServerResult, Value, parser::types::Field, registry::Registry,
};

/// Each of these interfaces implements [`NODE`].
const NODES: [&str; 2] = ["Account", "AuthStrategy"];
const NODE: &str = "Node";

/// Completes the interfaces in the schema. Register it last, by `register_output_type`: it looks at the types that are
/// there. No value has this type.
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
        Self::qualified_type_name()
    }

    async fn resolve(&self, _context: &ContextSelectionSet<'_>, _field: &Positioned<Field>) -> ServerResult<Value> {
        match *self {}
    }
}

#[cfg(test)]
mod tests {
    use crate::graphql::{schema, sdl};

    #[test]
    fn interfaces_implement_node() {
        let sdl = sdl();
        for interface in super::NODES {
            let start = format!("\ninterface {interface} implements Node {{");
            assert!(sdl.contains(&start), "{interface}");
        }
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
