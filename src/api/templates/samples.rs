//! Samples of headers: an upload that a draft names is given to Meta, and its handle stands in the draft that Meta gets.

use serde_json::Value;

use super::super::admin::numbers::meta_says_no;
use super::super::auth::{Call, Need};
use super::super::error::ApiError;
use super::trying::refuse_problems;
use crate::domain::{ContentError, MediaId};
use crate::media::MediaError;
use crate::media::samples::{CheckedSample, SampleError};
use crate::store::Number;
use crate::whatsapp::client::BearerToken;
use crate::whatsapp::templates::{HeaderSample, header_samples, with_handles};

/// Which of a draft's samples cannot be given to Meta, and those that can.
pub(super) async fn check_samples<N: Need>(
    call: &Call<N>,
    components: &Value,
) -> Result<(Vec<ContentError>, Vec<(MediaId, CheckedSample)>), ApiError> {
    let (mut problems, mut checked) = (Vec::new(), Vec::<(MediaId, CheckedSample)>::new());
    for HeaderSample { path, kind, upload } in header_samples(components) {
        match call.state().media.check_sample(call.tenant(), upload, kind).await {
            Ok(sample) if checked.iter().all(|(known, _)| *known != upload) => checked.push((upload, sample)),
            Ok(_) => {}
            Err(SampleError::Media(error)) => return Err(error.into()),
            Err(problem) => problems.push(ContentError::new(path, problem.to_string())),
        }
    }
    Ok((problems, checked))
}

/// Gives a draft's samples to Meta; the draft as Meta wants it.
pub(super) async fn bring_samples<N: Need>(
    call: &Call<N>,
    components: Value,
    number: &Number,
    token: &BearerToken,
) -> Result<Value, ApiError> {
    let (problems, samples) = check_samples(call, &components).await?;
    refuse_problems(&problems)?;
    let state = call.state();
    let apps = &state.config.whatsapp;
    let app = match number.app.as_deref() {
        Some(name) => apps.app(name),
        None => apps.apps.first(),
    };
    let app = app.and_then(|app| app.app_id.as_deref());
    let mut handles = Vec::with_capacity(samples.len());
    for (upload, sample) in &samples {
        let brought = state.media.bring_sample(sample, app, token).await;
        let handle = brought.map_err(|error| match error {
            SampleError::Media(MediaError::Meta(error)) => meta_says_no(error),
            SampleError::Media(error) => error.into(),
            other => ApiError::invalid(other.to_string()),
        })?;
        handles.push((*upload, handle));
    }
    Ok(with_handles(components, &handles))
}
