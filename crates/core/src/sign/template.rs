//! Templates of the `hmac` scheme: the signed content, and the header's value, written and parsed.

/// A name in braces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TemplatePart {
    Id,
    Timestamp,
    Body,
    Signature,
}

impl TemplatePart {
    fn named(name: &str) -> Option<TemplatePart> {
        match name {
            "id" => Some(TemplatePart::Id),
            "timestamp" => Some(TemplatePart::Timestamp),
            "body" => Some(TemplatePart::Body),
            "signature" => Some(TemplatePart::Signature),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            TemplatePart::Id => "{id}",
            TemplatePart::Timestamp => "{timestamp}",
            TemplatePart::Body => "{body}",
            TemplatePart::Signature => "{signature}",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum TemplatePiece {
    Text(String),
    Part(TemplatePart),
}

/// Literal text and parts, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct HeaderTemplate(Vec<TemplatePiece>);

/// The parts of a header value, parsed by its template.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct TemplateMatch<'h> {
    pub(super) id: Option<&'h str>,
    pub(super) timestamp: Option<&'h str>,
    pub(super) signature: &'h str,
}

impl HeaderTemplate {
    /// A template of the signed content: `{id}`, `{timestamp}` and, at least once, `{body}`.
    pub(super) fn content(text: &str) -> Result<HeaderTemplate, String> {
        let template =
            HeaderTemplate::parse(text, &[TemplatePart::Id, TemplatePart::Timestamp, TemplatePart::Body])?;
        if !template.uses(TemplatePart::Body) {
            return Err(
                "must hold `{body}`: a signature that leaves the body out protects nothing".to_owned()
            );
        }
        Ok(template)
    }

    /// A template of the header's value: `{signature}` once, `{timestamp}` and `{id}` at most once, with text
    /// between them so that a receiver can split it.
    pub(super) fn value(text: &str) -> Result<HeaderTemplate, String> {
        let template = HeaderTemplate::parse(
            text,
            &[TemplatePart::Id, TemplatePart::Timestamp, TemplatePart::Signature],
        )?;
        let count = |part| template.0.iter().filter(|piece| **piece == TemplatePiece::Part(part)).count();
        if count(TemplatePart::Signature) != 1
            || count(TemplatePart::Timestamp) > 1
            || count(TemplatePart::Id) > 1
        {
            return Err("must hold `{signature}` once, and `{timestamp}` and `{id}` at most once".to_owned());
        }
        if template.0.windows(2).any(|pair| matches!(pair, [TemplatePiece::Part(_), TemplatePiece::Part(_)]))
        {
            return Err("needs text between two parts, or a receiver cannot take them apart".to_owned());
        }
        let plain = |piece: &TemplatePiece| match piece {
            TemplatePiece::Text(text) => text.bytes().all(|byte| matches!(byte, b' '..=b'~')),
            TemplatePiece::Part(_) => true,
        };
        if !template.0.iter().all(plain) {
            return Err("may hold only printable ASCII, as header values do".to_owned());
        }
        Ok(template)
    }

    fn parse(text: &str, allowed: &[TemplatePart]) -> Result<HeaderTemplate, String> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let part =
                after.split_once('}').and_then(|(name, after)| Some((TemplatePart::named(name)?, after)));
            let Some((part, after)) = part.filter(|(part, _)| allowed.contains(part)) else {
                let names: Vec<_> = allowed.iter().map(|part| format!("`{}`", part.name())).collect();
                return Err(format!("has a `{{` that opens none of {}", names.join(", ")));
            };
            if !before.is_empty() {
                pieces.push(TemplatePiece::Text(before.to_owned()));
            }
            pieces.push(TemplatePiece::Part(part));
            rest = after;
        }
        if !rest.is_empty() {
            pieces.push(TemplatePiece::Text(rest.to_owned()));
        }
        Ok(HeaderTemplate(pieces))
    }

    pub(super) fn uses(&self, part: TemplatePart) -> bool {
        self.0.contains(&TemplatePiece::Part(part))
    }

