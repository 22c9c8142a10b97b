use async_graphql::{Variables, parser::parse_query, value};

use super::{OverLimits, QueryCost, QueryLimits, QueryRefused, check};

const LIMITS: QueryLimits = QueryLimits {
    tokens: 0,
    depth: 5,
    cost: 1000,
    aliases: 2,
    directives: 2,
    variable_values: 500,
};

fn measured(document: &str, variables: async_graphql::Value) -> Result<QueryCost, QueryRefused> {
    let document = parse_query(document).unwrap();
    let checked = check(&document, None, &Variables::from_value(variables), &LIMITS);
    checked.map(Option::unwrap).map_err(|over| over.refused)
}

fn cost(document: &str) -> usize {
    measured(document, value!({})).unwrap().cost
}

#[test]
fn each_field_costs_one_and_each_mutation_fifty() {
    assert_eq!(cost("{ portal { id name } }"), 3);
    assert_eq!(
        cost("{ portal { id } ... on Query { portal { id ...N } } } fragment N on Portal { name }"),
        5
    );
    assert_eq!(cost("mutation { signIn { userErrors { code } } }"), 52);
    assert_eq!(
        cost("mutation { ...M } fragment M on Mutation { a: signIn { b } c: signOut { d } }"),
        102
    );
}

#[test]
fn texts_of_megabytes_are_dear() {
    assert_eq!(cost("{ a: specification }"), 1000);
    assert!(matches!(
        measured("{ product { id version { specification } } }", value!({})),
        Err(QueryRefused::Cost { cost: 1003, .. })
    ));
    let many = "{ products(first: 20) { nodes { documents { title body } } } }";
    assert!(matches!(measured(many, value!({})), Err(QueryRefused::Cost { .. })));
}

#[test]
fn texts_of_pages_are_dearer_than_names() {
    assert_eq!(
        cost("{ app { name description suspension { reason } } }"),
        1 + 1 + 5 + 1 + 5
    );
    assert_eq!(
        cost("{ request { justification } event { before after } }"),
        1 + 5 + 1 + 10
    );
    // An answer of 200 MB that was asked for in 800 bytes.
    let aliases: String = (0..50).map(|index| format!("a{index}: description ")).collect();
    let document = parse_query(format!("{{ apps(first: 100) {{ nodes {{ {aliases} }} }} }}")).unwrap();
    let refused = check(&document, None, &Variables::default(), &QueryLimits::default());
    assert!(
        matches!(
            refused,
            Err(OverLimits {
                refused: QueryRefused::Cost { cost: 25_101, .. },
                cost: Some(25_101)
            })
        ),
        "{refused:?}"
    );
}

#[test]
fn a_connection_costs_as_many_objects_as_it_is_asked_for() {
    assert_eq!(
        cost("{ products(first: 7) { nodes { id name } totalCount } }"),
        1 + 7 * 3 + 1
    );
    assert_eq!(
        cost("{ products(last: 7) { edges { node { id } } pageInfo { hasNextPage } } }"),
        1 + 7 * 3 + 2
    );
    assert_eq!(
        cost("{ products { nodes { id } } }"),
        1 + 20 * 2,
        "20 when nothing is said"
    );
    assert_eq!(cost("{ products(first: null) { nodes { id } } }"), 1 + 20 * 2);
    assert_eq!(
        cost("{ products(first: 100000) { nodes { id } } }"),
        1 + 100 * 2,
        "more than 100 is refused later"
    );
    assert_eq!(cost("{ products(first: -1) { nodes { id } } }"), 1 + 100 * 2);
    assert_eq!(
        cost("{ products(first: 2) { nodes { versions(first: 3) { nodes { id } } } } }"),
        1 + 2 * (1 + 1 + 3 * 2)
    );
    assert_eq!(
        cost("{ products(first: 7) { ...C } } fragment C on ProductConnection { nodes { id } }"),
        1 + 7 * 2,
        "a fragment's items count by the field that spreads it"
    );
}

#[test]
fn variables_and_their_defaults_count() {
    let document = "query($first: Int = 5) { products(first: $first) { nodes { id } } }";
    assert_eq!(measured(document, value!({})).unwrap().cost, 1 + 5 * 2);
    assert_eq!(measured(document, value!({ "first": 9 })).unwrap().cost, 1 + 9 * 2);
    assert_eq!(measured(document, value!({ "first": null })).unwrap().cost, 1 + 20 * 2);
    let nodes = "query($ids: [ID!]!) { nodes(ids: $ids) { id } }";
    assert_eq!(measured(nodes, value!({ "ids": ["a", "b", "c"] })).unwrap().cost, 3 + 1);
    assert_eq!(cost("{ nodes(ids: [\"a\", \"b\"]) { id __typename } }"), 2 * 2 + 1);
}

#[test]
fn each_bound_refuses() {
    assert_eq!(measured("{ a { b { c { d { e } } } } }", value!({})).unwrap().depth, 5);
    assert_eq!(
        measured("{ a { b { c { d { e { f } } } } } }", value!({})),
        Err(QueryRefused::Depth { depth: 6, limit: 5 })
    );
    assert_eq!(
        measured("{ a: x b: x c: x }", value!({})),
        Err(QueryRefused::Aliases { count: 3, limit: 2 })
    );
    assert_eq!(
        measured(
            "query @skip(if: false) { a @skip(if: false) ... @include(if: true) { b } }",
            value!({})
        ),
        Err(QueryRefused::Directives { count: 3, limit: 2 })
    );
    assert_eq!(
        measured("{ products(first: 100) { nodes { a b c d e f g h i j } } }", value!({})),
        Err(QueryRefused::Cost {
            cost: 1 + 100 * 11,
            limit: 1000
        })
    );
}

