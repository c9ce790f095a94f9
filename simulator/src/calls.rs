//! Customers who call a business number. Nobody answers here; a call opens the service window like a message.
//! Source: Cloud API, Calling, User-initiated calls (2025 to 2026).

use serde_json::json;
use serde_json::value::to_raw_value;

use super::customers::CustomerIndex;
use super::numbers::NumberIndex;
use super::webhooks::{OtherUpdate, Update};
use super::world::{Now, World};

impl World {
    /// A customer calls a number, which is told by a `calls` webhook. `None` when there is no such customer or number.
    pub(crate) fn call(&mut self, now: Now, customer: CustomerIndex, number: NumberIndex) -> Option<()> {
        let called = self.numbers.get(number)?;
        let person = self.customers.get(customer)?;
        let user_id = self.customers.user_id(customer);
        let display = called.phone.map_or_else(String::new, |phone| phone.to_string());
        let mut contact = json!({"profile": {"name": self.customers.name(customer)}, "user_id": user_id});
        let mut call = json!({
            "id": format!("wacid.{:016X}{:016X}", person.address, now.us), "from_user_id": user_id,
            "to": display, "event": "connect", "direction": "USER_INITIATED",
            "timestamp": now.wall.as_secs().to_string()
        });
        if let Some(phone) = person.phone.filter(|_| person.shows_phone) {
            contact
                .as_object_mut()?
                .insert("wa_id".to_owned(), phone.to_string().into());
            call.as_object_mut()?
                .insert("from".to_owned(), phone.to_string().into());
        }
        let value = json!({
            "messaging_product": "whatsapp",
            "metadata": {"display_phone_number": display,
                         "phone_number_id": called.config.phone_number_id.as_str()},
            "contacts": [contact],
            "calls": [call]
        });
        let update = OtherUpdate {
            waba: called.config.waba_id.as_str().to_owned(),
            field: "calls".to_owned(),
            value: to_raw_value(&value).ok()?,
            at: now.wall,
            review: None,
        };
        self.pairs.wrote(number, customer, now.wall);
        self.schedule(now, Update::Other(update.into()), now.us);
        Some(())
    }
}
