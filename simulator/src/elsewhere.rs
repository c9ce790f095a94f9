//! Messages that go past the gateway: authors who change theirs, the business on its phone, what was written before the
//! number was connected, and another program that has a thread. Source: Cloud API, Onboarding business app users, Standby.

use std::collections::HashMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::value::to_raw_value;
use serde_json::{Map, Value, json};

use super::SimulatorError;
use super::act::{bad, content, number, person};
use super::customers::CustomerIndex;
use super::inbound::InboundIndex;
use super::numbers::NumberIndex;
use super::wamid::Way;
use super::webhooks::{OtherUpdate, Update};
use super::world::{Now, Shared, World};
use crate::clock::Timestamp;

/// Messages may be edited for so long.
const EDITABLE: Duration = Duration::from_mins(15);
/// Messages may be taken back for so long.
const REVOCABLE: Duration = Duration::from_hours(48);
/// What is older is not imported.
const IMPORTED: Duration = Duration::from_hours(24 * 180);

/// Which side wrote something.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WrittenBy {
    /// The customer.
    #[default]
    Customer,
    /// The business, or a program of it.
    Business,
}

/// The business writes to a customer on its phone, or changes what it wrote there.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Echo {
    /// Phone number or business-scoped user id of the customer.
    pub to: String,
    /// The number's id; the first one when left out.
    pub phone_number_id: Option<String>,
    /// Plain words.
    pub text: Option<String>,
    /// Or a whole message; `edit` and `revoke` name an echo by `original_message_id`.
    pub message: Option<Map<String, Value>>,
}

/// What was written with a customer before the number was connected.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Import {
    /// Phone number or business-scoped user id of the customer.
    pub customer: String,
    /// The number's id; the first one when left out.
    pub phone_number_id: Option<String>,
    /// The messages of one chunk.
    pub messages: Vec<Imported>,
}

/// One imported message.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Imported {
    /// Who wrote it.
    pub by: WrittenBy,
    /// When, in seconds since 1970; within the last 180 days.
    pub at: i64,
    /// Plain words.
    pub text: Option<String>,
    /// Or a whole message.
    pub message: Option<Map<String, Value>>,
}

/// A message in a thread that another program has.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Standby {
    /// Phone number or business-scoped user id of the customer.
    pub customer: String,
    /// The number's id; the first one when left out.
    pub phone_number_id: Option<String>,
    /// Who wrote it: the customer, or the program.
    pub by: WrittenBy,
    /// Plain words.
    pub text: Option<String>,
    /// Or a whole message.
    pub message: Option<Map<String, Value>>,
}

/// A message that the business wrote on its phone.
#[derive(Debug, Clone, Copy)]
struct Echoed {
    customer: CustomerIndex,
    at: Timestamp,
}

/// All of them, by their ids.
#[derive(Debug, Default)]
pub(crate) struct Echoes(HashMap<String, Echoed>);

/// Whether a message changes another one.
pub(super) fn amends(content: &Map<String, Value>) -> bool {
    matches!(
        content.get("type").and_then(Value::as_str),
        Some("edit" | "revoke")
    )
}

pub(super) fn echo(shared: &Shared, echo: &Echo) -> Result<String, SimulatorError> {
    let content = content(echo.text.as_deref(), echo.message.as_ref())?;
    shared.with(|world, now| {
        let number = number(world, echo.phone_number_id.as_deref())?;
        let customer = person(world, "to", &echo.to)?;
        world.echo(now, customer, number, content)
    })
}

pub(super) fn import(shared: &Shared, import: &Import) -> Result<Vec<String>, SimulatorError> {
    let written: Result<Vec<_>, _> = import
        .messages
        .iter()
        .map(|one| {
            let content = content(one.text.as_deref(), one.message.as_ref())?;
            Ok((one.by, Timestamp::from_secs(one.at), content))
        })
        .collect();
    let written = written?;
    shared.with(|world, now| {
        let number = number(world, import.phone_number_id.as_deref())?;
        let customer = person(world, "customer", &import.customer)?;
        world.import(now, customer, number, written)
    })
}

pub(super) fn stand_by(shared: &Shared, standby: &Standby) -> Result<String, SimulatorError> {
    let content = content(standby.text.as_deref(), standby.message.as_ref())?;
    shared.with(|world, now| {
        let number = number(world, standby.phone_number_id.as_deref())?;
        let customer = person(world, "customer", &standby.customer)?;
        world.stand_by(now, customer, number, standby.by, content)
    })
}

