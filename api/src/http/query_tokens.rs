//! A look at a document before it is parsed: the parser recurses once per bracket and keeps every token, so what it
//! may be given is bounded first. The bounds are those of the field (GraphQL Java and Apollo Router stop at 15,000
//! tokens), not of a grammar; whether the document is GraphQL is the parser's business.

/// The longest name, in bytes. Names are compared with every name of the schema to suggest a better one.
const LONGEST_NAME: usize = 255;

/// How deep brackets of any kind may nest: a selection of the deepest query, with its arguments.
const DEEPEST_BRACKET: usize = 64;

/// Why a document is not even parsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenLimitExceeded {
    /// It has too many tokens.
    #[error("The document has more than {limit} tokens. Split it, or send its values as variables.")]
    Tokens {
        /// The most that are allowed.
        limit: usize,
    },
    /// Its brackets nest too deeply.
    #[error("The document nests brackets more than {DEEPEST_BRACKET} deep.")]
    Nesting,
    /// It has a name that is too long.
    #[error("The document has a name of more than {LONGEST_NAME} bytes.")]
    Name,
}

/// Checks that the document has at most `limit` tokens, and nothing that is dear to parse.
///
/// Counts as GraphQL's lexical grammar does (GraphQL, section 2.1): comments, commas and white space are no tokens,
/// a string is one, however long.
///
/// # Errors
/// [`TokenLimitExceeded`] names the first bound that is passed.
pub fn check(document: &str, limit: usize) -> Result<(), TokenLimitExceeded> {
    let mut rest = document.as_bytes();
    let mut tokens = 0_usize;
    let mut nesting = 0_usize;
    while let Some(&first) = rest.first() {
        let length = match first {
            b' ' | b'\t' | b'\r' | b'\n' | b',' | 0xEF | 0xBB | 0xBF => {
                rest = rest.get(1..).unwrap_or_default();
                continue;
            }
            b'#' => {
                rest = rest.get(until_line_end(rest)..).unwrap_or_default();
                continue;
            }
            b'"' => string_length(rest),
            b'.' => run_length(rest, |byte| byte == b'.'),
            b'{' | b'(' | b'[' => {
                nesting += 1;
                if nesting > DEEPEST_BRACKET {
                    return Err(TokenLimitExceeded::Nesting);
                }
                1
            }
            b'}' | b')' | b']' => {
                nesting = nesting.saturating_sub(1);
                1
            }
            _ if is_word(first) => {
                let length = run_length(rest, is_word);
                if length > LONGEST_NAME {
                    return Err(TokenLimitExceeded::Name);
                }
                length
            }
            _ => 1,
        };
        tokens += 1;
        if tokens > limit {
            return Err(TokenLimitExceeded::Tokens { limit });
        }
        rest = rest.get(length..).unwrap_or_default();
    }
    Ok(())
}

/// Whether the byte can be part of a name or a number.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-' || byte == b'+'
}

fn run_length(bytes: &[u8], belongs: impl Fn(u8) -> bool) -> usize {
    bytes.iter().take_while(|&&byte| belongs(byte)).count()
}

fn until_line_end(bytes: &[u8]) -> usize {
    run_length(bytes, |byte| byte != b'\n' && byte != b'\r')
}

/// The length of the string that begins here, its quotes included; up to the end when it is not closed.
fn string_length(bytes: &[u8]) -> usize {
    let (quotes, escape): (&[u8], &[u8]) = if bytes.starts_with(b"\"\"\"") {
        (b"\"\"\"", b"\\\"\"\"")
    } else {
        (b"\"", b"\\")
    };
    let mut position = quotes.len();
    while let Some(rest) = bytes.get(position..) {
        if rest.is_empty() {
            break;
        }
        if rest.starts_with(escape) {
            // In a plain string the escaped character is skipped too, so that `\"` does not end it.
            position += escape.len() + usize::from(escape.len() == 1);
        } else if rest.starts_with(quotes) {
            return position + quotes.len();
        } else {
            position += 1;
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::{TokenLimitExceeded, check};

    /// The number of tokens: the least limit that lets the document pass.
    fn tokens(document: &str) -> usize {
        (0..1000).find(|&limit| check(document, limit).is_ok()).unwrap()
    }

    #[test]
    fn counts_as_the_lexical_grammar_does() {
        assert_eq!(tokens(""), 0);
        assert_eq!(tokens("\u{feff} ,,\t\r\n# { comment \" }\n"), 0);
        assert_eq!(tokens("{ portal { name } }"), 6);
        assert_eq!(tokens("{portal{name}}"), 6);
        assert_eq!(tokens("query($a:[ID!]!=[]){nodes(ids:$a){...F @skip(if:true)}}"), 34);
        assert_eq!(
            tokens("{ a(b: -1.5e+3) }"),
            8 + 2,
            "a number with a point counts as three words at most"
        );
        assert_eq!(tokens(r#"{ a(b: "x \" { \\") }"#), 8);
        assert_eq!(tokens(r#"{ a(b: """x "" { \""" y """) }"#), 8);
        assert_eq!(tokens(r#"{ a(b: "") c(d: """""") }"#), 8 + 6);
        assert_eq!(tokens("\"never closed { { {"), 1);
    }

    #[test]
    fn stops_at_each_bound() {
        let limit = 10;
        assert_eq!(check("{ a b c d e f g h }", limit), Ok(()));
        assert_eq!(
            check("{ a b c d e f g h i }", limit),
            Err(TokenLimitExceeded::Tokens { limit })
        );
        let nested = |depth: usize| format!("{{ a(b: {}{}) }}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(check(&nested(62), 1000), Ok(()));
        assert_eq!(check(&nested(63), 1000), Err(TokenLimitExceeded::Nesting));
        assert_eq!(check(&"a".repeat(255), 1), Ok(()));
        assert_eq!(check(&"a".repeat(256), 1), Err(TokenLimitExceeded::Name));
        assert_eq!(
            check(&format!("\"{}\"", "a".repeat(100_000)), 1),
            Ok(()),
            "a long string is a value"
        );
    }

    #[test]
    fn what_passes_can_be_parsed_on_a_small_stack() {
        let deepest = format!("{{ a(b: {}{}) }}", "[".repeat(62), "]".repeat(62));
        assert!(check(&deepest, 1000).is_ok());
        let parsed = std::thread::Builder::new()
            .stack_size(1 << 20)
            .spawn(move || async_graphql::parser::parse_query(&deepest).is_ok())
            .unwrap()
            .join();
        assert!(parsed.unwrap());
    }
}
