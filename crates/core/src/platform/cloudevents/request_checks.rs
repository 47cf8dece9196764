//! What only the whole request shows: an event stands in the body, or its attributes in headers.

use super::super::{ReceivedRequest, refusal};
use super::rules;

pub(super) fn refuses(request: &ReceivedRequest<'_>) -> Option<&'static str> {
    let is_structured =
        request.header("content-type").is_some_and(|kind| kind.starts_with("application/cloudevents"));
    if is_structured {
        let event = request.json().filter(|event| event.get("specversion").is_some());
        return event.map_or(Some("400"), |event| refusal(rules::faults(&event)));
    }
    let has = |name: &str| request.header(&format!("ce-{name}")).is_some_and(|text| !text.is_empty());
    (!["specversion", "id", "source", "type"].into_iter().all(has)).then_some("400")
}
