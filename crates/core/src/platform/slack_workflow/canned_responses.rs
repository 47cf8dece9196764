//! The responses of this platform, and what each means for a delivery.

use super::super::canned_response::Expected::{Delivered, Final, Gone, RetryAfter};
use super::super::canned_response::{CannedResponse, ONE_SECOND, PAGE, TROUBLE, response};

#[rustfmt::skip]
pub(super) static RESPONSES: &[CannedResponse] = &[
    response("ok", 200, r#"{"ok":true}"#, "started", Delivered),
    response("invalid_workflow", 200, r#"{"ok":false,"error":"invalid_workflow_input"}"#, "the workflow does not take these variables", Final),
    response("rate_limited", 429, r#"{"ok":false,"error":"rate_limited"}"#, "more than ten a minute", RetryAfter(1000)).with(ONE_SECOND),
    response("no_service", 404, "no_service", "the workflow is deleted", Gone),
    response("invalid_token", 403, "invalid_token", "the token is revoked", Gone),
    response("team_disabled", 403, "team_disabled", "the workspace is switched off", Gone),
    response("action_prohibited", 403, "action_prohibited", "the workspace forbids it", Final),
    PAGE,
    TROUBLE,
];
