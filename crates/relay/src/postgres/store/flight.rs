//! Statements that go to the server together: they cost one way there and back, however many they are.

use crate::postgres::DatabaseFault;
use crate::postgres::database::DatabaseSession;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

/// A value of a statement.
pub type Parameter<'a> = Box<dyn ToSql + Sync + 'a>;

/// A statement with its values.
pub struct BoundStatement<'a> {
    sql: &'static str,
    parameters: Vec<Parameter<'a>>,
}

impl<'a> BoundStatement<'a> {
    /// The statement; it is prepared once for each connection.
    pub fn new(sql: &'static str, parameters: Vec<Parameter<'a>>) -> BoundStatement<'a> {
        BoundStatement { sql, parameters }
    }
}

/// The values of a statement.
macro_rules! values {
    ($($value:expr),* $(,)?) => {
        vec![$(Box::new($value) as $crate::postgres::store::flight::Parameter<'_>),*]
    };
}
pub(super) use values;

/// Sends these statements and gives the rows of each.
///
/// # Errors
/// The first fault of one: what follows it within a transaction was refused.
pub async fn send(
    session: &DatabaseSession,
    calls: &[BoundStatement<'_>],
) -> Result<Vec<Vec<Row>>, DatabaseFault> {
    let mut statements = Vec::with_capacity(calls.len());
    for call in calls {
        statements.push(session.prepared(call.sql).await?);
    }
    let answers = calls.iter().zip(&statements).map(|(call, statement)| async move {
        let parameters: Vec<&(dyn ToSql + Sync)> =
            call.parameters.iter().map(|value| &**value as _).collect();
        Ok(session.query(statement, &parameters).await?)
    });
    in_order(answers.collect()).await
}

/// Begins all of these in their order, and gives what each gives.
async fn in_order<T, E, F: Future<Output = Result<T, E>>>(all: Vec<F>) -> Result<Vec<T>, E> {
    let mut waiting: Vec<(Pin<Box<F>>, Option<T>)> =
        all.into_iter().map(|one| (Box::pin(one), None)).collect();
    poll_fn(|context| {
        let mut is_ready = true;
        for (future, done) in &mut waiting {
            if done.is_some() {
                continue;
            }
            match future.as_mut().poll(context) {
                Poll::Ready(Ok(value)) => *done = Some(value),
                Poll::Ready(Err(fault)) => return Poll::Ready(Err(fault)),
                Poll::Pending => is_ready = false,
            }
        }
        if is_ready { Poll::Ready(Ok(())) } else { Poll::Pending }
    })
    .await?;
    Ok(waiting.into_iter().filter_map(|(_, done)| done).collect())
}
