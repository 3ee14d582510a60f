//! The events of a room as they are made.

use std::{collections::HashMap, sync::Arc};

use gantry_model::{
    Object, Pdu, PduDraft, RoomVersionRules, SeededRng, ServerSigningKey,
    hash::set_content_hash,
    id::{OwnedRoomId, OwnedServerName, OwnedUserId, RoomId, ServerName, UserId},
    pdu::Reference,
    rng::Rng,
};
use gantry_state_res::{EventSource, MemoryRoom, StateMap, auth::auth_types};

use crate::{Cast, Params, Signing};

/// The beginning of time: 2024-01-01.
const FIRST_TS: i64 = 1_704_067_200_000;

/// A place in the room from which it goes on.
#[derive(Debug, Clone, Default)]
pub struct Branch {
    /// The state.
    pub state: StateMap,
    /// The events to which the next one refers.
    pub tips: Vec<Reference>,
    /// The depth of the deepest of them.
    pub depth: i64,
}

/// A room in the making. Every event is put on a branch; its previous events, auth events, depth
/// and time follow from there.
#[derive(Debug)]
pub struct World {
    rules: &'static RoomVersionRules,
    cast: Cast,
    signing: Signing,
    rng: SeededRng,
    now: i64,
    room_id: Option<OwnedRoomId>,
    memory: MemoryRoom,
    references: Vec<Reference>,
    keys: HashMap<OwnedServerName, ServerSigningKey>,
    pdus: Vec<Arc<Pdu>>,
}

impl World {
    /// A room without events.
    pub fn new(params: &Params) -> Self {
        let rules = params.version.rules();
        let cast = Cast::new(params);
        let room_id = (!rules.room_id_is_create_hash).then(|| {
            let text = format!("!room{}:{}", params.seed, cast.server(0));
            RoomId::parse(text).expect("numbers make valid room ids")
        });
        Self {
            rules,
            cast,
            signing: params.signing,
            rng: SeededRng::new(params.seed),
            now: FIRST_TS,
            room_id,
            memory: MemoryRoom::new(),
            references: Vec::new(),
            keys: HashMap::new(),
            pdus: Vec::new(),
        }
    }

    /// The rules of the room version.
    pub fn rules(&self) -> &'static RoomVersionRules {
        self.rules
    }

    /// Who takes part.
    pub fn cast(&self) -> Cast {
        self.cast
    }

    /// The state events so far.
    pub fn memory(&self) -> &MemoryRoom {
        &self.memory
    }

    /// A number below `end`, by chance.
    pub fn below(&self, end: usize) -> usize {
        (self.rng.next_u64() % end.max(1) as u64) as usize
    }

    /// All events in the order of their making, and the state events numbered.
    pub fn into_parts(self) -> (Vec<Arc<Pdu>>, MemoryRoom) {
        (self.pdus, self.memory)
    }

    /// Puts a state event on a branch.
    pub fn send_state(
        &mut self,
        branch: &mut Branch,
        sender: &UserId,
        (kind, state_key): (&str, &str),
        content: Object,
    ) -> Arc<Pdu> {
        let draft = self.draft(branch, sender, (kind, Some(state_key)), content);
        let pdu = self.finish(branch, &draft);
        let numbered = self.memory.push(Arc::clone(&pdu));
        let rn = numbered.expect("auth events come from the same room");
        self.references.push(Reference::to(&pdu));
        if let Some(event) = self.memory.event(rn) {
            branch.state.insert(event.skid, rn);
        }
        pdu
    }

    /// Puts a message on a branch.
    pub fn send_message(&mut self, branch: &mut Branch, sender: &UserId, body: &str) -> Arc<Pdu> {
        let content = Object::from([
            ("body".to_owned(), body.into()),
            ("msgtype".to_owned(), "m.text".into()),
        ]);
        let draft = self.draft(branch, sender, ("m.room.message", None), content);
        self.finish(branch, &draft)
    }

    fn draft(
        &mut self,
        branch: &Branch,
        sender: &UserId,
        (kind, state_key): (&str, Option<&str>),
        content: Object,
    ) -> PduDraft {
        self.now += 1 + self.below(1000) as i64;
        PduDraft {
            room_id: self.room_id.clone(),
            sender: sender.to_owned(),
            kind: kind.to_owned(),
            state_key: state_key.map(str::to_owned),
            auth_events: self.auth_events(branch, sender, (kind, state_key), &content),
            content,
            redacts: None,
            prev_events: branch.tips.clone(),
            depth: branch.depth + 1,
            origin_server_ts: self.now,
            id_localpart: self.rng.alphanumeric(18),
        }
    }

    fn auth_events(
        &self,
        branch: &Branch,
        sender: &UserId,
        (kind, state_key): (&str, Option<&str>),
        content: &Object,
    ) -> Vec<Reference> {
        auth_types(kind, sender, state_key, content, self.rules)
            .iter()
            .filter_map(|(kind, key)| branch.state.get(&self.memory.skid(kind, key)?))
            .map(|rn| self.references[*rn as usize].clone())
            .collect()
    }

    fn finish(&mut self, branch: &mut Branch, draft: &PduDraft) -> Arc<Pdu> {
        let pdu = Arc::new(self.seal(draft));
        if self.room_id.is_none() {
            self.room_id = Some(pdu.room_id().to_owned());
        }
        branch.tips = vec![Reference::to(&pdu)];
        branch.depth = pdu.depth();
        self.pdus.push(Arc::clone(&pdu));
        pdu
    }

    fn seal(&mut self, draft: &PduDraft) -> Pdu {
        let server = draft.sender.server_name().to_owned();
        if self.signing == Signing::Unsigned {
            let mut object = draft.to_object(&server, self.rules);
            set_content_hash(&mut object);
            return Pdu::parse(object, self.rules.version).expect("drafts are valid");
        }
        let key = self.key(&server);
        let pdu = draft.sign(&server, &key, self.rules);
        let mut pdu = pdu.expect("drafts are valid");
        for other in pdu.required_signers() {
            if other != server {
                pdu = pdu.signed_by(&other, &self.key(&other));
            }
        }
        pdu
    }

    fn key(&mut self, server: &ServerName) -> ServerSigningKey {
        let cast = self.cast;
        let key = self.keys.entry(server.to_owned());
        key.or_insert_with(|| cast.key(server)).clone()
    }

    /// A user of the cast.
    pub fn user(&self, number: usize) -> OwnedUserId {
        self.cast.user(number)
    }
}
