//! `multipart/form-data` (RFC 7578): a message with a file. Written here because the whole body must be in memory
//! to be signed, its boundary must not change between attempts, and that is a page of code.

use super::Attachment;
use crate::hash::hex;
use crate::json::json;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

pub(super) struct Field<'a> {
    pub name: &'a str,
    /// Its media type, where it is more than plain text.
    pub media: Option<&'a str>,
    pub value: &'a str,
}

/// The content type and the body of a form with one file. Names are those of the platforms' own fields, and
/// a file's name is plain by construction: nothing needs quoting.
pub(super) fn form(
    fields: &[Field<'_>],
    file_field: &str,
    file_name: &str,
    file: &Attachment,
) -> (String, Vec<u8>) {
    write(fields, &format!("name=\"{file_field}\"; filename=\"{file_name}\""), file)
}

/// The same with the file alone, and its length next to its name.
pub(super) fn form_with_length(file_field: &str, file: &Attachment) -> (String, Vec<u8>) {
    let length = file.bytes.len();
    write(&[], &format!("name=\"{file_field}\"; filename=\"{}\"; filelength={length}", file.name), file)
}

fn write(fields: &[Field<'_>], disposition: &str, file: &Attachment) -> (String, Vec<u8>) {
    let boundary = boundary(fields, file);
    let mut body = Vec::with_capacity(file.bytes.len() + 1024);
    for field in fields {
        let media = field.media.map(|media| format!("Content-Type: {media}\r\n")).unwrap_or_default();
        let head =
            format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{}\"\r\n{media}\r\n", field.name);
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(field.value.as_bytes());
        body.extend_from_slice(b"\r\n");
    }
    let head = format!(
        "--{boundary}\r\nContent-Disposition: form-data; {disposition}\r\nContent-Type: {}\r\n\r\n",
        file.media
    );
    body.extend_from_slice(head.as_bytes());
    body.extend_from_slice(&file.bytes);
    body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    (format!("multipart/form-data; boundary={boundary}"), body)
}

/// The same for each attempt, so that the body is too; and no text or picture can hold 128 bits of its own
/// hash.
fn boundary(fields: &[Field<'_>], file: &Attachment) -> String {
    let mut hash = Sha256::new();
    for field in fields {
        hash.update(field.value);
        hash.update([0]);
    }
    hash.update(&file.bytes);
    format!("taskbell-{:.32}", hex(&hash.finalize()))
}

/// The fields of such a form to be shown, in their order: texts, and of the file what it is instead of its
/// bytes. `None` for a body that is no form of this module with this file.
pub fn shown(content_type: &str, body: &[u8], file: &Attachment) -> Option<Map<String, Value>> {
    let boundary = content_type.strip_prefix("multipart/form-data; boundary=")?;
    let end = body.len().checked_sub(file.bytes.len() + boundary.len() + "\r\n----\r\n".len())?;
    let text = std::str::from_utf8(body.get(..end)?).ok()?;
    let mut fields = Map::new();
    for part in text.split(&format!("--{boundary}\r\n")).skip(1) {
        let (head, value) = part.split_once("\r\n\r\n")?;
        let mut quoted = head.split('"').skip(1).step_by(2);
        let name = quoted.next()?.to_owned();
        let value = match quoted.next() {
            Some(file_name) => json!({"file": file_name, "type": file.media, "bytes": file.bytes.len()}),
            None => Value::from(value.strip_suffix("\r\n").unwrap_or(value)),
        };
        fields.insert(name, value);
    }
    Some(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_has_its_fields_and_the_bytes_of_its_file() {
        let file = Attachment { name: "a.png".into(), media: "image/png", bytes: vec![0, 13, 10, 255] };
        let field = Field { name: "payload_json", media: Some("application/json"), value: "{\"a\":\"渲\"}" };
        let (content_type, body) = form(&[field], "files[0]", &file.name, &file);
        let boundary = content_type.strip_prefix("multipart/form-data; boundary=").unwrap();
        let text = String::from_utf8_lossy(&body);
        let parts: Vec<&str> = text.split(&format!("--{boundary}")).collect();
        assert_eq!((parts.len(), parts[0], parts[3]), (4, "", "--\r\n"));
        let json = "\r\nContent-Disposition: form-data; name=\"payload_json\"\r\n\
                    Content-Type: application/json\r\n\r\n{\"a\":\"渲\"}\r\n";
        assert_eq!(parts[1], json);
        assert!(
            parts[2].contains("name=\"files[0]\"; filename=\"a.png\"\r\nContent-Type: image/png\r\n\r\n")
        );
        assert!(body.windows(6).any(|bytes| bytes == [0, 13, 10, 255, 13, 10]));
    }

    #[test]
    fn a_form_is_shown_with_the_size_of_its_file_instead_of_its_bytes() {
        let file = Attachment { name: "a.png".into(), media: "image/png", bytes: vec![0, 13, 10, 255] };
        let field = |name, value| Field { name, media: None, value };
        let fields = [field("chat_id", "5"), field("caption", "a \"b\"\r\n\r\nc")];
        let (content_type, body) = form(&fields, "photo", &file.name, &file);
        let told = json!({"chat_id": "5", "caption": "a \"b\"\r\n\r\nc",
                          "photo": {"file": "a.png", "type": "image/png", "bytes": 4}});
        assert_eq!(shown(&content_type, &body, &file).map(Value::Object), Some(told));
        let (content_type, body) = form_with_length("media", &file);
        let told = json!({"media": {"file": "a.png", "type": "image/png", "bytes": 4}});
        assert_eq!(shown(&content_type, &body, &file).map(Value::Object), Some(told));
        assert_eq!(shown("application/json", b"{}", &file), None);
        assert_eq!(shown(&content_type, b"--", &file), None);
    }
}
