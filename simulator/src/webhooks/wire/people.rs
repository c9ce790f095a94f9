//! Who a customer is, and how far a send got, in Meta's fields: phone number and username only where they may be told.

use std::borrow::Cow;

use serde::Serialize;

use crate::customers::CustomerIndex;
use crate::graph::error::title;
use crate::sends::{Category, Recipient, Send, Step};
use crate::world::World;

#[derive(Serialize)]
pub(super) struct Contact<'a> {
    profile: Profile<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    wa_id: Option<String>,
    user_id: String,
}

#[derive(Serialize)]
struct Profile<'a> {
    name: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<&'a str>,
}

#[derive(Serialize)]
pub(super) struct Status<'a> {
    id: String,
    status: &'static str,
    timestamp: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    recipient_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recipient_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recipient_user_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pricing: Option<Pricing>,
    #[serde(skip_serializing_if = "Option::is_none")]
    biz_opaque_callback_data: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<Failure<'a>>,
}

#[derive(Serialize)]
struct Pricing {
    billable: bool,
    pricing_model: &'static str,
    r#type: &'static str,
    category: &'static str,
}

#[derive(Serialize)]
struct Failure<'a> {
    code: u32,
    title: &'a str,
    message: &'a str,
    error_data: FailureDetails<'a>,
    href: &'static str,
}

#[derive(Serialize)]
struct FailureDetails<'a> {
    details: &'a str,
}

/// Which names of a customer a webhook tells.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Introduction {
    /// Beside `sent`: no username.
    Sent,
    /// Beside `sent` of what went to a phone number.
    SentToPhone,
    /// Everything that may be told.
    Whole,
    /// And the phone number, because the business wrote to it.
    WholeWithPhone,
}

pub(super) fn introduce<'a>(
    world: &'a World,
    contacts: &mut Vec<Contact<'a>>,
    customer: CustomerIndex,
    how: Introduction,
) {
    let user_id = world.customers.user_id(customer);
    if contacts.iter().any(|known| known.user_id == user_id) {
        return;
    }
    let Some(person) = world.customers.get(customer) else {
        return;
    };
    let to_phone = matches!(how, Introduction::SentToPhone | Introduction::WholeWithPhone);
    let with_username = matches!(how, Introduction::Whole | Introduction::WholeWithPhone);
    contacts.push(Contact {
        profile: Profile {
            name: world.customers.name(customer),
            username: world.customers.username(customer).filter(|_| with_username),
        },
        wa_id: person
            .phone
            .filter(|_| person.shows_phone || to_phone)
            .map(|phone| phone.to_string()),
        user_id,
    });
}

pub(super) fn status(
    world: &World,
    sent: &Send,
    id: String,
    step: Step,
    error: u32,
    at_secs: i64,
) -> Status<'static> {
    let failed = step == Step::Failed;
    let (recipient_id, recipient_type, recipient_user_id) = match sent.to {
        Recipient::Group(group) => {
            let group = usize::try_from(group).ok().and_then(|at| world.groups.get(at));
            (group.cloned(), Some("group"), None)
        }
        Recipient::Phone(customer) => {
            let phone = world.customers.get(customer).and_then(|person| person.phone);
            let user_id = (!failed).then(|| world.customers.user_id(customer));
            (phone.map(|phone| phone.to_string()), None, user_id)
        }
        Recipient::UserId(customer) => {
            let shown = world
                .customers
                .get(customer)
                .filter(|person| person.shows_phone && !failed)
                .and_then(|person| person.phone);
            let user_id = Some(world.customers.user_id(customer));
            (shown.map(|phone| phone.to_string()), None, user_id)
        }
    };
    let pricing = matches!(step, Step::Sent | Step::Delivered).then(|| pricing(sent.category));
    let errors = if failed {
        vec![Failure {
            code: error,
            title: title(error),
            message: title(error),
            error_data: FailureDetails {
                details: title(error),
            },
            href: "/documentation/business-messaging/whatsapp/support/error-codes",
        }]
    } else {
        Vec::new()
    };
    Status {
        id,
        status: step.name(),
        timestamp: at_secs.to_string(),
        recipient_id,
        recipient_type,
        recipient_user_id,
        pricing,
        biz_opaque_callback_data: sent.token.text(),
        errors,
    }
}

fn pricing(category: Category) -> Pricing {
    let free = category == Category::FreeService;
    Pricing {
        billable: !free,
        pricing_model: "PMP",
        r#type: if free { "free_customer_service" } else { "regular" },
        category: category.name(),
    }
}
