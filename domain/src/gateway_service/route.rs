//! Routes: which requests belong to a version.

use std::collections::BTreeSet;

use super::{
    host::CanonicalHost,
    matching::{MAX_PREFIX_LEN, MAX_PREFIX_SEGMENTS, claims},
    path::CanonicalPath,
};
use crate::{Refusal, RefusalCode};

/// How many routes a gateway service may have.
pub const MAX_ROUTES: usize = 50;
/// How many hosts, paths or methods a route may have, each.
pub const MAX_VALUES: usize = 20;
const MAX_METHOD_LEN: usize = 32;

/// A route as an admin gives it, or as it was stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteInput {
    /// Host names without port; none: any host.
    pub hosts: Vec<String>,
    /// Path prefixes; at least one.
    pub paths: Vec<String>,
    /// Methods; none: any.
    pub methods: Vec<String>,
    /// Whether the matched prefix is taken off before forwarding.
    pub strip_path: bool,
}

/// A route that has been checked, in canonical form: sorted, without repetitions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    hosts: Vec<CanonicalHost>,
    paths: Vec<String>,
    methods: Vec<String>,
    strip_path: bool,
}

impl Route {
    /// The hosts that it serves; none: any.
    #[must_use]
    pub fn hosts(&self) -> &[CanonicalHost] {
        &self.hosts
    }

    /// The path prefixes that it serves, canonical, without trailing slash (but `/`).
    #[must_use]
    pub fn paths(&self) -> &[String] {
        &self.paths
    }

    /// The methods that it serves, in upper case; none: any.
    #[must_use]
    pub fn methods(&self) -> &[String] {
        &self.methods
    }

    /// Whether the matched prefix is taken off before forwarding.
    #[must_use]
    pub const fn strip_path(&self) -> bool {
        self.strip_path
    }
}

/// The checked routes; what is wrong goes to `refusals`.
pub(super) fn validate_all(inputs: &[RouteInput], refusals: &mut Vec<Refusal>) -> Vec<Route> {
    if inputs.is_empty() {
        refusals.push(Refusal::at(
            "routes",
            RefusalCode::Required,
            "A gateway service needs at least one route, such as one with the path /mock.",
        ));
    }
    if inputs.len() > MAX_ROUTES {
        refusals.push(Refusal::at(
            "routes",
            RefusalCode::TooLong,
            format!("A gateway service has at most {MAX_ROUTES} routes."),
        ));
        return Vec::new();
    }
    let routes: Vec<Route> = inputs
        .iter()
        .enumerate()
        .map(|(index, input)| validate(index, input, refusals))
        .collect();
    refuse_repetitions(&routes, refusals);
    routes
}

fn validate(index: usize, input: &RouteInput, refusals: &mut Vec<Refusal>) -> Route {
    if input.paths.is_empty() {
        refusals.push(Refusal::at(
            &format!("routes.{index}.paths"),
            RefusalCode::Required,
            "A route needs at least one path, such as /mock.",
        ));
    }
    Route {
        hosts: each(index, "hosts", &input.hosts, refusals, |text| {
            CanonicalHost::parse_route_host(text).map_err(|error| {
                let advice = "Leave scheme, port and wildcards out; no host at all means any host";
                invalid(format!("{text:?} is not a host name: {error}. {advice}."))
            })
        }),
        paths: each(index, "paths", &input.paths, refusals, route_path),
        methods: each(index, "methods", &input.methods, refusals, route_method),
        strip_path: input.strip_path,
    }
}

fn invalid(message: String) -> (RefusalCode, String) {
    (RefusalCode::Invalid, message)
}

/// Checks a list of values, each by `check`; sorted and without repetitions.
fn each<T: Ord>(
    index: usize,
    field: &str,
    values: &[String],
    refusals: &mut Vec<Refusal>,
    check: impl Fn(&str) -> Result<T, (RefusalCode, String)>,
) -> Vec<T> {
    let field = format!("routes.{index}.{field}");
    if values.len() > MAX_VALUES {
        let message = format!("A route has at most {MAX_VALUES} of these.");
        refusals.push(Refusal::at(&field, RefusalCode::TooLong, message));
        return Vec::new();
    }
    let mut checked = BTreeSet::new();
    for value in values {
        let result = if value.trim().is_empty() {
            Err((RefusalCode::Required, "This may not be blank.".to_owned()))
        } else {
            check(value)
        };
        match result {
            Ok(value) => {
                checked.insert(value);
            }
            Err((code, message)) => refusals.push(Refusal::at(&field, code, message)),
        }
    }
    checked.into_iter().collect()
}

fn route_path(text: &str) -> Result<String, (RefusalCode, String)> {
    if text.len() > MAX_PREFIX_LEN {
        let message = format!("A route's path has at most {MAX_PREFIX_LEN} characters.");
        return Err((RefusalCode::TooLong, message));
    }
    if text.contains(['?', '#', '*', '{', '}', ';', '\\'])
        || text
            .chars()
            .any(|character| character.is_control() || character.is_whitespace())
    {
        return Err(invalid(format!(
            "{text:?} is not a path prefix. Give a plain path such as /mock: it serves /mock/x too; there are no patterns, parameters, queries or spaces."
        )));
    }
    let path = CanonicalPath::parse(text).map_err(|error| invalid(format!("{text:?} is not a path: {error}.")))?;
    if path.alternative().is_some() {
        return Err(invalid(format!("{text:?} may not hold encoded separators.")));
    }
    let prefix = match path.as_str().trim_end_matches('/') {
        "" => "/",
        prefix => prefix,
    };
    if prefix.len() > MAX_PREFIX_LEN || prefix.split('/').count() > MAX_PREFIX_SEGMENTS + 1 {
        let message = format!(
            "A route's path has at most {MAX_PREFIX_LEN} characters, encoded, and {MAX_PREFIX_SEGMENTS} segments."
        );
        return Err((RefusalCode::TooLong, message));
    }
    Ok(prefix.to_owned())
}

fn route_method(text: &str) -> Result<String, (RefusalCode, String)> {
    let method = text.to_ascii_uppercase();
    if method.len() > MAX_METHOD_LEN {
        return Err((
            RefusalCode::TooLong,
            format!("A method has at most {MAX_METHOD_LEN} characters."),
        ));
    }
    let is_token = method.starts_with(|first: char| first.is_ascii_uppercase())
        && method
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_'));
    if !is_token {
        return Err(invalid(format!(
            "{text:?} is not a method such as GET; no method at all means any."
        )));
    }
    if matches!(method.as_str(), "CONNECT" | "TRACE") {
        return Err(invalid(format!("The gateway never forwards {method}.")));
    }
    Ok(method)
}

/// Two routes of one service may share a path only when their methods tell them apart.
fn refuse_repetitions(routes: &[Route], refusals: &mut Vec<Refusal>) {
    for (index, route) in routes.iter().enumerate() {
        let repeated = claims(route).find(|claim| {
            routes.iter().take(index).any(|earlier| {
                claims(earlier).any(|other| other.key == claim.key && claim.methods.repeat(&other.methods))
            })
        });
        if let Some(claim) = repeated {
            refusals.push(Refusal::at(
                &format!("routes.{index}.paths"),
                RefusalCode::Invalid,
                format!(
                    "An earlier route already serves {claim}. Merge the two routes, or give them different methods."
                ),
            ));
        }
    }
}