impl World {
    fn marked_id(&mut self, what: &str) -> String {
        format!("wamid.{what}{:016X}", self.webhook_dice.any())
    }

    /// Checks a change as Meta would, and completes it: the id of what it changes.
    fn change(content: &mut Map<String, Value>) -> Result<(String, Duration), SimulatorError> {
        let edits = content.get("type").and_then(Value::as_str) == Some("edit");
        let kind = if edits { "edit" } else { "revoke" };
        let what = content.get_mut(kind).and_then(Value::as_object_mut);
        let what = what.ok_or_else(|| bad(format!("a message of type {kind} needs {kind}")))?;
        let original = what.get("original_message_id").and_then(Value::as_str);
        let original = original
            .ok_or_else(|| bad("original_message_id is missing"))?
            .to_owned();
        if !edits {
            return Ok((original, REVOCABLE));
        }
        let message = what.get_mut("message").and_then(Value::as_object_mut);
        let message = message
            .filter(|message| message.contains_key("type"))
            .ok_or_else(|| bad("an edit needs a message with a type"))?;
        message.insert("context".to_owned(), json!({ "id": "M0" }));
        Ok((original, EDITABLE))
    }

    /// A customer edits a message or takes it back. Returns the id of the notice.
    pub(super) fn amend(
        &mut self,
        now: Now,
        customer: CustomerIndex,
        number: NumberIndex,
        mut content: Map<String, Value>,
    ) -> Result<String, SimulatorError> {
        let (original, within) = Self::change(&mut content)?;
        let index = self.wamids.read(Way::In, &original).map(InboundIndex);
        let written = index.and_then(|index| self.inbounds.get(index));
        let written = written
            .filter(|inbound| inbound.customer == customer && inbound.number == number)
            .ok_or_else(|| bad("the customer wrote no such message"))?;
        if now.wall.since(written.at) > within {
            return Err(bad("it is too late to change the message"));
        }
        let id = self.marked_id("AMEND");
        let mut message = self.named(customer, "from");
        message.insert("id".to_owned(), id.clone().into());
        message.insert("timestamp".to_owned(), now.wall.as_secs().to_string().into());
        message.extend(content);
        let value = json!({ "contacts": [self.whole_card(customer)], "messages": [message] });
        self.tell(now, number, "messages", value)?;
        Ok(id)
    }

    /// The business writes on its phone. Returns the message's id.
    pub(super) fn echo(
        &mut self,
        now: Now,
        customer: CustomerIndex,
        number: NumberIndex,
        mut content: Map<String, Value>,
    ) -> Result<String, SimulatorError> {
        let id = self.marked_id("ECHO");
        if amends(&content) {
            let (original, within) = Self::change(&mut content)?;
            let written = self.echoes.0.get(&original);
            let written = written
                .filter(|echo| echo.customer == customer)
                .ok_or_else(|| bad("the business wrote no such message on its phone"))?;
            if now.wall.since(written.at) > within {
                return Err(bad("it is too late to change the message"));
            }
        } else {
            let at = now.wall;
            self.echoes.0.insert(id.clone(), Echoed { customer, at });
        }
        let mut message = self.named(customer, "to");
        message.insert("from".to_owned(), self.display(number)?.into());
        message.insert("id".to_owned(), id.clone().into());
        message.insert("timestamp".to_owned(), now.wall.as_secs().to_string().into());
        message.extend(content);
        let value = json!({ "contacts": [self.whole_card(customer)], "message_echoes": [message] });
        self.tell(now, number, "smb_message_echoes", value)?;
        Ok(id)
    }

