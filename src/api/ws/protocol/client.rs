//! Frames from clients, read strictly.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::super::tickets::Pass;
use crate::actors::feed::{Presence, Typing};
use crate::actors::request::{Attendance, NoteRequest, Receipt, SubmitRequest};
use crate::api::error::ApiError;
use crate::api::idempotency;
use crate::api::json::{self, Fields, hint};
use crate::api::organise::{Labels, NoteText};
use crate::api::outgoing::{Outgoing, audience, destination};
use crate::domain::{
    AgentId, Author, ClientMessageId, ConversationId, ConversationStatus, Epoch, Priority, Seq, UnknownPolicy,
};
use crate::store::TenantHead;
use crate::store::directory::Scope;
use crate::store::op::{Organise, OrganiseChange};
use crate::telemetry::labels::Code;

/// Characters of a client's `ref`.
const LONGEST_REF: usize = 64;

/// Declares the kinds of frames, so that each has one name.
macro_rules! kinds {
    ($($variant:ident = $name:literal,)+) => {
        /// What a frame is.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(in super::super) enum Kind { $($variant),+ }

        impl Kind {
            const NAMES: &[&str] = &[$($name),+];

            fn named(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$variant),)+
                    _ => None,
                }
            }

            /// The name, for metrics.
            pub(in super::super) const fn label(self) -> Code {
                match self { $(Self::$variant => Code($name)),+ }
            }
        }
    };
}

kinds! {
    Hello = "hello",
    Ack = "ack",
    Send = "send",
    Note = "note",
    Typing = "typing",
    Viewing = "viewing",
    Presence = "presence",
    Read = "read",
    Assign = "assign",
    Label = "label",
    Status = "status",
    Ping = "ping",
}

impl Kind {
    /// What the key that let the client in has to allow.
    const fn needs(self) -> &'static [Scope] {
        match self {
            Self::Send | Self::Note | Self::Read | Self::Assign | Self::Label | Self::Status => {
                &[Scope::Send]
            }
            Self::Hello => &[Scope::Read],
            Self::Ack | Self::Typing | Self::Viewing | Self::Presence | Self::Ping => &[],
        }
    }
}

/// How the client will know the answer again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in super::super) struct Answered {
    /// Whatever the client wrote into `ref`.
    pub(in super::super) reference: Option<String>,
    /// The id of the message that it sends.
    pub(in super::super) client_msg_id: Option<ClientMessageId>,
}

impl Answered {
    /// What the fields say of it, as far as that can be used.
    fn named_in(fields: &Fields) -> Self {
        let text = |name| fields.peek(name).and_then(Value::as_str);
        Self::of(text("ref"), text("client_msg_id"))
    }

    /// The same of a frame that was not read.
    fn glimpsed(frame: &[u8]) -> Self {
        #[derive(Deserialize)]
        struct Glimpse<'a> {
            #[serde(borrow, rename = "ref")]
            reference: Option<Cow<'a, str>>,
            #[serde(borrow)]
            client_msg_id: Option<Cow<'a, str>>,
        }
        serde_json::from_slice::<Glimpse<'_>>(frame)
            .map(|seen| Self::of(seen.reference.as_deref(), seen.client_msg_id.as_deref()))
            .unwrap_or_default()
    }

    fn of(reference: Option<&str>, client_msg_id: Option<&str>) -> Self {
        Self {
            reference: reference.filter(|text| is_reference(text)).map(str::to_owned),
            client_msg_id: client_msg_id.and_then(|id| ClientMessageId::parse(id).ok()),
        }
    }
}

fn is_reference(text: &str) -> bool {
    text.chars().count() <= LONGEST_REF
}

/// What a frame asks of the core.
#[derive(Debug, Clone)]
pub(in super::super) enum Command {
    /// Send a message to a customer.
    Submit(Box<SubmitRequest>),
    /// Leave a note.
    Note(NoteRequest),
    /// Change a conversation.
    Organise(Organise),
    /// Everything was read; perhaps the customer is told.
    Read(Organise, Option<Receipt>),
    /// Show something of the agent.
    Attend(Attendance),
}

