//! The message to one recipient.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::json;
use serde_json::value::{RawValue, to_raw_value};

use super::super::waits::Ended;
use super::Runner;
use crate::domain::message::Delivery;
use crate::domain::{
    Alias, AliasKind, BroadcastProblem, BroadcastRecipient, Contact, ContactAliases, ContactId,
    DeliveryState, Priority, RecipientHours, StatusTimes, Timestamp, UnknownPolicy,
};
use crate::store::op::Submit;
use crate::store::tables::PlannedRecipient;
use crate::whatsapp::{Recipient, parse_outbound, payload};

impl Runner<'_> {
    /// The message to a recipient; `None` where none can be written any more.
    pub(super) fn submit(
        &mut self,
        no: u32,
        recipient: &PlannedRecipient,
        people: &HashMap<ContactId, Contact>,
        now: Timestamp,
    ) -> Result<Option<Submit>, Ended> {
        let Some(contact) = recipient.contact else {
            return Ok(None);
        };
        let template = self.filling.fill(&recipient.values);
        let message = json!({ "type": "template", "template": template });
        let content = to_raw_value(&message)
            .ok()
            .and_then(|raw| parse_outbound(&raw).ok());
        let Some(content) = content.map(|outbound| outbound.content) else {
            return Err(Ended::Failed(BroadcastProblem::Internal));
        };
        let given = recipient.phone.clone().map(|value| Alias {
            kind: AliasKind::Phone,
            value,
        });
        let given = ContactAliases::of(given);
        let reach = people.get(&contact).map_or_else(|| given.clone(), Contact::reach);
        // Whoever is gone is told by the commit; whoever changed numbers is named afresh by the claim.
        let body = payload(&content, Recipient::of(&reach)).or_else(|| empty().ok());
        let Some(body) = body else {
            return Err(Ended::Failed(BroadcastProblem::Internal));
        };
        Ok(Some(Submit {
            id: self.broadcasts.message_id(),
            number: self.number.clone(),
            contact,
            aliases: given,
            author: self
                .row
                .launched_by
                .as_ref()
                .unwrap_or(&self.row.created_by)
                .clone(),
            content,
            delivery: Delivery {
                state: DeliveryState::Queued,
                times: StatusTimes::default(),
                priority: Priority::Bulk,
                on_unknown: UnknownPolicy::NeverDuplicate,
                attempts: 0,
                send_at: None,
                valid_until: None,
                gave_up: None,
                error: None,
                category: None,
                client_msg_id: None,
                biz_opaque_callback_data: None,
            },
            payload: Arc::from(body),
            may_be_held: true,
            purpose: self.plan.purpose,
            once: None,
            unless_after: None,
            window_at: None,
            hours: self
                .timetable
                .closes(recipient.zone, now)
                .map(|closes| RecipientHours {
                    zone: recipient.zone,
                    closes,
                }),
            broadcast: Some(BroadcastRecipient {
                broadcast: self.place.broadcast,
                no,
            }),
        }))
    }
}

/// The body of a message that is never sent: its recipient is not there.
fn empty() -> Result<Box<RawValue>, serde_json::Error> {
    to_raw_value(&json!({}))
}
