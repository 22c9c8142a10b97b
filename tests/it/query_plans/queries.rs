//! What the contract lets one ask that reads much: every filter and order of its lists, and what hangs on objects.

use portico_tests::{fixture, server::TestDeveloper};

/// Ids of what is there.
pub(super) struct Subjects {
    pub(super) developer: String,
    pub(super) app: String,
    pub(super) request: String,
    pub(super) credential: String,
    pub(super) product: String,
    pub(super) version: String,
    pub(super) strategy: String,
}

impl Subjects {
    /// Makes one of each for the developer: an app with a request for what is published, and a key.
    pub(super) async fn make(developer: &TestDeveloper, published: &fixture::Published, strategy: &str) -> Self {
        let app = fixture::app(developer, "banking").await;
        let request = fixture::request(developer, &app, &published.version).await;
        let (credential, _) = fixture::key(developer, &app).await;
        Self {
            developer: developer.id.to_string(),
            app: app.id.to_string(),
            request: request.id.to_string(),
            credential: credential.id.to_string(),
            product: published.product.id.to_string(),
            version: published.version.id.to_string(),
            strategy: strategy.to_owned(),
        }
    }
}

/// Every filter with values that are seldom and often, every order, both ways.
pub(super) fn lists(subjects: &Subjects) -> Vec<String> {
    let Subjects {
        developer: dana,
        app,
        version,
        product,
        ..
    } = subjects;
    let since = "1970-01-01T00:01:00.000Z";
    let roots: [(&str, &[&str], Vec<String>); 6] = [
        (
            "products",
            &["NAME", "CREATED_AT", "PUBLISHED_AT"],
            vec![
                "search: \"product 77\"".to_owned(),
                "isPublished: true".to_owned(),
                "isPublished: false".to_owned(),
                "labels: [{ key: \"team\", value: \"t7\" }]".to_owned(),
                "labels: [{ key: \"team\", value: \"t7\" }, { key: \"tier\", value: \"t1\" }]".to_owned(),
            ],
        ),
        (
            "apps",
            &["NAME", "CREATED_AT"],
            vec![
                "search: \"app 77\"".to_owned(),
                "search: \"app-77\"".to_owned(),
                "status: [SUSPENDED]".to_owned(),
                "status: [ACTIVE]".to_owned(),
                format!("developerId: \"{dana}\""),
                format!("developerId: \"{dana}\", status: [SUSPENDED]"),
                "referenceId: \"app-77\"".to_owned(),
            ],
        ),
        (
            "accessRequests",
            &["CREATED_AT", "UPDATED_AT"],
            vec![
                "status: [PENDING]".to_owned(),
                "status: [REVOKED, REJECTED]".to_owned(),
                format!("productId: \"{product}\""),
                format!("versionId: \"{version}\""),
                format!("versionId: \"{version}\", status: [PENDING]"),
                format!("appId: \"{app}\""),
                format!("developerId: \"{dana}\""),
                format!("developerId: \"{dana}\", status: [PENDING]"),
            ],
        ),
        (
            "developers",
            &["CREATED_AT", "EMAIL"],
            vec![
                "search: \"dev-77\"".to_owned(),
                "status: [PENDING]".to_owned(),
                "status: [APPROVED]".to_owned(),
            ],
        ),
        ("authStrategies", &[], vec![]),
        (
            "auditEvents",
            &[],
            vec![
                format!("subjectId: \"{app}\""),
                "actor: \"actor-7\"".to_owned(),
                "action: \"app.delete\"".to_owned(),
                format!("since: \"{since}\""),
                format!("until: \"{since}\""),
                format!("action: \"app.delete\", since: \"{since}\""),
            ],
        ),
    ];
    let mut documents = Vec::new();
    for (root, orders, filters) in roots {
        let mut arguments = vec![String::new()];
        arguments.extend(filters.iter().map(|filter| format!(", filter: {{ {filter} }}")));
        for filter in arguments {
            for page in ["first: 20", "last: 20"] {
                let mut ordered = vec![String::new()];
                // The last of one order are the first of the other, but for products that are not published.
                let fields = orders
                    .iter()
                    .filter(|field| page.starts_with("first") || **field == "PUBLISHED_AT");
                for field in fields {
                    for direction in ["ASC", "DESC"] {
                        ordered.push(format!(", orderBy: {{ field: {field}, direction: {direction} }}"));
                    }
                }
                for order in ordered {
                    documents.push(format!(
                        "{{ {root}({page}{filter}{order}) {{ totalCount pageInfo {{ hasNextPage }} nodes {{ id }} }} }}"
                    ));
                }
            }
        }
    }
    documents
}

