//! The pieces of a URL that are secrets.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use url::Url;

/// The shortest path segment or query value that is taken for a token.
const SHORTEST_TOKEN: usize = 16;

/// The pieces of a URL that must not be shown, each as written and decoded.
pub fn url_secrets(url: &Url) -> Vec<String> {
    if url.scheme().starts_with("smtp") {
        // The user is often the sender, whom every message names.
        let password = url.password().unwrap_or_default();
        return vec![password.to_owned(), decoded(password), STANDARD.encode(decoded(password))];
    }
    let mut secrets = vec![url.as_str().to_owned()];
    let target = match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    };
    if target.len() > 1 {
        secrets.push(target);
    }
    if !url.username().is_empty() || url.password().is_some() {
        secrets.extend(credentials(url));
    }
    let segments = url.path_segments().into_iter().flatten();
    let values = url.query().into_iter().flat_map(|query| query.split('&'));
    let values = values.map(|pair| pair.split_once('=').map_or(pair, |(_, value)| value));
    for token in segments.chain(values).filter(|token| token.len() >= SHORTEST_TOKEN) {
        secrets.extend([token.to_owned(), decoded(token)]);
        // A bot's token in a path also appears without its prefix.
        if let Some(bot) = token.strip_prefix("bot") {
            secrets.extend([bot.to_owned(), bot.replace(':', "%3A")]);
        }
    }
    secrets
}

/// User name, password, and both as the `Basic` scheme writes them (RFC 7617), padded or not.
fn credentials(url: &Url) -> [String; 6] {
    let password = url.password().unwrap_or_default();
    let (user, plain) = (decoded(url.username()), decoded(password));
    let login = STANDARD.encode(format!("{user}:{plain}"));
    let unpadded = login.trim_end_matches('=').to_owned();
    [url.username().to_owned(), password.to_owned(), user, plain, login, unpadded]
}

/// Percent-decoded. The form decoder also reads `+` as a space, which a path does not mean.
fn decoded(text: &str) -> String {
    let field = format!("v={}", text.replace('+', "%2B").replace('&', "%26"));
    url::form_urlencoded::parse(field.as_bytes())
        .next()
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_mail_server_only_the_password_is_secret() {
        let secrets = url_secrets(&Url::parse("smtps://farm:p%40ssword@mail.example.com").unwrap());
        assert_eq!(secrets, ["p%40ssword", "p@ssword", "cEBzc3dvcmQ="]);
    }

    #[test]
    fn credentials_are_known_in_every_form_they_travel_in() {
        let secrets = url_secrets(&Url::parse("https://renderer:p%40ssword@example.com/").unwrap());
        for form in ["renderer", "p%40ssword", "p@ssword", "cmVuZGVyZXI6cEBzc3dvcmQ="] {
            assert!(secrets.iter().any(|secret| secret == form), "{form}: {secrets:?}");
        }
        assert_eq!(decoded("p%40ss+word%26more"), "p@ss+word&more");
        assert_eq!(decoded("plain&odd"), "plain&odd");
    }
}
