//! The signature scheme and the secrets of a receiver, from the command line.

use super::failure::Failure;
use serde_json::{Value as Json, json};

#[derive(Debug, Clone, Default, clap::Args)]
#[group(skip)]
pub struct SignatureArgs {
    /// The name of a scheme (`github`), or an object as in `sign` of a configuration
    #[arg(long, value_name = "JSON")]
    pub scheme: Option<String>,
    /// The environment variable with the secret, or a `whsec_…` secret itself
    #[arg(long, value_name = "ENV|whsec_…")]
    pub secret: Option<String>,
}

type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

impl SignatureArgs {
    /// The scheme with its secrets, as `Verifier::from_json` takes it; `None` if no signature is to be verified.
    pub fn entry(&self) -> Result<Option<Json>, Failure> {
        self.entry_with(&|name| std::env::var(name).ok())
    }

    fn entry_with(&self, environment: Environment<'_>) -> Result<Option<Json>, Failure> {
        let mut entry = match self.scheme.as_deref() {
            None if self.secret.is_none() => return Ok(None),
            None => json!({ "scheme": "standard-webhooks" }),
            Some(text) if text.trim_start().starts_with('{') => object(text)?,
            Some(name) => json!({ "scheme": name }),
        };
        if let Some(secret) = &self.secret {
            entry["secrets"] = json!([secret_of(secret, environment)?]);
        }
        if let Some(secrets) = entry.get_mut("secrets").and_then(Json::as_array_mut) {
            for secret in secrets {
                if let Some(name) = secret.as_str().and_then(|text| text.strip_prefix("env:")) {
                    *secret = json!(variable(name, environment)?);
                }
            }
        }
        Ok(Some(entry))
    }
}

/// The parser's own message could quote a secret, so the error has only the position.
fn object(text: &str) -> Result<Json, Failure> {
    serde_json::from_str(text).map_err(|error| {
        Failure::new(
            format!("`--scheme` is not JSON, line {}, column {}", error.line(), error.column()),
            "give an object such as '{\"scheme\": \"github\", \"secrets\": [\"env:NAME\"]}', or a name",
        )
    })
}

fn secret_of(given: &str, environment: Environment<'_>) -> Result<String, Failure> {
    if ["whsec_", "whsk_", "whpk_"].iter().any(|prefix| given.starts_with(prefix)) {
        return Ok(given.to_owned());
    }
    variable(given.strip_prefix("env:").unwrap_or(given), environment)
}

fn variable(name: &str, environment: Environment<'_>) -> Result<String, Failure> {
    // Anything but the name of a variable may be a secret, and is not repeated.
    let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if !is_name {
        return Err(Failure::new(
            "the secret is neither the name of an environment variable nor a `whsec_` secret",
            "set a variable to the secret, and give `--secret NAME_OF_THE_VARIABLE`",
        ));
    }
    match environment(name).map(|value| value.trim().to_owned()) {
        Some(value) if !value.is_empty() => Ok(value),
        _ => Err(Failure::new(
            format!("the environment variable `{name}` with the secret is not set"),
            format!("set it first, for instance `export {name}=whsec_…`"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(scheme: Option<&str>, secret: Option<&str>) -> Result<Option<Json>, Failure> {
        let arguments =
            SignatureArgs { scheme: scheme.map(str::to_owned), secret: secret.map(str::to_owned) };
        arguments.entry_with(&|name| (name == "CI_SECRET").then(|| " hush-hush \n".to_owned()))
    }

    #[test]
    fn the_default_scheme_is_standard_webhooks() {
        assert_eq!(entry(None, None).unwrap(), None);
        let expected = json!({ "scheme": "standard-webhooks", "secrets": ["whsec_MTIz"] });
        assert_eq!(entry(None, Some("whsec_MTIz")).unwrap(), Some(expected));
    }

    #[test]
    fn secrets_come_from_the_environment() {
        let expected = json!({ "scheme": "github", "secrets": ["hush-hush"] });
        assert_eq!(entry(Some("github"), Some("CI_SECRET")).unwrap(), Some(expected.clone()));
        let scheme = r#"{"scheme": "github", "secrets": ["env:CI_SECRET"]}"#;
        assert_eq!(entry(Some(scheme), None).unwrap(), Some(expected));
    }

    #[test]
    fn an_error_names_the_variable_and_never_a_possible_secret() {
        let message = |failure: Failure| format!("{failure:?}");
        assert!(message(entry(None, Some("MISSING")).unwrap_err()).contains("MISSING"));
        assert!(!message(entry(None, Some("p@ss-word")).unwrap_err()).contains("p@ss"));
        assert!(!message(entry(Some("{\"secrets\": [\"p@ss\" }"), None).unwrap_err()).contains("p@ss"));
    }
}
