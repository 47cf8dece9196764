//! The forms of the options: a chat and a token.

pub(super) fn is_chat(value: &str) -> bool {
    let name = |name: &str| {
        !name.is_empty() && name.len() <= 64 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    };
    value.parse::<i64>().is_ok_and(|number| number != 0) || value.strip_prefix('@').is_some_and(name)
}

pub(super) fn is_bot_token(value: &str) -> bool {
    value.split_once(':').is_some_and(|(id, key)| {
        !id.is_empty()
            && id.bytes().all(|b| b.is_ascii_digit())
            && !key.is_empty()
            && key.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
    })
}
