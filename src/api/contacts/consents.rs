//! What customers agreed to, as the business records it, and what they said themselves.

use actix_web::HttpResponse;
use serde::Serialize;

use super::super::auth::{Call, CanRead, CanSend, Need};
use super::super::error::{ApiError, ErrorCode};
use super::super::json::Fields;
use super::{answer, commit, everyone, found};
use crate::domain::{Consent, ConsentPurpose, ConsentSource, ConsentState, ContactChange};
use crate::store::op::Whom;
use crate::store::plain::PlainTable;
use crate::store::tables::{ConsentRecord, Proof};

/// Records that are shown of one customer.
const SHOWN: usize = 500;

fn table<N: Need>(call: &Call<N>) -> PlainTable<'_, ConsentRecord> {
    let state = call.state();
    PlainTable::of(state.store.as_ref(), state.clock.now())
}

/// `PUT /v1/contacts/{contact_id}/consents/{purpose}`
pub(in crate::api) async fn put(call: Call<CanSend>) -> Result<HttpResponse, ApiError> {
    let contact = found(&call).await?;
    let purpose: ConsentPurpose = call.path::<String>("purpose")?.parse().map_err(|rule| {
        let why = format!("the purpose in the path must be {rule}");
        ApiError::because(ErrorCode::InvalidRequest, why)
    })?;
    let mut fields = Fields::read(call.body())?;
    let record = ConsentRecord {
        purpose: purpose.clone(),
        state: fields.required::<ConsentState>("state")?,
        at: call.state().clock.now(),
        source: fields.required::<ConsentSource>("source")?,
        proof: fields.optional::<Proof>("proof")?,
        by: Some(call.author()),
    };
    fields.finish()?;
    let twin = call.state().fresh::<8>()?;
    let key = ConsentRecord::at(call.tenant(), contact.id, record.at, twin);
    // The proof first: nothing is held to what nobody can prove.
    if !table(&call).replace(&key, None, Some(&record)).await? {
        return Err(ApiError::new(ErrorCode::Busy));
    }
    let consent = Consent {
        state: record.state,
        at: record.at,
        source: record.source,
    };
    let change = ContactChange::Consent(purpose, consent);
    match commit(&call, Whom::Known(contact.id), vec![change]).await {
        Ok(id) => answer(&call, id, HttpResponse::Ok()).await,
        Err(error) => {
            // What may have been done keeps its record.
            if error.code() != ErrorCode::Uncertain {
                table(&call).remove(key).await?;
            }
            Err(error)
        }
    }
}

/// `GET /v1/contacts/{contact_id}/consents`: what was recorded, and what the customer or Meta said of marketing, newest first.
pub(in crate::api) async fn list(call: Call<CanRead>) -> Result<HttpResponse, ApiError> {
    #[derive(Serialize)]
    struct Answer {
        consents: Vec<ConsentRecord>,
    }
    call.params()?.finish()?;
    let contact = found(&call).await?;
    let mut consents = Vec::new();
    for row in everyone(&call, &contact).await? {
        let of = ConsentRecord::of(call.tenant(), row.id);
        let page = table(&call).page(of, None, SHOWN).await?;
        consents.extend(page.items.into_iter().map(|found| found.row));
        // Those of linked contacts stand with the one to which they lead, too.
        let own = row.wishes.iter().filter(|_| row.linked_to.is_none());
        consents.extend(own.map(|wish| ConsentRecord {
            purpose: ConsentPurpose::marketing(),
            state: wish.state,
            at: wish.at,
            source: wish.source.clone(),
            proof: None,
            by: None,
        }));
    }
    consents.sort_by_key(|record| std::cmp::Reverse(record.at));
    consents.truncate(SHOWN);
    Ok(HttpResponse::Ok().json(Answer { consents }))
}