/// A frame that was understood.
#[derive(Debug, Clone)]
pub(in super::super) enum ClientFrame {
    /// The first one, with where the client stands.
    Hello(Option<TenantHead>),
    /// Everything up to here is applied.
    Ack(Seq),
    /// The client wants to hear something.
    Ping(Answered),
    /// Something to do.
    Ask(Answered, Command),
}

/// A frame that was not.
#[derive(Debug)]
pub(in super::super) enum BadFrame {
    /// No JSON object with a `type`: whatever speaks there is no client of ours.
    Garbage,
    /// A slip that the client is told about.
    Refused(Answered, ApiError),
}

/// A frame and what it is, if that much was understood.
pub(in super::super) type Understood = (Option<Kind>, Result<ClientFrame, BadFrame>);

/// Reads a text frame of an agent.
pub(in super::super) fn read(text: &[u8], who: &Pass) -> Understood {
    let garbage = (None, Err(BadFrame::Garbage));
    let members = match json::read(text) {
        Ok(Value::Object(members)) => members,
        Ok(_) => return garbage,
        Err(error) => {
            // A frame that is JSON, but too deep or too long for us, is a slip; anything else is garbage.
            let is_json = serde_json::from_slice::<&serde_json::value::RawValue>(text).is_ok();
            return if is_json {
                (None, Err(BadFrame::Refused(Answered::glimpsed(text), error)))
            } else {
                garbage
            };
        }
    };
    let mut fields = Fields::of(members);
    let Ok(name) = fields.required::<String>("type") else {
        return garbage;
    };
    // Whatever else is wrong, the client has to know which of its frames is meant.
    let mut answered = Answered::named_in(&fields);
    let kind = Kind::named(&name);
    let frame = match kind {
        Some(kind) => frame(kind, fields, who, &mut answered),
        None => Err(ApiError::invalid(hint("type", &name, Kind::NAMES))),
    };
    (kind, frame.map_err(|error| BadFrame::Refused(answered, error)))
}

fn frame(
    kind: Kind,
    mut fields: Fields,
    who: &Pass,
    answered: &mut Answered,
) -> Result<ClientFrame, ApiError> {
    let reference = fields.optional::<String>("ref")?;
    if reference
        .as_ref()
        .is_some_and(|reference| !is_reference(reference))
    {
        return Err(ApiError::invalid(format!(
            "`ref` must be at most {LONGEST_REF} characters"
        )));
    }
    answered.reference = reference;
    who.key.demand(kind.needs())?;
    if matches!(kind, Kind::Send | Kind::Note) {
        answered.client_msg_id = Some(fields.required("client_msg_id")?);
    }
    let command = match kind {
        Kind::Hello => {
            let (epoch, seq) = (fields.optional::<Epoch>("epoch")?, fields.optional::<Seq>("seq")?);
            fields.finish()?;
            // Starting such a client at the head would skip, without a word, what it wanted to have.
            let at = match (epoch, seq) {
                (Some(epoch), Some(head)) => Some(TenantHead { epoch, head }),
                (None, None) => None,
                (None, Some(_)) => {
                    return Err(ApiError::invalid(
                        "`epoch` is missing: a `seq` counts within its epoch",
                    ));
                }
                (Some(_), None) => {
                    return Err(ApiError::invalid(
                        "`seq` is missing: an `epoch` alone is no position",
                    ));
                }
            };
            return Ok(ClientFrame::Hello(at));
        }
        Kind::Ack => {
            let seq = fields.required("seq")?;
            fields.finish()?;
            return Ok(ClientFrame::Ack(seq));
        }
        Kind::Ping => {
            fields.finish()?;
            return Ok(ClientFrame::Ping(answered.clone()));
        }
        Kind::Send => return submit(fields, who, answered),
        Kind::Note => {
            let conversation: ConversationId = fields.required("conversation_id")?;
            let text = fields.required::<NoteText>("text")?.into_text();
            let once = named(who, "note", answered, &json!([conversation, text]));
            let author = author(who);
            Command::Note(NoteRequest {
                conversation,
                author,
                text,
                once,
            })
        }
        Kind::Typing => {
            let conversation = fields.required("conversation_id")?;
            let typing = if fields.required::<bool>("on")? {
                Typing::Began
            } else {
                Typing::Stopped
            };
            Command::Attend(Attendance::Typing(conversation, typing))
        }
        Kind::Viewing => Command::Attend(Attendance::Viewing(fields.required("conversation_id")?)),
        Kind::Presence => Command::Attend(Attendance::Presence(fields.required::<Presence>("state")?)),
        Kind::Read => {
            let seen = fields.optional::<Seq>("last_seen_seq")?;
            let organise = change(&mut fields, who, OrganiseChange::Read { seen })?;
            let receipt = fields.optional::<bool>("receipt")?.unwrap_or(false);
            // Meta shows typing only together with the blue ticks.
            let typing = fields.optional::<bool>("typing")?.unwrap_or(false);
            let told = (receipt || typing).then_some(if typing {
                Receipt::ReadAndTyping
            } else {
                Receipt::Read
            });
            Command::Read(organise, told)
        }
        Kind::Assign => {
            let agent = fields.required::<Option<AgentId>>("agent")?;
            Command::Organise(change(&mut fields, who, OrganiseChange::Assign(agent))?)
        }
        Kind::Label => {
            let add = fields.optional::<Labels>("add")?.unwrap_or_default().into_texts();
            let remove = fields
                .optional::<Labels>("remove")?
                .unwrap_or_default()
                .into_texts();
            Command::Organise(change(&mut fields, who, OrganiseChange::Label { add, remove })?)
        }
        Kind::Status => {
            let status = fields.required::<ConversationStatus>("status")?;
            Command::Organise(change(&mut fields, who, OrganiseChange::Status(status))?)
        }
    };
    fields.finish()?;
    Ok(ClientFrame::Ask(answered.clone(), command))
}

