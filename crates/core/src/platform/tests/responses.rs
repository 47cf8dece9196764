//! Every platform reads its own canned responses, and refuses what it would refuse.

use super::*;

#[test]
fn a_page_of_a_proxy_ends_no_message_and_no_endpoint() {
    let page = "\r\n<!DOCTYPE html><html><head><title>Access denied</title></head></html>";
    // No page of HTML answers SMTP.
    for platform in all().iter().filter(|platform| platform.description().scheme == "http") {
        for status in [401, 403, 404, 405, 407, 451, 502, 520] {
            assert_eq!(read(platform.name(), status, &[], page), "retry", "{platform:?} {status}");
        }
    }
}

#[test]
fn what_is_gone_is_gone_and_who_names_a_time_expects_another_attempt_on_every_platform() {
    for platform in all() {
        let name = platform.name();
        assert_eq!(read(name, 410, &[], ""), "gone", "{name}");
        for refusal in platform.description().responses.iter().filter(|one| one.expected == Expected::Final) {
            let wait = read(name, refusal.status, &[("retry-after", "90")], refusal.body);
            assert_eq!(wait, "after 90000", "{name} {}", refusal.name);
        }
    }
}

#[test]
fn an_unknown_code_for_too_many_messages_is_no_refusal_of_the_form() {
    for words in
        ["exceed max api daily quota", "调用频率超过限制", "invalid: send too fast", "request was throttled"]
    {
        for platform in ["wecom", "dingtalk"] {
            let body = json!({"errcode": 99_998, "errmsg": words}).to_string();
            assert_eq!(read(platform, 200, &[], &body), "retry", "{platform} {words}");
        }
    }
}

#[test]
fn a_reason_says_what_is_meant_and_quotes_the_receiver_once() {
    for platform in all() {
        for response in platform
            .description()
            .responses
            .iter()
            .filter(|one| one.expected == Expected::Final || one.expected == Expected::Gone)
        {
            let (Outcome::Final(reason) | Outcome::Gone(reason)) = platform.read(&response.answer(), NOW_MS)
            else {
                panic!("{platform:?} {}", response.name)
            };
            let words = response.answer().words();
            assert!(reason.contains(response.meaning), "{platform:?} {}: {reason}", response.name);
            assert!(words.len() < 12 || reason.matches(&words).count() == 1, "{platform:?}: {reason}");
        }
    }
}

#[test]
fn every_platform_reads_its_responses_as_its_table_says() {
    let mut wrong = Vec::new();
    for platform in all() {
        for response in platform.description().responses {
            let read = Expected::from(&platform.read(&response.answer(), NOW_MS));
            if read != response.expected {
                wrong.push(format!("{}\t{}\t{read:?}", platform.name(), response.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
