//! Contacts that may be one customer, for somebody to merge.
//!
//! Few contacts a call, and for each a few that stand under the same terms: never all of a tenant's.

use std::collections::BTreeSet;

use actix_web::HttpResponse;
use serde::Serialize;

use super::super::auth::{Call, CanRead};
use super::super::error::ApiError;
use super::place::List;
use crate::domain::contact_terms::fold;
use crate::domain::{Contact, NumberLimit, Term, TermKey, TermPlace};
use crate::store::ListOrder;

/// Contacts that one call looks at.
const LOOKED_AT: usize = 25;
/// Contacts that each is compared with.
const COMPARED: usize = 40;
/// Digits at the end of a phone that two numbers of one line have in common, however they are written.
const DIGITS: usize = 7;
/// Attributes that hold an e-mail address, as businesses call them.
const EMAILS: [&str; 4] = ["email", "e_mail", "mail", "email_address"];

/// Why two may be one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Why {
    /// Their phones end alike, and nothing says that they are called otherwise.
    Phone,
    /// They have the same e-mail address.
    Email,
}

#[derive(Serialize)]
struct Proposal {
    contacts: [Contact; 2],
    why: Why,
}

/// `GET /v1/contacts/duplicates`
pub(in crate::api) async fn list(call: Call<CanRead>) -> Result<HttpResponse, ApiError> {
    #[derive(Serialize)]
    struct Answer {
        proposals: Vec<Proposal>,
        next_cursor: Option<String>,
    }
    let mut params = call.params()?;
    let cursor = params.take::<String>("cursor", "a text")?;
    params.finish()?;
    if *call.limit() != NumberLimit::All {
        // One of two may be out of sight.
        return Ok(HttpResponse::Ok().json(Answer {
            proposals: Vec::new(),
            next_cursor: None,
        }));
    }
    let (store, tenant) = (call.state().store.as_ref(), call.tenant());
    let list = List {
        tenant,
        asked: "duplicates",
    };
    let after = cursor.map(|text| list.read(&text)).transpose()?;
    let key = TermKey::of(tenant);
    let order = ListOrder::Ascending;
    let page = store
        .page_term(tenant, key.all(), after, order, LOOKED_AT)
        .await?;
    let next = page
        .items
        .last()
        .filter(|_| page.more)
        .map(|place| list.write(place));
    let ids = page.items.iter().map(|place| place.contact).collect();
    let mut proposals = Vec::new();
    for contact in store.contacts(tenant, ids).await?.into_iter().flatten() {
        let mut met = BTreeSet::new();
        for (term, why) in terms(key, &contact) {
            let page = store.page_term(tenant, term, None, order, COMPARED).await?;
            // Each pair once: with those that were there before.
            let earlier = page
                .items
                .into_iter()
                .filter(|place| *place < TermPlace::by_age(&contact));
            let ids = earlier
                .map(|place| place.contact)
                .filter(|id| met.insert(*id))
                .collect();
            for other in store.contacts(tenant, ids).await?.into_iter().flatten() {
                if other.shown_under() == other.id && may_be_one(&contact, &other, why) {
                    proposals.push(Proposal {
                        contacts: [other.shown(), contact.clone().shown()],
                        why,
                    });
                }
            }
        }
    }
    Ok(HttpResponse::Ok().json(Answer {
        proposals,
        next_cursor: next,
    }))
}

/// Under what those stand who may be the same customer.
fn terms(key: TermKey, contact: &Contact) -> Vec<(Term, Why)> {
    let emails = contact
        .attributes
        .iter()
        .filter(|(name, _)| EMAILS.contains(&name.as_str()));
    let emails = emails.map(|(name, value)| (key.attribute(name, value), Why::Email));
    let phones = contact.phones().filter_map(end);
    emails
        .chain(phones.map(|end| (key.digits(end), Why::Phone)))
        .collect()
}

/// The end of a phone.
fn end(phone: &str) -> Option<&str> {
    phone.get(phone.len().checked_sub(DIGITS)?..)
}

/// Digests may meet, and terms tell four digits alone: the rows decide.
fn may_be_one(one: &Contact, other: &Contact, why: Why) -> bool {
    match why {
        Why::Email => EMAILS.iter().any(|name| {
            let of = |contact: &Contact| {
                let found = contact.attributes.iter().find(|(key, _)| key.as_str() == *name);
                found.map(|(_, value)| fold(&serde_json::json!(value).to_string()))
            };
            of(one).is_some_and(|email| of(other) == Some(email))
        }),
        Why::Phone => {
            let ends: BTreeSet<_> = one.phones().filter_map(end).collect();
            let alike = other.phones().filter_map(end).any(|end| ends.contains(end));
            let name = |contact: &Contact| contact.shown_name().map(fold);
            let called_otherwise =
                matches!((name(one), name(other)), (Some(one), Some(other)) if one != other);
            alike && !called_otherwise
        }
    }
}
