//! Every platform reads its own canned responses, and refuses what it would refuse.

use super::*;

fn answer(response: &CannedResponse) -> Answer {
    let headers = response.headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    Answer { status: response.status, headers, body: response.body.into(), truncated: false }
}

#[test]
fn every_platform_reads_its_responses_as_its_table_says() {
    let mut wrong = Vec::new();
    for platform in all() {
        for response in platform.responses() {
            let read = Expected::from(&platform.read(&answer(response), NOW_MS));
            if read != response.expected {
                wrong.push(format!("{}\t{}\t{read:?}", platform.name(), response.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
