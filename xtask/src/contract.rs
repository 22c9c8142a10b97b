//! The contract: the names that clients may rely on. The server's schema may add to them, never drop or change one.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use async_graphql_parser::{
    Positioned, parse_schema,
    types::{FieldDefinition, InputValueDefinition, ServiceDocument, TypeDefinition, TypeKind, TypeSystemDefinition},
};

use crate::TaskResult;

const CONTRACT: &str = "tests/contract/schema.graphql";

/// Marks of parts of the contract that are not built yet. A part that exists all the same is held to the contract.
const LATER: [&str; 2] = ["@live", "@oidc"];

/// Checks that `schema` only adds to the contract, and describes all that it has.
pub(crate) fn check(root: &Path, schema: &str) -> TaskResult {
    let text =
        fs::read_to_string(root.join(CONTRACT)).map_err(|error| format!("{CONTRACT} cannot be read: {error}"))?;
    let later = marked_later(&text);
    let contract = parse(CONTRACT, &text)?;
    let ours = parse("schema.graphql", schema)?;
    let ours = types(&ours);
    let mut broken = Vec::new();
    for (name, wanted) in types(&contract) {
        match ours.get(name) {
            Some(present) => compare(name, wanted, present, &later, &mut broken),
            None if later.contains(name) => {}
            None => broken.push(format!("{name} is missing")),
        }
    }
    for (name, definition) in &ours {
        describe(name, definition, &mut broken);
    }
    if broken.is_empty() {
        let kept = types(&contract).keys().filter(|name| ours.contains_key(*name)).count();
        println!("contract: {kept} types kept, {} in all", ours.len());
        return Ok(());
    }
    Err(format!("schema.graphql breaks {CONTRACT}:\n{}", broken.join("\n")))
}

/// The types (`Type`), and the fields and values (`Type.field`), whose line says that they come later.
fn marked_later(contract: &str) -> BTreeSet<String> {
    let mut paths = BTreeSet::new();
    let mut open = None;
    for line in contract.lines() {
        let (code, comment) = line.split_once('#').unwrap_or((line, ""));
        let code = code.trim();
        let marked = LATER.iter().any(|mark| comment.contains(mark));
        let mut words = code.split(|character: char| !(character.is_alphanumeric() || character == '_'));
        match (words.next(), open) {
            (Some("type" | "input" | "enum" | "interface"), _) => {
                let name = words.next().unwrap_or_default();
                if marked {
                    paths.insert(name.to_owned());
                }
                open = (!code.ends_with('}')).then_some(name);
            }
            (Some(field), Some(name)) if marked && !field.is_empty() => {
                paths.insert(format!("{name}.{field}"));
            }
            _ if code == "}" => open = None,
            _ => {}
        }
    }
    paths
}

fn parse(file: &str, text: &str) -> Result<ServiceDocument, String> {
    parse_schema(text).map_err(|error| format!("{file}: {error}"))
}

fn types(document: &ServiceDocument) -> BTreeMap<&str, &TypeDefinition> {
    document
        .definitions
        .iter()
        .filter_map(|definition| match definition {
            TypeSystemDefinition::Type(definition) => Some((definition.node.name.node.as_str(), &definition.node)),
            TypeSystemDefinition::Schema(_) | TypeSystemDefinition::Directive(_) => None,
        })
        .collect()
}

