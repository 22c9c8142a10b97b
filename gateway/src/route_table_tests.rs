use domain::gateway_service::{GatewayService, RouteInput, conflicts};
use proptest::prelude::*;

use super::*;

fn routes(inputs: &[RouteInput]) -> Vec<Route> {
    GatewayService::validate("http://localhost", inputs).unwrap().routes
}

fn route(hosts: &[&str], paths: &[&str], methods: &[&str]) -> RouteInput {
    let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    RouteInput {
        hosts: owned(hosts),
        paths: owned(paths),
        methods: owned(methods),
        strip_path: true,
    }
}

fn host(text: &str) -> CanonicalHost {
    CanonicalHost::parse_authority(text).unwrap().0
}

fn path(text: &str) -> CanonicalPath {
    CanonicalPath::parse(text).unwrap()
}

/// The table's answer as "live version's number and stripped prefix", "retired" or "none".
fn found(table: &RouteTable, versions: &[VersionId], host_text: &str, path_text: &str, method: &str) -> String {
    let number = |version| versions.iter().position(|one| *one == version).unwrap();
    match table.find(&host(host_text), &path(path_text), method) {
        Ok(Some(Found::Live {
            version,
            stripped_prefix,
        })) => format!("{} {}", number(version), stripped_prefix.unwrap()),
        Ok(Some(Found::Retired { version })) => format!("{} retired", number(version)),
        Ok(None) => "none".to_owned(),
        Err(AmbiguousPath) => "ambiguous".to_owned(),
    }
}

fn table(services: &[(bool, RouteInput)]) -> (RouteTable, Vec<VersionId>) {
    let mut table = RouteTable::default();
    let versions: Vec<VersionId> = services.iter().map(|_| VersionId::new()).collect();
    for (version, (is_live, input)) in versions.iter().zip(services) {
        table.insert(*version, *is_live, &routes(std::slice::from_ref(input)));
    }
    (table, versions)
}

#[test]
fn host_then_prefix_then_method() {
    let (table, versions) = table(&[
        (true, route(&[], &["/mock"], &[])),
        (true, route(&["api.example.com"], &["/"], &[])),
        (true, route(&[], &["/mock/deep"], &["GET"])),
    ]);
    for (host, path, method, expected) in [
        ("x", "/mock", "GET", "0 /mock"),
        ("x", "/mock/", "GET", "0 /mock"),
        ("x", "/mock/x/y", "POST", "0 /mock"),
        ("x", "/mockery", "GET", "none"),
        ("x", "/Mock", "GET", "none"),
        ("x", "/", "GET", "none"),
        ("api.example.com", "/mock/deep", "GET", "1 /"),
        ("x", "/mock/deep/er", "GET", "2 /mock/deep"),
        // A method that does not match never falls through to /mock.
        ("x", "/mock/deep", "POST", "none"),
        ("x", "/mock/deep", "get", "none"),
        ("x", "/mock%2Fdeep", "GET", "ambiguous"),
        ("x", "/mock;a=1", "GET", "ambiguous"),
        ("x", "/mock/a%2Fb", "GET", "0 /mock"),
        ("x", "/mock/deep;a=1", "GET", "ambiguous"),
    ] {
        assert_eq!(
            found(&table, &versions, host, path, method),
            expected,
            "{host} {path} {method}"
        );
    }
}

#[test]
fn a_retired_version_answers_where_no_live_one_does() {
    let (table, versions) = table(&[
        (false, route(&[], &["/mock/old"], &["GET"])),
        (true, route(&[], &["/mock"], &[])),
        (false, route(&[], &["/mock"], &[])),
        (false, route(&[], &["/gone"], &[])),
    ]);
    for (path, method, expected) in [
        ("/mock/old", "GET", "0 retired"),
        ("/mock/old", "POST", "1 /mock"),
        ("/mock", "GET", "1 /mock"),
        ("/gone", "GET", "3 retired"),
    ] {
        assert_eq!(found(&table, &versions, "x", path, method), expected, "{path} {method}");
    }
}

#[test]
fn what_is_removed_leaves_nothing() {
    let service = routes(&[route(&["a", "b"], &["/x", "/y"], &[]), route(&[], &["/x"], &["GET"])]);
    let (version, other) = (VersionId::new(), VersionId::new());
    let mut table = RouteTable::default();
    table.insert(version, true, &service);
    table.insert(other, false, &service);
    table.remove(version, &service);
    assert_eq!(found(&table, &[other], "a", "/x", "GET"), "0 retired");
    table.remove(other, &service);
    assert!(table.hosts.is_empty() && table.any_host.is_empty());
}