fn submit(mut fields: Fields, who: &Pass, answered: &Answered) -> Result<ClientFrame, ApiError> {
    let place: Vec<Value> = ["conversation_id", "number", "to", "recipient"]
        .into_iter()
        .map(|name| fields.peek(name).cloned().unwrap_or_default())
        .collect();
    let audience = audience(
        fields
            .peek("message")
            .and_then(|message| message.get("recipient_type")),
    );
    let to = destination(&mut fields, audience)?;
    let unless_after = fields.optional::<Seq>("last_seen_seq")?;
    let on_unknown = fields.optional::<UnknownPolicy>("on_unknown")?;
    let message = fields.required::<Map<String, Value>>("message")?;
    fields.finish()?;
    // A client that repeats a message may have seen more since: that makes it no other message.
    let once = named(who, "send", answered, &json!([place, message]));
    let message = Outgoing::read(Fields::of(message))?;
    let purpose = message.purpose(Priority::Interactive);
    let request = SubmitRequest {
        to,
        author: author(who),
        content: message.content,
        class: message.class,
        purpose,
        priority: Priority::Interactive,
        send_at: None,
        valid_for: None,
        on_unknown,
        once,
        unless_after,
        client_msg_id: answered.client_msg_id.clone(),
        callback_data: message.callback_data,
        most_waiting: None,
    };
    Ok(ClientFrame::Ask(
        answered.clone(),
        Command::Submit(Box::new(request)),
    ))
}

fn change(fields: &mut Fields, who: &Pass, change: OrganiseChange) -> Result<Organise, ApiError> {
    Ok(Organise {
        conversation: fields.required("conversation_id")?,
        author: author(who),
        change,
    })
}

fn author(who: &Pass) -> Author {
    Author::Agent {
        id: who.agent.clone(),
    }
}

/// A client's ids count within its agent, so that two agents may use the same.
fn named(who: &Pass, what: &str, answered: &Answered, asked: &Value) -> Option<crate::store::op::Once> {
    let id = answered.client_msg_id.as_ref()?;
    let route = format!("ws {what} {}", who.agent);
    Some(idempotency::name(who.tenant, &route, id.as_str(), asked))
}
