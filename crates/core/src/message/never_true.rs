//! Conditions that no event makes true: a number compared with a text in quotes, a type that the hook does not get, parts
//! that exclude each other. Every field gets the values that its comparisons tell apart; where no choice of them makes
//! the condition true, none does. What cannot be judged so, such as a filter over a free text, may be true.

use super::boolean_expr::BooleanExpr;
use super::comparison::{Comparison, Operand};
use super::expr_ast::Comparator;
use super::json_value::from_json;
use super::{doubts, known_fields, sample};
use crate::json::json;
use minijinja::Value;
use minijinja::value::ValueKind;
use serde_json::Value as Json;

/// The most choices of values that are tried for one condition.
const TRIES: usize = 4000;

enum Domain {
    /// One of these.
    Words(Vec<&'static str>),
    Kind(String),
    Number {
        is_negative: bool,
    },
    Text,
    List,
    Object,
    /// A field of the host's own, or one of any kind.
    Free,
}

/// A field with the values that are tried; a missing one is `None`.
type Tried = (Vec<String>, Vec<Option<Json>>);

/// What can come of a part: whether it may hold, and whether it may not.
#[derive(Clone, Copy)]
struct Outcomes {
    holds: bool,
    fails: bool,
}

/// Why the condition is never true, or a comparison in it, for events of these types; empty where it may be.
pub(super) fn reasons(condition: &BooleanExpr, kinds: &[String]) -> Vec<String> {
    let mut comparisons = Vec::new();
    collect(condition, &mut comparisons);
    let mut found: Vec<String> = comparisons.iter().filter_map(|test| reason(test, kinds)).collect();
    found.dedup();
    let is_never = || kinds.iter().all(|kind| !may_hold(condition, kind));
    if found.is_empty() && !kinds.is_empty() && is_never() {
        found.push("this condition is never true: its parts exclude each other".to_owned());
    }
    found
}

fn collect<'c>(part: &'c BooleanExpr, found: &mut Vec<&'c Comparison>) {
    match part {
        BooleanExpr::All(parts) | BooleanExpr::Any(parts) => {
            parts.iter().for_each(|part| collect(part, found))
        }
        BooleanExpr::Not(part) => collect(part, found),
        BooleanExpr::Comparison(test) => found.push(test),
    }
}

/// Why one comparison never holds, or with `!=` always does.
fn reason(test: &Comparison, kinds: &[String]) -> Option<String> {
    let name = match test.paths.as_slice() {
        [] => {
            let outcomes = outcomes_of(test, &[], "");
            let source = &test.source;
            if outcomes.holds && test.operators.is_empty() && source.starts_with(['\'', '"']) {
                return Some(format!(
                    "`{source}` is always true, because it is compared with nothing; write each comparison whole, or \
                     `in ['a', 'b']`"
                ));
            }
            return (!outcomes.holds).then(|| format!("`{source}` is never true"));
        }
        [name] if is_exact(test, kinds.first()?) => name,
        _ => return None,
    };
    let differs = test.operators == [Comparator::NotEqual];
    let is_never = kinds.iter().all(|kind| {
        let mut tried = values(name, kind, std::slice::from_ref(&test)).into_iter().filter(Option::is_some);
        let outcome = |value| outcomes_of(test, &[(name.clone(), value)], kind);
        tried.all(|value| if differs { !outcome(value).fails } else { !outcome(value).holds })
    });
    if !is_never || kinds.is_empty() {
        return None;
    }
    let field = name.join(".");
    let source = &test.source;
    let constant = constants(std::slice::from_ref(&test)).into_iter().next();
    let because = match (domain(name, kinds.first()?), constant) {
        (Domain::Number { .. }, Some(Json::String(_))) => {
            format!("`{field}` is a number, and a value in quotes is a text: write it without quotes")
        }
        (Domain::Text, Some(Json::Number(_) | Json::Bool(_))) => {
            format!("`{field}` is a text: write the value in quotes")
        }
        (Domain::List, _) => {
            format!("`{field}` is a list; `{field} | length` counts it, and `in` looks into it")
        }
        (Domain::Object, _) => match known_fields::main_field(&field) {
            Some(main) => format!("`{field}` is an object; compare `{main}`"),
            None => format!("`{field}` is an object"),
        },
        (Domain::Kind(_), constant) => {
            let written = constant.as_ref().and_then(Json::as_str).unwrap_or_default();
            let meant = doubts::near_type(written).map(|near| format!("; did you mean `{near}`?"));
            format!("`event.type` is `{}` in this hook{}", kinds.join("` or `"), meant.unwrap_or_default())
        }
        (Domain::Words(words), _) => format!("`{field}` is `{}`", words.join("`, `")),
        _ => "no value of it fits".to_owned(),
    };
    let verdict = if differs { "always true" } else { "never true" };
    Some(format!("`{source}` is {verdict}: {because}"))
}

