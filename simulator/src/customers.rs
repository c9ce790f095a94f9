//! The customers: who they are, by which names a business knows them, and what they put up with.
//!
//! Anybody whom a business writes to by phone exists and is on WhatsApp unless a script says otherwise. A plain customer
//! costs a few dozen bytes, so that a broadcast can reach a million of them.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use super::dice::mix;
use super::phone::Phone;
use super::phrases;

/// A customer's place in the list of all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct CustomerIndex(pub(crate) u32);

/// What a script says about a customer. What is left out stays as it was.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CustomerSpec {
    /// The phone number; without one, and without `user_id`, a customer is made who has only a business-scoped id.
    pub phone: Option<String>,
    /// The business-scoped user id: of a known customer, or a chosen one for a new customer.
    pub user_id: Option<String>,
    /// The profile name.
    pub name: Option<String>,
    /// The adopted username. Who has one shows no phone number unless `shows_phone` says so.
    pub username: Option<String>,
    /// Whether webhooks tell the phone number.
    pub shows_phone: Option<bool>,
    /// Whether reading is reported.
    pub receipts: Option<bool>,
    /// Whether the number is on WhatsApp.
    pub on_whatsapp: Option<bool>,
    /// Whether marketing messages are wanted; a change is told by a `user_preferences` webhook.
    pub marketing: Option<bool>,
    /// Whether Meta keeps marketing from the customer, who gets much of it from all businesses: it fails with 131049.
    pub capped: Option<bool>,
    /// How the customer answers whatever the business sends.
    pub reply: Option<Reply>,
    /// When the customer wrote to the first number before this simulator began, in seconds since 1970.
    pub wrote_at: Option<i64>,
}

/// How a customer answers by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// Not at all.
    Silent,
    /// With the text that came.
    Echo,
    /// As a person might: taps a button, sends a place when asked for one, otherwise writes.
    Natural,
    /// With this text.
    Text(String),
}

/// A customer, as the control interface tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomerView {
    /// The phone number under which WhatsApp knows the customer, when there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// The business-scoped user id.
    pub user_id: String,
    /// The profile name.
    pub name: String,
    /// The adopted username.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// Whether webhooks tell the phone number.
    pub shows_phone: bool,
    /// Whether reading is reported.
    pub receipts: bool,
    /// Whether the number is on WhatsApp.
    pub on_whatsapp: bool,
    /// Whether marketing messages are wanted.
    pub marketing: bool,
    /// Whether Meta keeps marketing from the customer.
    #[serde(default)]
    pub capped: bool,
}

#[derive(Debug)]
pub(crate) struct Customer {
    pub(crate) phone: Option<Phone>,
    /// Stands in wamids for good, whatever number the customer moves to.
    pub(crate) address: u64,
    /// Counts the business-scoped ids that the customer has had.
    turn: u32,
    pub(crate) shows_phone: bool,
    pub(crate) receipts: bool,
    pub(crate) on_whatsapp: bool,
    pub(crate) marketing: bool,
    pub(crate) capped: bool,
    persona: Option<Box<Persona>>,
}

#[derive(Debug, Default)]
struct Persona {
    name: Option<String>,
    username: Option<String>,
    user_id: Option<String>,
    reply: Option<Reply>,
}

/// All customers.
#[derive(Debug)]
pub(crate) struct Customers {
    salt: u64,
    all: Vec<Customer>,
    by_phone: HashMap<Phone, CustomerIndex>,
    /// Numbers whose owners moved to others: nobody is on WhatsApp under them.
    vacant: HashSet<Phone>,
    /// Only the ids that a script chose; the others are computed.
    by_chosen_id: HashMap<String, CustomerIndex>,
}

