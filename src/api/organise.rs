//! Changing conversations: notes, who answers, labels, status, read.

use actix_web::HttpResponse;
use serde::Deserialize;
use serde_json::json;

use super::auth::{Call, CanSend};
use super::conversations;
use super::error::ApiError;
use super::idempotency;
use super::json::{self, Fields};
use super::name::Name;
use crate::actors::request::{NoteRequest, Receipt};
use crate::domain::{AgentId, ConversationId, ConversationStatus, Seq};
use crate::store::directory::Scope;
use crate::store::op::{Organise, OrganiseChange};

/// Characters of a note.
const LONGEST_NOTE: usize = 4_096;
/// Characters of a label.
const LONGEST_LABEL: usize = 64;
/// Labels in one change.
const MOST_LABELS: usize = 50;

/// The text of a private note: not empty, not too long.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct NoteText(String);

impl NoteText {
    /// The text.
    pub(super) fn into_text(self) -> String {
        self.0
    }
}

impl TryFrom<String> for NoteText {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        if text.trim().is_empty() || text.chars().count() > LONGEST_NOTE {
            return Err(format!("must be 1 to {LONGEST_NOTE} characters"));
        }
        Ok(Self(text))
    }
}

/// Labels to add or to remove.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(try_from = "Vec<String>")]
pub(super) struct Labels(Vec<String>);

impl Labels {
    /// The labels.
    pub(super) fn into_texts(self) -> Vec<String> {
        self.0
    }
}

impl TryFrom<Vec<String>> for Labels {
    type Error = String;
    fn try_from(labels: Vec<String>) -> Result<Self, String> {
        let fits = |label: &String| {
            let name = Name::<LONGEST_LABEL>::try_from(label.clone());
            name.is_ok_and(|name| name.into_text() == *label)
        };
        if labels.len() > MOST_LABELS || !labels.iter().all(fits) {
            return Err(format!(
                "must be at most {MOST_LABELS} labels of 1 to {LONGEST_LABEL} characters on one line, some of which \
                 show, without control characters or spaces around them"
            ));
        }
        Ok(Self(labels))
    }
}

/// `POST /v1/conversations/{conversation_id}/notes`
pub(super) async fn note(call: Call<CanSend>) -> Result<HttpResponse, ApiError> {
    let conversation: ConversationId = call.path("conversation_id")?;
    let body = json::read(call.body())?;
    let asked = json!([conversation, body]);
    let mut fields = Fields::read(call.body())?;
    let text = fields.required::<NoteText>("text")?.into_text();
    fields.finish()?;
    call.demand_conversation(conversation).await?;
    let request = NoteRequest {
        conversation,
        author: call.author(),
        text,
        once: idempotency::of(&call, "notes", &asked)?,
    };
    let accepted = call.state().tenants.note(call.tenant(), request).await?;
    Ok(idempotency::answer(
        HttpResponse::Created(),
        accepted.acceptance,
        &json!({ "message_id": accepted.at.message, "conversation_id": accepted.at.conversation }),
    ))
}

/// `POST /v1/conversations/{conversation_id}/assign`
pub(super) async fn assign(call: Call<CanSend>) -> Result<HttpResponse, ApiError> {
    let mut fields = Fields::read(call.body())?;
    let agent = fields.required::<Option<AgentId>>("agent")?;
    fields.finish()?;
    if let Some(agent) = &agent {
        let (state, tenant) = (call.state(), call.tenant());
        state.accounts.demand_present(tenant, agent).await?;
        let id: ConversationId = call.path("conversation_id")?;
        call.demand_conversation(id).await?;
        if let Some(row) = state.store.conversation(tenant, id).await? {
            state
                .accounts
                .demand_assignable(tenant, agent, &row.number)
                .await?;
        }
    }
    change(&call, OrganiseChange::Assign(agent)).await
}

/// `POST /v1/conversations/{conversation_id}/labels`
pub(super) async fn label(call: Call<CanSend>) -> Result<HttpResponse, ApiError> {
    let mut fields = Fields::read(call.body())?;
    let add = fields.optional::<Labels>("add")?.unwrap_or_default().into_texts();
    let remove = fields
        .optional::<Labels>("remove")?
        .unwrap_or_default()
        .into_texts();
    fields.finish()?;
    change(&call, OrganiseChange::Label { add, remove }).await
}

/// `POST /v1/conversations/{conversation_id}/status`
pub(super) async fn status(call: Call<CanSend>) -> Result<HttpResponse, ApiError> {
    let mut fields = Fields::read(call.body())?;
    let status = fields.required::<ConversationStatus>("status")?;
    fields.finish()?;
    change(&call, OrganiseChange::Status(status)).await
}

/// `POST /v1/conversations/{conversation_id}/read`
pub(super) async fn read(call: Call<CanSend>) -> Result<HttpResponse, ApiError> {
    let conversation: ConversationId = call.path("conversation_id")?;
    let mut fields = Fields::read(call.body())?;
    let receipt = fields.optional::<bool>("receipt")?.unwrap_or(false);
    let typing = fields.optional::<bool>("typing")?.unwrap_or(false);
    let seen = fields.optional::<Seq>("last_seen_seq")?;
    fields.finish()?;
    let told = match (receipt, typing) {
        (false, false) => None,
        (true, false) => Some(Receipt::Read),
        // Meta shows typing only together with the blue ticks.
        (_, true) => Some(Receipt::ReadAndTyping),
    };
    let answer = change(&call, OrganiseChange::Read { seen }).await?;
    if let Some(receipt) = told {
        call.state()
            .tenants
            .receipt(call.tenant(), conversation, seen, receipt)
            .await?;
    }
    Ok(answer)
}

/// Commits a change and answers with the conversation as it stands then, or with its id alone where the key may not read.
async fn change(call: &Call<CanSend>, change: OrganiseChange) -> Result<HttpResponse, ApiError> {
    let organise = Organise {
        conversation: call.path("conversation_id")?,
        author: call.author(),
        change,
    };
    let id = organise.conversation;
    call.demand_conversation(id).await?;
    call.state().tenants.organise(call.tenant(), organise).await?;
    if call.may(Scope::Read) {
        conversations::answer(call).await
    } else {
        Ok(HttpResponse::Ok().json(json!({ "conversation_id": id })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_and_notes_have_a_form() {
        let labels = |texts: &[&str]| {
            Labels::try_from(texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>())
        };
        assert_eq!(
            labels(&["vip", "needs invoice", "ü"]).unwrap().into_texts().len(),
            3
        );
        for bad in [
            &[""][..],
            &[" vip"],
            &["a\nb"],
            &["a\u{202e}b"],
            &["\u{200b}"],
            &["x".repeat(65).as_str()],
            &["a"; 51],
        ] {
            assert!(labels(bad).is_err(), "{bad:?}");
        }
        assert!(NoteText::try_from("é".repeat(LONGEST_NOTE)).is_ok());
        for bad in [String::new(), " \n".to_owned(), "x".repeat(LONGEST_NOTE + 1)] {
            assert!(NoteText::try_from(bad).is_err());
        }
    }
}
