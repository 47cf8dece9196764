use super::*;

const MINUTE: Duration = Duration::from_secs(60);

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn what_the_spool_keeps_is_what_there_was() {
    let mut nodes = WorkingNodes::new(MINUTE, Duration::ZERO);
    ["a", "b"].into_iter().for_each(|node| drop(nodes.hear(node, Duration::ZERO)));
    ["a", "b"].into_iter().for_each(|node| nodes.enter("film", node));
    nodes.close("still", 5);
    nodes.ended("old", 7);
    let mut kept = nodes.changes();
    assert_eq!(nodes.changes(), []);
    let mut restored = WorkingNodes::new(MINUTE, seconds(100));
    for (queue, kept) in &mut kept {
        restored.restore(queue, kept.as_deref().unwrap(), seconds(100));
    }
    assert_eq!(restored.queues, nodes.queues);
    assert!(
        restored.is_late("old", 7) && !restored.is_late("old", 8) && restored.is_before_close("still", 5)
    );
    assert_eq!(restored.lose(seconds(125)), (vec![], vec![]), "nobody could post before the restart");
    assert_eq!(WorkingNodes::read(kept[0].1.as_deref().unwrap()), ["a", "b"]);
    restored.restore("film", b"nonsense", seconds(100));
    assert_eq!(restored.leave("film", "a"), Remaining::Working(1));
}

#[test]
fn while_nodes_work_the_relay_looks_at_them_every_quarter_of_the_time() {
    let mut nodes = WorkingNodes::new(MINUTE, Duration::ZERO);
    assert_eq!(nodes.next_due(), None);
    nodes.hear("a", Duration::ZERO);
    nodes.enter("film", "a");
    assert_eq!(nodes.next_due(), Some(seconds(15)));
    for now in [15, 30, 45] {
        assert_eq!(nodes.lose(seconds(now)), (vec![], vec![]));
    }
    assert_eq!(nodes.next_due(), Some(MINUTE));
    assert_eq!(nodes.lose(MINUTE), (vec!["a".to_owned()], vec!["film".to_owned()]));
    assert_eq!(nodes.next_due(), None);
}

#[test]
fn ends_are_forgotten_after_a_week() {
    let mut nodes = WorkingNodes::new(MINUTE, Duration::ZERO);
    nodes.ended("a", 0);
    nodes.ended("b", REMEMBERED_MS + 1);
    assert_eq!(
        nodes.changes(),
        [("a".to_owned(), None), ("b".to_owned(), Some(br#"{"ended_at":604800001}"#.to_vec()))]
    );
}
