//! The responses of this platform, and what each means for a delivery: RFC 5321, section 4.2, and RFC 4954, section 6.

use super::super::Degradation::NoImage;
use super::super::canned_response::Expected::{Degrade, Delivered, Final, Retry};
use super::super::canned_response::{CannedResponse, response};

#[rustfmt::skip]
pub(super) static RESPONSES: &[CannedResponse] = &[
    response("ok", 250, "DATA: 250 2.0.0 Ok: queued as 4F1A2B3C", "the server has the message", Delivered),
    response("421", 421, "MAIL FROM: 421 4.3.2 service not available, closing the channel", "the server closes", Retry),
    response("450", 450, "RCPT TO:<a@example.com>: 450 4.2.0 greylisted, try again", "the mailbox is busy, or the server wants a second attempt", Retry),
    response("451", 451, "DATA: 451 4.3.0 local error in processing", "an error of the server", Retry),
    response("452", 452, "MAIL FROM: 452 4.3.1 insufficient system storage", "no storage, or too many recipients", Retry),
    response("454", 454, "AUTH: 454 4.7.0 temporary authentication failure", "the login cannot be checked now", Retry),
    response("530", 530, "MAIL FROM: 530 5.7.0 authentication required", "it wants a login: put the user in `url`, and set `password`", Final),
    response("534", 534, "AUTH: 534 5.7.9 application-specific password required", "it wants another kind of login: create a password for this program", Final),
    response("535", 535, "AUTH: 535 5.7.8 authentication credentials invalid", "it refuses user or `password`", Final),
    response("550", 550, "RCPT TO:<a@example.com>: 550 5.1.1 no such user", "it does not take messages for this mailbox", Final),
    response("large", 552, "DATA: 552 5.3.4 message size exceeds fixed limit", "larger than it takes", Degrade(NoImage)).says(&["size", "5.3.4", "large", "big"]),
    response("552", 552, "RCPT TO:<a@example.com>: 552 5.2.2 mailbox full", "the mailbox is full", Final),
    response("553", 553, "MAIL FROM: 553 5.1.8 sender address rejected", "it refuses an address: check `from` and `to`", Final),
    response("554", 554, "DATA: 554 5.7.1 message refused by policy", "it refuses the message or this machine", Final),
];
