//! The table of batches for a transaction that counts tasks: what it will need is read at once, and written with the rest.

use super::PostgresBatch;
use super::flight::{BoundStatement, values};
use super::gathered::MovedBatch;
use super::values::text;
use std::collections::{HashMap, HashSet};
use taskbell_core::spool::{
    BatchCounts, BatchTable, BatchTask, BatchWatch, KeptBatch, SpoolError, ToldBatch, count_tasks, task_hash,
};

const BATCHES: &str = "SELECT seq, id, ended_at, counts FROM taskbell.batches WHERE id = ANY($1)";

const KNOWN_TASKS: &str = "SELECT t.batch, t.task FROM unnest($1::text[], $2::bigint[]) AS u (id, task) \
    JOIN taskbell.batches b ON b.id = u.id JOIN taskbell.batch_tasks t ON t.batch = b.seq AND t.task = u.task";

const REMOVE_ENDED: &str = "WITH gone AS (DELETE FROM taskbell.batches WHERE seq IN (SELECT seq FROM taskbell.batches \
    WHERE ended_at IS NOT NULL ORDER BY ended_at LIMIT $1) RETURNING seq), \
    tasks AS (DELETE FROM taskbell.batch_tasks t USING gone WHERE t.batch = gone.seq) SELECT seq FROM gone";

const REMOVE_STILLEST: &str = "WITH gone AS (DELETE FROM taskbell.batches WHERE seq = (SELECT seq FROM taskbell.batches \
    ORDER BY moved_at, seq LIMIT 1) RETURNING seq, id, counts), \
    tasks AS (DELETE FROM taskbell.batch_tasks t USING gone WHERE t.batch = gone.seq) SELECT id, counts FROM gone";

const STALLED: &str = "UPDATE taskbell.batches SET stalled = true \
    WHERE ended_at IS NULL AND NOT stalled AND moved_at <= $1 RETURNING id, counts";

const PROGRESSED: &str = "UPDATE taskbell.batches SET reported_at = $2 \
    WHERE ended_at IS NULL AND moved_at > reported_at AND reported_at <= $1 RETURNING id, counts";

/// What a transaction has read of the table.
struct Batches<'b, 'a> {
    batch: &'b mut PostgresBatch<'a>,
    /// By id; `None` where there is none.
    found: HashMap<String, Option<KeptBatch>>,
    ids: HashMap<i64, String>,
    known_tasks: HashSet<(i64, i64)>,
    count: Option<usize>,
    wish_bytes: Option<HashMap<i64, i64>>,
}

impl PostgresBatch<'_> {
    pub(super) fn count_in_batches(
        &mut self,
        tasks: &[&BatchTask],
        watch: BatchWatch,
        now_ms: i64,
    ) -> Result<BatchCounts, SpoolError> {
        let mut counts = BatchCounts::default();
        if !tasks.is_empty() {
            counts = count_tasks(&mut Batches::read_for(self, tasks)?, tasks.iter().copied(), now_ms)?;
        }
        if watch.stalled_since.is_none() && watch.untold_since.is_none() {
            return Ok(counts);
        }
        self.ship()?;
        if let Some(since) = watch.stalled_since {
            counts.stalled = self.told(BoundStatement::new(STALLED, values![since]))?;
        }
        if let Some(since) = watch.untold_since {
            counts.progressed = self.told(BoundStatement::new(PROGRESSED, values![since, now_ms]))?;
        }
        Ok(counts)
    }

    fn told(&mut self, call: BoundStatement<'_>) -> Result<Vec<ToldBatch>, SpoolError> {
        let told = self.query(call)?;
        Ok(told.iter().map(|row| ToldBatch::from_kept(row.get(0), row.get(1))).collect())
    }
}

impl<'b, 'a> Batches<'b, 'a> {
    /// With the batches of these tasks, and which of the tasks they know.
    fn read_for(
        batch: &'b mut PostgresBatch<'a>,
        tasks: &[&BatchTask],
    ) -> Result<Batches<'b, 'a>, SpoolError> {
        let ids: HashSet<String> = tasks.iter().map(|task| text(&task.of.id).into_owned()).collect();
        let ids: Vec<String> = ids.into_iter().collect();
        let keyed = || tasks.iter().filter_map(|task| Some((&task.of.id, task.key.as_deref()?)));
        let of: Vec<String> = keyed().map(|(id, _)| text(id).into_owned()).collect();
        let keys: Vec<i64> = keyed().map(|(_, key)| task_hash(key)).collect();
        let calls = vec![
            BoundStatement::new(BATCHES, values![&ids]),
            BoundStatement::new(KNOWN_TASKS, values![of, keys]),
        ];
        let mut answers = batch.fly(calls)?.into_iter();
        let mut found: HashMap<String, Option<KeptBatch>> = ids.iter().map(|id| (id.clone(), None)).collect();
        let mut names = HashMap::new();
        for row in answers.next().unwrap_or_default() {
            let kept = KeptBatch { seq: row.get(0), ended_at: row.get(2), counts: row.get(3) };
            names.insert(kept.seq, row.get(1));
            found.insert(row.get(1), Some(kept));
        }
        let known = answers.next().unwrap_or_default();
        let known_tasks = known.iter().map(|row| (row.get(0), row.get(1))).collect();
        Ok(Batches { batch, found, ids: names, known_tasks, count: None, wish_bytes: None })
    }

