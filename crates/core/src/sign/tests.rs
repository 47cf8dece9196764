//! Published vectors, round trips, and what is refused. The vectors' sources: the libraries of
//! Standard Webhooks and Svix, docs.github.com, docs.slack.dev, Stripe's, Shopify's, Twilio's and Hook0's
//! documentation and test suites.

use super::*;
use proptest::prelude::*;
use serde_json::{Value, json};

const NOW: i64 = 1_614_265_330;
const WHSEC: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const WHSEC_OLD: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const WHSK: &str =
    "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==";
const WHPK: &str = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=";
const SLACK_BODY: &str = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&\
channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&\
response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&\
trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";

fn sign(entry: &Value, id: &str, timestamp: i64, body: &[u8]) -> Vec<(String, String)> {
    Signer::from_json(entry).unwrap().sign(id, timestamp, body)
}

fn check(
    entry: &Value,
    headers: &[(String, String)],
    body: &[u8],
    now: i64,
) -> Result<Verified, VerifyError> {
    Verifier::from_json(entry).unwrap().verify(headers, body, now)
}

/// A vector: what is signed, and the header that must come out of it.
fn holds(entry: Value, id: &str, timestamp: i64, body: &str, header: (&str, &str)) {
    let headers = sign(&entry, id, timestamp, body.as_bytes());
    let value = headers.iter().find(|(name, _)| name == header.0).map(|(_, value)| value.as_str());
    assert_eq!(value, Some(header.1), "{entry}");
    let verified = check(&entry, &headers, body.as_bytes(), timestamp + 299);
    assert_eq!(verified.map(|verified| verified.secret), Ok(0), "{entry}");
}

