//! Which rows a reader or an operator means, as conditions of a statement.

use super::flight::Parameter;
use super::values::{number_of, text};
use crate::postgres::DatabaseFault;
use taskbell_core::spool::{DeliverySelection, Filter, containing};
use tokio_postgres::GenericClient;
use tokio_postgres::types::ToSql;

/// The fewest hexadecimal digits of an event id that are taken as its beginning.
const SHORTEST_PREFIX: usize = 8;

/// Conditions, each of which must hold.
#[derive(Default)]
pub struct Conditions<'a> {
    pub sql: String,
    pub values: Vec<Parameter<'a>>,
}

impl<'a> Conditions<'a> {
    /// After a value that is the first one of the statement.
    pub fn after(first: Parameter<'a>) -> Conditions<'a> {
        Conditions { sql: String::new(), values: vec![first] }
    }

    /// Adds a condition, in which `?` stands for the value, if there is one.
    fn add<T: ToSql + Sync + 'a>(&mut self, condition: &str, value: Option<T>) {
        if let Some(value) = value {
            self.values.push(Box::new(value));
            let number = format!("${}", self.values.len());
            self.sql.push_str(&format!(" AND {}", condition.replace('?', &number)));
        }
    }

    /// What a filter says of deliveries `d` with their events `e`. A role that reads no payloads searches in what it reads.
    pub fn filter(&mut self, filter: &'a Filter, reads_payloads: bool) {
        self.add("d.state = ?", filter.state.map(number_of));
        self.add("d.seq < ?", filter.before);
        self.add("d.seq >= ?", filter.from);
        self.add("d.endpoint = ?", filter.endpoint.as_deref().map(text));
        self.add("d.hook = ?", filter.hook.as_deref().map(text));
        self.add("e.type = ?", filter.kind.as_deref().map(text));
        self.add("e.node = ?", filter.node.as_deref().map(text));
        self.add("e.accepted_at >= ?", filter.since_ms);
        if let Some(part) = &filter.text {
            self.values.push(Box::new(containing(&text(part))));
            let plain = self.values.len();
            let mut parts =
                format!("d.reason ILIKE ${plain} OR 'evt_' || encode(e.id, 'hex') ILIKE ${plain}");
            if reads_payloads {
                self.values.push(Box::new(containing(&escaped(part))));
                let bytes = self.values.len();
                parts.push_str(&format!(
                    " OR encode(d.body, 'escape') ILIKE ${bytes} OR encode(e.payload, 'escape') ILIKE ${bytes}"
                ));
            }
            self.sql.push_str(&format!(" AND ({parts})"));
        }
    }

    /// What an operator says of deliveries, apart from their event.
    pub fn selection(&mut self, choice: &'a DeliverySelection, event: Option<i64>, number: Option<i64>) {
        self.add("event = ?", event);
        self.add("seq = ?", number);
        self.add("state = ?", choice.state.map(number_of));
        self.add("endpoint = ?", choice.endpoint.as_deref().map(text));
        self.add("reason = ?", choice.reason.as_deref().map(text));
        self.add("coalesce(ended_at, created_at) >= ?", choice.since_ms);
    }
}

/// Which event an id means.
pub enum MeantEvent {
    None,
    One(i64),
    /// Several begin with these digits.
    Several(String),
}

/// Finds an event by its id, the beginning of that, or the number of one of its deliveries.
pub async fn find_event(client: &impl GenericClient, id: &str) -> Result<MeantEvent, DatabaseFault> {
    let Some(digits) = id.strip_prefix("evt_") else {
        let Ok(delivery) = id.parse::<i64>() else { return Ok(MeantEvent::None) };
        let sql = "SELECT event FROM taskbell.deliveries WHERE seq = $1";
        let found = client.query_opt(sql, &[&delivery]).await?;
        return Ok(found.map_or(MeantEvent::None, |row| MeantEvent::One(row.get(0))));
    };
    let is_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    if !(SHORTEST_PREFIX..=32).contains(&digits.len()) || !is_hex {
        return Ok(MeantEvent::None);
    }
    let bound = |fill: &str| u128::from_str_radix(&format!("{digits}{}", fill.repeat(32 - digits.len())), 16);
    let (Ok(first), Ok(last)) = (bound("0"), bound("f")) else { return Ok(MeantEvent::None) };
    let sql = "SELECT seq FROM taskbell.events WHERE id >= $1 AND id <= $2 LIMIT 2";
    let found = client.query(sql, &[&&first.to_be_bytes()[..], &&last.to_be_bytes()[..]]).await?;
    Ok(match found.as_slice() {
        [] => MeantEvent::None,
        [only] => MeantEvent::One(only.get(0)),
        _ => MeantEvent::Several(format!("evt_{}", digits.to_ascii_lowercase())),
    })
}

/// A text as `encode(…, 'escape')` shows its bytes.
fn escaped(text: &str) -> String {
    let mut shown = String::new();
    for byte in text.bytes() {
        match byte {
            b'\\' => shown.push_str("\\\\"),
            0 | 0x80.. => shown.push_str(&format!("\\{byte:03o}")),
            _ => shown.push(char::from(byte)),
        }
    }
    shown
}
