//! Whose a webhook is, by the numbers and accounts that it names.

use crate::actors::port::WebhookTenants;
use crate::domain::TenantId;
use crate::whatsapp::webhook::{self, Element, Glance, Haste};

/// Whose elements a body has, by a look at its bytes, and how urgent it is. Nobody's where no number is known.
pub(super) fn at_a_glance(tenants: &dyn WebhookTenants, body: &[u8]) -> (Vec<TenantId>, Haste) {
    let Glance { numbers, haste } = webhook::glance(body);
    let mut owners: Vec<TenantId> = if numbers.is_empty() {
        // News of an account: rare, and nothing but its id says whose it is.
        let elements = webhook::parse(body).unwrap_or_default().elements;
        elements.iter().flat_map(|element| of(tenants, element)).collect()
    } else {
        numbers
            .iter()
            .filter_map(|number| tenants.owner(number))
            .collect()
    };
    owners.sort_unstable();
    owners.dedup();
    (owners, haste)
}

/// Whom an element concerns.
pub(super) fn of(tenants: &dyn WebhookTenants, element: &Element) -> Vec<TenantId> {
    if let Some(owner) = element.number().and_then(|number| tenants.owner(number)) {
        return vec![owner];
    }
    match element {
        Element::Other(other) if other.number.is_none() => other
            .waba
            .as_ref()
            .map(|waba| tenants.owners_of_account(waba))
            .unwrap_or_default(),
        _ => Vec::new(),
    }
}
