//! The parameters of each scheme, and how a `sign` entry is read into them.

use super::key::{Encoding, Hash, KeyForm, SigningKey};
use super::template::{HeaderTemplate, TemplatePart};
use serde_json::{Map, Value};

/// The names in `scheme = "…"`.
pub(super) const NAMES: [&str; 5] = ["standard-webhooks", "github", "stripe", "slack", "hmac"];

const COMMON_KEYS: [&str; 2] = ["scheme", "secrets"];
const HMAC_KEYS: [&str; 9] =
    ["key", "content", "hash", "encoding", "header", "value", "joiner", "timestamp_header", "id_header"];

/// Headers of the HTTP message itself, which a scheme must not set.
const RESERVED_HEADERS: &str =
    "host content-length content-type content-encoding transfer-encoding connection user-agent";

/// What the entry is read for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SchemeUse {
    /// Signing: needs private keys.
    Sender,
    /// Verifying: accepts public keys, and knows `tolerance`.
    Receiver,
}

pub(super) struct Scheme {
    pub(super) row: SchemeParameters,
    pub(super) keys: Vec<SigningKey>,
}

/// The parameters that distinguish one scheme from another.
#[derive(Debug, Clone)]
pub(super) struct SchemeParameters {
    pub(super) name: &'static str,
    key: KeyForm,
    hash: Hash,
    encoding: Encoding,
    pub(super) content: HeaderTemplate,
    /// In lower case, like `timestamp_header` and `id_header`.
    pub(super) header: String,
    pub(super) value: HeaderTemplate,
    /// Precedes each signature.
    label: &'static str,
    /// Separates the signatures of several secrets; `None` when receivers read only one.
    pub(super) joiner: Option<String>,
    pub(super) timestamp_header: Option<String>,
    pub(super) id_header: Option<String>,
}

impl Scheme {
    /// Reads a `sign` entry. An error is a sentence without any value of the entry.
    pub(super) fn read(entry: &Value, side: SchemeUse) -> Result<Scheme, String> {
        let fields = SchemeFields::new(entry)?;
        let name = fields
            .choice("scheme", &NAMES)?
            .ok_or_else(|| format!("a `sign` entry needs `scheme`: one of {}", quoted(&NAMES)))?;
        let mut known = COMMON_KEYS.to_vec();
        if name == "hmac" {
            known.extend(HMAC_KEYS);
        }
        if side == SchemeUse::Receiver {
            known.push("tolerance");
        }
        fields.refuse_others(name, &known)?;
        let row = match name {
            "standard-webhooks" => standard_webhooks()?,
            "github" => github()?,
            "stripe" => stripe()?,
            "slack" => slack()?,
            _ => parametric(&fields)?,
        };
        let keys = read_keys(&fields, &row, side)?;
        Ok(Scheme { row, keys })
    }
}

/// Standard Webhooks 1.0.0: `id.timestamp.body`, HMAC-SHA256 as `v1,` and ed25519 as `v1a,`, a list with
/// spaces.
fn standard_webhooks() -> Result<SchemeParameters, String> {
    Ok(SchemeParameters {
        name: "standard-webhooks",
        key: KeyForm::StandardWebhooks,
        encoding: Encoding::Base64,
        content: HeaderTemplate::content("{id}.{timestamp}.{body}")?,
        label: "v1,",
        joiner: Some(" ".to_owned()),
        timestamp_header: Some("webhook-timestamp".to_owned()),
        id_header: Some("webhook-id".to_owned()),
        ..plain("webhook-signature")?
    })
}

/// GitHub's `X-Hub-Signature-256` (docs.github.com, "Validating webhook deliveries").
fn github() -> Result<SchemeParameters, String> {
    let value = HeaderTemplate::value("sha256={signature}")?;
    Ok(SchemeParameters { name: "github", value, joiner: None, ..plain("x-hub-signature-256")? })
}