impl Customers {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            salt: mix(seed, 0x00c0_570e),
            all: Vec::new(),
            by_phone: HashMap::new(),
            vacant: HashSet::new(),
            by_chosen_id: HashMap::new(),
        }
    }

    pub(crate) fn get(&self, index: CustomerIndex) -> Option<&Customer> {
        self.all.get(usize::try_from(index.0).ok()?)
    }

    fn get_mut(&mut self, index: CustomerIndex) -> Option<&mut Customer> {
        self.all.get_mut(usize::try_from(index.0).ok()?)
    }

    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    /// The customer behind a phone number, who comes into being when asked for.
    pub(crate) fn by_phone(&mut self, phone: Phone) -> CustomerIndex {
        if let Some(known) = self.by_phone.get(&phone) {
            return *known;
        }
        let index = self.add(Some(phone), phone.digits());
        self.by_phone.insert(phone, index);
        if self.vacant.contains(&phone)
            && let Some(nobody) = self.get_mut(index)
        {
            nobody.on_whatsapp = false;
        }
        index
    }

    /// The customer who takes a number, also one that somebody left.
    fn owner(&mut self, phone: Phone) -> CustomerIndex {
        let was_vacant = self.vacant.remove(&phone);
        let index = self.by_phone(phone);
        if was_vacant && let Some(customer) = self.get_mut(index) {
            customer.on_whatsapp = true;
        }
        index
    }

    /// The customer behind a phone number, if one is known.
    pub(crate) fn find_phone(&self, phone: Phone) -> Option<CustomerIndex> {
        self.by_phone.get(&phone).copied()
    }

    /// The customer behind a business-scoped user id, if that id is still theirs.
    pub(crate) fn find_user_id(&self, user_id: &str) -> Option<CustomerIndex> {
        if let Some(chosen) = self.by_chosen_id.get(user_id) {
            return Some(*chosen);
        }
        let (_, digits) = user_id.split_once('.')?;
        let plain = unscramble(digits.parse().ok()?, self.salt);
        let index = CustomerIndex(u32::try_from(plain & 0xffff_ffff).ok()?);
        (self.user_id(index) == user_id).then_some(index)
    }

    /// Finds a customer by phone or id, or makes one.
    pub(crate) fn find_or_make(&mut self, who: &str) -> Option<CustomerIndex> {
        if let Some(phone) = Phone::parse(who) {
            return Some(self.owner(phone.whatsapp()));
        }
        self.find_user_id(who).or_else(|| self.choose_id(who))
    }

    fn choose_id(&mut self, user_id: &str) -> Option<CustomerIndex> {
        if !looks_like_user_id(user_id) {
            return None;
        }
        let next = u64::try_from(self.all.len()).unwrap_or(u64::MAX);
        let index = self.add(None, mix(self.salt, next) >> 14);
        let customer = self.get_mut(index)?;
        customer.shows_phone = false;
        customer.persona.get_or_insert_default().user_id = Some(user_id.to_owned());
        self.by_chosen_id.insert(user_id.to_owned(), index);
        Some(index)
    }

    fn add(&mut self, phone: Option<Phone>, address: u64) -> CustomerIndex {
        let index = CustomerIndex(u32::try_from(self.all.len()).unwrap_or(u32::MAX));
        self.all.push(Customer {
            phone,
            address,
            turn: 0,
            shows_phone: phone.is_some(),
            receipts: true,
            on_whatsapp: true,
            marketing: true,
            capped: false,
            persona: None,
        });
        index
    }

    /// The customer of whom a script speaks, if there is one yet.
    pub(crate) fn find_spec(&self, spec: &CustomerSpec) -> Option<CustomerIndex> {
        match (&spec.phone, &spec.user_id) {
            (Some(phone), _) => self.find_phone(Phone::parse(phone)?.whatsapp()),
            (None, Some(user_id)) => self.find_user_id(user_id),
            (None, None) => None,
        }
    }

    /// Applies a script; `None` when phone or id cannot be read.
    pub(crate) fn apply(&mut self, spec: &CustomerSpec) -> Option<CustomerIndex> {
        let index = match (&spec.phone, &spec.user_id) {
            (Some(phone), _) => self.owner(Phone::parse(phone)?.whatsapp()),
            (None, Some(user_id)) => self.find_or_make(user_id)?,
            (None, None) => {
                let next = u64::try_from(self.all.len()).unwrap_or(u64::MAX);
                self.add(None, mix(self.salt, next) >> 14)
            }
        };
        if let (Some(_), Some(user_id)) = (&spec.phone, &spec.user_id) {
            if !looks_like_user_id(user_id) {
                return None;
            }
            self.by_chosen_id.insert(user_id.clone(), index);
        }
        let customer = self.get_mut(index)?;
        let own_id = spec.user_id.clone().filter(|_| spec.phone.is_some());
        if spec.name.is_some() || spec.username.is_some() || spec.reply.is_some() || own_id.is_some() {
            let persona = customer.persona.get_or_insert_default();
            persona.name = spec.name.clone().or(persona.name.take());
            persona.username = spec.username.clone().or(persona.username.take());
            persona.reply = spec.reply.clone().or(persona.reply.take());
            persona.user_id = own_id.or(persona.user_id.take());
        }
        if spec.username.is_some() {
            customer.shows_phone = false;
        }
        customer.shows_phone = spec.shows_phone.unwrap_or(customer.shows_phone) && customer.phone.is_some();
        customer.receipts = spec.receipts.unwrap_or(customer.receipts);
        customer.on_whatsapp = spec.on_whatsapp.unwrap_or(customer.on_whatsapp);
        customer.marketing = spec.marketing.unwrap_or(customer.marketing);
        customer.capped = spec.capped.unwrap_or(customer.capped);
        Some(index)
    }

    /// Moves a customer to another phone number, which also gives a new business-scoped id. Returns the old id.
    pub(crate) fn move_number(&mut self, index: CustomerIndex, to: Phone) -> Option<String> {
        let before = self.user_id(index);
        let customer = self.get_mut(index)?;
        let old = customer.phone.replace(to);
        customer.turn += 1;
        if let Some(persona) = &mut customer.persona
            && let Some(chosen) = persona.user_id.take()
        {
            self.by_chosen_id.remove(&chosen);
        }
        if let Some(old) = old {
            self.by_phone.remove(&old);
            self.vacant.insert(old);
        }
        self.vacant.remove(&to);
        self.by_phone.insert(to, index);
        Some(before)
    }

    /// The business-scoped user id.
    pub(crate) fn user_id(&self, index: CustomerIndex) -> String {
        let Some(customer) = self.get(index) else {
            return String::new();
        };
        if let Some(chosen) = customer
            .persona
            .as_ref()
            .and_then(|persona| persona.user_id.as_ref())
        {
            return chosen.clone();
        }
        let plain = (u64::from(customer.turn) << 32) | u64::from(index.0);
        format!("{}.{}", country_of(customer), scramble(plain, self.salt))
    }

    /// The profile name.
    pub(crate) fn name(&self, index: CustomerIndex) -> Cow<'_, str> {
        let customer = self.get(index);
        let given = customer.and_then(|customer| customer.persona.as_ref()?.name.as_deref());
        given.map_or_else(
            || {
                let country = customer.map_or("US", country_of);
                Cow::Owned(phrases::name(
                    country,
                    (self.salt >> 1).wrapping_add(u64::from(index.0)),
                ))
            },
            Cow::Borrowed,
        )
    }

    /// The adopted username.
    pub(crate) fn username(&self, index: CustomerIndex) -> Option<&str> {
        self.get(index)?.persona.as_ref()?.username.as_deref()
    }

    /// How the customer answers by itself, if a script said so.
    pub(crate) fn reply(&self, index: CustomerIndex) -> Option<&Reply> {
        self.get(index)?.persona.as_ref()?.reply.as_ref()
    }

    /// The country, which decides the language.
    pub(crate) fn country(&self, index: CustomerIndex) -> &'static str {
        self.get(index).map_or("US", country_of)
    }

    pub(crate) fn view(&self, index: CustomerIndex) -> Option<CustomerView> {
        let customer = self.get(index)?;
        Some(CustomerView {
            phone: customer.phone.map(|phone| phone.to_string()),
            user_id: self.user_id(index),
            name: self.name(index).into_owned(),
            username: self.username(index).map(str::to_owned),
            shows_phone: customer.shows_phone,
            receipts: customer.receipts,
            on_whatsapp: customer.on_whatsapp,
            marketing: customer.marketing,
            capped: customer.capped,
        })
    }
}

