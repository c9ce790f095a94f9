//! An answer that is a file, written step by step as fast as the client takes it.

use actix_web::HttpResponse;
use actix_web::http::header::CONTENT_DISPOSITION;
use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _};

use super::error::ApiError;
use crate::bulk::records::Format;

/// Something that is exported: each step gives its next lines and what goes on from there, or nothing at the end.
pub(super) trait ExportSteps: Sized + 'static {
    /// The next lines. They are never empty.
    async fn next(self) -> Result<Option<(Bytes, Self)>, ApiError>;
}

/// Answers with a file of this format, whose name has no ending yet.
pub(super) async fn export_file(
    name: &str,
    format: Format,
    steps: impl ExportSteps,
) -> Result<HttpResponse, ApiError> {
    let (kind, ending) = match format {
        Format::Csv => ("text/csv; charset=utf-8", "csv"),
        Format::Ndjson => ("application/x-ndjson", "ndjson"),
    };
    let mut answer = HttpResponse::Ok();
    answer.content_type(kind).insert_header((
        CONTENT_DISPOSITION,
        format!("attachment; filename=\"{name}.{ending}\""),
    ));
    // Read before the answer begins: afterwards nothing can be refused any more.
    Ok(match steps.next().await? {
        None => answer.body(Bytes::new()),
        Some((first, rest)) => {
            let rest = stream::try_unfold(rest, ExportSteps::next);
            answer.streaming(stream::iter([Ok(first)]).chain(rest))
        }
    })
}
