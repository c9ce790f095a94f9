//! The web console, compiled into the binary and served as it is.
//!
//! The page may load from this server alone and run no script of its text; `console/README.md` says what it relies on.

use std::io::Read as _;
use std::sync::LazyLock;

use actix_web::http::header::{
    AcceptEncoding, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, Encoding,
    EntityTag, Header as _, IfNoneMatch, VARY,
};
use actix_web::{HttpRequest, HttpResponse};
use bytes::Bytes;
use flate2::Compression;
use flate2::read::GzEncoder;
use ring::digest;

use super::error::{ApiError, ErrorCode};
use crate::domain::ids::hex;

/// What the page may do. `connect-src 'self'` covers the socket.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; \
                      media-src 'self' blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";
/// Kept by the browser, asked for again each time: a page and its modules must be of one version.
const CACHING: &str = "no-cache";
const PAGE: &str = "index.html";

/// One file of the console.
struct File {
    name: &'static str,
    bytes: &'static [u8],
}

/// Names the files once.
macro_rules! files {
    ($($name:literal),+ $(,)?) => {
        &[$(File { name: $name, bytes: include_bytes!(concat!("../../console/", $name)) }),+]
    };
}

/// Every file of `console/` but its README, how the library is fetched, and declarations for the checker of types.
const FILES: &[File] = files![
    "about.css",
    "about.js",
    "access.js",
    "account.css",
    "account.js",
    "api.js",
    "app.js",
    "attachments.js",
    "backoff.js",
    "banner.js",
    "base.css",
    "before_paint.js",
    "broadcast_draft.js",
    "broadcast_watch.js",
    "broadcasts.css",
    "broadcasts.js",
    "bubble.js",
    "bulk.js",
    "canned.css",
    "canned.js",
    "canned_fill.js",
    "canned_list.js",
    "canned_sheet.js",
    "cards.js",
    "colleagues.js",
    "composer.css",
    "composer.js",
    "composer_files.js",
    "contacts.css",
    "contacts.js",
    "content.css",
    "content.js",
    "countries.js",
    "delivery.js",
    "demo_sheet.js",
    "desk.js",
    "dialogs.js",
    "dom.js",
    "fields.js",
    "filter_text.js",
    "frame.css",
    "gate.js",
    "head.js",
    "http.js",
    "icon.svg",
    "icons.js",
    "imports.js",
    "inbox.css",
    "index.html",
    "keys.js",
    "lanes.js",
    "language.js",
    "link_sheets.js",
    "list.js",
    "live.js",
    "media.css",
    "media.js",
    "media_view.js",
    "menu.js",
    "message.css",
    "messages/ar.js",
    "messages/ar/account.js",
    "messages/ar/audit.js",
    "messages/ar/broadcasts.js",
    "messages/ar/canned.js",
    "messages/ar/contacts.js",
    "messages/ar/delivery.js",
    "messages/ar/inbox.js",
    "messages/ar/manage.js",
    "messages/ar/media.js",
    "messages/ar/operator.js",
    "messages/ar/pages.js",
    "messages/ar/profile.js",
    "messages/ar/templates.js",
    "messages/ar/told.js",
    "messages/en.js",
    "messages/en/account.js",
    "messages/en/audit.js",
    "messages/en/broadcasts.js",
    "messages/en/canned.js",
    "messages/en/contacts.js",
    "messages/en/delivery.js",
    "messages/en/inbox.js",
    "messages/en/manage.js",
    "messages/en/media.js",
    "messages/en/operator.js",
    "messages/en/pages.js",
    "messages/en/profile.js",
    "messages/en/templates.js",
    "messages/en/told.js",
    "messages/es.js",
    "messages/es/account.js",
    "messages/es/audit.js",
    "messages/es/broadcasts.js",
    "messages/es/canned.js",
    "messages/es/contacts.js",
    "messages/es/delivery.js",
    "messages/es/inbox.js",
    "messages/es/manage.js",
    "messages/es/media.js",
    "messages/es/operator.js",
    "messages/es/pages.js",
    "messages/es/profile.js",
    "messages/es/templates.js",
    "messages/es/told.js",
    "messages/ms.js",
    "messages/ms/account.js",
    "messages/ms/audit.js",
    "messages/ms/broadcasts.js",
    "messages/ms/canned.js",
    "messages/ms/contacts.js",
    "messages/ms/delivery.js",
    "messages/ms/inbox.js",
    "messages/ms/manage.js",
    "messages/ms/media.js",
    "messages/ms/operator.js",
    "messages/ms/pages.js",
    "messages/ms/profile.js",
    "messages/ms/templates.js",
    "messages/ms/told.js",
    "meta_errors.js",
    "notices.js",
    "ogg_opus.js",
    "on_demand.js",
    "operator.js",
    "operator_access.js",
    "outbox.js",
    "page.css",
    "pages.js",
    "pages/attributes.js",
    "pages/audit.js",
    "pages/audit_text.js",
    "pages/broadcast_audience.js",
    "pages/broadcast_builder.js",
    "pages/broadcast_chart.js",
    "pages/broadcast_list.js",
    "pages/broadcast_dry_run.js",
    "pages/broadcast_live.js",
    "pages/broadcast_one.js",
    "pages/broadcast_recipients.js",
    "pages/broadcast_review.js",
    "pages/broadcast_schedule.js",
    "pages/broadcast_template.js",
    "pages/broadcast_words.js",
    "pages/broadcasts.js",
    "pages/business.js",
    "pages/canned_replies.js",
    "pages/connections.js",
    "pages/contact_beside.js",
    "pages/contact_bulk.js",
    "pages/contact_card.js",
    "pages/contact_erase.js",
    "pages/contact_consents.js",
    "pages/contact_count.js",
    "pages/contact_files.js",
    "pages/contact_filters.js",
    "pages/contact_list.js",
    "pages/contact_merge.js",
    "pages/contact_notes.js",
    "pages/contact_write.js",
    "pages/contacts.js",
    "pages/definitions.js",
    "pages/duplicates.js",
    "pages/filter_words.js",
    "pages/health.js",
    "pages/import_columns.js",
    "pages/import_progress.js",
    "pages/imports.js",
    "pages/in_place.js",
    "pages/keys.js",
    "pages/label_field.js",
    "pages/leaving.js",
    "pages/limit_fields.js",
    "pages/lists.js",
    "pages/metrics_text.js",
    "pages/new_contact.js",
    "pages/numbers.js",
    "pages/opt_out_words.js",
    "pages/parts.js",
    "pages/profile.js",
    "pages/provider.js",
    "pages/quarantine.js",
    "pages/quick_files.js",
    "pages/retention.js",
    "pages/second_factor.js",
    "pages/segment_builder.js",
    "pages/segments.js",
    "pages/sign_ins.js",
    "pages/subscription.js",
    "pages/team.js",
    "pages/teams.js",
    "pages/template_detail.js",
    "pages/template_editor.js",
    "pages/template_library.js",
    "pages/templates.js",
    "pages/tenant.js",
    "pages/tenants.js",
    "pages/usage.js",
    "pages/usage_sums.js",
    "parts.css",
    "parts.js",
    "people.js",
    "picture_size.js",
    "preference_foot.js",
    "preferences.js",
    "profile.js",
    "rail.css",
    "rail.js",
    "reactions.js",
    "recording.js",
    "reply_text.js",
    "route.js",
    "row_reader.js",
    "row_window.js",
    "rows.js",
    "search.js",
    "sending_fetch.js",
    "sent_template.js",
    "sheet.css",
    "sign_in_sheet.js",
    "sign_up_sheet.js",
    "signed_in.js",
    "socket.js",
    "store.js",
    "style.js",
    "subscription.js",
    "template_draft.js",
    "template_list.js",
    "template_parts.js",
    "template_picker.js",
    "templates.css",
    "templates.js",
    "thread.css",
    "thread.js",
    "ticks.js",
    "time.js",
    "toast.js",
    "told.js",
    "uploads.js",
    "vendor/hooks.js",
    "vendor/htm.js",
    "vendor/licences.txt",
    "vendor/preact.js",
    "view.js",
    "viewer.js",
    "voice.js",
    "words.js",
];