    /// A chunk of what was written before is told. Returns the messages' ids.
    pub(super) fn import(
        &mut self,
        now: Now,
        customer: CustomerIndex,
        number: NumberIndex,
        written: Vec<(WrittenBy, Timestamp, Map<String, Value>)>,
    ) -> Result<Vec<String>, SimulatorError> {
        let display = self.display(number)?;
        let person = self.named(customer, "from");
        let thread = person.get("from").or_else(|| person.get("from_user_id"));
        let thread = thread.cloned().unwrap_or_default();
        let mut ids = Vec::with_capacity(written.len());
        let mut messages = Vec::with_capacity(written.len());
        for (by, at, content) in written {
            if at > now.wall || now.wall.since(at) > IMPORTED {
                return Err(bad("at must be within the last 180 days"));
            }
            let id = self.marked_id("OLD");
            let mut message = match by {
                WrittenBy::Customer => person.clone(),
                WrittenBy::Business => Map::from_iter([("from".to_owned(), display.clone().into())]),
            };
            message.insert("id".to_owned(), id.clone().into());
            message.insert("timestamp".to_owned(), at.as_secs().to_string().into());
            message.extend(content);
            message.insert("history_context".to_owned(), json!({ "status": "READ" }));
            messages.push(message);
            ids.push(id);
        }
        let threads = json!([{ "id": thread, "messages": messages }]);
        let chunk =
            json!({ "metadata": { "phase": 0, "chunk_order": 1, "progress": 100 }, "threads": threads });
        self.tell(now, number, "history", json!({ "history": [chunk] }))?;
        Ok(ids)
    }

    /// Something happens in a thread that another program has. Returns the message's id.
    pub(super) fn stand_by(
        &mut self,
        now: Now,
        customer: CustomerIndex,
        number: NumberIndex,
        by: WrittenBy,
        content: Map<String, Value>,
    ) -> Result<String, SimulatorError> {
        let id = self.marked_id("STANDBY");
        let timestamp = now.wall.as_secs().to_string();
        let standby = match by {
            WrittenBy::Customer => {
                let mut message = self.named(customer, "from");
                message.insert("id".to_owned(), id.clone().into());
                message.insert("timestamp".to_owned(), timestamp.into());
                message.extend(content);
                json!({ "contacts": [self.whole_card(customer)], "messages": [message] })
            }
            WrittenBy::Business => {
                let mut sent = content;
                let person = self.named(customer, "to");
                let (key, name) = match person.get("to") {
                    Some(phone) => ("to", phone),
                    None => ("recipient", person.get("to_user_id").unwrap_or(&Value::Null)),
                };
                sent.insert(key.to_owned(), name.clone());
                sent.insert("messaging_product".to_owned(), "whatsapp".into());
                sent.insert("recipient_type".to_owned(), "individual".into());
                json!({ "message_echoes": [{ "id": id, "timestamp": timestamp, "message": sent }] })
            }
        };
        self.tell(now, number, "standby", json!({ "standby": standby }))?;
        Ok(id)
    }

    /// A customer's names as a message has them: `from`, `from_user_id` and so on.
    fn named(&self, customer: CustomerIndex, key: &str) -> Map<String, Value> {
        let person = self.customers.get(customer);
        let phone = person.and_then(|person| person.phone.filter(|_| person.shows_phone));
        let mut names = Map::new();
        if let Some(phone) = phone {
            names.insert(key.to_owned(), phone.to_string().into());
        }
        names.insert(format!("{key}_user_id"), self.customers.user_id(customer).into());
        names
    }

    fn whole_card(&self, customer: CustomerIndex) -> Value {
        let names = self.named(customer, "wa");
        let mut card = json!({
            "profile": { "name": self.customers.name(customer) }, "user_id": self.customers.user_id(customer),
        });
        if let (Some(phone), Value::Object(card)) = (names.get("wa"), &mut card) {
            card.insert("wa_id".to_owned(), phone.clone());
        }
        card
    }

    fn display(&self, number: NumberIndex) -> Result<String, SimulatorError> {
        let phone = self.numbers.get(number).and_then(|number| number.phone);
        phone
            .map(|phone| phone.to_string())
            .ok_or_else(|| bad("the number has no phone"))
    }

    fn tell(
        &mut self,
        now: Now,
        number: NumberIndex,
        field: &str,
        mut value: Value,
    ) -> Result<(), SimulatorError> {
        let display = self.display(number)?;
        let number = self
            .numbers
            .get(number)
            .ok_or_else(|| bad("there is no number"))?;
        let id = number.config.phone_number_id.as_str();
        if let Value::Object(fields) = &mut value {
            fields.insert("messaging_product".to_owned(), "whatsapp".into());
            let metadata = json!({ "display_phone_number": display, "phone_number_id": id });
            fields.insert("metadata".to_owned(), metadata);
        }
        let update = OtherUpdate {
            waba: number.config.waba_id.as_str().to_owned(),
            field: field.to_owned(),
            value: to_raw_value(&value).map_err(|error| bad(error.to_string()))?,
            at: now.wall,
            review: None,
        };
        self.schedule(now, Update::Other(update.into()), now.us);
        Ok(())
    }
}
