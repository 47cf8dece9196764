//! Keys: a secret, decoded once, that signs and verifies.

use base64::Engine;
use base64::alphabet::STANDARD as STANDARD_ALPHABET;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use ring::signature::{ED25519, ED25519_PUBLIC_KEY_LEN, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use sha1::Sha1;
use sha2::{Sha256, Sha512};
use subtle::ConstantTimeEq;

/// Accepts missing padding: secrets are often pasted without it.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD_ALPHABET,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hash {
    Sha1,
    Sha256,
    Sha512,
}

/// How the text of a secret becomes the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KeyForm {
    /// The text itself.
    Utf8,
    /// Standard base64, padded or not.
    Base64,
    /// Two digits per byte, in either case.
    Hex,
    /// The prefixes of Standard Webhooks: `whsec_`, `whsk_`, `whpk_`, or bare base64.
    StandardWebhooks,
}

/// How the bytes of a signature are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Hex,
    Base64,
}

impl Encoding {
    fn write(self, bytes: &[u8], out: &mut String) {
        match self {
            Encoding::Hex => {
                let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or_default();
                out.extend(bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]));
            }
            Encoding::Base64 => STANDARD.encode_string(bytes, out),
        }
    }

    fn read(self, text: &str) -> Option<Vec<u8>> {
        match self {
            Encoding::Hex => decode_hex(text),
            Encoding::Base64 => STANDARD.decode(text).ok(),
        }
    }
}

/// A decoded secret. `label` precedes each of its signatures.
pub(super) struct SigningKey {
    label: &'static str,
    encoding: Encoding,
    kind: KeyMaterial,
}

/// An HMAC state already contains the key; each signature starts from a copy.
enum KeyMaterial {
    Sha1(Hmac<Sha1>),
    Sha256(Hmac<Sha256>),
    Sha512(Hmac<Sha512>),
    Pair(Box<Ed25519KeyPair>),
    Public([u8; ED25519_PUBLIC_KEY_LEN]),
}

/// Passes the signed bytes on, piece by piece.
pub(super) type Feed<'a> = &'a dyn Fn(&mut dyn FnMut(&[u8]));

impl SigningKey {
    /// Decodes a secret. An error never repeats it.
    pub(super) fn read(
        secret: &str,
        form: KeyForm,
        hash: Hash,
        encoding: Encoding,
        label: &'static str,
    ) -> Result<SigningKey, String> {
        let bytes = match form {
            KeyForm::Utf8 => secret.as_bytes().to_vec(),
            KeyForm::Base64 => decode_base64(secret)?,
            KeyForm::Hex => decode_hex(secret).ok_or("is not hexadecimal: two digits for each byte")?,
            KeyForm::StandardWebhooks => {
                if let Some(pair) = secret.strip_prefix("whsk_") {
                    return SigningKey::asymmetric(read_pair(pair)?);
                }
                if let Some(public) = secret.strip_prefix("whpk_") {
                    return SigningKey::asymmetric(read_public(public)?);
                }
                decode_base64(secret.strip_prefix("whsec_").unwrap_or(secret))?
            }
        };
        if bytes.is_empty() {
            return Err("is empty".to_owned());
        }
        let kind = match hash {
            Hash::Sha1 => Hmac::new_from_slice(&bytes).map(KeyMaterial::Sha1),
            Hash::Sha256 => Hmac::new_from_slice(&bytes).map(KeyMaterial::Sha256),
            Hash::Sha512 => Hmac::new_from_slice(&bytes).map(KeyMaterial::Sha512),
        };
        let kind = kind.map_err(|_| "has a length that HMAC does not take")?;
        Ok(SigningKey { label, encoding, kind })
    }

    fn asymmetric(kind: KeyMaterial) -> Result<SigningKey, String> {
        Ok(SigningKey { label: "v1a,", encoding: Encoding::Base64, kind })
    }

    /// Whether this key can sign; a public key can only verify.
    pub(super) fn can_sign(&self) -> bool {
        !matches!(self.kind, KeyMaterial::Public(_))
    }

