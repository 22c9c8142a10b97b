use proptest::prelude::*;

use super::*;
use crate::{
    RefusalCode,
    gateway_service::{GatewayService, MAX_ROUTES, MAX_VALUES, RouteInput},
};

fn input(hosts: &[&str], paths: &[&str], methods: &[&str]) -> RouteInput {
    let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    RouteInput {
        hosts: owned(hosts),
        paths: owned(paths),
        methods: owned(methods),
        strip_path: true,
    }
}

fn routes(inputs: &[RouteInput]) -> Vec<Route> {
    GatewayService::validate("http://localhost:9000", inputs)
        .unwrap()
        .routes
}

fn refused(inputs: &[RouteInput]) -> Vec<(String, RefusalCode)> {
    GatewayService::validate("http://localhost:9000", inputs)
        .unwrap_err()
        .into_iter()
        .map(|refusal| (refusal.field.join("."), refusal.code))
        .collect()
}

#[test]
fn routes_become_canonical() {
    let routes = routes(&[input(
        &["API.example.com."],
        &["/m%6fck/", "//mock", "/"],
        &["get", "POST"],
    )]);
    assert_eq!(routes[0].hosts()[0].as_str(), "api.example.com");
    assert_eq!(routes[0].paths(), ["/", "/mock"]);
    assert_eq!(routes[0].methods(), ["GET", "POST"]);
}

