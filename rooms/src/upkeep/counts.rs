//! The counters of a room, counted from its log and not from the counters before.

use gantry_model::Pdu;

use crate::{
    EventFlags, Relation,
    codec::{Change, Class, Counts, EntryDoc},
    commit::{highlights_everyone, notifies},
    memory::Dag,
};

/// Counts while a log is read from its beginning.
#[derive(Debug, Default)]
pub(super) struct Counting {
    counts: Counts,
    /// What the stored counters of the entry before were: a purged entry keeps its difference.
    stored: Counts,
}

impl Counting {
    /// Takes the next entry; `pdu` is `None` if its body was purged.
    pub(super) fn add(
        &mut self,
        dag: &Dag,
        entry: &EntryDoc,
        changes: &[Change],
        pdu: Option<&Pdu>,
    ) {
        for (skid, old, new) in changes {
            if dag
                .key(*skid)
                .is_none_or(|(kind, _)| kind != "m.room.member")
            {
                continue;
            }
            let membership = |rn: &Option<u32>| {
                let event = rn.and_then(|rn| dag.pdu(rn))?;
                event.content_str("membership").map(str::to_owned)
            };
            for (rn, step) in [(old, -1), (new, 1)] {
                match membership(rn).as_deref() {
                    Some("join") => self.counts.joined += step,
                    Some("invite") => self.counts.invited += step,
                    _ => {}
                }
            }
        }
        match pdu {
            Some(pdu) => self.add_event(entry, pdu),
            None => self.add_purged(&entry.h.n),
        }
        self.stored = entry.h.n;
    }

    /// The counters after the entries taken so far.
    pub(super) fn counts(&self) -> Counts {
        self.counts
    }

    fn add_event(&mut self, entry: &EntryDoc, pdu: &Pdu) {
        let flags = EventFlags::from_bits(entry.flags);
        if entry.cls != Class::Live as i32 || flags.soft || flags.quiet {
            return;
        }
        let relation = Relation::of(pdu).map(|relation| relation.kind);
        if notifies(pdu, relation.as_deref()) {
            if relation.as_deref() == Some("m.thread") {
                self.counts.thread += 1;
            } else {
                self.counts.main += 1;
            }
        }
        self.counts.all += i64::from(highlights_everyone(pdu));
        self.counts.red += i64::from(pdu.kind() == "m.room.redaction");
    }

    fn add_purged(&mut self, after: &Counts) {
        self.counts.main += after.main - self.stored.main;
        self.counts.thread += after.thread - self.stored.thread;
        self.counts.all += after.all - self.stored.all;
        self.counts.red += after.red - self.stored.red;
    }
}
