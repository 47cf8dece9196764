//! `multipart/form-data` (RFC 7578), read strictly: what is not whole is no form.

use super::super::super::serve::http::Request;

/// A field of a form.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Part<'a> {
    pub name: &'a str,
    /// Its file's name; `None` for a text.
    pub file: Option<&'a str>,
    pub content: &'a [u8],
}

/// The fields of a request that is such a form, in their order.
pub(super) fn parts(request: &Request) -> Option<Vec<Part<'_>>> {
    let kind = request.header("content-type")?.strip_prefix("multipart/form-data")?;
    let boundary = kind.split(';').find_map(|part| part.trim().strip_prefix("boundary="))?.trim_matches('"');
    if boundary.is_empty() {
        return None;
    }
    let mut rest = request.body.strip_prefix(format!("--{boundary}").as_bytes())?;
    let mark = format!("\r\n--{boundary}");
    let mut found = Vec::new();
    loop {
        if matches!(rest, b"--" | b"--\r\n") {
            return Some(found);
        }
        let (part, after) = split(rest.strip_prefix(b"\r\n")?, mark.as_bytes())?;
        let (head, content) = split(part, b"\r\n\r\n")?;
        found.push(read(head, content)?);
        rest = after;
    }
}

fn read<'a>(head: &'a [u8], content: &'a [u8]) -> Option<Part<'a>> {
    let lines = std::str::from_utf8(head).ok()?.split("\r\n");
    let headers = lines.filter_map(|line| line.split_once(':'));
    let named = |header: &(&str, &str)| header.0.eq_ignore_ascii_case("content-disposition");
    let (_, disposition) = headers.into_iter().find(named)?;
    let value = |name: &str| {
        let (_, after) = disposition.split_once(&format!("; {name}=\""))?;
        after.split_once('"').map(|(value, _)| value)
    };
    disposition.trim().starts_with("form-data").then_some(())?;
    Some(Part { name: value("name")?, file: value("filename"), content })
}

fn split<'a>(bytes: &'a [u8], mark: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let at = bytes.windows(mark.len()).position(|window| window == mark)?;
    Some((bytes.get(..at)?, bytes.get(at + mark.len()..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(kind: &str, body: &str) -> Request {
        Request {
            method: "POST".into(),
            target: "/".into(),
            headers: vec![("content-type".into(), kind.into())],
            body: body.into(),
        }
    }

    #[test]
    fn a_whole_form_is_read_and_a_broken_one_is_not() {
        let kind = "multipart/form-data; boundary=\"b\"";
        let text = "--b\r\nContent-Disposition: form-data; name=\"chat_id\"\r\n\r\n5\r\n";
        let file = "--b\r\nContent-Disposition: form-data; name=\"media\"; filename=\"a;b.log\"; filelength=3\r\n\
                    Content-Type: text/plain\r\n\r\n\r\n1\r\n--b--\r\n";
        let whole = format!("{text}{file}");
        let read = request(kind, &whole);
        let wanted = [
            Part { name: "chat_id", file: None, content: b"5" },
            Part { name: "media", file: Some("a;b.log"), content: b"\r\n1" },
        ];
        assert_eq!(parts(&read).as_deref(), Some(&wanted[..]));
        for (kind, body) in [
            ("application/json", whole.as_str()),
            ("multipart/form-data", &whole),
            ("multipart/form-data; boundary=c", &whole),
            (kind, text),
            (kind, whole.trim_end_matches("--\r\n")),
            (kind, &whole.replace("form-data; ", "attachment; ")),
            (kind, &whole.replace("name=\"chat_id\"", "")),
        ] {
            assert_eq!(parts(&request(kind, body)), None, "{kind} {body}");
        }
    }
}
