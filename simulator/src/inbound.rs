//! What customers write: the message as Meta hands it over, and what became of its webhook.

use std::sync::Arc;

use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value, json};

use super::customers::{CustomerIndex, CustomerSpec};
use super::numbers::NumberIndex;
use super::wamid::Way;
use super::webhooks::{OtherUpdate, Update};
use super::world::{Now, World};
use crate::clock::Timestamp;

/// An inbound message's place in the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct InboundIndex(pub(crate) u32);

/// One inbound message, once its text has left.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Inbound {
    pub(crate) customer: CustomerIndex,
    pub(crate) number: NumberIndex,
    pub(crate) address: u64,
    /// When it was written.
    pub(crate) at: Timestamp,
    /// Whether Meta puts a `contacts` block beside it: not beside system messages.
    pub(crate) introduced: bool,
    /// Whether a webhook that carried it was answered 200.
    pub(crate) acknowledged: bool,
    /// How often drivers found it in the gateway's history.
    pub(crate) in_history: u8,
}

/// What a customer thinks of marketing messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Marketing {
    Wanted,
    Unwanted,
}

/// All inbound messages.
#[derive(Debug, Default)]
pub(crate) struct Inbounds(Vec<Inbound>);

impl Inbounds {
    pub(crate) fn get(&self, index: InboundIndex) -> Option<&Inbound> {
        self.0.get(usize::try_from(index.0).ok()?)
    }

    pub(crate) fn get_mut(&mut self, index: InboundIndex) -> Option<&mut Inbound> {
        self.0.get_mut(usize::try_from(index.0).ok()?)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (InboundIndex, &Inbound)> {
        (0_u32..).map(InboundIndex).zip(&self.0)
    }

    /// Forgets what drivers found in history.
    pub(crate) fn forget_history(&mut self) {
        for inbound in &mut self.0 {
            inbound.in_history = 0;
        }
    }

    fn next(&self) -> InboundIndex {
        InboundIndex(u32::try_from(self.0.len()).unwrap_or(u32::MAX))
    }
}

impl World {
    /// A customer writes `content`, an object with `type` and what the type names. Returns the wamid; nothing where the number
    /// blocks the customer, whom it does not hear.
    pub(crate) fn write(
        &mut self,
        now: Now,
        customer: CustomerIndex,
        number: NumberIndex,
        content: Map<String, Value>,
    ) -> Option<String> {
        if self.blocks.has(number, customer) {
            return None;
        }
        let person = self.customers.get(customer)?;
        let address = person.address;
        let shown_phone = person.phone.filter(|_| person.shows_phone);
        let index = self.inbounds.next();
        let wamid = self.wamids.write(Way::In, address, index.0);
        let kind = content
            .get("type")
            .and_then(Value::as_str)
            .unwrap_or("text")
            .to_owned();

        let mut message = Map::with_capacity(content.len() + 4);
        if let Some(phone) = shown_phone {
            message.insert("from".to_owned(), phone.to_string().into());
        }
        message.insert("from_user_id".to_owned(), self.customers.user_id(customer).into());
        message.insert("id".to_owned(), wamid.clone().into());
        message.insert("timestamp".to_owned(), now.wall.as_secs().to_string().into());
        message.extend(content);

        self.inbounds.0.push(Inbound {
            customer,
            number,
            address,
            at: now.wall,
            introduced: kind != "system",
            acknowledged: false,
            in_history: 0,
        });
        self.numbers.get_mut(number)?.second.count(now.us);
        // Whether a reaction opens the window is not documented; Mesej's users must not count on it.
        if !matches!(kind.as_str(), "system" | "reaction") {
            self.pairs.wrote(number, customer, now.wall);
        }
        let message: Arc<RawValue> = to_raw_value(&message).ok()?.into();
        self.post_inbound(now, index, message);
        Some(wamid)
    }

    /// Puts an inbound message into the outbox, with whatever the faults add to it.
    fn post_inbound(&mut self, now: Now, index: InboundIndex, message: Arc<RawValue>) {
        let Some(inbound) = self.inbounds.get(index).copied() else {
            return;
        };
        self.schedule(now, Update::Inbound { index, message }, now.us);
        if self.webhook_dice.chance(self.faults.forged) {
            let forged = self.strange_message(now, inbound.customer, "forged");
            let number = inbound.number;
            self.outbox.push(
                Update::Forged {
                    number,
                    message: forged,
                },
                now.us,
            );
        }
        if self.webhook_dice.chance(self.faults.foreign) {
            let foreign = self.strange_message(now, inbound.customer, "foreign");
            self.outbox.push(Update::Foreign { message: foreign }, now.us);
        }
    }

