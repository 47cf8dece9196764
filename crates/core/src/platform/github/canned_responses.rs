//! The responses of this platform, and what each means for a delivery.

use super::super::Degradation::{NoMarkup, Shorter};
use super::super::canned_response::Expected::{Degrade, Delivered, Final, RetryAfter};
use super::super::canned_response::{CannedResponse, GATEWAY, TROUBLE, response};

#[rustfmt::skip]
pub(super) static RESPONSES: &[CannedResponse] = &[
    response("ok", 204, "", "taken; a workflow may listen", Delivered),
    response("run", 200, r#"{"workflow_run_id":17,"run_url":"https://api.github.com/repos/example/models/actions/runs/17","html_url":"https://github.com/example/models/actions/runs/17"}"#, "taken; the workflow runs", Delivered),
    response("401", 401, r#"{"message":"Bad credentials","status":"401"}"#, "the `token` is not valid", Final),
    response("primary", 403, r#"{"message":"API rate limit exceeded"}"#, "the hourly limit", RetryAfter(31622400000)).with(&[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "4102444800")]).says(&["rate limit exceeded"]),
    response("secondary", 403, r#"{"message":"You have exceeded a secondary rate limit"}"#, "more than the second limit", RetryAfter(60000)).says(&["rate limit", "abuse"]),
    response("429", 429, "", "too many requests", RetryAfter(60000)),
    response("403", 403, r#"{"message":"Resource not accessible by personal access token","status":"403"}"#, "the `token` may not write this repository, or start its workflows", Final),
    response("404", 404, r#"{"message":"Not Found","status":"404"}"#, "there is no such repository or workflow, or the `token` may not see it", Final),
    response("422-size", 422, r#"{"message":"client_payload is too large. Maximum size is 65536 characters","status":"422"}"#, "the payload is too large", Degrade(Shorter)).says(&["too large"]),
    response("422-inputs", 422, r#"{"message":"Unexpected inputs provided: [\"taskbell\"]","status":"422"}"#, "the workflow does not declare these inputs", Final).says(&["unexpected inputs", "required input"]),
    response("422-ref", 422, r#"{"message":"No ref found for: trunk","status":"422"}"#, "there is no such branch or tag", Final).says(&["no ref found"]),
    response("422-trigger", 422, r#"{"message":"Workflow does not have 'workflow_dispatch' trigger","status":"422"}"#, "the workflow does not listen to `workflow_dispatch`", Final).says(&["trigger"]),
    response("422", 422, r#"{"message":"Invalid request.","status":"422"}"#, "the form is wrong", Degrade(NoMarkup)),
    TROUBLE,
    GATEWAY,
];