    /// Sends what is gathered before rows are removed, and forgets what was read of batches.
    fn remove(&mut self, call: BoundStatement<'_>) -> Result<Vec<tokio_postgres::Row>, SpoolError> {
        self.batch.ship()?;
        let removed = self.batch.query(call)?;
        self.found.clear();
        self.count = None;
        Ok(removed)
    }
}

impl BatchTable for Batches<'_, '_> {
    type Fault = SpoolError;

    fn read(&mut self, id: &str) -> Result<Option<KeptBatch>, SpoolError> {
        let id = text(id);
        if let Some(found) = self.found.get(&*id) {
            return Ok(found.clone());
        }
        let row = self.batch.query(BoundStatement::new(BATCHES, values![vec![&*id]]))?;
        let kept =
            row.first().map(|row| KeptBatch { seq: row.get(0), ended_at: row.get(2), counts: row.get(3) });
        if let Some(kept) = &kept {
            self.ids.insert(kept.seq, id.clone().into_owned());
        }
        self.found.insert(id.into_owned(), kept.clone());
        Ok(kept)
    }

    fn insert(&mut self, id: &str, moved_at: i64, counts: &[u8]) -> Result<i64, SpoolError> {
        let id = text(id).into_owned();
        let seq = self.batch.next_number()?;
        let counts = counts.to_vec();
        self.count = self.count.map(|count| count + 1);
        self.ids.insert(seq, id.clone());
        let row = MovedBatch { seq, moved_at, ended_at: None, wish_bytes: 0, counts };
        self.batch.rows.batches.insert(id, row);
        Ok(seq)
    }

    fn update(&mut self, batch: &KeptBatch, moved_at: i64, wish_bytes: i64) -> Result<(), SpoolError> {
        let KeptBatch { seq, ended_at, counts } = batch.clone();
        if let Some(id) = self.ids.get(&seq) {
            let row = MovedBatch { seq, moved_at, ended_at, wish_bytes, counts };
            self.batch.rows.batches.insert(id.clone(), row);
            self.found.insert(id.clone(), Some(batch.clone()));
        }
        Ok(())
    }

    fn count(&mut self) -> Result<usize, SpoolError> {
        if self.count.is_none() {
            let sql = "SELECT count(*) FROM taskbell.batches";
            let there = self.batch.query(BoundStatement::new(sql, values![]))?;
            let there = there.first().map_or(0, |row| row.get::<_, i64>(0));
            let new =
                self.batch.rows.batches.keys().filter(|id| matches!(self.found.get(*id), None | Some(None)));
            self.count = Some(usize::try_from(there).unwrap_or(usize::MAX) + new.count());
        }
        Ok(self.count.unwrap_or_default())
    }

    fn remove_first_ended(&mut self, most: i64) -> Result<usize, SpoolError> {
        self.remove(BoundStatement::new(REMOVE_ENDED, values![most])).map(|removed| removed.len())
    }

    fn remove_stillest(&mut self) -> Result<Option<(String, Vec<u8>)>, SpoolError> {
        let removed = self.remove(BoundStatement::new(REMOVE_STILLEST, values![]))?;
        Ok(removed.first().map(|row| (row.get(0), row.get(1))))
    }

    fn wish_bytes_of_others(&mut self, batch: i64) -> Result<i64, SpoolError> {
        if self.wish_bytes.is_none() {
            let sql = "SELECT seq, wish_bytes FROM taskbell.batches WHERE wish_bytes > 0";
            let rows = self.batch.query(BoundStatement::new(sql, values![]))?;
            self.wish_bytes = Some(rows.iter().map(|row| (row.get(0), row.get(1))).collect());
        }
        let all = self.wish_bytes.iter().flatten();
        Ok(all.filter(|(seq, _)| **seq != batch).map(|(_, bytes)| bytes).sum())
    }

    fn add_task(&mut self, batch: i64, task: i64, number: i64) -> Result<bool, SpoolError> {
        let is_new = self.known_tasks.insert((batch, task));
        if is_new {
            self.batch.rows.batch_tasks.push((batch, task, number));
        }
        Ok(is_new)
    }

    fn forget_tasks(&mut self, batch: i64, number: i64) -> Result<(), SpoolError> {
        self.batch.rows.forgotten_tasks.push((batch, number));
        self.batch.rows.batch_tasks.retain(|(of, _, at)| *of != batch || *at > number);
        if number == i64::MAX {
            self.known_tasks.retain(|(of, _)| *of != batch);
        }
        Ok(())
    }

    fn has_task(&mut self, batch: i64, task: i64) -> Result<bool, SpoolError> {
        Ok(self.known_tasks.contains(&(batch, task)))
    }

    fn tasks(&mut self, batch: i64) -> Result<HashSet<i64>, SpoolError> {
        self.batch.ship()?;
        let sql = "SELECT task FROM taskbell.batch_tasks WHERE batch = $1";
        let rows = self.batch.query(BoundStatement::new(sql, values![batch]))?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }
}
