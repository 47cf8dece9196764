//! The texts of transport errors. They name host and port, never path, query or credentials.

use super::buffers::MAX_RESPONSE_HEAD;
use super::certificate_error::{self, words};
use super::error::{TransportError, TransportErrorKind};
use super::request_state::Stage;
use rustls::{AlertDescription, PeerIncompatible};
use std::io::{self, ErrorKind};
use std::time::Duration;

pub(super) fn late(stage: Stage, peer: &str, open_limit: Duration, limit: Duration) -> TransportError {
    let reason = match stage {
        Stage::Resolve => format!("the lookup of {peer} took longer than {open_limit:?}"),
        Stage::Connect => format!("no connection to {peer} could be opened within {open_limit:?}"),
        Stage::Tunnel => format!("the proxy did not open a tunnel to {peer} within {open_limit:?}"),
        Stage::Tls => format!("the TLS handshake with {peer} took longer than {open_limit:?}"),
        Stage::Send => format!("{peer} did not accept the whole request within {limit:?}"),
        Stage::Head => format!("{peer} did not answer within {limit:?}"),
        Stage::Body => format!("{peer} began an answer but did not finish it within {limit:?}"),
    };
    TransportErrorKind::Timeout.error(reason)
}

pub(super) fn cancelled() -> TransportError {
    TransportErrorKind::Cancelled.error("the attempt was cancelled by shutdown")
}

pub(super) fn broken(stage: Stage, peer: &str, error: &io::Error) -> TransportError {
    let when = match stage {
        Stage::Resolve | Stage::Connect | Stage::Tunnel | Stage::Tls => "while it was opened",
        Stage::Send => "before it had the whole request",
        Stage::Head => "before it answered",
        Stage::Body => "in the middle of its answer",
    };
    let reason = match error.kind() {
        ErrorKind::UnexpectedEof => format!("{peer} closed the connection {when}"),
        ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe => {
            format!("{peer} reset the connection {when}")
        }
        _ => format!("the connection to {peer} failed {when}: {error}"),
    };
    // The alert that would say so is lost where a receiver hangs up at once.
    let hint = match stage {
        Stage::Tls => "; if it requires a client certificate, set `client_cert` and `client_key`",
        _ => "",
    };
    TransportErrorKind::Broken.error(format!("{reason}{hint}"))
}

pub(super) fn unreachable(peer: &str, error: &io::Error) -> TransportError {
    let reason = match error.kind() {
        ErrorKind::ConnectionRefused => format!("{peer} refused the connection: nothing listens there"),
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => format!("there is no route to {peer}"),
        _ => format!("no connection to {peer} could be opened: {error}"),
    };
    TransportErrorKind::Connect.error(reason)
}

pub(super) fn tls(peer: &str, error: &rustls::Error, plain: &str) -> TransportError {
    let reason = match error {
        rustls::Error::InvalidMessage(_) => {
            format!(
                "{peer} does not speak TLS on this port; write `{plain}://` in the URL, or set TLS up there"
            )
        }
        rustls::Error::AlertReceived(alert) => {
            format!("{peer} refused the TLS handshake: {}", alert_text(*alert))
        }
        rustls::Error::PeerIncompatible(PeerIncompatible::ServerDoesNotSupportTls12Or13) => {
            format!("{peer} speaks only TLS 1.1 or older; set it up for TLS 1.2 or later")
        }
        error => format!("TLS with {peer} failed: {}", certificate_error::clause(error)),
    };
    TransportErrorKind::Tls.error(reason)
}

fn alert_text(alert: AlertDescription) -> String {
    let known = match alert {
        AlertDescription::CertificateRequired => {
            "it requires a client certificate; set `client_cert` and `client_key`"
        }
        AlertDescription::UnknownCA | AlertDescription::BadCertificate => {
            "it does not trust the client certificate; set `client_cert` to one that its authority issued"
        }
        AlertDescription::CertificateExpired => {
            "the client certificate expired; set `client_cert` to a new one"
        }
        AlertDescription::ProtocolVersion => {
            "it shares no TLS version with us; set the receiver up for TLS 1.2 or later"
        }
        AlertDescription::HandshakeFailure => {
            "it shares no cipher suite with us, or it requires a client certificate; set `client_cert` and \
             `client_key`, or set the receiver up for present suites and keys"
        }
        AlertDescription::UnrecognisedName => "it serves no host of this name; check the host in the URL",
        AlertDescription::AccessDenied => "it denies access to this client; check `client_cert`",
        other => return format!("it reports `{}`", words(&format!("{other:?}"))),
    };
    known.to_owned()
}

/// An error of ureq for which nothing more precise is known.
pub(super) fn of_ureq(stage: Stage, peer: &str, error: &ureq::Error) -> TransportError {
    match error {
        ureq::Error::Io(error) => broken(stage, peer, error),
        ureq::Error::LargeResponseHeader(..) => {
            let reason =
                format!("the head of {peer}'s answer is larger than {} KiB", MAX_RESPONSE_HEAD / 1024);
            TransportErrorKind::Protocol.error(reason)
        }
        ureq::Error::Http(_) | ureq::Error::BadUri(_) => {
            TransportErrorKind::Refused.error(format!("the request to {peer} cannot be written as HTTP"))
        }
        ureq::Error::Protocol(error) => {
            let detail = error.to_string();
            // These two quote the answer, which may echo a secret.
            let quotes = ["bad header", "location header"].iter().any(|start| detail.starts_with(start));
            let detail = if quotes { "a header is malformed" } else { &detail };
            TransportErrorKind::Protocol.error(format!("the answer of {peer} is not HTTP/1.1: {detail}"))
        }
        _ => TransportErrorKind::Protocol.error(format!("the answer of {peer} cannot be read")),
    }
}

/// A receiver that waits for TLS hangs up on a plain request, or answers with bytes that are no HTTP.
pub(super) fn perhaps_tls(error: TransportError) -> TransportError {
    let hint = "if it speaks TLS there, write `https://` in the URL";
    match error.kind {
        TransportErrorKind::Broken | TransportErrorKind::Protocol => {
            error.kind.error(format!("{}; {hint}", error.reason))
        }
        _ => error,
    }
}

pub(super) fn refused_by_proxy(proxy: &str, target: &str, status: u16) -> TransportError {
    let hint = if status == 407 { "; put user and password into the proxy's URL" } else { "" };
    let reason = format!("{proxy} answered {status} instead of forwarding to {target}{hint}");
    TransportErrorKind::Connect.error(reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeout_names_the_stage() {
        use Stage::{Body, Connect, Head, Resolve, Send, Tls, Tunnel};
        let limit = Duration::from_secs;
        let mut seen = [Resolve, Connect, Tunnel, Tls, Send, Head, Body]
            .map(|stage| late(stage, "a.test:443", limit(5), limit(15)).reason)
            .to_vec();
        assert!(seen.iter().all(|reason| reason.contains("a.test:443")));
        seen.dedup();
        assert_eq!(seen.len(), 7);
    }
}
