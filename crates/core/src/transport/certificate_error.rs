//! What is wrong with a receiver's certificate, and what to do.

use crate::clock;
use rustls::CertificateError;
use rustls::pki_types::UnixTime;

const MAX_NAMES: usize = 4;

/// The fault of a certificate, as a clause.
pub(super) fn clause(error: &rustls::Error) -> String {
    let error = match error {
        rustls::Error::InvalidCertificate(error) => error,
        // What the verifier says in words of ours.
        rustls::Error::General(sentence) => return sentence.clone(),
        other => return other.to_string(),
    };
    let fixed = match error {
        CertificateError::Expired => "the certificate expired; renew it on the receiver",
        CertificateError::ExpiredContext { not_after, .. } => {
            return format!("the certificate expired on {}; renew it on the receiver", date(not_after));
        }
        CertificateError::NotValidYet => "the certificate is not valid yet; check the clock of this machine",
        CertificateError::NotValidYetContext { not_before, .. } => {
            let from = date(not_before);
            return format!(
                "the certificate is not valid yet, but from {from} on; check the clock of this machine"
            );
        }
        CertificateError::UnknownIssuer => {
            "the certificate has an unknown issuer; put the certificate of that authority, or the server's own, into \
             `ca_file`"
        }
        CertificateError::NotValidForName => {
            "the name is not in the certificate; use a name in the URL that the certificate is for"
        }
        CertificateError::NotValidForNameContext { expected, presented } => {
            return wrong_name(&expected.to_str(), presented);
        }
        CertificateError::BadSignature => BAD_SIGNATURE,
        CertificateError::Revoked => REVOKED,
        CertificateError::BadEncoding => "the certificate cannot be read; have a new one issued",
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => NOT_FOR_SERVERS,
        CertificateError::Other(other) => return other_fault(&other.0.to_string()),
        other => {
            // Its name, without the values in it.
            let name = format!("{other:?}");
            let name = name.split([' ', '(', '{']).next().unwrap_or_default();
            return other_fault(name.strip_suffix("Context").unwrap_or(name));
        }
    };
    fixed.to_owned()
}

/// What a signature of the handshake means that does not hold.
pub(super) const WEAK_KEY: &str = "the key of the certificate does not belong to it, or is weaker than RSA of 2048 bits; \
     have one issued for a key of RSA 2048, ECDSA P-256 or stronger";

/// The fault of a certificate whose issuer is not trusted, in words that tell a self-signed one from another.
pub(super) fn untrusted(error: rustls::Error, certificate: &[u8], has_ca_file: bool) -> rustls::Error {
    let Some((issuer, subject)) = names(certificate) else { return error };
    let sentence = if issuer == subject {
        let other = if has_ca_file { ", which has another one" } else { "" };
        format!("the certificate is self-signed; put that very certificate into `ca_file`{other}")
    } else if matches!(&error, rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer)) {
        let by = common_name(issuer).map(|name| format!(", `{name}`")).unwrap_or_default();
        format!(
            "the certificate has an unknown issuer{by}; put the certificate of that authority, or the server's own, \
             into `ca_file`, or have the receiver send its whole chain"
        )
    } else {
        return error;
    };
    rustls::Error::General(sentence)
}

/// The names of issuer and subject, as DER. `None` where it cannot be read.
fn names(certificate: &[u8]) -> Option<(&[u8], &[u8])> {
    let (_, certificate, _) = element(certificate)?;
    let (_, mut rest, _) = element(certificate)?;
    // The version is optional; then come the serial number and the algorithm.
    if rest.first() == Some(&0xa0) {
        rest = element(rest)?.2;
    }
    for _ in 0..2 {
        rest = element(rest)?.2;
    }
    let (_, issuer, rest) = element(rest)?;
    let (_, _, rest) = element(rest)?;
    let (_, subject, _) = element(rest)?;
    Some((issuer, subject))
}

