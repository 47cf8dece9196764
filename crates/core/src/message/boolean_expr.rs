//! Comparisons with `and`, `or` and `not` between them.

use super::comparison::Comparison;
use super::engine_error::EngineError;
use super::expr_ast::ExprAst;
use minijinja::Value;

pub(super) enum BooleanExpr {
    All(Vec<BooleanExpr>),
    Any(Vec<BooleanExpr>),
    Not(Box<BooleanExpr>),
    Comparison(Comparison),
}

impl BooleanExpr {
    pub(super) fn build(
        source: &str,
        shape: &ExprAst,
        folding: &mut u64,
    ) -> Result<BooleanExpr, EngineError> {
        let mut all = |shapes: &[ExprAst]| -> Result<Vec<BooleanExpr>, EngineError> {
            shapes.iter().map(|shape| BooleanExpr::build(source, shape, folding)).collect()
        };
        Ok(match shape {
            ExprAst::All(parts) => BooleanExpr::All(all(parts)?),
            ExprAst::Any(parts) => BooleanExpr::Any(all(parts)?),
            ExprAst::Not(part) => BooleanExpr::Not(Box::new(BooleanExpr::build(source, part, folding)?)),
            ExprAst::Comparison(test) => BooleanExpr::Comparison(Comparison::build(source, test, folding)?),
        })
    }

    pub(super) fn decide(&self, scope: &Value, steps: &mut u64) -> Result<bool, String> {
        match self {
            BooleanExpr::All(parts) => {
                for part in parts {
                    if !part.decide(scope, steps)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            BooleanExpr::Any(parts) => {
                for part in parts {
                    if part.decide(scope, steps)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            BooleanExpr::Not(part) => part.decide(scope, steps).map(|holds| !holds),
            BooleanExpr::Comparison(test) => test.decide(scope, steps),
        }
    }

    /// The comparisons that decide, below a `not` with that word: the first one if it is enough, else all.
    pub(super) fn account(&self, scope: &Value, negated: bool, steps: &mut u64, said: &mut Vec<String>) {
        match self {
            BooleanExpr::All(parts) | BooleanExpr::Any(parts) => {
                let decides = matches!(self, BooleanExpr::Any(_));
                let deciding = parts.iter().find(|part| part.decide(scope, steps) == Ok(decides));
                match deciding {
                    Some(part) => part.account(scope, negated, steps, said),
                    None => parts.iter().for_each(|part| part.account(scope, negated, steps, said)),
                }
            }
            BooleanExpr::Not(part) => part.account(scope, !negated, steps, said),
            BooleanExpr::Comparison(test) => said.push(test.account(scope, negated)),
        }
    }

    pub(super) fn each_comparison(
        &self,
        visit: &mut dyn FnMut(&Comparison) -> Result<(), String>,
    ) -> Result<(), String> {
        match self {
            BooleanExpr::All(parts) | BooleanExpr::Any(parts) => {
                parts.iter().try_for_each(|part| part.each_comparison(visit))
            }
            BooleanExpr::Not(part) => part.each_comparison(visit),
            BooleanExpr::Comparison(test) => visit(test),
        }
    }
}