#[test]
fn bounds_hold_for_operations_that_are_not_executed() {
    let document = parse_query("query A { a } query B { a { b { c { d { e { f } } } } } }").unwrap();
    assert_eq!(
        check(&document, Some("A"), &Variables::default(), &LIMITS),
        Err(OverLimits {
            refused: QueryRefused::Depth { depth: 6, limit: 5 },
            // Of the operation that would have run.
            cost: Some(1)
        })
    );
    let unclear = parse_query("query A { a } query B { b }").unwrap();
    assert_eq!(check(&unclear, None, &Variables::default(), &LIMITS), Ok(None));
}

#[test]
fn fragments_that_multiply_are_measured_in_no_time_and_refused() {
    let mut document = String::from("{ ...F0 } ");
    for level in 0..28 {
        let next = level + 1;
        document.push_str(&format!("fragment F{level} on Query {{ ...F{next} ...F{next} }} "));
    }
    document.push_str("fragment F28 on Query { portal { id } }");
    assert!(matches!(measured(&document, value!({})), Err(QueryRefused::Cost { cost, .. }) if cost > 1 << 28));
}

#[test]
fn fragments_may_not_spread_themselves_or_nest_without_end() {
    assert_eq!(
        measured(
            "{ ...A } fragment A on Query { ...B } fragment B on Query { portal { ...A } }",
            value!({})
        ),
        Err(QueryRefused::FragmentCycle("A".to_owned()))
    );
    let chain = |length: usize| {
        let links: String = (1..length)
            .map(|it| format!("fragment F{} on Query {{ ...F{it} }} ", it - 1))
            .collect();
        format!("{{ ...F0 }} {links} fragment F{} on Query {{ id }}", length - 1)
    };
    assert!(measured(&chain(31), value!({})).is_ok());
    assert_eq!(measured(&chain(33), value!({})), Err(QueryRefused::Nesting));
    let inline = format!("{{ {} a {} }}", "... {".repeat(40), "}".repeat(40));
    assert_eq!(measured(&inline, value!({})), Err(QueryRefused::Nesting));
    let late = format!(
        "{{ ...G {} ...G {} }} fragment G on Query {{ {} a {} }}",
        "... {".repeat(20),
        "}".repeat(20),
        "... {".repeat(20),
        "}".repeat(20)
    );
    assert_eq!(
        measured(&late, value!({})),
        Err(QueryRefused::Nesting),
        "a fragment measured before counts in full"
    );
}

#[test]
fn the_introspection_is_dear_and_may_not_nest_its_lists() {
    assert_eq!(cost("{ __schema { types { name } } }"), 1 + 10 * 2);
    assert_eq!(
        measured(
            "{ __schema { types { fields { type { fields { type { fields } } } } } } }",
            value!({})
        ),
        Err(QueryRefused::Introspection)
    );
    assert!(
        measured("{ a { b { c { d } } } }", value!({})).is_ok(),
        "only the introspection's"
    );
}

#[test]
fn a_large_variable_is_measured_once_however_often_it_is_used() {
    let items = |count: usize| vec![async_graphql::Value::from("AAAA"); count];
    let document = |copies: usize| format!("query($i: [ID!]!) {{ {} }}", "nodes(ids: $i) { id } ".repeat(copies));
    assert_eq!(
        measured(&document(1), value!({ "i": (items(500)) })),
        Err(QueryRefused::VariableValues { count: 501, limit: 500 })
    );
    // As much as a body holds, in as many fields as a document holds: in the time that it takes to count both.
    let variables = Variables::from_value(value!({ "i": (items(120_000)) }));
    let limits = QueryLimits {
        variable_values: usize::MAX,
        ..LIMITS
    };
    let document = parse_query(document(1500)).unwrap();
    let begun = std::time::Instant::now();
    assert!(matches!(
        check(&document, None, &variables, &limits).map_err(|over| over.refused),
        Err(QueryRefused::Cost { .. })
    ));
    assert!(begun.elapsed() < std::time::Duration::from_secs(2));
}

#[test]
fn each_use_of_a_large_variable_costs() {
    let fields = |first: &str| format!("query($f: Filter, $i: [ID!] = [1, 2]) {{ {first} b(with: [{{ a: [$i] }}]) }}");
    let list = vec![async_graphql::Value::from(1); 349];
    let variables = value!({ "f": { "in": (list) } });
    // 349 items, the list and the object.
    assert_eq!(
        measured(&fields("a(filter: $f)"), variables.clone()).unwrap().cost,
        2 + 3
    );
    assert_eq!(
        measured(&fields("a(filter: { and: [$f, $f] })"), variables.clone())
            .unwrap()
            .cost,
        2 + 7
    );
    let in_fragment = format!("{} fragment F on Query {{ a(filter: $f) }}", fields("...F ...F"));
    assert_eq!(measured(&in_fragment, variables).unwrap().cost, 3 + 6);
    let text = value!({ "f": ("x".repeat(1024 * 300)) });
    assert_eq!(measured(&fields("a(filter: $f)"), text).unwrap().cost, 2 + 3);
}

#[test]
fn asking_for_the_schema_is_seen_wherever_it_stands() {
    let introspects = |document: &str| measured(document, value!({})).unwrap().introspects;
    for document in [
        "{ __schema { queryType { name } } }",
        "{ a { b } ... on Query { harmless: __type(name: \"A\") { name } } }",
        "{ ...F } fragment F on Query { ...G } fragment G on Query { __schema { description } }",
    ] {
        assert!(introspects(document), "{document}");
    }
    assert!(!introspects("{ __typename a { __typename schema } }"));
}