/// Stripe's `Stripe-Signature` (docs.stripe.com, "Verify webhook signatures manually"): the key is the
/// whole text of the secret, prefix and all.
fn stripe() -> Result<SchemeParameters, String> {
    Ok(SchemeParameters {
        name: "stripe",
        content: HeaderTemplate::content("{timestamp}.{body}")?,
        value: HeaderTemplate::value("t={timestamp},{signature}")?,
        label: "v1=",
        ..plain("stripe-signature")?
    })
}

/// Slack's `X-Slack-Signature` (docs.slack.dev, "Verifying requests from Slack").
fn slack() -> Result<SchemeParameters, String> {
    Ok(SchemeParameters {
        name: "slack",
        content: HeaderTemplate::content("v0:{timestamp}:{body}")?,
        value: HeaderTemplate::value("v0={signature}")?,
        joiner: None,
        timestamp_header: Some("x-slack-request-timestamp".to_owned()),
        ..plain("x-slack-signature")?
    })
}

/// The base of all schemes: hexadecimal HMAC-SHA256 of the body under the text of the secret.
fn plain(header: &str) -> Result<SchemeParameters, String> {
    Ok(SchemeParameters {
        name: "hmac",
        key: KeyForm::Utf8,
        hash: Hash::Sha256,
        encoding: Encoding::Hex,
        content: HeaderTemplate::content("{body}")?,
        header: header.to_owned(),
        value: HeaderTemplate::value("{signature}")?,
        label: "",
        joiner: Some(",".to_owned()),
        timestamp_header: None,
        id_header: None,
    })
}

fn parametric(fields: &SchemeFields<'_>) -> Result<SchemeParameters, String> {
    let header = fields.header("header")?.ok_or(
        "the `hmac` scheme needs `header`: the name of the header that carries the signature, for instance \
         `x-signature`",
    )?;
    let mut row = plain(&header)?;
    row.key = match fields.choice("key", &["utf8", "base64", "hex"])? {
        Some("base64") => KeyForm::Base64,
        Some("hex") => KeyForm::Hex,
        _ => KeyForm::Utf8,
    };
    row.hash = match fields.choice("hash", &["sha1", "sha256", "sha512"])? {
        Some("sha1") => Hash::Sha1,
        Some("sha512") => Hash::Sha512,
        _ => Hash::Sha256,
    };
    row.encoding = match fields.choice("encoding", &["hex", "base64"])? {
        Some("base64") => Encoding::Base64,
        _ => Encoding::Hex,
    };
    if let Some(text) = fields.text("content")? {
        row.content = HeaderTemplate::content(text).map_err(|fault| format!("`content` {fault}"))?;
    }
    if let Some(text) = fields.text("value")? {
        row.value = HeaderTemplate::value(text).map_err(|fault| format!("`value` {fault}"))?;
    }
    if let Some(joiner) = fields.text("joiner")? {
        row.joiner = Some(check_joiner(joiner)?.to_owned());
    }
    row.timestamp_header = fields.header("timestamp_header")?;
    row.id_header = fields.header("id_header")?;
    // A receiver needs everything that was signed, so an id or timestamp that no other header carries goes
    // into the header of Standard Webhooks.
    let carried = |part| !row.content.uses(part) || row.value.uses(part);
    if row.timestamp_header.is_none() && !carried(TemplatePart::Timestamp) {
        row.timestamp_header = Some("webhook-timestamp".to_owned());
    }
    if row.id_header.is_none() && !carried(TemplatePart::Id) {
        row.id_header = Some("webhook-id".to_owned());
    }
    check_distinct(&row)?;
    Ok(row)
}

/// A joiner of characters that occur in signatures would split them.
fn check_joiner(joiner: &str) -> Result<&str, String> {
    let separates = |byte: u8| !byte.is_ascii_alphanumeric() && !matches!(byte, b'+' | b'/' | b'=');
    if joiner.bytes().all(|byte| matches!(byte, b' '..=b'~')) && joiner.bytes().any(separates) {
        Ok(joiner)
    } else {
        Err("`joiner` needs a separator such as `,` and may hold only printable ASCII".to_owned())
    }
}

