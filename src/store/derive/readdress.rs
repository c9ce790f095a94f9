//! Whom a message goes to is decided by its claim: what was written under other names than its customer's goes to theirs.
//!
//! The body was written before the commit said who the customer is, and the customer may have moved since, or lost a number to
//! somebody else.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::{RawValue, to_raw_value};

use super::names::follow_links;
use crate::domain::{Alias, Contact};
use crate::store::error::StoreError;
use crate::store::row::Rows;

/// Where a request body says whom it is for. Source: Cloud API, Business-scoped user IDs (May 7 2026).
const PHONE: &str = "to";
const BSUID: &str = "recipient";

/// Whom a body says that it is for.
#[derive(Deserialize)]
struct Addressed<'a> {
    #[serde(borrow)]
    to: Option<Cow<'a, str>>,
    #[serde(borrow)]
    recipient: Option<Cow<'a, str>>,
}

/// The request body to send to a contact, where it is another than the one that was written.
pub(super) fn readdress(
    rows: &mut dyn Rows,
    contact: &Contact,
    payload: &RawValue,
) -> Result<Option<Arc<RawValue>>, StoreError> {
    let Ok(Addressed { to, recipient }) = serde_json::from_str(payload.get()) else {
        return Ok(None);
    };
    // A group has one name.
    if contact.group_id.is_some() || contact.aliases().is_empty() {
        return Ok(None);
    }
    let phone = to.and_then(|phone| Alias::phone(&phone));
    let bsuid = recipient.and_then(|bsuid| Alias::bsuid(&bsuid));
    for alias in [phone, bsuid].into_iter().flatten() {
        if !may_be_theirs(rows, contact, &alias)? {
            return Ok(with_names_of(contact, payload));
        }
    }
    Ok(None)
}

/// Whether a contact can be written to under a name: it goes by it, or nobody is known to.
fn may_be_theirs(rows: &mut dyn Rows, contact: &Contact, alias: &Alias) -> Result<bool, StoreError> {
    if contact.goes_by(alias) {
        return Ok(true);
    }
    if contact.went_by_until(alias).is_some() {
        return Ok(false);
    }
    for form in alias.forms() {
        let first = rows.alias(&form)?;
        let owner = first
            .map(|first| follow_links(rows, first))
            .transpose()?
            .flatten();
        if owner.is_some_and(|owner| owner.id != contact.id) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn with_names_of(contact: &Contact, payload: &RawValue) -> Option<Arc<RawValue>> {
    let mut body: BTreeMap<String, Box<RawValue>> = serde_json::from_str(payload.get()).ok()?;
    let names = contact.reach();
    body.remove(PHONE);
    body.remove(BSUID);
    if let Some(phone) = &names.phone {
        body.insert(PHONE.to_owned(), to_raw_value(&format!("+{}", phone.value)).ok()?);
    }
    if let Some(bsuid) = names.bsuid.as_ref().or(names.parent_bsuid.as_ref()) {
        body.insert(BSUID.to_owned(), to_raw_value(&bsuid.value).ok()?);
    }
    to_raw_value(&body).ok().map(Arc::from)
}