fn compare(
    name: &str,
    wanted: &TypeDefinition,
    present: &TypeDefinition,
    later: &BTreeSet<String>,
    broken: &mut Vec<String>,
) {
    match (&wanted.kind, &present.kind) {
        (TypeKind::Scalar, TypeKind::Scalar) => {}
        (TypeKind::Object(wanted), TypeKind::Object(present)) => {
            compare_interfaces(name, &wanted.implements, &present.implements, broken);
            compare_fields(name, &wanted.fields, &present.fields, later, broken);
        }
        (TypeKind::Interface(wanted), TypeKind::Interface(present)) => {
            compare_interfaces(name, &wanted.implements, &present.implements, broken);
            compare_fields(name, &wanted.fields, &present.fields, later, broken);
        }
        (TypeKind::Enum(wanted), TypeKind::Enum(present)) => {
            let present: BTreeSet<&str> = present
                .values
                .iter()
                .map(|value| value.node.value.node.as_str())
                .collect();
            for value in wanted.values.iter().map(|value| value.node.value.node.as_str()) {
                let path = format!("{name}.{value}");
                if !present.contains(value) && !later.contains(&path) {
                    broken.push(format!("{path} is missing"));
                }
            }
        }
        (TypeKind::InputObject(wanted), TypeKind::InputObject(present)) => {
            let wanted: Vec<_> = wanted.fields.iter().map(|field| &field.node).collect();
            let present: Vec<_> = present.fields.iter().map(|field| &field.node).collect();
            compare_inputs(name, &wanted, &present, broken);
        }
        (TypeKind::Union(wanted), TypeKind::Union(present)) => {
            let present: BTreeSet<&str> = present.members.iter().map(|member| member.node.as_str()).collect();
            for member in wanted
                .members
                .iter()
                .filter(|member| !present.contains(member.node.as_str()))
            {
                broken.push(format!("{name} lacks its member {}", member.node));
            }
        }
        _ => broken.push(format!("{name} is of another kind")),
    }
}

fn compare_interfaces<N: PartialEq + std::fmt::Display>(
    name: &str,
    wanted: &[Positioned<N>],
    present: &[Positioned<N>],
    broken: &mut Vec<String>,
) {
    for interface in wanted {
        if !present.iter().any(|held| held.node == interface.node) {
            broken.push(format!("{name} does not implement {}", interface.node));
        }
    }
}

fn compare_fields(
    name: &str,
    wanted: &[Positioned<FieldDefinition>],
    present: &[Positioned<FieldDefinition>],
    later: &BTreeSet<String>,
    broken: &mut Vec<String>,
) {
    for field in wanted.iter().map(|field| &field.node) {
        let path = format!("{name}.{}", field.name.node);
        let held = present
            .iter()
            .map(|held| &held.node)
            .find(|held| held.name.node == field.name.node);
        let Some(held) = held else {
            if !later.contains(&path) {
                broken.push(format!("{path} is missing"));
            }
            continue;
        };
        if held.ty.node.to_string() != field.ty.node.to_string() {
            broken.push(format!("{path} is {}, not {}", held.ty.node, field.ty.node));
        }
        let wanted: Vec<_> = field.arguments.iter().map(|argument| &argument.node).collect();
        let present: Vec<_> = held.arguments.iter().map(|argument| &argument.node).collect();
        compare_inputs(&path, &wanted, &present, broken);
    }
}

fn compare_inputs(
    path: &str,
    wanted: &[&InputValueDefinition],
    present: &[&InputValueDefinition],
    broken: &mut Vec<String>,
) {
    for value in wanted {
        let path = format!("{path}({})", value.name.node);
        let Some(held) = present.iter().find(|held| held.name.node == value.name.node) else {
            broken.push(format!("{path} is missing"));
            continue;
        };
        if held.ty.node.to_string() != value.ty.node.to_string() {
            broken.push(format!("{path} is {}, not {}", held.ty.node, value.ty.node));
        }
        let default = |value: &InputValueDefinition| value.default_value.as_ref().map(|value| value.node.to_string());
        if default(held) != default(value) {
            broken.push(format!(
                "{path} has another default: {:?}, not {:?}",
                default(held),
                default(value)
            ));
        }
    }
    // What is added must be optional, or every client that does not know it fails.
    for held in present {
        let known = wanted.iter().any(|value| value.name.node == held.name.node);
        if !known && !held.ty.node.nullable && held.default_value.is_none() {
            broken.push(format!("{path}({}) is added and required", held.name.node));
        }
    }
}