fn country_of(customer: &Customer) -> &'static str {
    customer.phone.map_or("US", Phone::country)
}

/// Two capital letters, a dot, then letters and digits; a parent id has `ENT.` in between.
pub(crate) fn looks_like_user_id(text: &str) -> bool {
    let Some((country, rest)) = text.split_once('.') else {
        return false;
    };
    let rest = rest.strip_prefix("ENT.").unwrap_or(rest);
    country.len() == 2
        && country.bytes().all(|byte| byte.is_ascii_uppercase())
        && !rest.is_empty()
        && rest.len() <= 128
        && rest.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
const ODD_INVERSE: u64 = inverse(ODD);

/// Newton's iteration: each step doubles the number of right bits.
const fn inverse(odd: u64) -> u64 {
    let mut guess = odd;
    let mut step = 0;
    while step < 6 {
        guess = guess.wrapping_mul(2_u64.wrapping_sub(odd.wrapping_mul(guess)));
        step += 1;
    }
    guess
}

/// A number that tells nothing about another, yet leads back to it.
pub(crate) const fn scramble(plain: u64, salt: u64) -> u64 {
    (plain ^ salt).wrapping_mul(ODD)
}

/// Leads back.
pub(crate) const fn unscramble(scrambled: u64, salt: u64) -> u64 {
    scrambled.wrapping_mul(ODD_INVERSE) ^ salt
}

#[cfg(test)]
mod tests;
