//! Whether a message is accepted: the account, its templates and media, the recipient, the window, the rates.

use serde_json::json;

use crate::config::Refusal;
use crate::graph::error::GraphError;
use crate::graph::validate::{Address, Direct, Message};
use crate::judge::Via;
use crate::media::largest;
use crate::numbers::NumberIndex;
use crate::oracle::{Marker, Outcome};
use crate::sends::{Category, Recipient, Send, SendIndex, Token};
use crate::templates;
use crate::wamid::Way;
use crate::world::{Now, World};

/// An accepted message.
pub(super) struct Accepted {
    pub(super) index: SendIndex,
    /// What the caller is told.
    pub(super) answer: String,
    /// Whether it waits for an assessment of its template's quality.
    pub(super) held: Held,
}

/// Whether a template message waits for an assessment of its quality.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Held {
    No,
    ForQuality,
}

impl World {
    /// Accepts a message, or says why not.
    pub(super) fn accept(
        &mut self,
        now: Now,
        phone_number_id: &str,
        via: Via,
        message: &Message<'_>,
        token: &Token,
    ) -> Result<Accepted, GraphError> {
        let number = self
            .numbers
            .find(phone_number_id)
            .ok_or_else(|| GraphError::unknown_object(phone_number_id))?;
        self.templates.settle(now.us);
        let category = self.category(number, via, message)?;
        self.check_media(message)?;
        let to = self.recipient(number, message)?;
        if let (Category::Authentication, Recipient::UserId(_)) = (category, to) {
            return Err(GraphError::new(
                131_062,
                "Authentication templates with a one-tap, zero-tap or copy-code button need a phone number.",
            ));
        }
        if let Some(customer) = to.customer() {
            if self.blocks.has(number, customer) {
                return Err(GraphError::new(
                    130_403,
                    "Message failed to send because the business has blocked the recipient.",
                ));
            }
            let gone = self
                .customers
                .get(customer)
                .is_none_or(|person| !person.on_whatsapp);
            if gone && self.config.undeliverable == Refusal::AtOnce {
                return Err(GraphError::new(131_026, "Message Undeliverable."));
            }
        }
        if self.config.window == Refusal::AtOnce && !self.may_write(now, number, to, message) {
            return Err(GraphError::new(
                131_047,
                "Message failed to send because more than 24 hours have passed since the customer last replied to \
                 this number.",
            ));
        }
        self.admit(now, number, to)?;
        if let Some(customer) = to.customer()
            && !self.pairs.window_open(number, customer, now.wall)
        {
            self.approached.insert(customer);
        }
        let address = to
            .customer()
            .and_then(|customer| self.customers.get(customer))
            .map_or(1, |person| person.address);
        let content = message.content.to_string();
        let index = self.sends.add(
            Send {
                at: now.wall,
                number,
                to,
                address,
                kind: message.kind,
                category,
                token: token.clone(),
                reached: None,
            },
            &content,
        );
        let repetition = self.oracle.request(token, Outcome::Accepted);
        let marker = Marker {
            prefix: &self.config.marker_prefix,
            repetition,
        };
        self.oracle.accepted(index, address, &content, &marker);
        let held = if message.template.is_some() && self.send_dice.chance(self.faults.held) {
            Held::ForQuality
        } else {
            Held::No
        };
        let answer = self.receipt(index, message, held);
        if let Some(used) = &message.template {
            self.count_template(now, number, (used.name, used.language), (index, held));
        }
        Ok(Accepted { index, answer, held })
    }

    fn category(
        &mut self,
        number: NumberIndex,
        via: Via,
        message: &Message<'_>,
    ) -> Result<Category, GraphError> {
        let Some(used) = &message.template else {
            if via == Via::Marketing {
                return Err(GraphError::new(
                    131_055,
                    "Only marketing templates can be sent here.",
                ));
            }
            let category = match message.direct {
                Direct::No => None,
                Direct::Utility => Some(Category::Utility),
                Direct::Authentication => Some(Category::Authentication),
            };
            if let Some(category) = category {
                return if self.config.direct_send {
                    Ok(category)
                } else {
                    Err(GraphError::new(
                        100,
                        "This account may not send without a template.",
                    ))
                };
            }
            let Some(number) = self.numbers.get_mut(number) else {
                return Ok(Category::Service);
            };
            number.service_delivered = number.service_delivered.saturating_add(1);
            return Ok(if number.service_delivered > 1_000 {
                Category::Service
            } else {
                Category::FreeService
            });
        };
        let waba = self
            .numbers
            .get(number)
            .map_or("", |number| number.config.waba_id.as_str());
        let template = templates::check(&self.templates, waba, used)?;
        match (template.spec.category.as_str(), via) {
            ("MARKETING", Via::Messages) => Ok(Category::Marketing),
            ("MARKETING", Via::Marketing) => Ok(Category::MarketingLite),
            (_, Via::Marketing) => Err(GraphError::new(
                131_055,
                "Only marketing templates can be sent here.",
            )),
            ("AUTHENTICATION", _) => Ok(Category::Authentication),
            _ => Ok(Category::Utility),
        }
    }