fn check_distinct(row: &SchemeParameters) -> Result<(), String> {
    let names = [Some(&row.header), row.timestamp_header.as_ref(), row.id_header.as_ref()];
    let names: Vec<_> = names.into_iter().flatten().collect();
    match names.iter().enumerate().find(|(at, name)| names[..*at].contains(name)) {
        Some((_, name)) => Err(format!(
            "the header `{name}` is named twice: each of `header`, `timestamp_header` and `id_header` needs its own",
        )),
        None => Ok(()),
    }
}

fn read_keys(
    fields: &SchemeFields<'_>,
    row: &SchemeParameters,
    side: SchemeUse,
) -> Result<Vec<SigningKey>, String> {
    let error = "`secrets` must be a list of at least one text, for instance [\"env:WEBHOOK_SECRET\"]";
    let secrets =
        fields.0.get("secrets").and_then(Value::as_array).filter(|list| !list.is_empty()).ok_or(error)?;
    let read = |(index, secret): (usize, &Value)| {
        let secret = secret.as_str().ok_or(error)?;
        let key = SigningKey::read(secret, row.key, row.hash, row.encoding, row.label)
            .map_err(|fault| format!("`secrets[{index}]` {fault}"))?;
        if side == SchemeUse::Sender && !key.can_sign() {
            return Err(format!(
                "`secrets[{index}]` is a public key, which cannot sign: give the `whsk_` key"
            ));
        }
        Ok(key)
    };
    secrets.iter().enumerate().map(read).collect()
}

/// Reads the members of an entry by name.
pub(super) struct SchemeFields<'j>(&'j Map<String, Value>);

impl<'j> SchemeFields<'j> {
    pub(super) fn new(entry: &'j Value) -> Result<Self, String> {
        entry.as_object().map(SchemeFields).ok_or_else(|| {
            "a `sign` entry is an object, for instance { scheme = \"standard-webhooks\", secrets = [\"env:NAME\"] }"
                .to_owned()
        })
    }

    pub(super) fn get(&self, name: &str) -> Option<&'j Value> {
        self.0.get(name)
    }

    fn text(&self, name: &str) -> Result<Option<&'j str>, String> {
        match self.0.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(format!("`{name}` must be a text, not {}", kind_of(other))),
        }
    }

    fn choice(&self, name: &str, known: &[&'static str]) -> Result<Option<&'static str>, String> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let chosen = known.iter().find(|choice| **choice == text).copied();
        chosen.map(Some).ok_or_else(|| format!("`{name}` must be one of {}", quoted(known)))
    }

    fn header(&self, name: &str) -> Result<Option<String>, String> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let lower = text.to_ascii_lowercase();
        // RFC 9110, section 5.6.2.
        let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if lower.is_empty() || !lower.bytes().all(token) {
            return Err(format!("`{name}` must be a header name: letters, digits and `-`"));
        }
        if RESERVED_HEADERS.split(' ').any(|reserved| reserved == lower) {
            return Err(format!("`{name}` must not be `{lower}`, which belongs to the request itself"));
        }
        Ok(Some(lower))
    }

    fn refuse_others(&self, scheme: &str, known: &[&str]) -> Result<(), String> {
        let Some(key) = self.0.keys().find(|key| !known.contains(&key.as_str())) else { return Ok(()) };
        let key = key.escape_debug().to_string();
        if HMAC_KEYS.contains(&key.as_str()) {
            return Err(format!("`{key}` belongs to the `hmac` scheme; `{scheme}` fixes it"));
        }
        let nearest = known
            .iter()
            .map(|name| (strsim::osa_distance(name, &key), name))
            .min()
            .filter(|(distance, _)| *distance <= 3)
            .map(|(_, name)| format!("; did you mean `{name}`?"))
            .unwrap_or_default();
        Err(format!("unknown key `{key}` in a `{scheme}` entry{nearest}"))
    }
}

fn quoted(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