/// What hangs on one object, and on many.
pub(super) fn nested(subjects: &Subjects) -> Vec<String> {
    let app = "id name developer { email } allowedActions \
               accessRequests(first: 5) { totalCount nodes { id status version { name product { slug } } } } \
               credentials(first: 5) { totalCount nodes { id status authStrategy { name inUse } replacedBy { id } } }";
    let version = "id name specification gatewayService { routes { paths } } registration { enabled authStrategy { id } } \
                   plugins { name } viewerCanRegister viewerCannotRegisterReasons";
    let product = format!(
        "id slug labels {{ key }} documents {{ slug }} document(slug: \"start\") {{ body }} version(name: \"v2\") {{ id }} \
         versions(first: 3, filter: {{ lifecycle: [ACTIVE], registrationEnabled: true, authStrategyId: \"{}\" }}) \
         {{ totalCount nodes {{ {version} }} }}",
        subjects.strategy
    );
    let ids: Vec<String> = [
        &subjects.developer,
        &subjects.app,
        &subjects.request,
        &subjects.credential,
        &subjects.product,
        &subjects.version,
        &subjects.strategy,
    ]
    .iter()
    .map(|id| format!("\"{id}\""))
    .collect();
    let of = &subjects.version;
    let strategy = &subjects.strategy;
    let dana = &subjects.developer;
    let mut documents = vec![
        format!("{{ nodes(ids: [{}]) {{ id }} }}", ids.join(", ")),
        "{ viewer { email } portal { name } }".to_owned(),
        format!("{{ products(first: 2) {{ nodes {{ {product} }} }} }}"),
        format!("{{ product(slug: \"product-77\") {{ {product} }} }}"),
        format!("{{ product(id: \"{}\") {{ {product} }} }}", subjects.product),
        format!("{{ apps(first: 3) {{ nodes {{ {app} }} }} }}"),
        format!("{{ node(id: \"{dana}\") {{ ... on Developer {{ apps(first: 3) {{ totalCount nodes {{ {app} }} }} }} }} }}"),
        format!(
            "{{ node(id: \"{strategy}\") {{ ... on AuthStrategy {{ inUse versions(first: 5) {{ totalCount nodes {{ id }} }} }} }} }}"
        ),
        format!("{{ node(id: \"{of}\") {{ ... on ProductVersion {{ {version} eligibleApps(first: 5) {{ totalCount nodes {{ id }} }} }} }} }}"),
        "{ accessRequests(first: 20) { nodes { app { name developer { email } } version { name product { slug } } decision { by { email } } } } }"
            .to_owned(),
    ];
    for filter in [
        String::new(),
        ", filter: { status: [PENDING] }".to_owned(),
        format!(", filter: {{ developerId: \"{dana}\" }}"),
        format!(", filter: {{ appId: \"{}\" }}", subjects.app),
    ] {
        documents.push(format!(
            "{{ node(id: \"{of}\") {{ ... on ProductVersion {{ accessRequests(first: 5{filter}) {{ totalCount nodes {{ id }} }} }} }} }}"
        ));
    }
    documents
}

/// Whether another viewer than an admin makes another condition of the query: the same with every order, so one is enough.
pub(super) fn is_seen_differently(document: &str) -> bool {
    ["{ products", "{ apps", "{ accessRequests", "{ node", "{ product"]
        .iter()
        .any(|root| document.starts_with(root))
        && !document.contains("orderBy: { field")
}

/// A filter that the contract gains needs its plan looked at.
#[test]
fn every_filter_of_the_contract_has_its_plan_looked_at() {
    let contract = include_str!("../../contract/schema.graphql");
    let source = include_str!("queries.rs");
    let mut seen = 0;
    for line in contract
        .lines()
        .filter(|line| line.starts_with("input ") && line.contains("Filter {"))
    {
        let fields = line.split(['{', '}']).nth(1).unwrap();
        for name in fields.split_whitespace().filter_map(|word| word.strip_suffix(':')) {
            assert!(source.contains(&format!("{name}: ")), "{name} of {line}");
            seen += 1;
        }
    }
    assert!(seen >= 20, "{seen}");
}