fn describe(name: &str, definition: &TypeDefinition, broken: &mut Vec<String>) {
    let mut missing = |path: String, described: bool| {
        if !described {
            broken.push(format!("{path} has no description"));
        }
    };
    missing(name.to_owned(), definition.description.is_some());
    let fields = match &definition.kind {
        TypeKind::Object(object) => object.fields.as_slice(),
        TypeKind::Interface(interface) => interface.fields.as_slice(),
        TypeKind::InputObject(input) => {
            for field in input.fields.iter().map(|field| &field.node) {
                missing(format!("{name}.{}", field.name.node), field.description.is_some());
            }
            return;
        }
        TypeKind::Enum(values) => {
            for value in values.values.iter().map(|value| &value.node) {
                missing(format!("{name}.{}", value.value.node), value.description.is_some());
            }
            return;
        }
        TypeKind::Scalar | TypeKind::Union(_) => return,
    };
    for field in fields.iter().map(|field| &field.node) {
        let path = format!("{name}.{}", field.name.node);
        missing(path.clone(), field.description.is_some());
        for argument in field.arguments.iter().map(|argument| &argument.node) {
            missing(
                format!("{path}({})", argument.name.node),
                argument.description.is_some(),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broken(contract: &str, schema: &str) -> Vec<String> {
        let later = marked_later(contract);
        let contract = parse("contract", contract).unwrap();
        let ours = parse("schema", schema).unwrap();
        let ours = types(&ours);
        let mut broken = Vec::new();
        for (name, wanted) in types(&contract) {
            match ours.get(name) {
                Some(present) => compare(name, wanted, present, &later, &mut broken),
                None if later.contains(name) => {}
                None => broken.push(format!("{name} is missing")),
            }
        }
        broken
    }

    #[test]
    fn adding_is_allowed() {
        let contract = "type A { x(a: Int): Int } input I { a: Int } enum E { P }";
        let schema = "type A { x(a: Int b: Int c: Int! = 1): Int y: Int } input I { a: Int b: Int } enum E { P Q } type B { z: Int }";
        assert_eq!(broken(contract, schema), Vec::<String>::new());
    }

    #[test]
    fn every_loss_is_found() {
        let cases = [
            ("type A { x: Int }", "type B { x: Int }", "A is missing"),
            ("type A { x: Int y: Int }", "type A { x: Int }", "A.y is missing"),
            ("type A { x: Int! }", "type A { x: Int }", "A.x is Int, not Int!"),
            ("type A { x(a: Int): Int }", "type A { x: Int }", "A.x(a) is missing"),
            (
                "type A { x(a: Int = 1): Int }",
                "type A { x(a: Int = 2): Int }",
                "A.x(a) has another default",
            ),
            (
                "type A { x: Int }",
                "type A { x(a: Int!): Int }",
                "A.x(a) is added and required",
            ),
            ("input A { x: Int }", "input A { x: Int! }", "A(x) is Int!, not Int"),
            ("enum A { P Q }", "enum A { P }", "A.Q is missing"),
            (
                "interface N { x: Int } type A implements N { x: Int }",
                "interface N { x: Int } type A { x: Int }",
                "A does not implement N",
            ),
            ("type A { x: Int }", "input A { x: Int }", "A is of another kind"),
        ];
        for (contract, schema, wanted) in cases {
            let found = broken(contract, schema);
            assert!(
                found.iter().any(|line| line.starts_with(wanted)),
                "{contract} against {schema}: {found:?}"
            );
        }
    }

    #[test]
    fn what_is_marked_excuses_nothing_of_the_same_name() {
        let contract = "type L { # @oidc\n  id: ID scopes: Int\n  z: Int\n}\ntype A {\n  id: ID z: Int\n  y: Int # @live\n}\ntype B {\n  y: Int\n}\nenum E {\n  P\n  Q # @oidc\n}\nenum F { Q }\n";
        let schema = "type A { w: Int } type B { w: Int } enum E { P } enum F { P }";
        assert_eq!(
            broken(contract, schema),
            ["A.id is missing", "A.z is missing", "B.y is missing", "F.Q is missing"]
        );
        let part = "type L { id: ID z: Int } type A { id: ID z: Int } type B { y: Int } enum E { P } enum F { Q }";
        assert_eq!(
            broken(contract, part),
            ["L.scopes is missing"],
            "a type that exists is held to all of it"
        );
    }

    #[test]
    fn parts_that_come_later_may_be_missing_but_not_differ() {
        let contract =
            "type A {\n  x: Int\n  y: Int # @oidc\n}\ntype L { z: Int } # @live\ntype S { # @live\n  a: Int\n}\n";
        assert_eq!(broken(contract, "type A { x: Int }"), Vec::<String>::new());
        assert_eq!(
            broken(contract, "type A { x: Int y: String }"),
            ["A.y is String, not Int"]
        );
    }
}
