//! What a workflow of Slack looks at in a request.

use super::super::Platform;
use super::super::ReceivedRequest;
use super::SlackWorkflow;

pub(super) fn refuses(request: &ReceivedRequest<'_>) -> Option<&'static str> {
    let objection = request.json().is_none_or(|body| SlackWorkflow.objection(&body).is_some());
    objection.then_some("invalid_workflow")
}