#[test]
fn every_mistake_names_its_field() {
    use RefusalCode::{Invalid, Required, TooLong};
    let long = format!("/{}", "a".repeat(255));
    let deep = "/a".repeat(33);
    let encoded_long = format!("/{}", "\u{e9}".repeat(60));
    let many: Vec<String> = (0..=MAX_VALUES).map(|at| format!("/{at}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    for (route, field, code) in [
        (input(&[], &[], &[]), "routes.0.paths", Required),
        (input(&[], &[" "], &[]), "routes.0.paths", Required),
        (input(&[], &["mock"], &[]), "routes.0.paths", Invalid),
        (input(&[], &["/a/../b"], &[]), "routes.0.paths", Invalid),
        (input(&[], &["/a%2fb"], &[]), "routes.0.paths", Invalid),
        (input(&[], &["/a?b"], &[]), "routes.0.paths", Invalid),
        (input(&[], &["/users/{id}"], &[]), "routes.0.paths", Invalid),
        (input(&[], &["/a*"], &[]), "routes.0.paths", Invalid),
        (input(&[], &["/a\r\nb"], &[]), "routes.0.paths", Invalid),
        (input(&[], &["/a%00"], &[]), "routes.0.paths", Invalid),
        (input(&[], &[&long], &[]), "routes.0.paths", TooLong),
        (input(&[], &[&deep], &[]), "routes.0.paths", TooLong),
        (input(&[], &[&encoded_long], &[]), "routes.0.paths", TooLong),
        (input(&[], &many, &[]), "routes.0.paths", TooLong),
        (input(&[""], &["/a"], &[]), "routes.0.hosts", Required),
        (input(&["*.example.com"], &["/a"], &[]), "routes.0.hosts", Invalid),
        (input(&["example.com:80"], &["/a"], &[]), "routes.0.hosts", Invalid),
        (input(&[], &["/a"], &["G T"]), "routes.0.methods", Invalid),
        (input(&[], &["/a"], &["CONNECT"]), "routes.0.methods", Invalid),
        (input(&[], &["/a"], &["trace"]), "routes.0.methods", Invalid),
        (input(&[], &["/a"], &[&"A".repeat(33)]), "routes.0.methods", TooLong),
    ] {
        assert_eq!(
            refused(std::slice::from_ref(&route)),
            [(field.to_owned(), code)],
            "{route:?}"
        );
    }
    assert_eq!(refused(&[]), [("routes".to_owned(), Required)]);
    let too_many: Vec<RouteInput> = (0..=MAX_ROUTES)
        .map(|at| input(&[], &[&format!("/{at}")], &[]))
        .collect();
    assert_eq!(refused(&too_many), [("routes".to_owned(), TooLong)]);
}

#[test]
fn everything_wrong_is_said_at_once() {
    let wrong = [input(&["a b"], &["x"], &[]), input(&[], &[], &["G T"])];
    let fields: Vec<String> = GatewayService::validate("nonsense", &wrong)
        .unwrap_err()
        .iter()
        .map(|refusal| refusal.field.join("."))
        .collect();
    assert_eq!(
        fields,
        [
            "upstreamUrl",
            "routes.0.hosts",
            "routes.0.paths",
            "routes.1.paths",
            "routes.1.methods"
        ]
    );
}

#[test]
fn one_service_may_not_repeat_itself() {
    let any = input(&[], &["/a"], &[]);
    let get = input(&[], &["/b", "/a/"], &["GET"]);
    assert_eq!(
        refused(&[any.clone(), any.clone()]),
        [("routes.1.paths".to_owned(), RefusalCode::Invalid)]
    );
    assert_eq!(
        refused(&[get.clone(), input(&[], &["/a"], &["POST", "GET"])]),
        [("routes.1.paths".to_owned(), RefusalCode::Invalid)]
    );
    // Named methods beside any are told apart, and so are an exact host and any host.
    assert_eq!(routes(&[any.clone(), get]).len(), 2);
    assert_eq!(routes(&[any, input(&["example.com"], &["/a"], &[])]).len(), 2);
}

#[test]
fn candidates_come_in_matching_order() {
    let (host, _) = CanonicalHost::parse_authority("example.com").unwrap();
    let asked = |path: &str| -> Vec<String> {
        candidates(&host, path)
            .map(|(host, prefix)| format!("{}{prefix}", host.map_or("*", CanonicalHost::as_str)))
            .collect()
    };
    assert_eq!(asked("/"), ["example.com/", "*/"]);
    assert_eq!(asked("/a"), ["example.com/a", "example.com/", "*/a", "*/"]);
    assert_eq!(
        asked("/a/b/"),
        ["example.com/a/b", "example.com/a", "example.com/", "*/a/b", "*/a", "*/"]
    );
    assert_eq!(asked(&"/x".repeat(4000)).len(), MAX_CANDIDATES);
    assert_eq!(asked(&format!("/{}", "x".repeat(4000))).len(), 2);
}

#[test]
fn conflicts_name_route_and_place() {
    let mine = routes(&[input(&[], &["/x"], &[]), input(&[], &["/mock"], &["GET", "POST"])]);
    let get = routes(&[input(&[], &["/mock"], &["POST"])]);
    let found = conflicts(&mine, [("other", get.as_slice())]);
    assert_eq!(found.len(), 1);
    assert_eq!(
        (found[0].route, found[0].method.as_deref(), found[0].holder),
        (1, Some("POST"), "other")
    );
    let refusal = found[0].refusal("routes.1.paths");
    assert_eq!(refusal.code, RefusalCode::RouteConflict);
    assert_eq!(refusal.field, ["routes", "1", "paths"]);
    assert!(
        refusal
            .message
            .starts_with("other is live and already serves POST /mock on any host.")
    );
}

#[test]
fn what_the_order_tells_apart_is_no_conflict() {
    let mine = routes(&[input(&["example.com"], &["/mock"], &["GET"])]);
    for other in [
        input(&[], &["/mock"], &["GET"]),
        input(&["example.org"], &["/mock"], &[]),
        input(&["example.com"], &["/mock/x", "/"], &[]),
        input(&["example.com"], &["/mock"], &["POST"]),
    ] {
        let others = routes(&[other]);
        assert_eq!(conflicts(&mine, [((), others.as_slice())]), []);
    }
    let any_method = routes(&[input(&["example.com"], &["/mock"], &[])]);
    assert_eq!(conflicts(&mine, [((), any_method.as_slice())]).len(), 1);
}

fn any_route() -> impl Strategy<Value = RouteInput> {
    (
        proptest::sample::subsequence(vec!["a.example", "b.example"], 0..=2),
        proptest::sample::subsequence(vec!["/", "/a", "/a/b", "/ab", "/a/b/c"], 1..=3),
        proptest::sample::subsequence(vec!["GET", "POST", "PUT"], 0..=2),
    )
        .prop_map(|(hosts, paths, methods)| input(&hosts, &paths, &methods))
}

/// The naive reading of the rule: does a route serve this (host, path, method), any host apart from every exact one?
fn claims_naively(route: &Route, host: Option<&str>, path: &str, method: &str) -> bool {
    let host_is_claimed = match host {
        Some(host) => route.hosts().iter().any(|one| one.as_str() == host),
        None => route.hosts().is_empty(),
    };
    host_is_claimed
        && route.paths().iter().any(|one| one == path)
        && (route.methods().is_empty() || route.methods().iter().any(|one| one == method))
}

proptest! {
    /// Two routes conflict exactly when some (host, path, method) is claimed by both.
    #[test]
    fn conflicts_are_those_of_the_naive_model(mine in any_route(), other in any_route()) {
        let (mine, other) = (routes(&[mine]), routes(&[other]));
        let naive = [None, Some("a.example"), Some("b.example")].into_iter().any(|host| {
            ["/", "/a", "/a/b", "/ab", "/a/b/c"].into_iter().any(|path| {
                // A method that nobody names stands for all the others.
                ["GET", "POST", "PUT", "DELETE"].into_iter().any(|method| {
                    claims_naively(&mine[0], host, path, method) && claims_naively(&other[0], host, path, method)
                })
            })
        });
        prop_assert_eq!(!conflicts(&mine, [((), other.as_slice())]).is_empty(), naive);
        prop_assert_eq!(!conflicts(&other, [((), mine.as_slice())]).is_empty(), naive);
    }

    /// The candidates are exactly the prefixes on segment boundaries, longest first.
    #[test]
    fn candidates_are_the_prefixes(path in "(/[a-c]{1,2}){0,5}/?", prefix in "(/[a-c]{1,2}){1,3}") {
        let path = CanonicalPath::parse(if path.is_empty() { "/" } else { &path }).unwrap();
        let (host, _) = CanonicalHost::parse_authority("example.com").unwrap();
        let prefixes: Vec<&str> = candidates(&host, path.as_str())
            .filter_map(|(host, prefix)| host.is_none().then_some(prefix))
            .collect();
        prop_assert!(prefixes.windows(2).all(|pair| pair[0].len() > pair[1].len()));
        prop_assert!(prefixes.iter().all(|one| path.is_below(one)));
        prop_assert_eq!(prefixes.contains(&prefix.as_str()), path.is_below(&prefix));
    }
}