    /// A message that is none of the gateway's business.
    fn strange_message(&mut self, now: Now, customer: CustomerIndex, what: &str) -> Arc<RawValue> {
        let id = format!(
            "wamid.{}{:016X}",
            what.to_ascii_uppercase(),
            self.webhook_dice.any()
        );
        let user_id = self.customers.user_id(customer);
        let message = json!({
            "from_user_id": user_id, "id": id, "timestamp": now.wall.as_secs().to_string(),
            "type": "text", "text": { "body": what }
        });
        to_raw_value(&message)
            .unwrap_or_else(|_| RawValue::NULL.to_owned())
            .into()
    }

    /// Applies a script to a customer. Who stops or resumes marketing tells the first number so.
    pub(crate) fn script(&mut self, now: Now, spec: &CustomerSpec) -> Option<CustomerIndex> {
        let index = self.customers.find_spec(spec);
        let before = index.and_then(|index| Some(self.customers.get(index)?.marketing));
        let index = self.customers.apply(spec)?;
        let after = self.customers.get(index)?.marketing;
        if let Some(at) = spec.wrote_at {
            self.pairs.wrote(NumberIndex(0), index, Timestamp::from_secs(at));
        }
        if before.unwrap_or(true) != after {
            let marketing = if after {
                Marketing::Wanted
            } else {
                Marketing::Unwanted
            };
            self.tell_preference(now, index, marketing);
        }
        Some(index)
    }

    fn tell_preference(&mut self, now: Now, customer: CustomerIndex, marketing: Marketing) -> Option<()> {
        let number = self.numbers.get(NumberIndex(0))?;
        let person = self.customers.get(customer)?;
        let user_id = self.customers.user_id(customer);
        let value = match marketing {
            Marketing::Wanted => "resume",
            Marketing::Unwanted => "stop",
        };
        let mut preference = json!({
            "user_id": user_id, "detail": format!("User requested to {value} marketing messages"),
            "category": "marketing_messages", "value": value, "timestamp": now.wall.as_secs()
        });
        let mut contact = json!({"profile": {"name": self.customers.name(customer)}, "user_id": user_id});
        if let Some(phone) = person.phone.filter(|_| person.shows_phone) {
            for part in [&mut preference, &mut contact] {
                part.as_object_mut()?
                    .insert("wa_id".to_owned(), phone.to_string().into());
            }
        }
        let display = number.phone.map_or_else(String::new, |phone| phone.to_string());
        let value = json!({
            "messaging_product": "whatsapp",
            "metadata": {"display_phone_number": display,
                         "phone_number_id": number.config.phone_number_id.as_str()},
            "contacts": [contact],
            "user_preferences": [preference]
        });
        let update = OtherUpdate {
            waba: number.config.waba_id.as_str().to_owned(),
            field: "user_preferences".to_owned(),
            value: to_raw_value(&value).ok()?,
            at: now.wall,
            review: None,
        };
        self.schedule(now, Update::Other(update.into()), now.us);
        Some(())
    }

    /// A customer moves to another phone number, and every number that knew the old one is told.
    pub(crate) fn change_number(
        &mut self,
        now: Now,
        customer: CustomerIndex,
        to: super::phone::Phone,
        number: NumberIndex,
    ) -> Option<String> {
        let (old_phone, shown) = {
            let person = self.customers.get(customer)?;
            (person.phone, person.shows_phone)
        };
        let old_id = self.customers.move_number(customer, to)?;
        let (from, now_called) = if shown {
            (
                old_phone.map_or_else(String::new, |phone| phone.to_string()),
                to.to_string(),
            )
        } else {
            (old_id.clone(), self.customers.user_id(customer))
        };
        let mut system = Map::new();
        let body = format!(
            "User {} changed from {from} to {now_called}",
            self.customers.name(customer)
        );
        system.insert("body".to_owned(), body.into());
        if shown {
            system.insert("wa_id".to_owned(), to.to_string().into());
        }
        system.insert("user_id".to_owned(), self.customers.user_id(customer).into());
        system.insert("previous_user_id".to_owned(), old_id.clone().into());
        let kind = if shown {
            "user_changed_number"
        } else {
            "user_changed_user_id"
        };
        system.insert("type".to_owned(), kind.into());
        let mut content = Map::new();
        content.insert("type".to_owned(), "system".into());
        content.insert("system".to_owned(), Value::Object(system));
        // The notice speaks of the old identity.
        if shown && let Some(old) = old_phone {
            content.insert("from".to_owned(), old.to_string().into());
        }
        content.insert("from_user_id".to_owned(), old_id.into());
        self.write(now, customer, number, content)
    }
}