    fn check_media(&self, message: &Message<'_>) -> Result<(), GraphError> {
        for used in &message.media {
            let media = used.id.parse().ok().and_then(|id| self.media.get(id));
            let fits = media.is_some_and(|media| {
                largest(used.kind, &media.mime).is_some_and(|most| media.bytes.len() <= most)
            });
            if !fits {
                return Err(GraphError::new(
                    131_053,
                    format!(
                        "Media {} does not exist, has expired, or cannot be sent as {}.",
                        used.id,
                        used.kind.name()
                    ),
                ));
            }
        }
        Ok(())
    }

    fn recipient(&mut self, number: NumberIndex, message: &Message<'_>) -> Result<Recipient, GraphError> {
        match message.to {
            Address::Phone { phone, .. } => {
                let own = self.numbers.get(number).and_then(|number| number.phone);
                if own == Some(phone) {
                    return Err(GraphError::new(
                        131_021,
                        "Recipient phone number cannot be the same as sender.",
                    ));
                }
                Ok(Recipient::Phone(self.customers.by_phone(phone.whatsapp())))
            }
            Address::UserId(user_id) => self
                .customers
                .find_user_id(user_id)
                .map(Recipient::UserId)
                .ok_or_else(|| GraphError::new(131_026, "Message Undeliverable.")),
            Address::Group(group) => {
                let known = self.groups.iter().position(|known| known == group);
                let place = known.unwrap_or_else(|| {
                    self.groups.push(group.to_owned());
                    self.groups.len() - 1
                });
                Ok(Recipient::Group(u32::try_from(place).unwrap_or(u32::MAX)))
            }
        }
    }

    /// Templates, utility texts without one and groups need no open window.
    fn may_write(&self, now: Now, number: NumberIndex, to: Recipient, message: &Message<'_>) -> bool {
        message.template.is_some()
            || message.direct != Direct::No
            || to
                .customer()
                .is_none_or(|customer| self.pairs.window_open(number, customer, now.wall))
    }

    fn admit(&mut self, now: Now, number: NumberIndex, to: Recipient) -> Result<(), GraphError> {
        if let Some(number) = self.numbers.get_mut(number)
            && !number.second.admit(now.us, number.config.rate)
        {
            return Err(GraphError::new(
                130_429,
                "Cloud API message throughput has been reached.",
            ));
        }
        if let Some(customer) = to.customer()
            && !self.pairs.admit(number, customer, now.us, self.config.pair)
        {
            return Err(GraphError::new(
                131_056,
                "Message failed to send because too many messages were sent from this number to the same customer in \
                 a short time.",
            ));
        }
        Ok(())
    }

    fn receipt(&self, index: SendIndex, message: &Message<'_>, held: Held) -> String {
        let Some(sent) = self.sends.get(index) else {
            return String::new();
        };
        let wamid = self.wamids.write(Way::Out, sent.address, index.0);
        let customer = sent.to.customer();
        let contact = match (message.to, customer) {
            (Address::Phone { written, phone }, _) => {
                json!({"input": written, "wa_id": phone.whatsapp().to_string()})
            }
            (Address::UserId(user_id), _) => json!({"input": user_id, "user_id": user_id}),
            (Address::Group(group), _) => json!({"input": group, "wa_id": group}),
        };
        let mut sent_message = json!({"id": wamid});
        if let (Address::Group(group), Some(fields)) = (message.to, sent_message.as_object_mut()) {
            fields.insert("group_id".to_owned(), group.into());
        }
        if let (true, Some(fields)) = (message.template.is_some(), sent_message.as_object_mut()) {
            let status = match held {
                Held::No => "accepted",
                Held::ForQuality => "held_for_quality_assessment",
            };
            fields.insert("message_status".to_owned(), status.into());
        }
        json!({"messaging_product": "whatsapp", "contacts": [contact], "messages": [sent_message]})
            .to_string()
    }
}
