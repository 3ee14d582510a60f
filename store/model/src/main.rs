//! The event log on several nodes, as a model of explicit states; see the README beside it.
//!
//! Pauses need no state of their own: a node that is not scheduled is paused. A lease may run out at
//! any time (any node may close any slot at any time), so that safety never rests on clocks.

use std::collections::hash_map::DefaultHasher;
use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::{Hash, Hasher};

pub const GONE: u8 = 255;
type Ws = (u8, u8); // (writer slot, sequence), (0,0) = none; slots count from 1

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
enum Doc {
    /// log entry (col 0) or document of another stream collection (col 1, no room, no predecessor)
    E {
        col: u8,
        room: u8,
        pos: u8,
        tx: u8,
        h: u8,
        ws: Ws,
        pw: Ws,
    },
    /// filler; counts=false: does not settle the number for readers
    F { col: u8, ws: Ws, counts: bool },
    /// slot document: st 0 closed/free, 1 owned, 2 closing
    W {
        w: u8,
        ep: u8,
        st: u8,
        own: u8,
        hi: u8,
    },
    /// heartbeat with the writer's own idea of its settled watermark (variant)
    H { w: u8, lw: u8 },
}
use Doc::*;

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Rep {
    Fresh,
    Wait,
    Unk,
    Ok(u8),
    DupId(u8, bool),
    DupWs(u8),
    DupTx(u8),
    NotTried,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Pend {
    d: Doc,
    rep: Rep,
}
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Msg {
    inc: u8,
    cur: bool,
    docs: Vec<Doc>,
}
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Clos {
    w: u8,
    ep: u8,
    hi: u8,
    idx: u8,
    stage: u8,
    done: u64,
}
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Slot {
    w: u8,
    next: u8,
    hi: u8,
}
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Node {
    alive: bool,
    inc: u8,
    slot: Option<Slot>,
    slotp: Option<u8>,
    mem: Vec<Option<(u8, Ws)>>,
    pend: Vec<Pend>,
    fill: Vec<(Ws, u8)>,
    free: Vec<u8>,
    own: Vec<Ws>,
    cs: u8,
    skip: (u8, u8),
    clos: Option<Clos>,
}
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Bud {
    fo: u8,
    crash: u8,
    close: u8,
    tmo: u8,
    dup: u8,
    num: u8,
    tear: u8,
    sync: u8,
    fresh: u8,
    lie: u8,
}
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct St {
    log: Vec<Doc>,
    maj: u8,
    net: Vec<Msg>,
    n: Vec<Node>,
    acked: Vec<(u8, u8, u8)>,
    tok: Vec<Vec<u8>>,
    got: Vec<Vec<u8>>,
    b: Bud,
    nexth: u8,
    incs: u8,
}

#[derive(Clone, Debug)]
struct Cfg {
    nodes: usize,
    rooms: u8,
    txs: u8,
    blk: u8,
    cols: u8,
    clients: usize,
    bud: Bud,
    // rules (true = as designed / fixed)
    pred: bool,     // predecessor rule
    own_pred: bool, // predecessor rule applies to own entries
    maj_read: bool, // room memory is loaded by majority reads
    confirm: bool,  // positive answers on a duplicate are confirmed by majority
    txidx: bool,    // unique {rid,tx}
    wsidx: bool,    // unique {w,s}
    fillers: bool,  // closing inserts fillers
    fillmode: u8, // 0: closer fills col 0 only; 1: all cols, any filler settles; 2: all cols, only the last col's filler settles
    verify: bool, // closer verifies numbers by majority read, not by E11000
    by_final: bool, // readers settle by the published final watermark (else by documents)
    refused: u8, // number of a refused entry: 0 nothing, 1 filler by owner, 2 reused for the next draft, 3 heartbeat lw by inference
    tokmax: bool, // next token = max(token, cut); else = the node's cut
    same_inc: bool, // restarted node continues its slot without closing it
    chk_live: bool,
    unk: u8, // unknown outcome: 0 settle by resend; 1 settle by majority read (not found = failed)
    maj_ack: bool, // own acks need majority
    rollclose: bool, // closing CAS majority before fillers
    fast: bool,
    clspub: bool,
    causal: bool, // reads that answer a sync are causally after the node's cut
    orphan: bool, // also numbers of failed chains get fillers
    chain: bool, // a later item of a room is sent again only after, or in one command with, all earlier unacknowledged ones
}

fn pos_of(d: &Doc) -> Option<Ws> {
    match d {
        E { ws, .. } => Some(*ws),
        F { ws, .. } => Some(*ws),
        _ => None,
    }
}
fn col_of(d: &Doc) -> u8 {
    match d {
        E { col, .. } | F { col, .. } => *col,
        _ => 9,
    }
}

impl St {
    fn wdoc(&self, w: u8, upto: usize) -> Option<&Doc> {
        self.log[..upto]
            .iter()
            .rev()
            .find(|d| matches!(d, W { w: x, .. } if *x == w))
    }
    fn slots(&self) -> u8 {
        self.log
            .iter()
            .filter_map(|d| {
                if let W { w, .. } = d {
                    Some(*w)
                } else {
                    pos_of(d).map(|x| x.0)
                }
            })
            .max()
            .unwrap_or(0)
    }
    fn has_ws(&self, col: u8, ws: Ws) -> Option<usize> {
        self.log
            .iter()
            .position(|d| col_of(d) == col && pos_of(d) == Some(ws))
    }
    /// apply one document on the primary
    fn apply(&mut self, c: &Cfg, d: &Doc) -> Result<u8, Rep> {
        match d {
            E {
                col,
                room,
                pos,
                tx,
                h,
                ws,
                ..
            } => {
                if *col == 0 {
                    if let Some(i) = self.log.iter().position(
                        |x| matches!(x, E { col: 0, room: r, pos: p, .. } if r == room && p == pos),
                    ) {
                        let same = matches!(&self.log[i], E { h: hh, .. } if hh == h);
                        return Err(Rep::DupId(i as u8, same));
                    }
                } else if let Some(i) = self
                    .log
                    .iter()
                    .position(|x| matches!(x, E { col: cc, h: hh, .. } if cc == col && hh == h))
                {
                    return Err(Rep::DupId(i as u8, true));
                }
                if c.wsidx {
                    if let Some(i) = self.has_ws(*col, *ws) {
                        return Err(Rep::DupWs(i as u8));
                    }
                }
                if c.txidx && *tx > 0 && *col == 0 {
                    if let Some(i) = self.log.iter().position(
                        |x| matches!(x, E { col: 0, room: r, tx: t, .. } if r == room && t == tx),
                    ) {
                        return Err(Rep::DupTx(i as u8));
                    }
                }
            }
            F { col, ws, .. } => {
                if let Some(i) = self.has_ws(*col, *ws) {
                    return Err(Rep::DupWs(i as u8));
                }
            }
            _ => {}
        }
        self.log.push(d.clone());
        Ok(self.log.len() as u8 - 1)
    }
    fn cut(&self, c: &Cfg, n: usize) -> Vec<u8> {
        let nd = &self.n[n];
        let k = self.slots() as usize + 1;
        let mut cut = vec![0u8; k];
        // what is known per number: 0 no, 1 filler, 2 entry(pw)
        let mut known: HashMap<Ws, (bool, Ws, bool)> = HashMap::new();
        let mut fin = vec![0u8; k];
        for (i, d) in self.log.iter().enumerate() {
            let by_stream =
                i < nd.cs as usize && !(i >= nd.skip.0 as usize && i < nd.skip.1 as usize);
            match d {
                E { ws, pw, .. } => {
                    let own = nd.own.contains(ws) && (i as u8) < self.maj;
                    if by_stream || own {
                        known.insert(*ws, (true, *pw, own));
                    }
                }
                F { ws, counts, .. } => {
                    if by_stream && *counts {
                        known.entry(*ws).or_insert((false, (0, 0), false));
                    }
                }
                W { w, st: 0, hi, .. } => {
                    if by_stream && c.by_final {
                        fin[*w as usize] = fin[*w as usize].max(*hi);
                    }
                }
                H { w, lw } => {
                    if by_stream {
                        fin[*w as usize] = fin[*w as usize].max(*lw);
                    }
                }
                _ => {}
            }
        }
        loop {
            let mut ch = false;
            for w in 1..k {
                loop {
                    let s = cut[w] + 1;
                    let ok = match known.get(&(w as u8, s)) {
                        Some((true, pw, own)) => {
                            let need = c.pred && (c.own_pred || !own);
                            !need
                                || *pw == (0, 0)
                                || ((pw.0 as usize) < k && cut[pw.0 as usize] >= pw.1)
                        }
                        Some((false, ..)) => true,
                        None => s <= fin[w],
                    };
                    if ok && s < 60 {
                        cut[w] = s;
                        ch = true;
                    } else {
                        break;
                    }
                }
            }
            if !ch {
                return cut;
            }
        }
    }
    fn covered(cut: &[u8], ws: Ws) -> bool {
        (ws.0 as usize) < cut.len() && cut[ws.0 as usize] >= ws.1
    }

    fn check(&self, c: &Cfg) -> Result<(), String> {
        for r in 0..c.rooms {
            let es: Vec<_> = self
                .log
                .iter()
                .filter_map(|d| {
                    if let E {
                        col: 0,
                        room,
                        pos,
                        pw,
                        ws,
                        ..
                    } = d
                    {
                        if *room == r {
                            Some((*pos, *pw, *ws))
                        } else {
                            None
                        }
                    } else {
                        None
                    }
                })
                .collect();
            let mut last = (0, 0);
            for (i, e) in es.iter().enumerate() {
                if e.0 as usize != i + 1 {
                    return Err(format!(
                        "I2/I7 room {r}: position {} stands at place {} of the commit order",
                        e.0,
                        i + 1
                    ));
                }
                if e.1 != last {
                    return Err(format!(
                        "I7 room {r}: pw of position {} is {:?}, predecessor is {:?}",
                        e.0, e.1, last
                    ));
                }
                last = e.2;
            }
        }
        for t in 1..=c.txs {
            if self
                .log
                .iter()
                .filter(|d| matches!(d, E { col: 0, tx, .. } if *tx == t))
                .count()
                > 1
            {
                return Err(format!(
                    "exactly-once: transaction {t} stands twice in the log"
                ));
            }
        }
        for a in &self.acked {
            if !self.log[..self.maj as usize]
                .iter()
                .any(|d| matches!(d, E { tx, room, pos, .. } if (*tx, *room, *pos) == *a))
            {
                return Err(format!(
                    "I6: acknowledged transaction {} (room {} pos {}) is not in the log",
                    a.0, a.1, a.2
                ));
            }
        }
        let cuts: Vec<Vec<u8>> = (0..c.nodes)
            .filter(|i| self.n[*i].alive)
            .map(|i| self.cut(c, i))
            .collect();
        for cut in cuts.iter().chain(self.tok.iter()) {
            for r in 0..c.rooms {
                let mut hole = false;
                for d in &self.log {
                    if let E {
                        col: 0,
                        room,
                        ws,
                        pos,
                        ..
                    } = d
                    {
                        if *room == r {
                            let cov = Self::covered(cut, *ws);
                            if cov && hole {
                                return Err(format!(
                                    "I10: cut {cut:?} covers room {r} pos {pos} but not its predecessors"
                                ));
                            }
                            if !cov {
                                hole = true;
                            }
                        }
                    }
                }
            }
        }
        for (i, t) in self.tok.iter().enumerate() {
            for d in &self.log[..self.maj as usize] {
                if let E { ws, h, .. } = d {
                    if Self::covered(t, *ws) && !self.got[i].contains(h) {
                        return Err(format!(
                            "client {i} holds token {t:?}, entry {d:?} landed behind it and is never delivered"
                        ));
                    }
                }
            }
        }
        Ok(())
    }
}

fn act(s: &St, c: &Cfg) -> Vec<(String, St)> {
    let mut out: Vec<(String, St)> = vec![];
    let m = s.maj as usize;
    macro_rules! go {
        ($l:expr, $t:expr) => {
            out.push((if c.fast { String::new() } else { $l }, $t))
        };
    }
    // database
    if m < s.log.len() {
        let mut t = s.clone();
        t.maj += 1;
        go!(format!("majority covers {:?}", s.log[m]), t);
    }
    if s.b.fo > 0 && m < s.log.len() {
        for k in m..s.log.len() {
            let mut t = s.clone();
            t.b.fo -= 1;
            t.log.truncate(k);
            for n in t.n.iter_mut() {
                for p in n.pend.iter_mut() {
                    match p.rep {
                        Rep::Ok(i) if i as usize >= k => p.rep = Rep::Unk,
                        Rep::DupId(i, x) if i != GONE && i as usize >= k => {
                            p.rep = Rep::DupId(GONE, x)
                        }
                        Rep::DupWs(i) if i != GONE && i as usize >= k => p.rep = Rep::DupWs(GONE),
                        Rep::DupTx(i) if i != GONE && i as usize >= k => p.rep = Rep::DupTx(GONE),
                        _ => {}
                    }
                }
                if let Some(i) = n.slotp {
                    if i as usize >= k {
                        n.slotp = None;
                        n.slot = None;
                    }
                }
                if let Some(cl) = &n.clos {
                    if cl.stage == 0 && cl.idx as usize >= k {
                        n.clos = None;
                    }
                }
            }
            go!(format!("FAILOVER rolls back {:?}", &s.log[k..]), t);
        }
    }
    for (i, msg) in s.net.iter().enumerate() {
        if s.net[..i].contains(msg) {
            continue;
        }
        for keep in 0..2 {
            if keep == 1 && s.b.dup == 0 {
                continue;
            }
            for tear in 0..=msg.docs.len() {
                let full = tear == msg.docs.len();
                if !full && (s.b.tear == 0 || tear == 0) {
                    continue;
                }
                let mut t = s.clone();
                t.net.remove(i);
                if keep == 1 {
                    t.b.dup -= 1;
                    let mut mm = msg.clone();
                    mm.cur = false;
                    t.net.push(mm);
                    t.net.sort_by_key(key);
                }
                if !full {
                    t.b.tear -= 1;
                }
                let mut reps = vec![];
                let mut failed = false;
                for (j, d) in msg.docs.iter().enumerate() {
                    if j >= tear || failed {
                        reps.push(Rep::NotTried);
                        continue;
                    }
                    match t.apply(c, d) {
                        Ok(ix) => reps.push(Rep::Ok(ix)),
                        Err(r) => {
                            failed = true;
                            reps.push(r)
                        }
                    }
                }
                // an entry that lands behind a cut or token
                for ix in s.log.len()..t.log.len() {
                    if let E { ws, .. } = &t.log[ix] {
                        for n in 0..c.nodes {
                            if s.n[n].alive {
                                let cu = s.cut(c, n);
                                if St::covered(&cu, *ws) {
                                    t.b.lie = 1;
                                }
                            }
                        }
                        for tk in &s.tok {
                            if St::covered(tk, *ws) {
                                t.b.lie = 1;
                            }
                        }
                    }
                }
                if msg.cur && full {
                    for n in t.n.iter_mut() {
                        if n.alive && n.inc == msg.inc {
                            for p in n.pend.iter_mut() {
                                if p.rep == Rep::Wait {
                                    if let Some(j) = msg.docs.iter().position(|d| *d == p.d) {
                                        p.rep = reps[j];
                                    }
                                }
                            }
                        }
                    }
                } else if msg.cur && !full {
                    for n in t.n.iter_mut() {
                        if n.alive && n.inc == msg.inc {
                            for p in n.pend.iter_mut() {
                                if p.rep == Rep::Wait {
                                    p.rep = Rep::Unk;
                                }
                            }
                        }
                    }
                }
                go!(
                    format!(
                        "primary executes {}{}{:?}",
                        if msg.cur { "" } else { "LATE COPY of " },
                        if full {
                            ""
                        } else {
                            "a PREFIX (answer lost) of "
                        },
                        msg.docs
                    ),
                    t
                );
            }
        }
    }
    for i in 0..c.nodes {
        let nd = &s.n[i];
        let nm = (b'A' + i as u8) as char;
        if !nd.alive {
            let mut t = s.clone();
            let x = &mut t.n[i];
            x.alive = true;
            t.incs += 1;
            x.inc = t.incs;
            x.cs = s.maj;
            x.skip = (0, 0);
            if c.same_inc {
                // continues the slot it finds under its name
                if let Some(W { w, hi, .. }) = s.log[..m]
                    .iter()
                    .rev()
                    .find(|d| matches!(d, W { own, st: 1, .. } if own % 4 == i as u8))
                {
                    let mx = s.log[..m]
                        .iter()
                        .filter_map(|d| pos_of(d))
                        .filter(|x| x.0 == *w)
                        .map(|x| x.1)
                        .max()
                        .unwrap_or(0)
                        .max(hi - c.blk);
                    x.slot = Some(Slot {
                        w: *w,
                        next: mx + 1,
                        hi: *hi,
                    });
                }
            }
            go!(format!("{nm} restarts (cut from a majority snapshot)"), t);
            if s.b.fresh > 0 && s.maj > 0 {
                for k in 0..s.maj {
                    let mut t = s.clone();
                    t.b.fresh -= 1;
                    let x = &mut t.n[i];
                    x.alive = true;
                    t.incs += 1;
                    x.inc = t.incs;
                    x.cs = s.maj;
                    x.skip = (k, s.maj);
                    go!(
                        format!(
                            "{nm} restarts, its snapshot (first {k} writes) is older than the start of its stream"
                        ),
                        t
                    );
                }
            }
            continue;
        }
        let inc4 = i as u8 + 4 * nd.inc;
        if s.b.crash > 0 {
            let mut t = s.clone();
            t.b.crash -= 1;
            for mm in t.net.iter_mut() {
                if mm.inc == nd.inc {
                    mm.cur = false;
                }
            }
            t.net.sort_by_key(key);
            let x = &mut t.n[i];
            *x = new_node(c);
            x.alive = false;
            go!(format!("{nm} CRASHES"), t);
        }
        if nd.cs < s.maj {
            let mut t = s.clone();
            t.n[i].cs += 1;
            let d = &s.log[nd.cs as usize];
            if let Some(ws) = pos_of(d) {
                t.n[i].own.retain(|x| *x != ws);
            }
            go!(format!("{nm}'s change stream delivers {d:?}"), t);
        }
        // slot
        if nd.slot.is_none() && nd.slotp.is_none() && s.b.num > 0 {
            let mut w = 1;
            while let Some(W { st, .. }) = s.wdoc(w, s.log.len()) {
                if *st == 0 {
                    break;
                }
                w += 1;
            }
            if w <= 4 {
                let (ep, hi) = match s.wdoc(w, s.log.len()) {
                    Some(W { ep, hi, .. }) => (*ep, *hi),
                    _ => (0, 0),
                };
                let mut t = s.clone();
                t.log.push(W {
                    w,
                    ep: ep + 1,
                    st: 1,
                    own: inc4,
                    hi: hi + c.blk,
                });
                t.n[i].slotp = Some(t.log.len() as u8 - 1);
                go!(
                    format!("{nm} leases slot {w}, numbers {}..{}", hi + 1, hi + c.blk),
                    t
                );
            }
        }
        if let (Some(sl), None) = (&nd.slot, nd.slotp) {
            if sl.next > sl.hi && s.b.num > 0 {
                let mut t = s.clone();
                match s.wdoc(sl.w, s.log.len()) {
                    Some(W {
                        w,
                        ep,
                        st: 1,
                        own,
                        hi,
                    }) if *own == inc4 => {
                        t.log.push(W {
                            w: *w,
                            ep: *ep,
                            st: 1,
                            own: inc4,
                            hi: hi + c.blk,
                        });
                        t.n[i].slotp = Some(t.log.len() as u8 - 1);
                        go!(format!("{nm} leases another block of slot {w}"), t);
                    }
                    _ => {
                        t.n[i].slot = None;
                        go!(format!("{nm} finds its slot taken over"), t);
                    }
                }
            }
        }
        if let Some(ix) = nd.slotp {
            if ix < s.maj {
                if let W { w, hi, .. } = s.log[ix as usize] {
                    let mut t = s.clone();
                    t.n[i].slotp = None;
                    let nx = match &nd.slot {
                        Some(sl) => sl.next,
                        None => hi - c.blk + 1,
                    };
                    t.n[i].slot = Some(Slot { w, next: nx, hi });
                    go!(format!("{nm}'s lease of slot {w} is acknowledged"), t);
                }
            }
        }
        // load room memory
        for r in 0..c.rooms as usize {
            if nd.mem[r].is_none()
                && !nd
                    .pend
                    .iter()
                    .any(|p| matches!(p.d, E{col:0,room,..} if room as usize == r))
                && s.b.num > 0
            {
                let up = if c.maj_read { m } else { s.log.len() };
                let v = s.log[..up]
                    .iter()
                    .rev()
                    .find_map(|d| {
                        if let E {
                            col: 0,
                            room,
                            pos,
                            ws,
                            ..
                        } = d
                        {
                            if *room as usize == r {
                                Some((*pos, *ws))
                            } else {
                                None
                            }
                        } else {
                            None
                        }
                    })
                    .unwrap_or((0, (0, 0)));
                let mut t = s.clone();
                t.n[i].mem[r] = Some(v);
                go!(format!("{nm} loads room {r}: position {}", v.0), t);
            }
        }
        // draft
        if let Some(sl) = &nd.slot {
            if s.b.num > 0 && nd.slotp.is_none() && nd.pend.iter().all(|p| p.rep == Rep::Fresh)
                || (s.b.num > 0 && nd.slotp.is_none() && !c.clspub)
            {
                for tx in 1..=c.txs {
                    if s.acked.iter().any(|a| a.0 == tx)
                        || nd
                            .pend
                            .iter()
                            .any(|p| matches!(p.d, E { tx: t, .. } if t == tx))
                    {
                        continue;
                    }
                    let col = if c.cols == 2 && tx == c.txs { 1 } else { 0 };
                    if col == 1
                        && s.log
                            .iter()
                            .any(|d| matches!(d, E { tx: t, .. } if *t == tx))
                    {
                        continue;
                    }
                    if col == 1
                        && s.net.iter().any(|m| {
                            m.docs
                                .iter()
                                .any(|d| matches!(d, E { tx: t, .. } if *t == tx))
                        })
                    {
                        continue;
                    }
                    let r = ((tx - 1) % c.rooms) as usize;
                    let base =
                        if col == 1 {
                            Some((0, (0, 0)))
                        } else {
                            match nd.pend.iter().rev().find(
                                |p| matches!(p.d, E { col: 0, room, .. } if room as usize == r),
                            ) {
                                Some(Pend {
                                    d: E { pos, ws, .. },
                                    rep: Rep::Fresh,
                                }) => Some((*pos, *ws)),
                                Some(_) => None,
                                None => nd.mem[r],
                            }
                        };
                    let Some((pos, pw)) = base else { continue };
                    let (sq, fr) = if !nd.free.is_empty() {
                        (nd.free[0], true)
                    } else {
                        (sl.next, false)
                    };
                    if !fr && sl.next > sl.hi {
                        continue;
                    }
                    let mut t = s.clone();
                    t.b.num -= 1;
                    t.nexth += 1;
                    let x = &mut t.n[i];
                    if fr {
                        x.free.remove(0);
                    } else {
                        x.slot.as_mut().unwrap().next += 1;
                    }
                    let d = E {
                        col,
                        room: r as u8,
                        pos: if col == 1 { 0 } else { pos + 1 },
                        tx,
                        h: t.nexth,
                        ws: (sl.w, sq),
                        pw,
                    };
                    let l = format!("{nm} drafts {d:?}");
                    x.pend.push(Pend { d, rep: Rep::Fresh });
                    go!(l, t);
                }
            }
        }
        // send: one ordered command at a time
        let busy = nd.pend.iter().any(|p| p.rep == Rep::Wait);
        let can: Vec<usize> = (0..nd.pend.len()).filter(|j| match nd.pend[*j].rep { Rep::Fresh => true, Rep::Unk => c.unk == 0, Rep::NotTried => {
            // later items of a room whose earlier item failed fail too
            !nd.pend[..*j].iter().any(|q| matches!((&q.d, &nd.pend[*j].d), (E { col: a, room: x, .. }, E { col: b, room: y, .. }) if a == b && x == y && *a == 0) && matches!(q.rep, Rep::DupId(..) | Rep::DupWs(_) | Rep::DupTx(_))) }, _ => false }).collect();
        let can: Vec<usize> = if !c.chain {
            can
        } else {
            can.iter().copied().filter(|j| (0..*j).all(|q| can.contains(&q) || !matches!((&nd.pend[q].d, &nd.pend[*j].d), (E { col: 0, room: x, .. }, E { col: 0, room: y, .. }) if x == y))).collect()
        };
        if !busy && !can.is_empty() && s.net.len() < 5 {
            let mut t = s.clone();
            let docs: Vec<Doc> = can.iter().map(|j| nd.pend[*j].d.clone()).collect();
            for j in &can {
                t.n[i].pend[*j].rep = Rep::Wait;
            }
            let l = format!("{nm} sends {docs:?}");
            t.net.push(Msg {
                inc: nd.inc,
                cur: true,
                docs,
            });
            t.net.sort_by_key(key);
            go!(l, t);
        }
        if s.b.tmo > 0
            && nd
                .pend
                .iter()
                .any(|p| matches!(p.rep, Rep::Wait | Rep::Ok(_)))
        {
            let mut t = s.clone();
            t.b.tmo -= 1;
            for p in t.n[i].pend.iter_mut() {
                if matches!(p.rep, Rep::Wait | Rep::Ok(_)) {
                    p.rep = Rep::Unk;
                }
            }
            for mm in t.net.iter_mut() {
                if mm.inc == nd.inc {
                    mm.cur = false;
                }
            }
            t.net.sort_by_key(key);
            go!(format!("{nm} gets a network error (outcome unknown)"), t);
        }
        if c.unk == 1 {
            for (j, p) in nd.pend.iter().enumerate() {
                if p.rep == Rep::Unk {
                    // settle by a majority read
                    let E {
                        col,
                        room,
                        pos,
                        tx,
                        h,
                        ws,
                        ..
                    } = p.d.clone()
                    else {
                        continue;
                    };
                    let mut t = s.clone();
                    t.n[i].pend.remove(j);
                    if s.log[..m]
                        .iter()
                        .any(|d| matches!(d, E { h: hh, .. } if *hh == h))
                    {
                        t.acked.push((tx, room, pos));
                        t.n[i].own.push(ws);
                        if col == 0 {
                            t.n[i].mem[room as usize] = Some((pos, ws));
                        }
                        go!(format!("{nm} reads back: found"), t);
                    } else {
                        t.n[i].mem[room as usize] = None;
                        refuse(&mut t, c, i, ws, col);
                        go!(format!("{nm} reads back: not found, gives up {:?}", p.d), t);
                    }
                }
            }
        }
        // answers
        for (j, p) in nd.pend.iter().enumerate() {
            let E {
                col,
                room,
                pos,
                tx,
                h: _,
                ws,
                ..
            } = p.d.clone()
            else {
                continue;
            };
            let r = room as usize;
            if nd.pend[..j].iter().any(
                |q| matches!(q.d, E { col: a, room: x, .. } if a == col && x == room && col == 0),
            ) {
                continue;
            }
            let mut t = s.clone();
            let mut ack = |t: &mut St, a: (u8, u8, u8), ws: Ws| {
                if !t.acked.contains(&a) {
                    t.acked.push(a);
                    t.acked.sort();
                }
                if (t.n[i].cs as usize) < t.log.len() && !t.n[i].own.contains(&ws) && ws.0 > 0 {
                    t.n[i].own.push(ws);
                    t.n[i].own.sort();
                }
            };
            match p.rep {
                Rep::Ok(ix) if ix < s.maj || !c.maj_ack => {
                    t.n[i].pend.remove(j);
                    ack(&mut t, (tx, room, pos), ws);
                    if col == 0 {
                        t.n[i].mem[r] = Some((pos, ws));
                    }
                    go!(
                        format!("{nm} acknowledges transaction {tx} at room {r} pos {pos}"),
                        t
                    );
                }
                Rep::DupId(ix, true) => {
                    if ix == GONE && c.confirm {
                        t.n[i].pend[j].rep = Rep::Unk;
                        go!(format!("{nm}: duplicate was rolled back, sends again"), t);
                    } else if !c.confirm || ix < s.maj {
                        t.n[i].pend.remove(j);
                        ack(&mut t, (tx, room, pos), ws);
                        if col == 0 {
                            t.n[i].mem[r] = Some((pos, ws));
                        }
                        go!(format!("{nm}: duplicate is mine, acknowledges {tx}"), t);
                    }
                }
                Rep::DupId(_, false) => {
                    // lost the race
                    let mut k = 0;
                    while k < t.n[i].pend.len() {
                        let hit = matches!(t.n[i].pend[k].d, E { col: a, room: x, .. } if a == 0 && x == room);
                        if hit {
                            let q = t.n[i].pend.remove(k);
                            if let E { ws, col, .. } = q.d {
                                refuse(&mut t, c, i, ws, col);
                            }
                        } else {
                            k += 1;
                        }
                    }
                    t.n[i].mem[r] = None;
                    go!(
                        format!(
                            "{nm}: position {pos} of room {r} taken by another, forgets the room"
                        ),
                        t
                    );
                }
                Rep::DupWs(_) => {
                    let mut k = 0;
                    while k < t.n[i].pend.len() {
                        let hit = k == j
                            || matches!(t.n[i].pend[k].d, E { col: a, room: x, .. } if a == 0 && col == 0 && x == room);
                        if hit {
                            let q = t.n[i].pend.remove(k);
                            if let E {
                                ws: w2, col: c2, ..
                            } = q.d
                            {
                                if c.orphan && w2 != ws && w2.0 != ws.0 {
                                    refuse(&mut t, c, i, w2, c2);
                                }
                            }
                        } else {
                            k += 1;
                        }
                    }
                    if nd.slot.as_ref().map(|x| x.w) == Some(ws.0) {
                        t.n[i].slot = None;
                        t.n[i].slotp = None;
                        t.n[i].free.clear();
                    }
                    if col == 0 {
                        t.n[i].mem[r] = None;
                    }
                    go!(
                        format!("{nm}: number {ws:?} is taken, its slot was closed"),
                        t
                    );
                }
                Rep::DupTx(ix) => {
                    if ix == GONE && c.confirm {
                        t.n[i].pend[j].rep = Rep::Unk;
                        go!(
                            format!("{nm}: duplicate transaction was rolled back, sends again"),
                            t
                        );
                    } else if !c.confirm || ix < s.maj {
                        let mut k = 0;
                        while k < t.n[i].pend.len() {
                            let hit = matches!(t.n[i].pend[k].d, E { col: a, room: x, .. } if a == 0 && x == room);
                            if hit {
                                let q = t.n[i].pend.remove(k);
                                if let E { ws, col, .. } = q.d {
                                    refuse(&mut t, c, i, ws, col);
                                }
                            } else {
                                k += 1;
                            }
                        }
                        t.n[i].mem[r] = None;
                        let a = if ix == GONE {
                            (tx, room, 99)
                        } else if let E { pos, .. } = s.log[ix as usize] {
                            (tx, room, pos)
                        } else {
                            (0, 0, 0)
                        };
                        ack(&mut t, a, (0, 0));
                        go!(
                            format!("{nm}: transaction {tx} exists already, returns it"),
                            t
                        );
                    }
                }
                _ => {}
            }
        }
        if c.refused == 2 {
            if let (Some(sl), Some(q)) = (&nd.slot, nd.free.first()) {
                let mut t = s.clone();
                t.n[i].free.remove(0);
                t.n[i].fill.push(((sl.w, *q), 0));
                go!(format!("{nm} gives number {q} up"), t);
            }
        }
        if c.refused == 3 {
            if let Some(f) = nd.fill.first() {
                if !nd
                    .pend
                    .iter()
                    .any(|p| matches!(pos_of(&p.d), Some(x) if x.0 == f.0 .0 && x.1 < f.0 .1))
                {
                    let mut t = s.clone();
                    t.n[i].fill.remove(0);
                    t.log.push(H {
                        w: f.0.0,
                        lw: f.0.1,
                    });
                    go!(
                        format!("{nm}'s heartbeat: all numbers up to {:?} are settled", f.0),
                        t
                    );
                }
            }
        }
        // own fillers
        for (j, f) in nd.fill.iter().enumerate() {
            if c.refused == 3 {
                break;
            }
            let here = s.has_ws(f.1, f.0);
            let mut t = s.clone();
            match here {
                None => {
                    t.log.push(F {
                        col: f.1,
                        ws: f.0,
                        counts: true,
                    });
                    go!(format!("{nm} inserts its own filler {:?}", f.0), t);
                }
                Some(ix) if ix < m => {
                    t.n[i].fill.remove(j);
                    go!(format!("{nm}: number {:?} is settled", f.0), t);
                }
                _ => {}
            }
        }
        // closing
        if s.b.close > 0 && nd.clos.is_none() {
            for w in 1..=s.slots() {
                if let Some(W {
                    ep, st, own, hi, ..
                }) = s.wdoc(w, s.log.len())
                {
                    if *st == 0 || (*own == inc4) {
                        continue;
                    }
                    let mut t = s.clone();
                    t.b.close -= 1;
                    t.log.push(W {
                        w,
                        ep: ep + 1,
                        st: 2,
                        own: inc4,
                        hi: *hi,
                    });
                    t.n[i].clos = Some(Clos {
                        w,
                        ep: ep + 1,
                        hi: *hi,
                        idx: t.log.len() as u8 - 1,
                        stage: 0,
                        done: 0,
                    });
                    go!(
                        format!("{nm} takes slot {w} over to close it (numbers up to {hi})"),
                        t
                    );
                }
            }
        }
        if let Some(cl) = &nd.clos {
            if cl.stage == 0 && (cl.idx < s.maj || !c.rollclose) {
                let mut t = s.clone();
                t.n[i].clos.as_mut().unwrap().stage = 1;
                t.n[i].clos.as_mut().unwrap().idx = 0;
                go!(
                    format!("{nm}'s takeover of slot {} is acknowledged", cl.w),
                    t
                );
            }
            if cl.stage == 1 {
                let mine = matches!(s.wdoc(cl.w, s.log.len()), Some(W { ep, .. }) if *ep == cl.ep);
                if !mine && c.rollclose {
                    let mut t = s.clone();
                    t.n[i].clos = None;
                    go!(format!("{nm} lost the closing of slot {}", cl.w), t);
                }
                let cols = if c.fillmode == 0 { 1 } else { c.cols };
                let mut all = true;
                for q in 1..=cl.hi {
                    for col in 0..cols {
                        let bit = 1u64 << (q as u64 * 2 + col as u64);
                        if cl.done & bit != 0 {
                            continue;
                        }
                        // a number that stands in some collection needs no filler in the others
                        let any = (0..c.cols).any(|cc| matches!(s.has_ws(cc, (cl.w, q)), Some(ix) if ix < m && matches!(s.log[ix], E { .. })));
                        if any {
                            let mut t = s.clone();
                            t.n[i].clos.as_mut().unwrap().done |= bit;
                            all = false;
                            go!(format!("{nm}: number {:?} is an entry", (cl.w, q)), t);
                            break;
                        }
                        // collections in fixed order: the next only when the one before is settled
                        if col > 0 && cl.done & (bit >> 1) == 0 {
                            continue;
                        }
                        all = false;
                        let mut t = s.clone();
                        if !c.fillers {
                            t.n[i].clos.as_mut().unwrap().done |= bit;
                            go!(format!("{nm} skips filler {:?}", (cl.w, q)), t);
                            continue;
                        }
                        match s.has_ws(col, (cl.w, q)) {
                            None => {
                                t.log.push(F {
                                    col,
                                    ws: (cl.w, q),
                                    counts: !c.by_final && (c.fillmode != 2 || col + 1 == cols),
                                });
                                go!(
                                    format!(
                                        "{nm} inserts closing filler {:?} col {col}",
                                        (cl.w, q)
                                    ),
                                    t
                                );
                            }
                            Some(ix) if ix < m || (!c.verify && matches!(s.log[ix], E { .. })) => {
                                t.n[i].clos.as_mut().unwrap().done |= bit;
                                go!(
                                    format!(
                                        "{nm}: closing number {:?} col {col} exists",
                                        (cl.w, q)
                                    ),
                                    t
                                );
                            }
                            _ => {}
                        }
                    }
                }
                if all && mine {
                    let mut t = s.clone();
                    t.log.push(W {
                        w: cl.w,
                        ep: cl.ep,
                        st: 0,
                        own: 0,
                        hi: cl.hi,
                    });
                    t.n[i].clos = None;
                    go!(
                        format!("{nm} publishes slot {} closed at {}", cl.w, cl.hi),
                        t
                    );
                }
            }
        }
    }
    // clients
    if s.b.sync > 0 {
        for k in 0..c.clients {
            for i in 0..c.nodes {
                if s.n[i].alive {
                    let cut = s.cut(c, i);
                    let len = cut.len().max(s.tok[k].len());
                    let mx: Vec<u8> = (0..len)
                        .map(|w| {
                            cut.get(w)
                                .copied()
                                .unwrap_or(0)
                                .max(s.tok[k].get(w).copied().unwrap_or(0))
                        })
                        .collect();
                    let nt = if c.tokmax { mx.clone() } else { cut.clone() };
                    if nt == s.tok[k] {
                        continue;
                    }
                    // the read view of the answer: causal = not older than what this node's cut was made from
                    let ownmax = s.n[i]
                        .own
                        .iter()
                        .filter_map(|ws| s.has_ws(0, *ws).max(s.has_ws(1, *ws)))
                        .map(|x| x + 1)
                        .max()
                        .unwrap_or(0);
                    let lo = if c.causal {
                        (s.n[i].cs as usize).max(ownmax).min(m)
                    } else {
                        0
                    };
                    for v in [lo, m] {
                        if v == m && lo == m && v != lo {
                            continue;
                        }
                        let mut t = s.clone();
                        t.b.sync -= 1;
                        let nt = nt.clone();
                        for d in &s.log[..v] {
                            if let E { ws, h, .. } = d {
                                if St::covered(&mx, *ws) && !St::covered(&s.tok[k], *ws) {
                                    if t.got[k].contains(h) {
                                        t.b.lie = 2;
                                    } else {
                                        t.got[k].push(*h);
                                        t.got[k].sort();
                                    }
                                }
                            }
                        }
                        t.tok[k] = nt;
                        go!(
                            format!(
                                "client {k} syncs at {}: token {:?}",
                                (b'A' + i as u8) as char,
                                t.tok[k]
                            ),
                            t
                        );
                        if lo == m {
                            break;
                        }
                    }
                }
            }
        }
    }
    out
}
fn refuse(t: &mut St, c: &Cfg, i: usize, ws: Ws, col: u8) {
    match c.refused {
        1 => {
            t.n[i].fill.push((ws, col));
            t.n[i].fill.sort();
        }
        2 => {
            if t.n[i].slot.as_ref().map(|x| x.w) == Some(ws.0) {
                t.n[i].free.push(ws.1);
            }
        }
        3 => {
            t.n[i].fill.push((ws, col));
            t.n[i].fill.sort();
        }
        _ => {}
    }
}
fn key(m: &Msg) -> (u8, bool, u64) {
    (m.inc, m.cur, hash(&m.docs))
}
fn hash<T: Hash>(t: &T) -> u64 {
    let mut h = DefaultHasher::new();
    t.hash(&mut h);
    h.finish()
}
fn new_node(c: &Cfg) -> Node {
    Node {
        alive: true,
        inc: 0,
        slot: None,
        slotp: None,
        mem: vec![None; c.rooms as usize],
        pend: vec![],
        fill: vec![],
        free: vec![],
        own: vec![],
        cs: 0,
        skip: (0, 0),
        clos: None,
    }
}
fn init(c: &Cfg) -> St {
    let mut n = vec![];
    for i in 0..c.nodes {
        let mut x = new_node(c);
        x.inc = i as u8;
        n.push(x);
    }
    let mut log = vec![];
    // every node starts with a leased slot (block 1), rooms empty: saves uninteresting prefixes
    for i in 0..c.nodes {
        let w = i as u8 + 1;
        log.push(W {
            w,
            ep: 1,
            st: 1,
            own: i as u8 + 4 * i as u8,
            hi: c.blk,
        });
        n[i].slot = Some(Slot {
            w,
            next: 1,
            hi: c.blk,
        });
    }
    let maj = log.len() as u8;
    for x in n.iter_mut() {
        x.cs = maj;
    }
    St {
        log,
        maj,
        net: vec![],
        n,
        acked: vec![],
        tok: vec![vec![]; c.clients],
        got: vec![vec![]; c.clients],
        b: c.bud.clone(),
        nexth: 0,
        incs: c.nodes as u8 - 1,
    }
}
fn bad(s: &St, c: &Cfg) -> Option<String> {
    if s.b.lie == 1 {
        return Some("an entry was inserted BEHIND a cut that some node or token already has: it is never delivered".into());
    }
    if s.b.lie == 2 {
        return Some("a client received an entry twice".into());
    }
    s.check(c).err()
}
/// Faults stop: every node is alive, the database replicates, dead slots are closed, nothing else arrives late.
/// One fair schedule; afterwards every majority entry must be inside every live node's cut, pending requests done.
fn settle(s: &St, c: &Cfg) -> Option<String> {
    let mut t = s.clone();
    t.b = Bud {
        fo: 0,
        crash: 0,
        close: 8,
        tmo: 0,
        dup: 0,
        num: 0,
        tear: 0,
        sync: 0,
        fresh: 0,
        lie: 0,
    };
    let mut cc = c.clone();
    cc.fast = false;
    cc.clients = 0;
    t.net.retain(|m| m.cur);
    for _ in 0..400 {
        let mut acts = act(&t, &cc);
        // dead or abandoned slots only
        acts.retain(|(l, _)| {
            if l.contains("to close it") {
                let w: u8 = l
                    .split("slot ")
                    .nth(1)
                    .unwrap()
                    .split(' ')
                    .next()
                    .unwrap()
                    .parse()
                    .unwrap();
                match t.wdoc(w, t.log.len()) {
                    Some(W { own, st, .. }) => {
                        *st == 2
                            || !t.n.iter().enumerate().any(|(i, n)| {
                                n.alive
                                    && i as u8 + 4 * n.inc == *own
                                    && (n.slot.is_some() || n.slotp.is_some())
                            })
                    }
                    _ => false,
                }
            } else {
                true
            }
        });
        if acts.is_empty() {
            break;
        }
        let pick = acts
            .iter()
            .position(|(l, _)| l.contains("restarts"))
            .or(acts.iter().position(|(l, _)| !l.contains("to close it")))
            .unwrap_or(0);
        t = acts.swap_remove(pick).1;
        if let Some(e) = bad(&t, &cc) {
            return Some(format!("(while settling) {e}"));
        }
    }
    for i in 0..c.nodes {
        let cut = t.cut(c, i);
        for d in &t.log[..t.maj as usize] {
            if let E { ws, .. } = d {
                if !St::covered(&cut, *ws) {
                    return Some(format!(
                        "FROZEN: faults are over, cut of {} stays {cut:?}, entry {d:?} is never visible; log {:?}",
                        (b'A' + i as u8) as char,
                        t.log
                    ));
                }
            }
        }
        if !t.n[i].pend.is_empty() && c.unk == 0 {
            return Some(format!(
                "STUCK: request pending for ever: {:?}",
                t.n[i].pend
            ));
        }
        if t.n[i].cs as usize != t.log.len() {
            return Some(format!("settling did not finish: {:?}", t.n[i]));
        }
    }
    None
}
fn trace(c: &Cfg, par: &HashMap<u64, (u64, u16)>, mut h: u64) -> Vec<String> {
    let mut idx = vec![];
    let h0 = hash(&init(c));
    while h != h0 {
        let (p, a) = par[&h];
        idx.push(a);
        h = p;
    }
    idx.reverse();
    let mut c2 = c.clone();
    c2.fast = false;
    let mut s = init(c);
    let mut out = vec![];
    for a in idx {
        let mut v = act(&s, &c2);
        let (l, t) = v.swap_remove(a as usize);
        out.push(l);
        s = t;
    }
    out
}
fn bfs(name: &str, c: &Cfg, max: usize) {
    let t0 = std::time::Instant::now();
    let mut c = c.clone();
    c.fast = true;
    let c = &c;
    let s0 = init(c);
    let mut par: HashMap<u64, (u64, u16)> = HashMap::new();
    let h0 = hash(&s0);
    par.insert(h0, (0, 0));
    let mut q = VecDeque::new();
    q.push_back((h0, s0, 0u16));
    let mut depth = 0;
    let mut lived = 0u64;
    while let Some((h, s, d)) = q.pop_front() {
        if d > depth {
            depth = d;
        }
        let mut e = bad(&s, c);
        if e.is_none() && c.chk_live && (h % if par.len() > 200_000 { 64 } else { 4 } == 0) {
            lived += 1;
            e = settle(&s, c);
        }
        if let Some(e) = e {
            println!(
                "[{name}] VIOLATION after {} states, depth {d}, {:.0?}\n  {e}",
                par.len(),
                t0.elapsed()
            );
            for l in trace(c, &par, h) {
                println!("    - {l}");
            }
            return;
        }
        if par.len() >= max {
            continue;
        }
        for (i, (_, t)) in act(&s, c).into_iter().enumerate() {
            let th = hash(&t);
            if !par.contains_key(&th) {
                par.insert(th, (h, i as u16));
                q.push_back((th, t, d + 1));
            }
        }
    }
    println!(
        "[{name}] ok: {} states, depth {depth}, liveness checked from {lived}, {}, {:.0?}",
        par.len(),
        if par.len() >= max {
            "BOUND REACHED (not exhaustive)"
        } else {
            "exhaustive"
        },
        t0.elapsed()
    );
}
struct Rng(u64);
impl Rng {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
    fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }
}
fn walk(name: &str, c: &Cfg, secs: u64, steps: usize, seed: u64) {
    let t0 = std::time::Instant::now();
    let mut r = Rng(seed | 1);
    let mut runs = 0;
    let mut total = 0u64;
    let mut seen = HashSet::new();
    let mut c2 = c.clone();
    c2.fast = true;
    let mut best: Option<(String, Vec<usize>)> = None;
    let mut nviol = 0;
    while t0.elapsed().as_secs() < secs {
        let mut s = init(c);
        let mut tr = vec![];
        runs += 1;
        let cap = best.as_ref().map(|b| b.1.len()).unwrap_or(steps);
        let mut e = None;
        // per run weights: sometimes lag nodes
        let lag = r.below(4);
        for st in 0..cap {
            let mut v = act(&s, &c2);
            if v.is_empty() {
                break;
            }
            let mut a = r.below(v.len());
            if lag > 0 {
                for _ in 0..lag {
                    let b = r.below(v.len());
                    if v[b].1.maj != s.maj || v[b].1.log.len() != s.log.len() {
                        a = b;
                    }
                }
            }
            s = v.swap_remove(a).1;
            tr.push(a);
            total += 1;
            if seen.len() < 20_000_000 {
                seen.insert(hash(&s));
            }
            e = bad(&s, c);
            if e.is_some() {
                break;
            }
            if c.chk_live && st % 16 == 15 {
                e = settle(&s, c);
                if e.is_some() {
                    break;
                }
            }
        }
        if e.is_none() && c.chk_live {
            e = settle(&s, c);
        }
        if let Some(e) = e {
            nviol += 1;
            if best.as_ref().map_or(true, |b| tr.len() < b.1.len()) {
                best = Some((e, tr));
            }
        }
    }
    match best {
        None => println!(
            "[{name}] walk ok: {runs} runs, {total} steps, {} distinct states, {:.0?}",
            seen.len(),
            t0.elapsed()
        ),
        Some((e, tr)) => {
            println!(
                "[{name}] VIOLATION in {nviol} of {runs} walks ({total} steps), shortest {} steps\n  {e}",
                tr.len()
            );
            let mut c3 = c.clone();
            c3.fast = false;
            let mut s = init(c);
            for a in tr {
                let mut v = act(&s, &c3);
                let (l, t) = v.swap_remove(a);
                println!("    - {l}");
                s = t;
            }
        }
    }
}
fn base() -> Cfg {
    Cfg {
        nodes: 2,
        rooms: 2,
        txs: 3,
        blk: 2,
        cols: 1,
        clients: 0,
        bud: Bud {
            fo: 1,
            crash: 1,
            close: 1,
            tmo: 1,
            dup: 0,
            num: 3,
            tear: 0,
            sync: 0,
            fresh: 0,
            lie: 0,
        },
        pred: true,
        own_pred: true,
        maj_read: true,
        confirm: true,
        txidx: true,
        wsidx: true,
        fillers: true,
        fillmode: 0,
        verify: true,
        by_final: false,
        refused: 1,
        tokmax: true,
        same_inc: false,
        chk_live: true,
        unk: 0,
        maj_ack: true,
        rollclose: true,
        fast: false,
        clspub: true,
        causal: true,
        orphan: true,
        chain: true,
    }
}
fn main() {
    let a: Vec<String> = std::env::args().collect();
    // usage: model bfs|walk name=value ... ; max=, secs=, steps=, seed=
    let mut c = base();
    let mut max = 3_000_000;
    let mut secs = 30;
    let mut steps = 150;
    let mut seed = 12345u64;
    for x in &a[2..] {
        let (k, v) = x.split_once('=').unwrap();
        let n: u64 = v.parse().unwrap();
        let b = n != 0;
        let u = n as u8;
        match k {
            "nodes" => c.nodes = n as usize,
            "rooms" => c.rooms = u,
            "txs" => c.txs = u,
            "blk" => c.blk = u,
            "cols" => c.cols = u,
            "clients" => c.clients = n as usize,
            "fo" => c.bud.fo = u,
            "crash" => c.bud.crash = u,
            "close" => c.bud.close = u,
            "tmo" => c.bud.tmo = u,
            "dup" => c.bud.dup = u,
            "num" => c.bud.num = u,
            "tear" => c.bud.tear = u,
            "sync" => c.bud.sync = u,
            "fresh" => c.bud.fresh = u,
            "pred" => c.pred = b,
            "own_pred" => c.own_pred = b,
            "maj_read" => c.maj_read = b,
            "confirm" => c.confirm = b,
            "txidx" => c.txidx = b,
            "wsidx" => c.wsidx = b,
            "fillers" => c.fillers = b,
            "fillmode" => c.fillmode = u,
            "verify" => c.verify = b,
            "by_final" => c.by_final = b,
            "refused" => c.refused = u,
            "tokmax" => c.tokmax = b,
            "same_inc" => c.same_inc = b,
            "live" => c.chk_live = b,
            "unk" => c.unk = u,
            "maj_ack" => c.maj_ack = b,
            "rollclose" => c.rollclose = b,
            "oneatatime" => c.clspub = b,
            "chain" => c.chain = b,
            "causal" => c.causal = b,
            "orphan" => c.orphan = b,
            "max" => max = n as usize,
            "secs" => secs = n,
            "steps" => steps = n as usize,
            "seed" => seed = n,
            _ => panic!("{k}"),
        }
    }
    let name = a[1..].join(" ");
    if a[1] == "bfs" {
        bfs(&name, &c, max)
    } else {
        walk(&name, &c, secs, steps, seed)
    }
}