/// Whether an event of this type may make the part true.
fn may_hold(part: &BooleanExpr, kind: &str) -> bool {
    if let BooleanExpr::Any(parts) = part {
        return parts.iter().any(|part| may_hold(part, kind));
    }
    let mut tests = Vec::new();
    collect(part, &mut tests);
    let mut fields: Vec<Tried> = Vec::new();
    for test in tests.iter().filter(|test| is_exact(test, kind)) {
        for name in &test.paths {
            if !fields.iter().any(|(known, _)| known == name) {
                fields.push((name.clone(), values(name, kind, &tests)));
            }
        }
    }
    // One field that holds another would have to change with it.
    let overlaps = fields.iter().enumerate().any(|(index, (name, _))| {
        fields.iter().enumerate().any(|(other, (longer, _))| other != index && longer.starts_with(name))
    });
    let tries = fields.iter().fold(1_usize, |tries, (_, values)| tries.saturating_mul(values.len().max(1)));
    if overlaps || tries > TRIES {
        return true;
    }
    (0..tries).any(|mut index| {
        let mut chosen = Vec::with_capacity(fields.len());
        for (name, values) in &fields {
            chosen.push((name.clone(), values.get(index % values.len().max(1)).cloned().flatten()));
            index /= values.len().max(1);
        }
        outcomes(part, &chosen, kind).holds
    })
}

type Chosen = [(Vec<String>, Option<Json>)];

fn outcomes(part: &BooleanExpr, chosen: &Chosen, kind: &str) -> Outcomes {
    let all =
        |parts: &[BooleanExpr]| parts.iter().map(|part| outcomes(part, chosen, kind)).collect::<Vec<_>>();
    match part {
        BooleanExpr::All(parts) => {
            let parts = all(parts);
            Outcomes {
                holds: parts.iter().all(|part| part.holds),
                fails: parts.iter().any(|part| part.fails),
            }
        }
        BooleanExpr::Any(parts) => {
            let parts = all(parts);
            Outcomes {
                holds: parts.iter().any(|part| part.holds),
                fails: parts.iter().all(|part| part.fails),
            }
        }
        BooleanExpr::Not(part) => {
            let part = outcomes(part, chosen, kind);
            Outcomes { holds: part.fails, fails: part.holds }
        }
        BooleanExpr::Comparison(test) => outcomes_of(test, chosen, kind),
    }
}

fn outcomes_of(test: &Comparison, chosen: &Chosen, kind: &str) -> Outcomes {
    if !test.paths.is_empty() && !is_exact(test, kind) {
        return Outcomes { holds: true, fails: true };
    }
    let mut scope = json!({});
    for (path, value) in chosen {
        let mut at = &mut scope;
        for step in &path[..path.len() - 1] {
            at = &mut at[step.as_str()];
        }
        match (path.last(), value) {
            (Some(last), Some(value)) => at[last.as_str()] = value.clone(),
            _ if at.is_null() => *at = json!({}),
            _ => {}
        }
    }
    match test.decide(&from_json(&scope), &mut 0) {
        Ok(holds) => Outcomes { holds, fails: !holds },
        // A condition that cannot be evaluated fires the hook.
        Err(_) => Outcomes { holds: true, fails: true },
    }
}

/// Whether the values that are tried decide this comparison: it compares one field with constants, or reads nothing but
/// fields of few words.
fn is_exact(test: &Comparison, kind: &str) -> bool {
    let [name] = test.paths.as_slice() else { return test.paths.is_empty() };
    let is_plain = match test.operators.as_slice() {
        [] => test.source.trim() == name.join("."),
        // The name of a whole object.
        _ if name.len() == 1 => !test.source.contains(['|', '(', '[']),
        _ => test.operands.iter().all(|operand| !matches!(operand, Operand::Variable(_))),
    };
    is_plain || matches!(domain(name, kind), Domain::Words(_) | Domain::Kind(_))
}

