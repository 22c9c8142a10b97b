//! Which of the two response media types a client wants
//! (GraphQL over HTTP, "Media Types"; RFC 9110, section 12.5.1).

use std::cmp::Reverse;

use http::{HeaderMap, HeaderValue, header};
use mediatype::{MediaType, MediaTypeList, Name, ReadParams as _, names};

/// The media type of a GraphQL response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseMediaType {
    /// `application/json`: what clients that name no type get. A request that is well formed is answered with 200
    /// even when its document is refused, because such clients may not look at the body otherwise.
    Json,
    /// `application/graphql-response+json`: the status code says whether the document was executed.
    GraphqlResponseJson,
}

impl ResponseMediaType {
    /// The value of the `Content-Type` header.
    #[must_use]
    pub fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Json => "application/json; charset=utf-8",
            Self::GraphqlResponseJson => "application/graphql-response+json; charset=utf-8",
        })
    }

    /// How narrowly `range` names this type: 2 exactly, 1 by `application/*`, 0 by `*/*`.
    ///
    /// Parameters other than `q` are not looked at: they can only be a charset, and we answer in UTF-8 anyway.
    fn specificity_in(self, range: &MediaType<'_>) -> Option<u8> {
        if range.ty == names::_STAR && range.subty == names::_STAR {
            return Some(0);
        }
        if range.ty != names::APPLICATION {
            return None;
        }
        if range.subty == names::_STAR {
            return Some(1);
        }
        let named = match self {
            Self::Json => range.subty == names::JSON && range.suffix.is_none(),
            Self::GraphqlResponseJson => {
                range.subty == Name::new_unchecked("graphql-response") && range.suffix == Some(names::JSON)
            }
        };
        named.then_some(2)
    }
}

/// Chooses the media type by the `Accept` headers and their q-values; `None` when the client accepts neither (406).
///
/// `application/json` when the header is absent, unreadable, or accepts everything alike. Of two types with the same
/// quality, the one that is named more narrowly wins, then the one that is named first.
#[must_use]
pub fn negotiate(headers: &HeaderMap) -> Option<ResponseMediaType> {
    let Some(values) = headers
        .get_all(header::ACCEPT)
        .iter()
        .map(|value| value.to_str().ok())
        .collect::<Option<Vec<_>>>()
    else {
        return Some(ResponseMediaType::Json);
    };
    let joined = values.join(",");
    let ranges: Vec<MediaType<'_>> = MediaTypeList::new(&joined).filter_map(Result::ok).collect();
    if ranges.is_empty() {
        return Some(ResponseMediaType::Json);
    }
    [ResponseMediaType::GraphqlResponseJson, ResponseMediaType::Json]
        .into_iter()
        .filter_map(|media_type| {
            let (specificity, position) = ranges
                .iter()
                .enumerate()
                .filter_map(|(position, range)| Some((media_type.specificity_in(range)?, Reverse(position))))
                .max()?;
            let quality = quality_in_thousandths(ranges.get(position.0)?);
            (quality > 0).then_some((quality, specificity, position, media_type))
        })
        .max_by_key(|&(quality, specificity, position, _)| (quality, specificity, position))
        .map(|(_, _, _, media_type)| media_type)
}

/// The weight of a media range: 1000 unless `q` says less. A `q` that is no weight counts as none.
fn quality_in_thousandths(range: &MediaType<'_>) -> u16 {
    let Some(weight) = range.get_param(names::Q) else {
        return 1000;
    };
    weight
        .as_str()
        .parse::<f32>()
        .map_or(0, |weight| (weight.clamp(0.0, 1.0) * 1000.0) as u16)
}

#[cfg(test)]
mod tests {
    use super::{ResponseMediaType, negotiate};
    use http::{HeaderMap, HeaderValue, header};

    fn negotiated(accept: &[&'static str]) -> Option<ResponseMediaType> {
        let mut headers = HeaderMap::new();
        for value in accept {
            headers.append(header::ACCEPT, HeaderValue::from_static(value));
        }
        negotiate(&headers)
    }

    #[test]
    fn takes_json_unless_told_otherwise() {
        for accept in [
            &[][..],
            &[""],
            &["*/*"],
            &["application/*"],
            &["text/html, */*;q=0.1"],
            &["no media type"],
        ] {
            assert_eq!(negotiated(accept), Some(ResponseMediaType::Json), "{accept:?}");
        }
    }

    #[test]
    fn takes_what_is_named() {
        use ResponseMediaType::{GraphqlResponseJson, Json};
        let cases: [(&'static str, ResponseMediaType); 10] = [
            ("application/json", Json),
            ("application/json; charset=utf-8", Json),
            ("application/graphql-response+json", GraphqlResponseJson),
            ("APPLICATION/GraphQL-Response+JSON;charset=UTF-8", GraphqlResponseJson),
            (
                "application/graphql-response+json, application/json;q=0.9",
                GraphqlResponseJson,
            ),
            ("application/graphql-response+json;q=0.5, application/json;q=0.9", Json),
            (
                "application/graphql-response+json, application/json",
                GraphqlResponseJson,
            ),
            ("application/json, application/graphql-response+json", Json),
            ("application/graphql-response+json, */*", GraphqlResponseJson),
            ("application/json;q=0, */*", GraphqlResponseJson),
        ];
        for (accept, expected) in cases {
            assert_eq!(negotiated(&[accept]), Some(expected), "{accept}");
        }
        assert_eq!(
            negotiated(&["text/html", "application/graphql-response+json"]),
            Some(GraphqlResponseJson),
            "several headers count as one list"
        );
    }

    #[test]
    fn takes_nothing_that_is_refused() {
        for accept in [
            "text/html",
            "application/xml, text/*",
            "application/json;q=0",
            "*/*;q=0",
            "application/*;q=0.0",
            "application/json;q=nan",
        ] {
            assert_eq!(negotiated(&[accept]), None, "{accept}");
        }
    }
}