#[test]
fn the_vectors_of_standard_webhooks_hold() {
    let entry = |secret: &str| json!({"scheme": "standard-webhooks", "secrets": [secret]});
    let id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    let body = r#"{"test": 2432232314}"#;
    let v1 = ("webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    holds(entry(WHSEC), id, NOW, body, v1);
    holds(entry(WHSEC.strip_prefix("whsec_").unwrap()), id, NOW, body, v1);
    let email = r#"{"email":"test@example.com","username":"test_user"}"#;
    let signature = ("webhook-signature", "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=");
    holds(entry(WHSEC_OLD), "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk", 1_649_367_553, email, signature);
    let v1a = "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==";
    holds(entry(WHSK), id, NOW, body, ("webhook-signature", v1a));
    let headers = sign(&entry(WHSK), id, NOW, body.as_bytes());
    let verified = check(&entry(WHPK), &headers, body.as_bytes(), NOW).unwrap();
    let expected =
        Verified { id: Some(id.to_owned()), timestamp: Some(NOW), scheme: "standard-webhooks", secret: 0 };
    assert_eq!(verified, expected);
}

#[test]
fn the_vectors_of_github_slack_and_stripe_hold() {
    let github = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    let entry = json!({"scheme": "github", "secrets": ["It's a Secret to Everybody"]});
    holds(entry, "", NOW, "Hello, World!", ("x-hub-signature-256", github));
    let slack = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503";
    let entry = json!({"scheme": "slack", "secrets": ["8f742231b10e8888abcd99yyyzzz85a5"]});
    holds(entry.clone(), "", 1_531_420_618, SLACK_BODY, ("x-slack-signature", slack));
    holds(entry, "", 1_531_420_618, SLACK_BODY, ("x-slack-request-timestamp", "1531420618"));
    let stripe = "t=1614265330,v1=10c96c6fd3f320fcfc264cdc4f476c15060ede8e8a08404cea2ddf3b72544a9c";
    let entry = json!({"scheme": "stripe", "secrets": ["whsec_test_secret"]});
    holds(entry, "", NOW, r#"{"test": 2432232314}"#, ("stripe-signature", stripe));
}

#[test]
fn the_vector_of_stripes_own_test_suite_holds() {
    let event = json!({
        "id": "evt_123", "object": "event", "account": "acct_123", "api_version": "2017-05-25",
        "created": 1_533_204_620,
        "data": {"object": {"id": "cus_123", "object": "customer", "created": 123_456_789,
            "email": "test@stripe.com", "livemode": false, "metadata": {}}},
        "livemode": false, "pending_webhooks": 1,
        "request": {"id": "req_123", "idempotency_key": "idempotency-key-123"},
        "type": "customer.created",
    });
    let body = serde_json::to_string_pretty(&event).unwrap() + "\n";
    assert_eq!(body.len(), 484);
    let value = "t=1533204620,v1=2220f87ef101a04665f11cdf770523143f875572008577fa0f20882ddb9cc3c7";
    let entry = json!({"scheme": "stripe", "secrets": ["webhook_secret"]});
    holds(entry, "", 1_533_204_620, &body, ("stripe-signature", value));
}

#[test]
fn the_vectors_of_other_senders_hold_by_parameters_alone() {
    let shopify = json!({"scheme": "hmac", "secrets": ["secret"], "encoding": "base64",
        "header": "X-Shopify-Hmac-SHA256"});
    let header = ("x-shopify-hmac-sha256", "dzJZAsrKgS3CWXM6rNBGtzgXNyx3e42VtAJkdHRRbhM=");
    holds(shopify, "", NOW, "{}", header);
    let twilio = json!({"scheme": "hmac", "secrets": ["12345"], "hash": "sha1", "encoding": "base64",
        "header": "X-Twilio-Signature", "content": "https://mycompany.com/myapp.php?foo=1&bar=2{body}"});
    let fields = "CallSidCA1234567890ABCDECaller+14158675309Digits1234From+14158675309To+18005551212";
    holds(twilio, "", NOW, fields, ("x-twilio-signature", "RSOYDt4T1cUTdK1PDd93/VVr8B8="));
    let hook0 = json!({"scheme": "hmac", "secrets": ["secret"], "header": "X-Hook0-Signature",
        "content": "{timestamp}.{body}", "value": "t={timestamp},v0={signature}"});
    let v0 = "t=1636936200,v0=1b3d69df55f1e52f05224ba94a5162abeb17ef52cd7f4948c390f810d6a87e98";
    holds(hook0, "", 1_636_936_200, "hello !", ("x-hook0-signature", v0));
    let with_headers = json!({"scheme": "hmac", "secrets": ["secret"], "header": "X-Hook0-Signature",
        "content": "{timestamp}.x-event-id x-event-type.{id}.service.resource.verb.{body}",
        "id_header": "X-Event-Id",
        "value": "t={timestamp},h=x-event-id x-event-type,v1={signature}"});
    let v1 = "t=1636936200,h=x-event-id x-event-type,\
              v1=bc521546ba5de381b12f135782d2008b028c3065c191760b12b76850a8fc8f51";
    let id = "1a01cb48-5142-4d9b-8f90-d20cca61f0ee";
    holds(with_headers, id, 1_636_936_200, "hello !", ("x-hook0-signature", v1));
}

#[test]
fn several_secrets_stand_side_by_side_as_each_receiver_reads_them() {
    let value = |entry: Value| sign(&entry, "evt_1", NOW, b"{}").pop().unwrap().1;
    let one = |secret: &str| value(json!({"scheme": "standard-webhooks", "secrets": [secret]}));
    let both = value(json!({"scheme": "standard-webhooks", "secrets": [WHSEC, WHSEC_OLD, WHSK]}));
    assert_eq!(both, format!("{} {} {}", one(WHSEC), one(WHSEC_OLD), one(WHSK)));
    let stripe = value(json!({"scheme": "stripe", "secrets": ["new", "old"]}));
    assert_eq!(stripe.matches(",v1=").count(), 2, "{stripe}");
    let first = value(json!({"scheme": "github", "secrets": ["new"]}));
    assert_eq!(value(json!({"scheme": "github", "secrets": ["new", "old"]})), first);
    let convoy = json!({"scheme": "hmac", "secrets": ["new", "old"], "header": "x-convoy-signature",
        "content": "{timestamp},{body}", "value": "t={timestamp},v1={signature}", "joiner": ",v1="});
    let written = value(convoy);
    assert_eq!((written.matches("t=").count(), written.matches(",v1=").count()), (1, 2), "{written}");
    let outpost = json!({"scheme": "hmac", "secrets": ["new", "old"], "header": "x-outpost-signature",
        "value": "v0={signature}"});
    assert_eq!(value(outpost).split(',').count(), 2);
}

/// One entry of each scheme, its last secret being the old one, and an entry that knows the old one only.
fn entries() -> Vec<(Value, Value)> {
    let hmac = |more: Value| {
        let mut entry = json!({"scheme": "hmac", "header": "x-signature"});
        entry.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        entry
    };
    let bases = [
        (json!({"scheme": "standard-webhooks"}), WHSEC, WHSEC_OLD),
        (json!({"scheme": "standard-webhooks"}), WHSEC, WHSK),
        (json!({"scheme": "stripe"}), "new", "old"),
        (json!({"scheme": "github"}), "new", "new"),
        (json!({"scheme": "slack"}), "new", "new"),
        (hmac(json!({"hash": "sha512", "key": "hex", "joiner": ";"})), "00ff", "ab"),
        (hmac(json!({"hash": "sha1", "key": "base64", "encoding": "base64"})), "AAAA", "AQ=="),
        (hmac(json!({"content": "{id}\n{timestamp}\n{body}"})), "new", "old"),
        (hmac(json!({"content": "{timestamp}{body}", "value": "{timestamp};{signature}"})), "new", "old"),
    ];
    let with = |base: &Value, secrets: Value| {
        let mut entry = base.clone();
        entry["secrets"] = secrets;
        entry
    };
    bases.iter().map(|(base, new, old)| (with(base, json!([new, old])), with(base, json!([old])))).collect()
}

proptest! {
    #![proptest_config(crate::property::cases(48))]

    #[test]
    fn what_is_signed_verifies_with_the_new_and_with_the_old_secret(
        body in proptest::collection::vec(any::<u8>(), 0..300),
        now in 0..4_000_000_000_i64,
        skew in -300..=300_i64,
    ) {
        for (both, old) in entries() {
            let headers = sign(&both, "evt_0", now, &body);
            let verified = check(&both, &headers, &body, now + skew).unwrap();
            prop_assert_eq!(verified.secret, 0);
            prop_assert_eq!(check(&old, &headers, &body, now + skew).map(|verified| verified.secret), Ok(0));
        }
    }

    #[test]
    fn hostile_headers_are_refused_without_a_panic(value in ".{0,80}", other in "[0-9a-f=,v1 .+/-]{0,80}") {
        for (both, _) in entries() {
            let mut headers = sign(&both, "evt_0", NOW, b"{}");
            for index in 0..headers.len() {
                let name = headers[index].0.clone();
                for hostile in [&value, &other] {
                    let genuine = std::mem::replace(&mut headers[index].1, hostile.clone());
                    let verdict = check(&both, &headers, b"{}", NOW);
                    prop_assert!(verdict.is_err() || hostile.trim() == genuine, "{}: {}", name, hostile);
                    headers[index].1 = genuine;
                }
            }
        }
    }
}

#[test]
fn a_change_of_any_byte_is_refused() {
    let body = br#"{"type":"queue.end","data":{"total":12}}"#;
    for (both, _) in entries() {
        let headers = sign(&both, "evt_0", NOW, body);
        for at in 0..body.len() {
            let mut altered = body.to_vec();
            altered[at] ^= 1;
            assert_eq!(
                check(&both, &headers, &altered, NOW),
                Err(VerifyError::NoMatch),
                "byte {at} of {both}"
            );
        }
    }
    for (_, single) in entries() {
        let headers = sign(&single, "evt_0", NOW, body);
        for (at, header) in headers.iter().enumerate() {
            for byte in 0..header.1.len() {
                let mut altered = headers.clone();
                let new = if header.1.as_bytes()[byte] == b'0' { "1" } else { "0" };
                altered[at].1.replace_range(byte..=byte, new);
                assert!(
                    check(&single, &altered, body, NOW).is_err(),
                    "byte {byte} of {header:?} in {single}"
                );
            }
        }
    }
}

#[test]
fn a_timestamp_too_old_or_too_new_is_stale_by_its_seconds() {
    let entry = json!({"scheme": "standard-webhooks", "secrets": [WHSEC]});
    let headers = sign(&entry, "evt_0", NOW, b"{}");
    let stale = |behind_s| Err(VerifyError::Stale { behind_s, tolerance_s: 300 });
    assert_eq!(check(&entry, &headers, b"{}", NOW + 301), stale(301));
    assert_eq!(check(&entry, &headers, b"{}", NOW - 301), stale(-301));
    assert_eq!(check(&entry, &headers, b"{}", i64::MIN), stale(i64::MIN.saturating_sub(NOW)));
    for (tolerance, allowed) in [(json!("1h"), 3600), (json!(7), 7), (json!("2m"), 120)] {
        let entry = json!({"scheme": "standard-webhooks", "secrets": [WHSEC], "tolerance": tolerance});
        assert!(check(&entry, &headers, b"{}", NOW + allowed).is_ok());
        assert!(check(&entry, &headers, b"{}", NOW + allowed + 1).is_err());
    }
    for tolerance in
        [json!(0), json!("0s"), json!(-5), json!("5"), json!("1w"), json!("8d"), json!(null), json!(1.5)]
    {
        let entry = json!({"scheme": "standard-webhooks", "secrets": [WHSEC], "tolerance": tolerance});
        assert!(Verifier::from_json(&entry).unwrap_err().contains("`tolerance`"), "{tolerance}");
    }
    let forged = vec![headers[0].clone(), headers[1].clone(), ("webhook-signature".into(), "v1,AAAA".into())];
    assert_eq!(check(&entry, &forged, b"{}", NOW + 9999), Err(VerifyError::NoMatch));
}

#[test]
fn headers_count_in_any_case_and_as_lists() {
    let entry = json!({"scheme": "standard-webhooks", "secrets": [WHSEC]}).to_string();
    let headers = sign(&serde_json::from_str(&entry).unwrap(), "evt_0", NOW, b"\xff\x00");
    let map = |time: Value, signature: Value| {
        json!({"Webhook-ID": headers[0].1, "WEBHOOK-TIMESTAMP": time, "Webhook-Signature": signature, "x": []})
            .to_string()
    };
    let good = headers[2].1.clone();
    let accepted = [
        map(json!(headers[1].1), json!(good)),
        map(json!([headers[1].1, headers[1].1]), json!(["v1,AAAA v2,???", good])),
        map(json!(headers[1].1), json!(format!(" v1a,AAAA {good}\t"))),
    ];
    for headers in accepted {
        assert!(verify(&entry, &headers, b"\xff\x00", NOW).is_ok(), "{headers}");
    }
    let twice = verify(&entry, &map(json!(["1", "2"]), json!(good)), b"", NOW).unwrap_err();
    assert_eq!(
        twice.to_string(),
        "the header `webhook-timestamp` occurs several times with different values"
    );
    let many = vec!["v1,AAAA"; 40].join(" ");
    let fault = verify(&entry, &map(json!("1"), json!(many)), b"", NOW).unwrap_err();
    assert!(fault.to_string().contains("more signatures"), "{fault}");
}

#[test]
fn faults_of_the_caller_differ_from_faults_of_the_request() {
    let entry = format!(r#"{{"scheme": "standard-webhooks", "secrets": ["{WHSEC}"]}}"#);
    for (scheme, headers) in
        [("", "{}"), ("[]", "{}"), ("{}", "{}"), (&*entry, "nope"), (&*entry, "[]"), (&*entry, r#"{"a": 1}"#)]
    {
        let fault = verify(scheme, headers, b"", NOW).unwrap_err();
        assert!(fault.is_usage(), "{scheme} {headers}: {fault}");
    }
    let missing = verify(&entry, "{}", b"", NOW).unwrap_err();
    assert_eq!(missing, VerifyError::Missing("webhook-id".to_owned()));
    let headers = r#"{"webhook-id": "a", "webhook-timestamp": "12 ", "webhook-signature": "v1,AA=="}"#;
    assert_eq!(verify(&entry, headers, b"", NOW), Err(VerifyError::NoMatch));
    for time in ["", "+12", "0x1", "1e3", "99999999999999999999", "١٢"] {
        let headers =
            json!({"webhook-id": "a", "webhook-timestamp": time, "webhook-signature": ""}).to_string();
        let fault = verify(&entry, &headers, b"", NOW).unwrap_err();
        assert!(!fault.is_usage() && fault.to_string().contains("Unix seconds"), "{time}: {fault}");
    }
    let dotted = r#"{"webhook-id": "a.b", "webhook-timestamp": "1", "webhook-signature": "v1,AA=="}"#;
    assert!(verify(&entry, dotted, b"", NOW).unwrap_err().to_string().contains("forbids"));
}

#[test]
fn an_entry_that_cannot_be_used_is_refused_with_the_key_at_fault_and_without_its_secret() {
    let marker = "s3cr3t-marker";
    let hmac = |more: Value| {
        let mut entry = json!({"scheme": "hmac", "header": "x-signature", "secrets": [marker]});
        entry.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        entry
    };
    let mut mismatched = WHSK.to_owned();
    mismatched.replace_range(5..6, "7");
    for (entry, said) in [
        (json!(marker), "is an object"),
        (json!({"secrets": [marker]}), "needs `scheme`"),
        (json!({"scheme": marker, "secrets": [marker]}), "`standard-webhooks`, `github`"),
        (json!({"scheme": 1}), "`scheme` must be a text, not a number"),
        (json!({"scheme": "github"}), "`secrets` must be a list"),
        (json!({"scheme": "github", "secrets": marker}), "`secrets` must be a list"),
        (json!({"scheme": "github", "secrets": []}), "`secrets` must be a list"),
        (json!({"scheme": "github", "secrets": [[marker]]}), "`secrets` must be a list"),
        (json!({"scheme": "github", "secrets": [marker, ""]}), "`secrets[1]` is empty"),
        (json!({"scheme": "github", "secret": [marker]}), "did you mean `secrets`?"),
        (json!({"scheme": "github", "secrets": [marker], "header": "x"}), "belongs to the `hmac` scheme"),
        (json!({"scheme": "github", "secrets": [marker], "tolerance": 5}), "unknown key `tolerance`"),
        (json!({"scheme": "standard-webhooks", "secrets": [marker]}), "`secrets[0]` is not base64"),
        (json!({"scheme": "standard-webhooks", "secrets": ["whsec_"]}), "`secrets[0]` is empty"),
        (json!({"scheme": "standard-webhooks", "secrets": ["whsk_AAAA"]}), "32-byte seed"),
        (json!({"scheme": "standard-webhooks", "secrets": [mismatched]}), "public half does not belong"),
        (json!({"scheme": "standard-webhooks", "secrets": [WHPK]}), "cannot sign"),
        (hmac(json!({"header": null})), "`header` must be a text, not null"),
        (hmac(json!({"header": "x signature"})), "must be a header name"),
        (hmac(json!({"header": "Content-Length"})), "belongs to the request itself"),
        (hmac(json!({"timestamp_header": "X-Signature"})), "`x-signature` is named twice"),
        (hmac(json!({"hash": "md5"})), "`sha1`, `sha256`, `sha512`"),
        (hmac(json!({"encoding": "base32"})), "`hex`, `base64`"),
        (hmac(json!({"key": "hex"})), "`secrets[0]` is not hexadecimal"),
        (hmac(json!({"content": "{timestamp}"})), "`content` must hold `{body}`"),
        (hmac(json!({"value": "sha256="})), "`value` must hold `{signature}` once"),
        (hmac(json!({"joiner": "a"})), "needs a separator"),
        (hmac(json!({"hedaer": "x"})), "did you mean `header`?"),
    ] {
        let fault = Signer::from_json(&entry).unwrap_err();
        assert!(fault.contains(said), "{entry}: {fault}");
        assert!(!fault.contains(marker), "{fault}");
    }
    let signer = Signer::from_json(&hmac(json!({}))).unwrap();
    assert_eq!(format!("{signer:?}"), "Signer(hmac, x-signature, 1 secrets)");
}
