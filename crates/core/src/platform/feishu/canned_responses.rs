//! The responses of this platform, and what each means for a delivery.

use super::super::Degradation::{NoMarkup, Shorter};
use super::super::canned_response::Expected::{Degrade, Delivered, Final, Gone, Retry, RetryAfter};
use super::super::canned_response::{CannedResponse, EMPTY, GATEWAY, PAGE, response};

#[rustfmt::skip]
pub(super) static RESPONSES: &[CannedResponse] = &[
    response("ok", 200, r#"{"code":0,"msg":"success","data":{}}"#, "posted", Delivered),
    response("old-ok", 200, r#"{"Extra":null,"StatusCode":0,"StatusMessage":"success"}"#, "posted, in the form of before", Delivered),
    response("both-ok", 200, r#"{"StatusCode":0,"StatusMessage":"success","code":0,"data":{},"msg":"success"}"#, "posted, in both forms", Delivered),
    response("99991400", 429, r#"{"code":99991400,"msg":"request trigger frequency limit"}"#, "more than 100 messages a minute, or 5 a second", RetryAfter(2000)).with(&[("x-ogw-ratelimit-reset", "2")]),
    response("11310", 200, r#"{"code":11310,"msg":"card contains too many tables"}"#, "the card has too many tables", Degrade(NoMarkup)),
    response("19036", 200, r#"{"code":19036,"msg":"request body too large"}"#, "the body is too large", Degrade(Shorter)),
    response("11232", 200, r#"{"code":11232,"msg":"create message trigger rate limit"}"#, "too many messages, as at each whole hour", Retry),
    response("400-99991400", 400, r#"{"code":99991400,"msg":"request trigger frequency limit"}"#, "too many, with another status", RetryAfter(2000)).with(&[("x-ogw-ratelimit-reset", "2")]),
    response("19001", 200, r#"{"code":19001,"msg":"param invalid: incoming webhook access token invalid"}"#, "this webhook is wrong or deleted", Gone),
    response("19002", 200, r#"{"code":19002,"msg":"params error, msg_type need"}"#, "the parameters are not valid", Degrade(NoMarkup)),
    response("19021", 200, r#"{"code":19021,"msg":"sign match fail or timestamp is not within one hour from current time"}"#, "the signature does not match: check `secret` and the clock of this machine", Final),
    response("11246", 200, r#"{"code":11246,"msg":"Failed to create card content, ext=ErrCode: 200621; ErrMsg: parse card json err, please check whether the card json is correct; ErrorValue: unknown property"}"#, "the card is not valid", Degrade(NoMarkup)),
    response("19022", 200, r#"{"code":19022,"msg":"Ip Not Allowed"}"#, "the bot takes nothing from this machine's address", Final),
    response("19024", 200, r#"{"code":19024,"msg":"Key Words Not Found"}"#, "the message lacks the bot's keyword", Final),
    response("9499", 400, r#"{"code":9499,"msg":"Bad Request"}"#, "the body is not valid or too large", Degrade(Shorter)),
    PAGE,
    EMPTY,
    GATEWAY,
];
