//! Answers, as far as load must understand them: status, length, and where the next begins.

/// The head of an answer that has arrived whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) status: u16,
    /// Bytes of head and body together.
    pub(crate) length: usize,
}

const MAX_HEADERS: usize = 64;

/// Reads the head at the start of `bytes`; `None`: more must arrive.
///
/// # Errors
/// What is wrong with it: no HTTP, or a body without `Content-Length`, which no server under measurement sends.
pub(crate) fn head(bytes: &[u8]) -> Result<Option<Head>, String> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    let head_length = match response.parse(bytes) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(error) => return Err(error.to_string()),
    };
    let body_length: usize = response
        .headers
        .iter()
        .find(|header| header.name.eq_ignore_ascii_case("content-length"))
        .and_then(|header| std::str::from_utf8(header.value).ok()?.parse().ok())
        .ok_or("an answer without Content-Length")?;
    Ok(Some(Head {
        status: response.code.unwrap_or_default(),
        length: head_length + body_length,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_has_a_status_and_an_end() {
        let answer = b"HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\nnoHTTP/1.1";
        assert_eq!(
            head(answer),
            Ok(Some(Head {
                status: 403,
                length: 47
            }))
        );
        assert_eq!(head(&answer[..30]), Ok(None));
        assert!(head(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
        assert!(head(b"SSH-2.0-x\r\n\r\n").is_err());
    }
}
