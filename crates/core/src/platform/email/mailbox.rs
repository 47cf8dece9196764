//! Addresses of mail, as people write them in a configuration: `Taskbell <farm@example.com>`.

use url::Host;

/// The most recipients of one endpoint; RFC 5321, section 4.5.3.1.8, lets servers stop at 100.
pub(super) const MOST: usize = 100;

/// A name and an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mailbox {
    pub name: Option<String>,
    /// In ASCII, whatever the name of the host.
    pub address: String,
}

/// One of them or several with commas between them.
///
/// # Errors
/// A sentence that quotes what is wrong.
pub(super) fn read(text: &str) -> Result<Vec<Mailbox>, String> {
    let (mut boxes, mut part, mut quoted) = (Vec::new(), String::new(), false);
    for character in text.chars().chain([',']) {
        match character {
            ',' if !quoted => {
                boxes.push(one(part.trim())?);
                part.clear();
            }
            character => {
                quoted ^= character == '"';
                part.push(character);
            }
        }
    }
    if quoted {
        return Err(format!("`{text}` has a quotation mark that nothing ends"));
    }
    if boxes.len() > MOST {
        return Err(format!("these are {} addresses, and one endpoint has at most {MOST}", boxes.len()));
    }
    Ok(boxes)
}

fn one(text: &str) -> Result<Mailbox, String> {
    if text.is_empty() {
        return Err("an address is missing".to_owned());
    }
    if text.contains(char::is_control) {
        return Err("an address has no line breaks in it".to_owned());
    }
    let (name, written) = match text.split_once('<') {
        Some((name, rest)) => {
            let written = rest.strip_suffix('>');
            (
                name.trim(),
                written.ok_or_else(|| format!("`{text}` has something after the address, or no `>`"))?,
            )
        }
        None => ("", text),
    };
    let address = address(written.trim())?;
    let name = name.trim_matches('"').trim();
    Ok(Mailbox { name: (!name.is_empty()).then(|| name.to_owned()), address })
}

/// The address with the name of its host in ASCII (RFC 5891). What stands before the `@` must be ASCII as it is: beyond
/// it lies SMTPUTF8 (RFC 6531), which many servers on the way do not speak.
fn address(written: &str) -> Result<String, String> {
    let Some((local, host)) = written.rsplit_once('@') else {
        return Err(format!("`{written}` is not an address: it has no `@`"));
    };
    if !local.is_ascii() {
        return Err(format!(
            "`{written}` has letters other than ASCII before the `@`, which many servers cannot deliver to: \
             use another address of this mailbox"
        ));
    }
    let is_atom = |atom: &str| {
        let is_text = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte);
        !atom.is_empty() && atom.bytes().all(is_text)
    };
    if local.len() > 64 || !local.split('.').all(is_atom) {
        return Err(format!("`{written}` is not an address: `{local}` cannot be before the `@`"));
    }
    let is_plain = !host.contains(['%', '[', ' ']) && host.len() <= 255;
    match Host::parse(host) {
        Ok(Host::Domain(host)) if is_plain => Ok(format!("{local}@{host}")),
        _ => Err(format!("`{written}` is not an address: `{host}` is not the name of a host")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Result<String, String> {
        let boxes = read(text)?;
        let shown = boxes.into_iter().map(|one| format!("{}|{}", one.name.unwrap_or_default(), one.address));
        Ok(shown.collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn addresses_are_read_as_people_write_them() {
        for (text, boxes) in [
            ("farm@example.com", "|farm@example.com"),
            ("Taskbell <farm@example.com>", "Taskbell|farm@example.com"),
            (
                "\"Farm, Taskbell\" <a.b+c@example.com>, bo@Localhost",
                "Farm, Taskbell|a.b+c@example.com |bo@localhost",
            ),
            ("渲染 <farm@bücher.example>", "渲染|farm@xn--bcher-kva.example"),
        ] {
            assert_eq!(shown(text).as_deref(), Ok(boxes), "{text}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused_with_a_sentence() {
        for (text, words) in [
            ("", "is missing"),
            ("a@b.example,", "is missing"),
            ("farm", "no `@`"),
            ("a b@c.example", "before the `@`"),
            (".a@c.example", "before the `@`"),
            ("\"a b\"@c.example", "before the `@`"),
            ("müller@c.example", "letters other than ASCII"),
            ("a@", "not the name of a host"),
            ("a@[10.0.0.1]", "not the name of a host"),
            ("a@10.0.0.1", "not the name of a host"),
            ("a@b%0Ac.example", "not the name of a host"),
            ("a@b.example\r\nBcc: x@y.example", "line breaks"),
            ("A <a@b.example> x", "after the address"),
            ("A <a@b.example", "no `>`"),
            ("\"A <a@b.example>", "nothing ends"),
        ] {
            let fault = read(text).unwrap_err();
            assert!(fault.contains(words), "{text}: {fault}");
        }
        assert!(read(&["a@b.example"; 101].join(",")).unwrap_err().contains("at most 100"));
    }
}
