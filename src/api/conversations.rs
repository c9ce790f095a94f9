//! Reading conversations and what was said in them.

use actix_web::HttpResponse;
use futures_util::future::try_join_all;
use serde::Serialize;

use super::auth::{Call, CanRead, Need};
use super::cursor;
use super::error::ApiError;
use super::state::ApiState;
use crate::actors::request::{Missing, Refusal};
use crate::domain::{
    Contact, Conversation, ConversationId, Epoch, Message, MessageId, NumberLimit, PhoneNumberId, Seq,
    TenantId,
};
use crate::store::{ConversationCursor, ConversationFilter};

const USUAL: usize = 50;
const MOST: usize = 100;
/// Pages that are read for one of a limited caller, who may see few of their rows.
const READS: usize = 10;
const NO_SUCH: Refusal = Refusal::NotFound(Missing::Conversation);

/// A conversation as the API shows it.
#[derive(Debug, Serialize)]
pub(super) struct WithContact {
    #[serde(flatten)]
    conversation: Conversation,
    contact: Option<Contact>,
}

impl WithContact {
    /// Looks one conversation up.
    pub(super) async fn read(
        state: &ApiState,
        tenant: TenantId,
        id: ConversationId,
    ) -> Result<Self, ApiError> {
        let found = state.store.conversation(tenant, id).await?;
        Self::of(state, tenant, found.ok_or(NO_SUCH)?).await
    }

    async fn of(state: &ApiState, tenant: TenantId, conversation: Conversation) -> Result<Self, ApiError> {
        let mut contact = state.store.contact(tenant, conversation.contact_id).await?;
        // What is noted of a customer who was merged stands on the card that stays.
        if let Some(main) = contact.as_ref().and_then(|row| row.merged_into)
            && let Some(card) = state.store.contact(tenant, main).await?
        {
            contact = contact.map(|row| row.shown_as(&card));
        }
        Ok(Self {
            conversation,
            contact: contact.map(Contact::shown),
        })
    }
}

/// `GET /v1/conversations`
pub(super) async fn list(call: Call<CanRead>) -> Result<HttpResponse, ApiError> {
    #[derive(Serialize)]
    struct Answer {
        conversations: Vec<WithContact>,
        next_cursor: Option<String>,
        epoch: Epoch,
        as_of_seq: Seq,
    }
    let mut params = call.params()?;
    let limit = params.limit(USUAL, MOST)?;
    let filter = ConversationFilter {
        status: params.word("status", "`open`, `pending` or `resolved`")?,
        number: params.take::<PhoneNumberId>("number", "a phone_number_id")?,
    };
    let after = params.take::<String>("cursor", "a text")?;
    params.finish()?;
    let (state, tenant) = (call.state(), call.tenant());
    let after = after
        .map(|text| cursor::read(tenant, &filter, &text))
        .transpose()?;
    // Before the rows: what is committed while they are read is in the events after this position.
    let head = state.tenants.head(tenant).await?;
    let (items, next) = page(&call, &filter, after, limit).await?;
    let next_cursor = next.map(|place| cursor::write(tenant, &filter, place));
    let rows = items.into_iter().map(|row| WithContact::of(state, tenant, row));
    Ok(HttpResponse::Ok().json(Answer {
        conversations: try_join_all(rows).await?,
        next_cursor,
        epoch: head.epoch,
        as_of_seq: head.head,
    }))
}

/// A page of those that the caller may see. Of a limited caller's it may be short, or empty, although there are more.
async fn page(
    call: &Call<CanRead>,
    filter: &ConversationFilter,
    mut after: Option<ConversationCursor>,
    limit: usize,
) -> Result<(Vec<Conversation>, Option<ConversationCursor>), ApiError> {
    let (store, tenant) = (&call.state().store, call.tenant());
    let mut items = Vec::new();
    for _ in 0..READS {
        let page = store.page_conversations(tenant, filter.clone(), after, limit.saturating_sub(items.len()));
        let page = page.await?;
        let seen = page
            .items
            .into_iter()
            .filter(|row| call.limit().admits(&row.number));
        items.extend(seen);
        after = page.next;
        if *call.limit() == NumberLimit::All || after.is_none() || items.len() >= limit {
            break;
        }
    }
    Ok((items, after))
}

/// `GET /v1/conversations/{conversation_id}`
pub(super) async fn show(call: Call<CanRead>) -> Result<HttpResponse, ApiError> {
    call.params()?.finish()?;
    answer(&call).await
}

/// The conversation that the path names, as it stands now.
pub(super) async fn answer<N: Need>(call: &Call<N>) -> Result<HttpResponse, ApiError> {
    let id = call.path("conversation_id")?;
    call.demand_conversation(id).await?;
    Ok(HttpResponse::Ok().json(WithContact::read(call.state(), call.tenant(), id).await?))
}

/// `GET /v1/conversations/{conversation_id}/messages`
pub(super) async fn messages(call: Call<CanRead>) -> Result<HttpResponse, ApiError> {
    #[derive(Serialize)]
    struct Answer {
        messages: Vec<Message>,
        next_cursor: Option<MessageId>,
        epoch: Epoch,
        as_of_seq: Seq,
    }
    let id: ConversationId = call.path("conversation_id")?;
    let mut params = call.params()?;
    let limit = params.limit(USUAL, MOST)?;
    let before = params.take::<MessageId>("before", "a message_id")?;
    params.finish()?;
    let (state, tenant) = (call.state(), call.tenant());
    let head = state.tenants.head(tenant).await?;
    let found = state.store.conversation(tenant, id).await?;
    let seen = found.filter(|row| call.limit().admits(&row.number));
    seen.ok_or(NO_SUCH)?;
    let now = state.clock.now();
    let page = state.store.page_messages(tenant, id, before, limit, now).await?;
    Ok(HttpResponse::Ok().json(Answer {
        next_cursor: page.items.last().filter(|_| page.more).map(|last| last.id),
        messages: page.items,
        epoch: head.epoch,
        as_of_seq: head.head,
    }))
}
