//! Contacts as a file: read step by step, as fast as the client takes it.

use std::collections::BTreeMap;
use std::sync::Arc;

use actix_web::HttpResponse;
use bytes::Bytes;

use super::auth::{Call, CanExport};
use super::error::ApiError;
use super::export_file::{ExportSteps, export_file};
use super::segments::{meant, parse, search, seen};
use crate::bulk::export::Lines;
use crate::bulk::known;
use crate::bulk::records::Format;
use crate::domain::contact_terms::fold;
use crate::domain::date::Date;
use crate::domain::{SegmentId, TenantId, TermPlace};
use crate::store::Store;
use crate::store::contact_filter::MeantContacts;
use crate::tenant_places::TenantPlace;

/// Contacts of one step.
const STEP: usize = 200;

/// Steps without anybody after which something is written all the same: who waits for longer gives the connection up.
const SILENT: usize = 5;

/// How far an export is.
struct Export {
    store: Arc<dyn Store>,
    tenant: TenantId,
    seen: MeantContacts,
    lines: Lines,
    after: Option<TermPlace>,
    is_over: bool,
    /// What stands before the first contact.
    head: Vec<u8>,
    _place: TenantPlace,
}

impl ExportSteps for Export {
    async fn next(mut self) -> Result<Option<(Bytes, Self)>, ApiError> {
        let mut out = std::mem::take(&mut self.head);
        // A step may find nobody: an empty piece would be taken for the end.
        let mut steps = 0;
        while out.is_empty() && !self.is_over {
            if steps == SILENT {
                // An empty line says that it goes on; whatever reads the file passes over it.
                out.push(b'\n');
                break;
            }
            steps += 1;
            let search = search(self.store.as_ref(), self.tenant, &self.seen);
            let found = search.page(self.after.take(), STEP).await?;
            for contact in &found.contacts {
                self.lines.line(contact, &mut out);
            }
            self.is_over = found.next.is_none();
            self.after = found.next;
        }
        Ok((!out.is_empty()).then(|| (out.into(), self)))
    }
}

/// `GET /v1/contacts/export`
pub(super) async fn export(call: Call<CanExport>) -> Result<HttpResponse, ApiError> {
    let (state, tenant) = (call.state(), call.tenant());
    let mut params = call.params()?;
    let format = params.word::<Format>("format", "`csv` or `ndjson`")?;
    let segment = params.take::<SegmentId>("segment", "a `segment_id`")?;
    let filter = params.take::<String>("filter", "a filter")?;
    params.finish()?;
    let filter = match filter {
        Some(text) => Some(parse(&call, &text).await?),
        None => None,
    };
    let filter = meant(&call, filter, segment).await?;
    let now = state.clock.now();
    let attributes = known::attributes(state.store.as_ref(), tenant, now).await?;
    let all = known::lists(state.store.as_ref(), tenant, now).await?;
    let mut names: BTreeMap<String, usize> = BTreeMap::new();
    for list in &all {
        *names.entry(fold(&list.name)).or_default() += 1;
    }
    let told_by_name = all
        .into_iter()
        .filter(|list| names.get(&fold(&list.name)) == Some(&1));
    let format = format.unwrap_or(Format::Csv);
    let lines = Lines {
        format,
        attributes: attributes.into_iter().map(|one| one.key).collect(),
        lists: told_by_name.map(|list| (list.id, list.name)).collect(),
    };
    let mut head = Vec::new();
    lines.head(&mut head);
    let export = Export {
        store: Arc::clone(&state.store),
        tenant,
        seen: seen(&call, filter).await?,
        lines,
        after: None,
        is_over: false,
        head,
        _place: state.exports.take(tenant)?,
    };
    export_file(&format!("contacts-{}", Date::of(now)), format, export).await
}