/// A file as it is sent.
struct Form {
    tag: EntityTag,
    bytes: Bytes,
}

impl Form {
    fn new(bytes: Bytes) -> Self {
        let digest = hex(digest::digest(&digest::SHA256, &bytes).as_ref());
        let tag = EntityTag::new_strong(digest.chars().take(32).collect());
        Self { tag, bytes }
    }
}

/// Each file as it is, and compressed, in their order: a first load is a third as long.
static FORMS: LazyLock<Vec<(Form, Option<Form>)>> = LazyLock::new(|| {
    let compressed = |file: &File| {
        let mut bytes = Vec::new();
        let read = GzEncoder::new(file.bytes, Compression::best()).read_to_end(&mut bytes);
        read.ok().map(|_length| Form::new(bytes.into()))
    };
    let forms = |file: &File| (Form::new(Bytes::from_static(file.bytes)), compressed(file));
    FILES.iter().map(forms).collect()
});

fn takes_gzip(request: &HttpRequest) -> bool {
    let known = [Encoding::gzip(), Encoding::identity()];
    let accepted = AcceptEncoding::parse(request).ok();
    accepted.and_then(|accepted| accepted.negotiate(known.iter())) == Some(Encoding::gzip())
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("txt") => "text/plain; charset=utf-8",
        Some("svg") => "image/svg+xml; charset=utf-8",
        _ => "application/octet-stream",
    }
}

