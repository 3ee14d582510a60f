//! Steps of the database: the majority point follows the log, or the log is cut off behind it.

use super::Steps;

pub(super) fn find(steps: &mut Steps<'_>) {
    let from = steps.from;
    let majority = usize::from(from.majority);
    if let Some(doc) = from.log.get(majority) {
        steps.add(
            || format!("majority covers {doc:?}"),
            |next| next.majority += 1,
        );
    }
    if from.left.failovers == 0 {
        return;
    }
    for end in majority..from.log.len() {
        steps.add(
            || format!("FAILOVER rolls back {:?}", &from.log[end..]),
            |next| {
                next.left.failovers -= 1;
                next.log.truncate(end);
                for node in &mut next.nodes {
                    node.roll_back(end as u8);
                }
            },
        );
    }
}
