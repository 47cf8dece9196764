//! The signatures that DingTalk and Feishu ask for, made for each attempt: both refuse a time that is
//! more than an hour away.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use url::Url;

/// Base64 of an HMAC-SHA256; a key of any length is sound.
fn hmac_sha256(key: &str, message: &str) -> String {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key.as_bytes()) else { return String::new() };
    mac.update(message.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

/// DingTalk, "custom robot security settings": the text of time and secret under the secret, in the query.
/// What stands there already stays as it is, byte for byte.
pub(super) fn sign_dingtalk(url: &mut Url, secret: &str, now_ms: i64) {
    let sign = hmac_sha256(secret, &format!("{now_ms}\n{secret}"));
    let sign: String = url::form_urlencoded::byte_serialize(sign.as_bytes()).collect();
    let query = match url.query().filter(|query| !query.is_empty()) {
        Some(query) => format!("{query}&timestamp={now_ms}&sign={sign}"),
        None => format!("timestamp={now_ms}&sign={sign}"),
    };
    url.set_query(Some(&query));
}

/// Feishu, "custom bot security settings": nothing, under the text of time and secret. Gives the two members
/// of the body.
pub(super) fn sign_feishu(secret: &str, now_s: i64) -> (String, String) {
    (now_s.to_string(), hmac_sha256(&format!("{now_s}\n{secret}"), ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dingtalk_signs_as_in_the_worked_vector() {
        let mut url = Url::parse("https://oapi.dingtalk.com/robot/send?access_token=a%2Bb").unwrap();
        sign_dingtalk(&mut url, "SECthisisatestsecret0123456789", 1_700_000_000_000);
        let expected = "access_token=a%2Bb&timestamp=1700000000000\
                        &sign=j%2B%2BDBIHIK8yQd7zhsz6YwNTWn5w%2FpXX5KfVQnZWVh3g%3D";
        assert_eq!(url.query(), Some(expected));
    }

    #[test]
    fn feishu_signs_as_in_the_worked_vector_and_not_as_dingtalk() {
        let (timestamp, sign) = sign_feishu("this is a test secret", 1_700_000_000);
        assert_eq!(timestamp, "1700000000");
        assert_eq!(sign, "JkzBrVsGxbvDBl1MpDGeDcMT7Qj7hCzM4F21wfRvdlY=");
        let swapped = hmac_sha256("this is a test secret", "1700000000\nthis is a test secret");
        assert_eq!(swapped, "7hQ3gtN4vbygbiOtGJb5GbEAsjeOD98m5tv8or98wjY=");
    }
}
