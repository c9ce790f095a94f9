//! Reads one element of `statuses`.

use std::sync::Arc;

use serde_json::value::RawValue;

use super::IncomingStatus;
use super::aliases::{Cards, named};
use super::other::Origin;
use super::read::timestamp;
use crate::domain::{DeliveryState, MetaError, PhoneNumberId, Wamid};
use crate::whatsapp::lenient::{List, Text, is_object, lenient_object, read};

lenient_object! {
    /// A status on the wire.
    struct WireStatus<'a> {
        id: Text<'a> = "id",
        kind: Text<'a> = "type",
        status: Text<'a> = "status",
        timestamp: Text<'a> = "timestamp",
        recipient: Text<'a> = "recipient_id",
        recipient_kind: Text<'a> = "recipient_type",
        bsuid: Text<'a> = "recipient_user_id",
        parent: Text<'a> = "recipient_parent_user_id" | "parent_recipient_user_id",
        member: Text<'a> = "recipient_participant_id" | "participant_recipient_id",
        member_bsuid: Text<'a> = "recipient_participant_user_id" | "participant_recipient_user_id",
        member_parent: Text<'a> = "recipient_participant_parent_user_id",
        callback_data: Text<'a> = "biz_opaque_callback_data",
        conversation: Conversation<'a> = "conversation",
        pricing: Option<&'a RawValue> = "pricing",
        errors: Option<&'a RawValue> = "errors" | "error",
    }
}

lenient_object! {
    /// For groups, pricing sometimes stands in here.
    struct Conversation<'a> {
        pricing: Option<&'a RawValue> = "pricing",
    }
}

lenient_object! {
    /// An error on the wire.
    struct WireError<'a> {
        code: Text<'a> = "code",
        title: Text<'a> = "title",
        message: Text<'a> = "message",
        data: Option<&'a RawValue> = "error_data",
        details: Text<'a> = "details",
    }
}

lenient_object! {
    /// What goes with an error.
    struct ErrorData<'a> {
        details: Text<'a> = "details",
    }
}

/// Reads a status; `None` when it lacks an id or a time, is about a call, or reports a state that is not known.
pub(super) fn read_status(
    raw: &RawValue,
    number: &PhoneNumberId,
    origin: &Origin,
    cards: &Cards<'_>,
) -> Option<IncomingStatus> {
    let wire: WireStatus<'_> = read(raw);
    if wire.kind.get().is_some_and(|kind| kind != "message") {
        return None;
    }
    let state = state(wire.status.get()?)?;
    let callback_data: Option<Arc<str>> = wire.callback_data.get().map(Arc::from);
    let in_group = wire.recipient_kind.get() == Some("group");
    let (phone, bsuid, parent) = if in_group {
        (&wire.member, &wire.member_bsuid, &wire.member_parent)
    } else {
        (&wire.recipient, &wire.bsuid, &wire.parent)
    };
    let mut aliases = named(phone, bsuid, parent);
    if let Some(card) = cards.of(bsuid.get(), phone.get()) {
        card.complete(&mut aliases);
    }
    let pricing = wire
        .pricing
        .or(wire.conversation.pricing)
        .filter(|raw| is_object(raw));
    Some(IncomingStatus {
        number: number.clone(),
        display_phone: origin.display_phone.clone(),
        waba: origin.waba.clone(),
        wamid: Wamid::parse(wire.id.get()?).ok()?,
        state,
        at: wire.timestamp.get().and_then(timestamp).or(origin.at)?,
        token: callback_data.as_deref().and_then(|data| data.parse().ok()),
        callback_data,
        error: wire.errors.and_then(first_error),
        pricing: pricing.map(|raw| raw.to_owned().into()),
        aliases,
        group_id: wire.recipient.get().filter(|_| in_group).map(Arc::from),
        raw: raw.to_owned().into(),
    })
}

fn state(name: &str) -> Option<DeliveryState> {
    Some(match name {
        "sent" => DeliveryState::Sent,
        "delivered" => DeliveryState::Delivered,
        "read" => DeliveryState::Read,
        "played" => DeliveryState::Played,
        "failed" => DeliveryState::Failed,
        _ => return None,
    })
}

/// The first of a list of errors, or the one that stands there without a list.
pub(super) fn first_error(raw: &RawValue) -> Option<MetaError> {
    if is_object(raw) {
        return meta_error(raw);
    }
    let List::Items(errors) = read::<List<&RawValue>>(raw) else {
        return None;
    };
    errors.into_iter().find_map(meta_error)
}

fn meta_error(raw: &RawValue) -> Option<MetaError> {
    let wire: WireError<'_> = read(raw);
    let code = wire.code.get().and_then(|code| code.trim().parse().ok());
    let title = wire.title.get().or(wire.message.get());
    if code.is_none() && title.is_none() {
        return None;
    }
    let data: ErrorData<'_> = wire.data.map(read).unwrap_or_default();
    let bare: Text<'_> = wire.data.map(read).unwrap_or_default();
    let details = data.details.get().or(bare.get()).or(wire.details.get());
    Some(MetaError {
        code: code.unwrap_or_default(),
        title: title.unwrap_or("unknown error").into(),
        details: details.map(Arc::from),
    })
}