fn domain(name: &[String], kind: &str) -> Domain {
    let name: Vec<&str> = name.iter().map(String::as_str).collect();
    match *name {
        ["task", "status"] => return Domain::Words(doubts::STATUSES.to_vec()),
        ["alert", "direction"] => return Domain::Words(vec!["above", "below"]),
        ["event", "type"] => return Domain::Kind(kind.to_owned()),
        // Hosts number tasks or name them.
        [.., "id"] => return Domain::Free,
        ["task", "params" | "metrics"] => return Domain::Object,
        _ if known_fields::is_open(&name) => return Domain::Free,
        _ => {}
    }
    let context = sample::context(kind);
    match name.iter().try_fold(context.json(), |json, step| json.get(step)) {
        Some(Json::Number(_)) => Domain::Number { is_negative: name[0] == "alert" },
        Some(Json::String(_)) => Domain::Text,
        Some(Json::Array(_)) => Domain::List,
        Some(Json::Object(_)) => Domain::Object,
        _ => Domain::Free,
    }
}

/// The constants of comparisons; those of a list are constants of their own.
fn constants(tests: &[&Comparison]) -> Vec<Json> {
    let operands = tests.iter().flat_map(|test| &test.operands);
    let mut found = Vec::new();
    for operand in operands {
        let Operand::Constant(value) = operand else { continue };
        match value.kind() {
            ValueKind::Seq | ValueKind::Iterable => {
                found.extend(value.try_iter().into_iter().flatten().filter_map(|value| as_json(&value)));
            }
            _ => found.extend(as_json(value)),
        }
    }
    found
}

fn as_json(value: &Value) -> Option<Json> {
    match value.kind() {
        ValueKind::Number => match value.as_i64() {
            Some(whole) => Some(json!(whole)),
            None => f64::try_from(value.clone()).ok().map(|number| json!(number)),
        },
        _ => serde_json::to_value(value).ok(),
    }
}

/// The values of a field that these comparisons tell apart.
fn values(name: &[String], kind: &str, tests: &[&Comparison]) -> Vec<Option<Json>> {
    let constants = constants(tests);
    let mut numbers: Vec<f64> = constants.iter().filter_map(Json::as_f64).collect();
    numbers.extend([0.0, 1.0]);
    numbers.sort_unstable_by(f64::total_cmp);
    let between = numbers.windows(2).map(|pair| f64::midpoint(pair[0], pair[1])).collect::<Vec<_>>();
    let ends = [numbers.first().map(|least| least - 1.0), numbers.last().map(|most| most + 1.0)];
    let mut numbers: Vec<f64> =
        numbers.into_iter().chain(between).chain(ends.into_iter().flatten()).collect();
    numbers.dedup();
    let numbers =
        |from: f64| numbers.iter().filter(move |number| **number >= from).map(|number| json!(number));
    let texts = || {
        let words = constants.iter().filter_map(Json::as_str);
        let longer = words.clone().map(|word| json!(format!("{word}x")));
        words.clone().map(|word| json!(word)).chain(longer).chain([json!("some other text")])
    };
    let mut tried: Vec<Json> = match domain(name, kind) {
        Domain::Words(words) => return words.into_iter().map(|word| Some(json!(word))).collect(),
        Domain::Kind(kind) => return vec![Some(json!(kind))],
        Domain::Number { is_negative } => numbers(if is_negative { f64::MIN } else { 0.0 }).collect(),
        Domain::Text => texts().chain([json!("")]).collect(),
        Domain::List => vec![json!([]), json!(constants), json!([{"name": "a"}])],
        Domain::Object => vec![json!({}), json!({"name": "a"})],
        Domain::Free => {
            let others = [json!(true), json!(false), json!(""), json!(constants), json!({})];
            numbers(f64::MIN).chain(texts()).chain(others).collect()
        }
    };
    tried.dedup();
    tried.into_iter().map(Some).chain([Some(Json::Null), None]).collect()
}
