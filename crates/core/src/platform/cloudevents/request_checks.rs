//! What a receiver of CloudEvents looks at in a request.

use super::super::ReceivedRequest;

pub(super) fn refuses(request: &ReceivedRequest<'_>) -> Option<&'static str> {
    let json = request.json();
    let json = json.as_ref();
    let structured =
        request.header("content-type").is_some_and(|kind| kind.starts_with("application/cloudevents"));
    let has = |name: &str| {
        if structured {
            json.is_some_and(|json| json[name].as_str().is_some_and(|text| !text.is_empty()))
        } else {
            request.header(&format!("ce-{name}")).is_some_and(|text| !text.is_empty())
        }
    };
    (!["specversion", "id", "source", "type"].into_iter().all(has)).then_some("400")
}