    /// Passes the signed bytes on piece by piece, so that a large body is never copied.
    pub(super) fn feed(&self, id: &str, timestamp: &str, body: &[u8], take: &mut dyn FnMut(&[u8])) {
        for piece in &self.0 {
            match piece {
                TemplatePiece::Text(text) => take(text.as_bytes()),
                TemplatePiece::Part(TemplatePart::Id) => take(id.as_bytes()),
                TemplatePiece::Part(TemplatePart::Timestamp) => take(timestamp.as_bytes()),
                TemplatePiece::Part(TemplatePart::Body) => take(body),
                TemplatePiece::Part(TemplatePart::Signature) => {}
            }
        }
    }

    pub(super) fn fill(&self, id: &str, timestamp: &str, signature: &str) -> String {
        let text = self.0.iter().map(|piece| match piece {
            TemplatePiece::Text(text) => text.as_str(),
            TemplatePiece::Part(TemplatePart::Id) => id,
            TemplatePiece::Part(TemplatePart::Timestamp) => timestamp,
            TemplatePiece::Part(TemplatePart::Signature) => signature,
            TemplatePiece::Part(TemplatePart::Body) => "",
        });
        text.collect()
    }

    /// Parses a header value. A part ends where the text after it first occurs; the last one takes the rest.
    pub(super) fn read<'h>(&self, header: &'h str) -> Option<TemplateMatch<'h>> {
        let mut reading = TemplateMatch::default();
        let mut rest = header;
        let mut pieces = self.0.iter().peekable();
        while let Some(piece) = pieces.next() {
            match piece {
                TemplatePiece::Text(text) => rest = rest.strip_prefix(text.as_str())?,
                TemplatePiece::Part(part) => {
                    let end = match pieces.peek() {
                        Some(TemplatePiece::Text(text)) => rest.find(text.as_str())?,
                        _ => rest.len(),
                    };
                    let (found, after) = rest.split_at(end);
                    rest = after;
                    match part {
                        TemplatePart::Id => reading.id = Some(found),
                        TemplatePart::Timestamp => reading.timestamp = Some(found),
                        TemplatePart::Signature => reading.signature = found,
                        TemplatePart::Body => {}
                    }
                }
            }
        }
        rest.is_empty().then_some(reading)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_read_back_as_it_was_written() {
        let template = HeaderTemplate::value("t={timestamp},id={id},v1={signature}").unwrap();
        let header = template.fill("evt_1", "1614265330", "aa,v1=bb");
        assert_eq!(header, "t=1614265330,id=evt_1,v1=aa,v1=bb");
        let reading = template.read(&header).unwrap();
        assert_eq!(
            reading,
            TemplateMatch { id: Some("evt_1"), timestamp: Some("1614265330"), signature: "aa,v1=bb" }
        );
        for broken in ["", "t=1", "t=1,id=2", "v1=aa", "t=1,id=2,v2=aa"] {
            assert_eq!(template.read(broken), None, "{broken}");
        }
        assert_eq!(HeaderTemplate::value("<{signature}>").unwrap().read("<aa> and more"), None);
    }

    #[test]
    fn a_template_that_cannot_be_used_is_refused_with_the_reason() {
        for (text, reason) in [
            ("{timestamp}", "must hold `{body}`"),
            ("{bdoy}", "opens none of `{id}`, `{timestamp}`, `{body}`"),
            ("{body", "opens none of"),
            ("{signature}{body}", "opens none of"),
        ] {
            let fault = HeaderTemplate::content(text).unwrap_err();
            assert!(fault.contains(reason), "{text}: {fault}");
        }
        for (text, reason) in [
            ("sha256=", "`{signature}` once"),
            ("{signature}{signature}", "`{signature}` once"),
            ("{timestamp}{signature}", "text between"),
            ("é{signature}", "printable ASCII"),
            ("{signature}\r\nx-evil: 1", "printable ASCII"),
            ("{body}{signature}", "opens none of"),
        ] {
            let fault = HeaderTemplate::value(text).unwrap_err();
            assert!(fault.contains(reason), "{text}: {fault}");
        }
    }
}
