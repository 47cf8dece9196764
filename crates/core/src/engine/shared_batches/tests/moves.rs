//! Any interleaving of three dispatchers on one spool.

use super::*;
use proptest::prelude::*;

/// What happens to a farm of three, or of those that are left of it.
#[derive(Debug, Clone)]
enum Move {
    /// The next task of a batch is reported to an instance.
    Task(usize, usize),
    /// A task that was reported before is reported to another instance too.
    Again(usize, usize),
    Collect(usize),
    Commit(usize),
    Look(usize),
    Die(usize),
    DieAfterCommit(usize),
    /// It dies, and nobody comes in its place.
    Leave(usize),
}

const TOTALS: [u64; 3] = [2, 5, 9];

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let who = 0..3_usize;
    let one = prop_oneof![
        8 => (who.clone(), 0..3_usize).prop_map(|(who, batch)| Move::Task(who, batch)),
        2 => (who.clone(), 0..3_usize).prop_map(|(who, batch)| Move::Again(who, batch)),
        4 => who.clone().prop_map(Move::Collect),
        6 => who.clone().prop_map(Move::Commit),
        1 => who.clone().prop_map(Move::Look),
        1 => who.clone().prop_map(Move::Die),
        1 => who.clone().prop_map(Move::DieAfterCommit),
        1 => who.prop_map(Move::Leave),
    ];
    prop::collection::vec(one, 1..60)
}

proptest! {
    #![proptest_config(crate::property::cases(48))]

    /// However tasks are spread over instances, however these take turns and die: what each batch is told to
    /// have counted adds up, and it ends exactly once. With `silent`, its hook is silent for a day after each ring, so
    /// that whatever rings without being told would silence the true end.
    #[test]
    fn parts_add_up_over_every_interleaving(moves in moves(), silent in any::<bool>()) {
        let silence = json!({"cooldown": "1d", "cooldown_by": "batch.id"});
        let farm = Farm { shaping: if silent { silence } else { json!({}) }, ..Farm::new() };
        let mut dispatchers: Vec<Dispatcher> = (0..3).map(|_| farm.start()).collect();
        let mut reported = [0_u64; 3];
        for step in moves {
            let living = dispatchers.len();
            match step {
                Move::Task(who, batch) if reported[batch] < TOTALS[batch] => {
                    reported[batch] += 1;
                    report(&dispatchers[who % living], &frame(&batch.to_string(), reported[batch], TOTALS[batch]));
                }
                Move::Again(who, batch) if reported[batch] > 0 => {
                    report(&dispatchers[who % living], &frame(&batch.to_string(), 1, TOTALS[batch]));
                }
                Move::Task(..) | Move::Again(..) => {}
                Move::Collect(who) => dispatchers[who % living].collect(),
                Move::Commit(who) => prop_assert!(dispatchers[who % living].commit(Phase::Open)),
                Move::Look(who) if dispatchers[who % living].is_settled() => look(&mut dispatchers[who % living]),
                Move::Look(_) => {}
                Move::Die(who) => {
                    drop(dispatchers.swap_remove(who % living));
                    dispatchers.push(farm.start());
                }
                Move::DieAfterCommit(who) => {
                    die_after_commit(dispatchers.swap_remove(who % living));
                    dispatchers.push(farm.start());
                }
                Move::Leave(who) if living > 1 => drop(dispatchers.swap_remove(who % living)),
                Move::Leave(_) => {}
            }
        }
        for _ in 0..4 {
            dispatchers.iter_mut().for_each(round);
            dispatchers.iter_mut().for_each(look);
        }
        ends_add_up(&farm, &reported)?;
        drop(dispatchers);
        let mut last = farm.start();
        (0..3).for_each(|_| round(&mut last));
        ends_add_up(&farm, &reported)?;
    }
}

/// Each batch whose tasks were all reported has ended once, with all of them; no other has.
fn ends_add_up(farm: &Farm, reported: &[u64; 3]) -> Result<(), TestCaseError> {
    let told = farm.told("batch.end");
    for (batch, done) in reported.iter().enumerate() {
        let ends = told.get(&batch.to_string()).map_or(&[][..], Vec::as_slice);
        prop_assert_eq!(ends.len(), usize::from(*done == TOTALS[batch]), "batch {}: {:?}", batch, ends);
        for end in ends {
            let failed = (1..=TOTALS[batch]).filter(|number| number.is_multiple_of(3)).count();
            prop_assert_eq!(&end["total"], &json!(TOTALS[batch]));
            prop_assert_eq!(&end["failed"], &json!(failed));
            prop_assert_eq!(&end["succeeded"], &json!(TOTALS[batch] - failed as u64));
        }
    }
    Ok(())
}
