use proptest::prelude::*;

use super::*;

fn canonical(raw: &str) -> String {
    CanonicalPath::parse(raw).unwrap().as_str().to_owned()
}

#[test]
fn one_spelling_for_one_path() {
    for (raw, expected) in [
        ("/", "/"),
        ("/mock", "/mock"),
        ("/mock/", "/mock/"),
        ("//mock", "/mock"),
        ("/a///b//", "/a/b/"),
        ("/m%6fck", "/mock"),
        ("/%7Euser", "/~user"),
        ("/a%2fb", "/a%2Fb"),
        ("/a\\b", "/a%5Cb"),
        ("/caf\u{e9}", "/caf%C3%A9"),
        ("/caf%c3%a9", "/caf%C3%A9"),
        ("/a b\"", "/a%20b%22"),
        ("/a%20b", "/a%20b"),
        ("/100%25", "/100%25"),
        ("/a;v=1", "/a;v=1"),
        ("/a!$&'()*+,=:@", "/a!$&'()*+,=:@"),
        ("/...", "/..."),
        ("/.well-known", "/.well-known"),
        ("/a..b/..c/d..", "/a..b/..c/d.."),
    ] {
        assert_eq!(canonical(raw), expected, "{raw}");
    }
}

#[test]
fn dot_segments_are_refused_in_every_spelling() {
    for raw in [
        "/..",
        "/.",
        "/../x",
        "/x/..",
        "/x/../y",
        "/./x",
        "/%2e",
        "/%2E%2e",
        "/.%2e/x",
        "/%2e./x",
        "/x/%2e%2e/y",
        "/x%2f..",
        "/x%2f%2e%2e",
        "/..%2fx",
        "/x\\..",
        "/..\\x",
        "/x%5c..%5cy",
        "/%2e%2e%5Cx",
        "/%252e%252e/x",
        "/x%252f..",
        "/%25252e%25252e/",
        "/..;/x",
        "/x/..;v=1",
        "/..%3b/x",
        "/.;/x",
        "/x%2F.%2Fy",
        "//..",
        "/..//",
    ] {
        assert_eq!(CanonicalPath::parse(raw), Err(InvalidPath::DotSegment), "{raw}");
    }
}

#[test]
fn other_tricks_are_refused() {
    for (raw, error) in [
        ("", InvalidPath::NotAbsolute),
        ("mock", InvalidPath::NotAbsolute),
        ("*", InvalidPath::NotAbsolute),
        ("/a%00", InvalidPath::Nul),
        ("/a%2500", InvalidPath::Nul),
        ("/a\0", InvalidPath::Nul),
        ("/a%", InvalidPath::BadEncoding),
        ("/a%4", InvalidPath::BadEncoding),
        ("/a%zz", InvalidPath::BadEncoding),
        ("/a%+1", InvalidPath::BadEncoding),
        ("/%c0%ae%c0%ae/x", InvalidPath::Overlong),
        ("/x%c0%af", InvalidPath::Overlong),
        ("/x%e0%80%af", InvalidPath::Overlong),
        ("/x%f0%80%80%af", InvalidPath::Overlong),
        ("/%25252525252561", InvalidPath::Overlong),
    ] {
        assert_eq!(CanonicalPath::parse(raw), Err(error), "{raw}");
    }
}

#[test]
fn a_path_that_reads_two_ways_says_so() {
    for (raw, alternative) in [
        ("/mock", None),
        ("/a%2Fadmin", Some("/a/admin")),
        ("/a%5cadmin/", Some("/a/admin/")),
        ("/a\\admin", Some("/a/admin")),
        ("/admin;x=1/users", Some("/admin/users")),
        ("/admin%3bx=1", Some("/admin")),
        ("/%2f%2fadmin", Some("/admin")),
        ("/;x", Some("/")),
    ] {
        let path = CanonicalPath::parse(raw).unwrap();
        assert_eq!(path.alternative(), alternative, "{raw}");
    }
}

#[test]
fn the_forwarded_path_starts_at_the_upstreams() {
    for (raw, upstream, stripped, expected) in [
        ("/mock", "/", Some("/mock"), "/"),
        ("/mock", "", Some("/mock"), "/"),
        ("/mock/", "/", Some("/mock"), "/"),
        ("/mock/x", "/", Some("/mock"), "/x"),
        ("/mock", "/base", Some("/mock"), "/base"),
        ("/mock", "/base/", Some("/mock"), "/base/"),
        ("/mock/", "/base", Some("/mock"), "/base/"),
        ("/mock/x", "/base", Some("/mock"), "/base/x"),
        ("/mock/x", "/base/", Some("/mock"), "/base/x"),
        ("/x/y", "/base", Some("/"), "/base/x/y"),
        ("/", "/base", Some("/"), "/base/"),
        ("/mock/x", "/", None, "/mock/x"),
        ("/mock/x", "/base/", None, "/base/mock/x"),
    ] {
        let path = CanonicalPath::parse(raw).unwrap();
        assert_eq!(
            path.forwarded(upstream, stripped),
            expected,
            "{raw} {upstream} {stripped:?}"
        );
    }
}

proptest! {
    /// Canonical form is a fixed point, and holds no dot segment however it is decoded.
    #[test]
    fn canonical_is_canonical(raw in "/(\\PC|%[0-9a-fA-F]{2}|[./\\\\;%2eEfF5cC]){0,40}") {
        if let Ok(path) = CanonicalPath::parse(&raw) {
            let again = CanonicalPath::parse(path.as_str()).unwrap();
            prop_assert_eq!(&again, &path);
            prop_assert!(path.as_str().starts_with('/'));
            prop_assert!(path.as_str().is_ascii());
            prop_assert!(!path.as_str().contains("//"));
            let decoded = percent_encoding::percent_decode_str(path.as_str()).decode_utf8_lossy().replace('\\', "/");
            prop_assert!(decoded.split('/').all(|segment| segment != "." && segment != ".."));
        }
    }

    /// Encoding any characters of a path changes neither its canonical form nor whether it is refused, separators apart.
    #[test]
    fn spelling_does_not_matter(segments in proptest::collection::vec("[a-z.~_-]{1,6}", 1..5), coin: u64) {
        let plain: String = segments.iter().map(|segment| format!("/{segment}")).collect();
        let mut spelled = String::new();
        for (at, character) in plain.chars().enumerate() {
            if character != '/' && coin >> (at % 64) & 1 == 1 {
                spelled.push_str(&format!("%{:02x}", u32::from(character)));
            } else {
                spelled.push(character);
            }
        }
        prop_assert_eq!(CanonicalPath::parse(&spelled), CanonicalPath::parse(&plain));
    }

    /// Whatever is forwarded stays below the upstream's own path.
    #[test]
    fn forwarding_stays_below_the_upstream(rest in "(/[a-z]{1,4}){0,4}/?", strip: bool) {
        let path = CanonicalPath::parse(&format!("/mock{rest}")).unwrap();
        let forwarded = path.forwarded("/base", strip.then_some("/mock"));
        prop_assert!(forwarded == "/base" || forwarded.starts_with("/base/"));
        prop_assert!(forwarded.ends_with(&rest));
    }

    #[test]
    fn plain_paths_are_what_a_closer_look_finds(raw in "(/[a-z.~_-]{0,4}){1,6}") {
        if is_plain(raw.as_bytes()) {
            prop_assert_eq!(refuse_tricks(raw.as_bytes()), Ok(()));
            prop_assert_eq!(canonical_text(raw.as_bytes()), raw.clone());
            prop_assert_eq!(lenient_reading(&raw), None);
        }
    }
}