/// `GET /`
pub(super) async fn page(request: HttpRequest) -> Result<HttpResponse, ApiError> {
    serve(&request, PAGE)
}

/// `GET /console/{file:.*}`
pub(super) async fn file(request: HttpRequest) -> Result<HttpResponse, ApiError> {
    serve(&request, request.match_info().get("file").unwrap_or_default())
}

fn serve(request: &HttpRequest, name: &str) -> Result<HttpResponse, ApiError> {
    let found = FILES.iter().zip(FORMS.iter()).find(|(file, _)| file.name == name);
    let (file, (plain, compressed)) = found.ok_or(ErrorCode::NotFound)?;
    let compressed = compressed.as_ref().filter(|_| takes_gzip(request));
    let Form { tag, bytes } = compressed.unwrap_or(plain);
    let known = match IfNoneMatch::parse(request) {
        Ok(IfNoneMatch::Any) => true,
        Ok(IfNoneMatch::Items(tags)) => tags.iter().any(|known| known.weak_eq(tag)),
        Err(_) => false,
    };
    let mut answer = if known {
        HttpResponse::NotModified()
    } else {
        HttpResponse::Ok()
    };
    answer
        .insert_header((ETAG, tag.to_string()))
        .insert_header((CACHE_CONTROL, CACHING))
        .insert_header((VARY, "Accept-Encoding"))
        .insert_header((CONTENT_SECURITY_POLICY, POLICY));
    if known {
        return Ok(answer.finish());
    }
    answer.insert_header((CONTENT_TYPE, content_type(file.name)));
    if compressed.is_some() {
        answer.insert_header((CONTENT_ENCODING, "gzip"));
    }
    Ok(answer.body(bytes.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::path::Path;

    #[test]
    fn every_file_of_the_console_is_served() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("console");
        let mut there = BTreeSet::new();
        collect(&folder, &folder, &mut there);
        let types = [
            "types.d.ts",
            "vendor/htm.d.ts",
            "vendor/hooks.d.ts",
            "vendor/preact.d.ts",
        ];
        for not_served in ["README.md", "vendor/SHA256SUMS", "vendor/fetch.sh"]
            .into_iter()
            .chain(types)
        {
            assert!(there.remove(not_served), "{not_served}");
        }
        let served: BTreeSet<String> = FILES.iter().map(|file| file.name.to_owned()).collect();
        assert_eq!(served, there, "FILES must name every file of console/");
        for name in served {
            assert_ne!(content_type(&name), "application/octet-stream", "{name}");
        }
    }

    fn collect(folder: &Path, root: &Path, names: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(&path, root, names);
            } else {
                names.insert(path.strip_prefix(root).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
}
