//! `env:` and `file:` are resolved, and secrets never appear in a message.

use super::*;

#[test]
fn env_and_file_are_resolved_or_named_in_the_error() {
    let folder = tempfile::tempdir().unwrap();
    written(&folder, "name.txt", "  render-08\n");
    written(&folder, "empty.txt", " \n");
    let of = |value: &str| written(&folder, "c.toml", &format!("[host]\nname = \"{value}\"\n"));
    assert_eq!(config(&of("file:name.txt")).host.name, "render-08");
    assert_eq!(config(&of("env:MARKER")).host.name, MARKER);
    for (value, expected) in [
        ("env:NOT_SET", "host.name: the environment variable `NOT_SET` is not set"),
        ("env:EMPTY", "the environment variable `EMPTY` is empty"),
        ("env:", "is not the name of an environment variable"),
        ("file:empty.txt", "empty.txt is empty"),
        ("file:none.txt", "none.txt cannot be read"),
        ("file:.", "is not a regular file"),
    ] {
        assert_error(&of(value), expected);
    }
}

#[test]
fn an_invalid_secret_is_never_quoted_and_a_valid_one_is_scrubbed() {
    let folder = tempfile::tempdir().unwrap();
    written(&folder, "marker.txt", MARKER);
    for source in ["env:MARKER", "file:marker.txt"] {
        for (lines, key) in [
            (format!("timeout = \"{source}\""), "timeout"),
            (format!("rate = [\"{source}\"]"), "rate[0]"),
            (format!("platform = \"{source}\""), "platform"),
            (format!("proxy = \"{source}\""), "proxy"),
            (format!("ca_file = \"{source}\""), "ca_file"),
            (format!("client_key = \"{source}\""), "client_key"),
            (format!("sign = [{{ scheme = \"{source}\", secrets = \"{source}\" }}]"), "sign[0]"),
        ] {
            let path = written(&folder, "c.toml", &endpoint(&lines));
            let errors = read_all(&path).expect_err(&lines);
            assert!(errors.0.iter().any(|error| error.key == format!("endpoints.a.{key}")), "{errors}");
            assert!(!errors.to_string().contains(MARKER), "{errors}");
        }
        let path = written(
            &folder,
            "c.toml",
            &format!("[endpoints.a]\nurl = \"{source}\"\n[queue]\nmax_bytes = \"{source}\"\n"),
        );
        assert!(!read_all(&path).unwrap_err().to_string().contains(MARKER));
    }
    for literal in [
        format!("[endpoints.a]\nurl = \"{MARKER}\"\n"),
        format!("[endpoints.a]\nurl = \"ftp://example.com/{MARKER}\"\n"),
        endpoint(&format!("headers = {{ a = \"{MARKER}\\u0001\" }}")),
        endpoint(&format!("proxy = \"https://user:{MARKER}@proxy\"")),
        endpoint(&format!("headers = {{ a = \"{MARKER}\"")),
    ] {
        let errors = read_all(&literal).unwrap_err().to_string();
        assert!(!errors.contains(MARKER), "{errors}");
    }
    let config = config(
        "[endpoints.a]\nurl = \"https://user:p%40ssword@example.com/hooks/0123456789abcdef?token=tok%2D0123456789abcdef\"\n\
         headers = { Authorization = \"env:CI_TOKEN\" }\n\
         sign = [{ scheme = \"hmac\", secrets = \"env:CI_HMAC_SECRET\", header = \"x-signature\" }]\n",
    );
    assert!(!format!("{config:?}").contains(MARKER));
    let echo = "p@ssword p%40ssword 0123456789abcdef tok-0123456789abcdef marker-4f9c2a71d0-hmac /hooks/0123456789abcdef";
    let scrubbed = config.scrubber.scrub(echo);
    for secret in ["ssword", "0123456789abcdef", MARKER] {
        assert!(!scrubbed.contains(secret), "{scrubbed}");
    }
    assert_eq!(config.scrubber.scrub(&format!("token {MARKER}!")), "token [redacted]!");
}