/// The tag and the content of the first element of DER, and what follows it.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        // The length stands in so many bytes; without any it would be unknown.
        0x81..=0x84 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(first - 0x80))?;
            (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

/// The common name in a name, as far as it may be shown.
fn common_name(name: &[u8]) -> Option<String> {
    const COMMON_NAME: [u8; 5] = [0x06, 0x03, 0x55, 0x04, 0x03];
    let at = name.windows(COMMON_NAME.len()).position(|bytes| bytes == COMMON_NAME)?;
    let (_, text, _) = element(name.get(at + COMMON_NAME.len()..)?)?;
    let text = std::str::from_utf8(text).ok()?;
    let shown: String =
        text.chars().filter(|c| c.is_alphanumeric() || " .-_*:".contains(*c)).take(100).collect();
    (!shown.trim().is_empty()).then(|| shown.trim().to_owned())
}

const NOT_FOR_SERVERS: &str = "the certificate is not meant for a server; have one issued whose extended key usage has \
     `serverAuth`";

const BAD_SIGNATURE: &str =
    "the certificate was not signed by the authority it names; is `ca_file` an older one of that name?";

const REVOKED: &str = "the certificate was revoked; have a new one issued";

fn wrong_name(expected: &str, presented: &[String]) -> String {
    let start = format!("the name {expected} is not in the certificate");
    if presented.is_empty() {
        return format!(
            "{start}, which has no name in `subjectAltName`; have one issued with the name there"
        );
    }
    let shown: Vec<String> = presented.iter().take(MAX_NAMES).map(|name| bare(name)).collect();
    if shown.iter().any(|name| name == expected) {
        return format!("{start} as an address; have one issued with `IP:{expected}` in `subjectAltName`");
    }
    let more = if presented.len() > MAX_NAMES { " and others" } else { "" };
    format!("{start}, which is for {}{more}; use a name that it is for in the URL", shown.join(", "))
}

/// `DnsName("a.test")` as `a.test`. The receiver chose it: only what a name may hold is shown.
fn bare(presented: &str) -> String {
    let inner = presented.split_once('(').map_or(presented, |(_, inner)| inner);
    let allowed = |c: &char| c.is_ascii_alphanumeric() || ".-_*:".contains(*c);
    inner.chars().filter(allowed).take(100).collect()
}

/// The faults that the verifier of web certificates names and TLS does not.
fn other_fault(name: &str) -> String {
    let known = match name {
        "CaUsedAsEndEntity" => {
            "the receiver shows the certificate of an authority as its own; put that very certificate into \
             `ca_file`, or have one issued for the server"
        }
        "EndEntityUsedAsCa" => {
            "a certificate that may not issue others issued it; install the authority's chain"
        }
        "NameConstraintViolation" => {
            "its authority may not issue certificates for this name; use another one"
        }
        "PathLenConstraintViolated" | "MaximumPathDepthExceeded" => {
            "the chain of its authorities is longer than they allow; install the right chain on the receiver"
        }
        "UnsupportedSignatureAlgorithm" | "UnsupportedSignatureAlgorithmForPublicKey" => {
            "its signature is of a kind that is not trusted any more, such as SHA-1; have one issued with SHA-256"
        }
        "UnsupportedCertVersion" => "it is an X.509 certificate of version 1; make one of version 3",
        "certificate had invalid extensions" | "EmptyEkuExtension" => return NOT_FOR_SERVERS.to_owned(),
        _ => "",
    };
    match known {
        "" if name.contains(' ') => system_fault(name),
        "" => format!("the certificate is not valid ({}); have another one issued", words(name)),
        known => format!("the certificate cannot be used: {known}"),
    }
}

/// A fault in words of the operating system. Windows ends them with its code (`winerror.h`).
fn system_fault(text: &str) -> String {
    let code = text.rsplit_once("(os error ").and_then(|(_, code)| code.trim_end_matches(')').parse().ok());
    match code.map(i32::cast_unsigned) {
        // TRUST_E_CERT_SIGNATURE.
        Some(0x8009_6004) => BAD_SIGNATURE.to_owned(),
        // CRYPT_E_REVOKED, CERT_E_REVOKED.
        Some(0x8009_2010 | 0x800B_010C) => REVOKED.to_owned(),
        // CRYPT_E_NO_REVOCATION_CHECK, CRYPT_E_REVOCATION_OFFLINE, CERT_E_REVOCATION_FAILURE.
        Some(0x8009_2012 | 0x8009_2013 | 0x800B_010E) => {
            "the system cannot find out whether the certificate was revoked; let this machine reach the list that the \
             certificate names, or put the certificate of its authority into `ca_file`"
                .to_owned()
        }
        _ => {
            let shown: String = text.chars().filter(|c| !c.is_control()).take(200).collect();
            format!("the system does not accept the certificate: {shown}; have another one issued")
        }
    }
}

/// A name in capitals as words: `MalformedExtensions` is `malformed extensions`.
pub(super) fn words(name: &str) -> String {
    let mut words = String::new();
    let mut before = ' ';
    for letter in name.chars().take(200) {
        if letter.is_ascii_uppercase() && before.is_ascii_lowercase() {
            words.push(' ');
        }
        words.push(if before.is_ascii_uppercase() && letter.is_ascii_uppercase() {
            letter
        } else {
            letter.to_ascii_lowercase()
        });
        before = letter;
    }
    words
}

fn date(time: &UnixTime) -> String {
    let text = clock::rfc3339(i64::try_from(time.as_secs().saturating_mul(1000)).unwrap_or(i64::MAX));
    text.split('T').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::pki_types::ServerName;
    use rustls::{Error, OtherError};
    use std::sync::Arc;

    #[derive(Debug)]
    struct Named(&'static str);

    impl std::fmt::Display for Named {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str(self.0)
        }
    }

    impl std::error::Error for Named {}

    #[test]
    fn every_fault_is_a_sentence_that_says_what_to_do() {
        let expected = ServerName::try_from("a.test").unwrap();
        let time = UnixTime::since_unix_epoch(std::time::Duration::from_secs(1_600_000_000));
        let wrong = |presented: &[&str]| CertificateError::NotValidForNameContext {
            expected: expected.clone(),
            presented: presented.iter().map(|name| (*name).to_owned()).collect(),
        };
        let named = "CaUsedAsEndEntity|EndEntityUsedAsCa|NameConstraintViolation|PathLenConstraintViolated|\
                     UnsupportedCertVersion|UnsupportedSignatureAlgorithm|certificate had invalid extensions|\
                     MalformedExtensions|Refused by the system. (os error 5)|Revoked. (os error -2146762484)|\
                     Not checked. (os error -2146762482)"
            .split('|');
        let mut faults = vec![
            CertificateError::Expired,
            CertificateError::ExpiredContext { time, not_after: time },
            CertificateError::NotValidYetContext { time, not_before: time },
            CertificateError::UnknownIssuer,
            CertificateError::BadSignature,
            CertificateError::Revoked,
            CertificateError::BadEncoding,
            CertificateError::InvalidPurpose,
            CertificateError::UnhandledCriticalExtension,
            CertificateError::UnsupportedSignatureAlgorithmContext {
                signature_algorithm_id: vec![1, 2],
                supported_algorithms: Vec::new(),
            },
            wrong(&[]),
            wrong(&["DnsName(\"b.test\")", "IpAddress(10.0.0.1)"]),
        ];
        faults.extend(named.map(|name| CertificateError::Other(OtherError(Arc::new(Named(name))))));
        for fault in faults {
            let text = clause(&Error::InvalidCertificate(fault.clone()));
            assert!(text.contains(';'), "{fault:?} says nothing of what to do: {text}");
            assert!(!text.contains("Other") && !text.contains("Context") && !text.contains('{'), "{text}");
        }
        let text =
            clause(&Error::InvalidCertificate(wrong(&["DnsName(\"b.test\")", "DnsName(\"\u{1b}[2J\")"])));
        assert!(text.contains("a.test") && text.contains("b.test") && !text.contains('\u{1b}'), "{text}");
        assert_eq!(words("MalformedExtensions"), "malformed extensions");
        assert_eq!(other_fault("Revoked. (os error -2146762484)"), REVOKED);
        assert!(other_fault("Not checked. (os error -2146762482)").contains("cannot find out"));
    }
}