    /// Writes the signature with its label; `false` for a public key.
    pub(super) fn sign(&self, feed: Feed<'_>, out: &mut String) -> bool {
        out.push_str(self.label);
        match &self.kind {
            KeyMaterial::Pair(pair) => self.encoding.write(pair.sign(&collect(feed)).as_ref(), out),
            KeyMaterial::Public(_) => return false,
            _ => match self.digest(feed) {
                Some(digest) => self.encoding.write(&digest, out),
                None => return false,
            },
        }
        true
    }

    /// Whether this key made one of these labelled signatures. Compares with secret values in constant time.
    pub(super) fn recognises(&self, candidates: &[&str], feed: Feed<'_>) -> bool {
        let mut signatures = candidates
            .iter()
            .filter_map(|candidate| self.encoding.read(candidate.strip_prefix(self.label)?))
            .peekable();
        if signatures.peek().is_none() {
            return false;
        }
        let public = match &self.kind {
            KeyMaterial::Pair(pair) => pair.public_key().as_ref(),
            KeyMaterial::Public(public) => public,
            _ => {
                let Some(expected) = self.digest(feed) else { return false };
                return signatures.any(|given| bool::from(given.ct_eq(&expected)));
            }
        };
        let content = collect(feed);
        let public = UnparsedPublicKey::new(&ED25519, public);
        signatures.any(|given| public.verify(&content, &given).is_ok())
    }

    fn digest(&self, feed: Feed<'_>) -> Option<Vec<u8>> {
        fn run<M: Mac + Clone>(state: &M, feed: Feed<'_>) -> Option<Vec<u8>> {
            let mut mac = state.clone();
            feed(&mut |bytes| mac.update(bytes));
            Some(mac.finalize().into_bytes().to_vec())
        }
        match &self.kind {
            KeyMaterial::Sha1(state) => run(state, feed),
            KeyMaterial::Sha256(state) => run(state, feed),
            KeyMaterial::Sha512(state) => run(state, feed),
            KeyMaterial::Pair(_) | KeyMaterial::Public(_) => None,
        }
    }
}

fn collect(feed: Feed<'_>) -> Vec<u8> {
    let mut content = Vec::new();
    feed(&mut |bytes| content.extend_from_slice(bytes));
    content
}

/// `whsk_`: a 32-byte seed, then its 32-byte public key.
fn read_pair(text: &str) -> Result<KeyMaterial, String> {
    let bytes: [u8; 64] = decode_base64(text)?
        .try_into()
        .map_err(|_| "is not a `whsk_` key: base64 of a 32-byte seed and its 32-byte public key")?;
    let (seed, public) = bytes.split_at(bytes.len() / 2);
    Ed25519KeyPair::from_seed_and_public_key(seed, public)
        .map(|pair| KeyMaterial::Pair(Box::new(pair)))
        .map_err(|_| "is not a `whsk_` key: its public half does not belong to its seed".to_owned())
}

fn read_public(text: &str) -> Result<KeyMaterial, String> {
    let bytes: [u8; ED25519_PUBLIC_KEY_LEN] =
        decode_base64(text)?.try_into().map_err(|_| "is not a `whpk_` key: base64 of 32 bytes")?;
    // Zero is a point of small order: a signature over anything would verify.
    if bytes == [0; ED25519_PUBLIC_KEY_LEN] {
        return Err("is not a `whpk_` key: these bytes are not a usable point of the curve".to_owned());
    }
    Ok(KeyMaterial::Public(bytes))
}

fn decode_base64(text: &str) -> Result<Vec<u8>, String> {
    LENIENT.decode(text).map_err(|_| "is not base64".to_owned())
}

fn decode_hex(text: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let byte = |pair: &[u8; 2]| Some((digit(pair[0])? * 16 + digit(pair[1])?) as u8);
    if rest.is_empty() { pairs.iter().map(byte).collect() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_is_read_in_either_case_and_nonsense_is_not() {
        assert_eq!(decode_hex("00fFA5"), Some(vec![0, 255, 165]));
        assert_eq!(decode_hex(""), Some(vec![]));
        for bad in ["0", "0g", "é", "+1"] {
            assert_eq!(decode_hex(bad), None, "{bad}");
        }
    }
}
