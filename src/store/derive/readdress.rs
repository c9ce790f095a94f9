//! A message that waited may have been written to a customer who goes by another name since: it goes to the name of now.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::value::{RawValue, to_raw_value};

use super::identity::follow_links;
use crate::domain::{Alias, Contact, Timestamp};
use crate::store::error::StoreError;
use crate::store::row::{OutboxRow, Rows};

/// What waited for less goes as it was written.
const LONG: Duration = Duration::from_secs(30);

/// Where a request body says whom it is for. Source: Cloud API, Business-scoped user IDs (May 7 2026).
const PHONE: &str = "to";
const BSUID: &str = "recipient";

/// The request body to send now, where it is another than the one that was written.
pub(super) fn readdress(
    rows: &mut dyn Rows,
    row: &OutboxRow,
    now: Timestamp,
) -> Result<Option<Arc<RawValue>>, StoreError> {
    if now.since(row.at.message.timestamp()) < LONG {
        return Ok(None);
    }
    let contact = follow_links(rows, row.contact)?;
    Ok(contact.and_then(|contact| for_names_of(&contact, &row.payload)))
}

fn for_names_of(contact: &Contact, payload: &RawValue) -> Option<Arc<RawValue>> {
    let mut body: BTreeMap<String, Box<RawValue>> = serde_json::from_str(payload.get()).ok()?;
    let text = |key: &str| serde_json::from_str::<String>(body.get(key)?.get()).ok();
    let phone = text(PHONE).and_then(|phone| Alias::phone(&phone));
    let bsuid = text(BSUID).and_then(|bsuid| Alias::bsuid(&bsuid));
    let is_former = |alias: &Alias| contact.went_by_until(alias).is_some();
    let names = contact.aliases();
    if !phone.iter().chain(&bsuid).any(is_former) || names.is_empty() {
        return None;
    }
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
