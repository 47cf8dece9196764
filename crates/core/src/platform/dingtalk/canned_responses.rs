//! The responses of this platform, and what each means for a delivery.

use super::super::Degradation::{NoMarkup, Shorter};
use super::super::canned_response::Expected::{Degrade, Delivered, Final, Gone, Retry, RetryAfter};
use super::super::canned_response::{CannedResponse, EMPTY, GATEWAY, PAGE, response};

#[rustfmt::skip]
pub(super) static RESPONSES: &[CannedResponse] = &[
    response("ok", 200, r#"{"errcode":0,"errmsg":"ok"}"#, "posted", Delivered),
    response("-1", 200, r#"{"errcode":-1,"errmsg":"系统繁忙"}"#, "DingTalk is busy", Retry),
    response("130101", 200, r#"{"errcode":130101,"errmsg":"send too fast, exceed 20 times per minute"}"#, "more than 20 messages a minute", RetryAfter(60000)),
    response("410100", 200, r#"{"errcode":410100,"errmsg":"发送速度太快而限流"}"#, "more than 20 messages a minute", RetryAfter(60000)),
    response("x5", 200, r#"{"status":1111,"wait":5,"source":"x5","punish":"deny","uuid":"0"}"#, "more than 20 messages a minute", RetryAfter(60000)),
    response("130101-x5", 200, r#"{"errcode":130101,"errmsg":"send too fast, exceed 20 times per minute","status":1111,"wait":5,"source":"x5","punish":"deny"}"#, "more than 20 messages a minute, with an errcode", RetryAfter(60000)),
    response("300001", 200, r#"{"errcode":300001,"errmsg":"token is not exist"}"#, "this access_token does not exist", Gone).says(&["token"]),
    response("300001-busy", 200, r#"{"errcode":300001,"errmsg":"too many requests"}"#, "DingTalk is busy", Retry),
    response("keyword", 200, r#"{"errcode":310000,"errmsg":"keywords not in content"}"#, "the message lacks the robot's keyword", Final).says(&["keyword", "关键词"]),
    response("timestamp", 200, r#"{"errcode":310000,"errmsg":"invalid timestamp"}"#, "the time of the signature is not valid; the clock of this machine may be wrong", Retry).says(&["timestamp"]),
    response("address", 200, r#"{"errcode":310000,"errmsg":"ip 192.0.2.1 not in whitelist"}"#, "this machine's address is not on the robot's list", Final).says(&["whitelist"]),
    response("310000", 200, r#"{"errcode":310000,"errmsg":"sign not match, more: [https://ding-doc.dingtalk.com]"}"#, "the robot's security setting refused it: check its keyword, its `secret`, or its list of addresses", Final),
    response("300005", 200, r#"{"errcode":300005,"errmsg":"token is not exist"}"#, "this access_token does not exist", Gone),
    response("no-token", 200, r#"{"errcode":40035,"errmsg":"缺少参数 access_token"}"#, "the access_token is missing in `url`", Final).says(&["access_token"]),
    response("40035", 200, r#"{"errcode":40035,"errmsg":"缺少参数 json"}"#, "a parameter is missing or not valid", Degrade(NoMarkup)),
    response("43002", 200, r#"{"errcode":43002,"errmsg":"需要POST请求"}"#, "it was not reached by POST", Final),
    response("400013", 200, r#"{"errcode":400013,"errmsg":"群已被解散"}"#, "this group is dissolved", Gone),
    response("400101", 200, r#"{"errcode":400101,"errmsg":"access_token不存在"}"#, "this access_token does not exist", Gone),
    response("400102", 200, r#"{"errcode":400102,"errmsg":"机器人已停用"}"#, "this robot is switched off", Gone),
    response("400105", 200, r#"{"errcode":400105,"errmsg":"不支持的消息类型"}"#, "the msgtype is not valid", Degrade(NoMarkup)),
    response("400403", 200, r#"{"errcode":400403,"errmsg":"msgtype is null"}"#, "it refuses the form of the message", Degrade(NoMarkup)),
    response("400106", 200, r#"{"errcode":400106,"errmsg":"机器人不存在"}"#, "this robot no longer exists", Gone),
    response("460101", 200, r#"{"errcode":460101,"errmsg":"message too long, exceed 20000 bytes"}"#, "the message is too long", Degrade(Shorter)),
    PAGE,
    EMPTY,
    GATEWAY,
];