const HOSTS: [&str; 2] = ["a.example", "b.example"];

fn any_service() -> impl Strategy<Value = (bool, RouteInput)> {
    (
        any::<bool>(),
        proptest::sample::subsequence(HOSTS.to_vec(), 0..=2),
        proptest::sample::subsequence(vec!["/", "/a", "/a/b", "/ab", "/a/b/c"], 1..=3),
        proptest::sample::subsequence(vec!["GET", "POST"], 0..=2),
    )
        .prop_map(|(is_live, hosts, paths, methods)| (is_live, route(&hosts, &paths, &methods)))
}

/// The rule by a look at every claim: the best place that a live route claims, the best one that a retired route
/// claims with this method, and the better of the two.
fn naively(
    services: &[(VersionId, bool, Vec<Route>)],
    host: &CanonicalHost,
    path: &CanonicalPath,
    method: &str,
) -> Option<(VersionId, bool)> {
    let all: Vec<_> = services
        .iter()
        .flat_map(|(version, is_live, routes)| {
            routes
                .iter()
                .flat_map(claims)
                .map(move |claim| (*version, *is_live, claim))
        })
        .filter(|(_, _, claim)| claim.key.host.as_ref().is_none_or(|one| one == host) && path.is_below(&claim.key.path))
        .map(|(version, is_live, claim)| {
            (
                (claim.key.host.is_some(), claim.key.path.len()),
                version,
                is_live,
                claim,
            )
        })
        .collect();
    let best_live = all.iter().filter(|one| one.2).map(|one| one.0).max();
    let retired = all
        .iter()
        .filter(|one| !one.2 && one.3.methods.includes(method))
        .max_by_key(|one| one.0);
    let live = all
        .iter()
        .find(|one| one.2 && Some(one.0) == best_live && one.3.methods.includes(method));
    match (best_live, live, retired) {
        (Some(place), _, Some(retired)) if retired.0 > place => Some((retired.1, false)),
        (_, Some(live), _) => Some((live.1, true)),
        (Some(place), None, Some(retired)) if retired.0 == place => Some((retired.1, false)),
        (Some(_), None, _) | (None, None, None) => None,
        (None, None, Some(retired)) => Some((retired.1, false)),
    }
}

proptest! {
    /// The table finds what the naive model finds, whatever was put in, changed and taken out before.
    #[test]
    fn finds_what_the_naive_model_finds(
        candidates in proptest::collection::vec(any_service(), 1..8),
        removed in proptest::collection::vec(any_service(), 0..4),
        host_at in 0_usize..3,
        request_path in "(/[abc]{1,2}){0,4}/?",
        method in proptest::sample::select(vec!["GET", "POST", "PUT"]),
    ) {
        let mut table = RouteTable::default();
        let removed: Vec<_> = removed
            .into_iter()
            .map(|(is_live, input)| (VersionId::new(), is_live, routes(&[input])))
            .collect();
        for (version, is_live, routes) in &removed {
            table.insert(*version, *is_live, routes);
        }
        let mut services: Vec<(VersionId, bool, Vec<Route>)> = Vec::new();
        for (is_live, input) in candidates {
            let routes = routes(&[input]);
            // The control plane keeps live versions from conflicting; retired ones may overlap with anything, but two
            // retired at one place are told apart by nothing, so the model has one.
            let others = services.iter().filter(|other| other.1 == is_live);
            if conflicts(&routes, others.map(|other| ((), other.2.as_slice()))).is_empty() {
                let version = VersionId::new();
                table.insert(version, is_live, &routes);
                services.push((version, is_live, routes));
            }
        }
        for (version, _, routes) in &removed {
            table.remove(*version, routes);
        }
        let host = host(["a.example", "b.example", "c.example"][host_at]);
        let path = path(if request_path.is_empty() { "/" } else { &request_path });
        let found = table.find(&host, &path, method).unwrap().map(|found| {
            (found.version(), matches!(found, Found::Live { .. }))
        });
        prop_assert_eq!(found, naively(&services, &host, &path, method));
    }
}
