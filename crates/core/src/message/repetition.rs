//! Finds lists that a template repeats with `*`. The engine charges a repeated list by its items, and not by what these
//! hold: a line could print one value of the event ten thousand times before it is stopped.

use minijinja::Value;
use minijinja::machinery::ast::{BinOpKind, CallArg, Expr};
use minijinja::value::ValueKind;
use std::collections::HashSet;

/// Filters whose result holds no other value.
const SCALAR_FILTERS: &str = "\
    abs ago bool capitalize clip count date duration float format indent int join length lower \
    number pprint replace round sparkline string tojson title trim unix upper urlencode";

pub(super) fn gives_scalar(filter: &str) -> bool {
    SCALAR_FILTERS.split(' ').any(|scalar| scalar == filter)
}

/// The line of a product with a list that the text makes; `lists` are the names that hold one.
pub(super) fn repeated_list(value: &Expr<'_>, lists: &HashSet<String>) -> Option<usize> {
    if let Expr::BinOp(pair) = value
        && matches!(pair.op, BinOpKind::Mul)
        && (is_list(&pair.left, lists) || is_list(&pair.right, lists))
    {
        return Some(usize::from(pair.span().start_line));
    }
    parts(value).into_iter().find_map(|part| repeated_list(part, lists))
}

/// Whether the text makes a list or an object here.
pub(super) fn is_list(value: &Expr<'_>, lists: &HashSet<String>) -> bool {
    match value {
        Expr::List(_) | Expr::Tuple(_) | Expr::Map(_) | Expr::Call(_) => true,
        // A list of constants.
        Expr::Const(constant) => is_listed(&constant.value),
        Expr::Var(name) => lists.contains(name.id),
        Expr::Slice(slice) => is_list(&slice.expr, lists),
        Expr::GetItem(item) => is_list_of_lists(&item.expr, lists),
        Expr::IfExpr(choice) => {
            is_list(&choice.true_expr, lists)
                || choice.false_expr.as_ref().is_some_and(|other| is_list(other, lists))
        }
        Expr::BinOp(pair) => {
            let either = is_list(&pair.left, lists) || is_list(&pair.right, lists);
            either && matches!(pair.op, BinOpKind::Add | BinOpKind::Mul | BinOpKind::ScAnd | BinOpKind::ScOr)
        }
        Expr::Filter(filter) if gives_scalar(filter.name) => false,
        Expr::Filter(filter) if matches!(filter.name, "list" | "batch" | "split" | "zip" | "map") => true,
        Expr::Filter(filter) if matches!(filter.name, "sum" | "first" | "last" | "min" | "max") => {
            filter.expr.as_ref().is_some_and(|inner| is_list_of_lists(inner, lists))
        }
        Expr::Filter(filter) => filter.expr.as_ref().is_some_and(|inner| is_list(inner, lists)),
        _ => false,
    }
}

/// Whether the items of a list are lists that the text makes.
pub(super) fn is_list_of_lists(value: &Expr<'_>, lists: &HashSet<String>) -> bool {
    match value {
        Expr::List(list) => list.items.iter().any(|item| is_list(item, lists)),
        Expr::Tuple(tuple) => tuple.items.iter().any(|item| is_list(item, lists)),
        Expr::Map(map) => map.values.iter().any(|item| is_list(item, lists)),
        Expr::Const(constant) => {
            is_listed(&constant.value)
                && constant.value.try_iter().is_ok_and(|mut items| items.any(|item| is_listed(&item)))
        }
        _ => false,
    }
}

fn is_listed(value: &Value) -> bool {
    matches!(value.kind(), ValueKind::Seq | ValueKind::Map | ValueKind::Iterable)
}

pub(super) fn parts<'a>(value: &'a Expr<'a>) -> Vec<&'a Expr<'a>> {
    let arguments = |arguments: &'a [CallArg<'a>]| {
        arguments.iter().map(|argument| match argument {
            CallArg::Pos(part)
            | CallArg::Kwarg(_, part)
            | CallArg::PosSplat(part)
            | CallArg::KwargSplat(part) => part,
        })
    };
    match value {
        Expr::Var(_) | Expr::Const(_) => Vec::new(),
        Expr::Slice(slice) => {
            let bounds = [&slice.start, &slice.stop, &slice.step];
            bounds.into_iter().flatten().chain([&slice.expr]).collect()
        }
        Expr::UnaryOp(one) => vec![&one.expr],
        Expr::BinOp(pair) => vec![&pair.left, &pair.right],
        Expr::Compare(chain) => chain.ops.iter().map(|next| &next.expr).chain([&chain.expr]).collect(),
        Expr::IfExpr(choice) => {
            [&choice.test_expr, &choice.true_expr].into_iter().chain(&choice.false_expr).collect()
        }
        Expr::Filter(filter) => filter.expr.iter().chain(arguments(&filter.args)).collect(),
        Expr::Test(test) => arguments(&test.args).chain([&test.expr]).collect(),
        Expr::GetAttr(field) => vec![&field.expr],
        Expr::GetItem(item) => vec![&item.expr, &item.subscript_expr],
        Expr::Call(call) => arguments(&call.args).chain([&call.expr]).collect(),
        Expr::List(list) => list.items.iter().collect(),
        Expr::Tuple(tuple) => tuple.items.iter().collect(),
        Expr::Map(map) => map.keys.iter().chain(&map.values).collect(),
    }
}
