//! The responses of this platform, and what each means for a delivery.

use super::super::Degradation::{NoMarkup, Shorter};
use super::super::canned_response::Expected::{Degrade, Delivered, Gone, Retry, RetryAfter};
use super::super::canned_response::{CannedResponse, GATEWAY, ONE_SECOND, PAGE, TROUBLE, response};

#[rustfmt::skip]
pub(super) static RESPONSES: &[CannedResponse] = &[
    response("ok", 202, "", "queued; what fails later shows in the run history alone", Delivered),
    response("429", 429, "", "more than four a second", RetryAfter(1000)).with(ONE_SECOND),
    response("disabled", 400, r#"{"error":{"code":"WorkflowDisabled","message":"The workflow is disabled"}}"#, "the workflow is switched off or deleted", Gone).says(&["disabled", "notenabled", "notfound"]),
    response("bad-request", 400, r#"{"error":{"code":"InvalidRequestContent","message":"The request content is not valid and could not be deserialized"}}"#, "it refuses the form of the message", Degrade(NoMarkup)),
    response("401", 401, r#"{"error":{"code":"DirectApiAuthorizationRequired","message":"The request must be authenticated"}}"#, "the signature in the URL is wrong, or the workflow is closed to it", Gone),
    response("403", 403, "", "the signature in the URL is wrong, or the workflow is closed to it", Gone),
    response("404", 404, r#"{"error":{"code":"WorkflowNotFound","message":"The workflow could not be found"}}"#, "the workflow is deleted", Gone),
    response("410", 410, "", "the workflow is gone", Gone),
    response("413", 413, "", "too large", Degrade(Shorter)),
    response("old-413", 200, "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 413", "an old connector: too large", Degrade(Shorter)).says(&["error 413"]),
    response("old-400", 200, "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 400", "an old connector: the form is wrong", Degrade(NoMarkup)).says(&["error 400"]),
    response("old-429", 200, "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 429", "an old connector: too many", Retry),
    PAGE,
    TROUBLE,
    GATEWAY,
    response("504", 504, "", "the flow took too long to start", Retry),
];
