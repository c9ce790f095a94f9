//! Customers who write by themselves: they answer what the business says, and otherwise begin conversations.

mod compose;

pub(crate) use compose::text;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

use super::customers::{CustomerIndex, CustomerSpec, CustomerView, Reply};
use super::dice::Dice;
use super::numbers::NumberIndex;
use super::phone::Phone;
use super::phrases::DIALLING;
use super::sends::{Send, SendIndex};
use super::webhooks::micros;
use super::world::{Now, Shared, World};
use compose::Offer;

/// What the business said and nobody answered yet; beyond it, customers do not listen.
const HEARD: usize = 4_096;

/// Answers on their way at once.
const PLANNED: usize = 100_000;

/// Updates that may wait to be posted before customers pause: they would only wait longer.
const BACKLOG: usize = 100_000;

/// The most that is written in one turn, so that the lock is not held for long.
const TURN: u32 = 100;

/// What the business said, as far as an answer needs it.
#[derive(Debug)]
struct Heard {
    send: SendIndex,
    customer: CustomerIndex,
    number: NumberIndex,
    offer: Offer,
}

#[derive(Debug)]
struct Planned {
    at_us: u64,
    order: u64,
    heard: Heard,
}

impl PartialEq for Planned {
    fn eq(&self, other: &Self) -> bool {
        (self.at_us, self.order) == (other.at_us, other.order)
    }
}

impl Eq for Planned {}

impl PartialOrd for Planned {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Planned {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at_us, self.order).cmp(&(other.at_us, other.order))
    }
}

/// How customers write by themselves.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ChatterConfig {
    /// Messages a second; 0 is silence.
    pub rate: f64,
    /// How many customers take part; 0 means 1,000.
    pub customers: u32,
    /// Which numbers they write to; none means all.
    pub phone_number_ids: Vec<String>,
}

#[derive(Debug)]
pub(crate) struct Chatter {
    dice: Dice,
    config: ChatterConfig,
    numbers: Vec<NumberIndex>,
    /// When the next message is due.
    next_us: Option<u64>,
    heard: VecDeque<Heard>,
    planned: BinaryHeap<Reverse<Planned>>,
    order: u64,
    wake: bool,
    pub(crate) written: u64,
}

impl Chatter {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            dice: Dice::new(seed, 5),
            config: ChatterConfig::default(),
            numbers: Vec::new(),
            next_us: None,
            heard: VecDeque::new(),
            planned: BinaryHeap::new(),
            order: 0,
            wake: false,
            written: 0,
        }
    }

    pub(crate) const fn config(&self) -> &ChatterConfig {
        &self.config
    }

    pub(crate) fn take_wake(&mut self) -> bool {
        std::mem::take(&mut self.wake)
    }

    /// Answers that are still to be written.
    pub(crate) fn pending(&self) -> usize {
        self.planned.len()
    }

    fn people(&self) -> usize {
        match usize::try_from(self.config.customers) {
            Ok(0) | Err(_) => 1_000,
            Ok(people) => people,
        }
    }

    fn interval_us(&self) -> Option<u64> {
        if self.config.rate <= 0.0 {
            return None;
        }
        Some(micros(Duration::from_secs_f64(1.0 / self.config.rate.clamp(0.001, 1e6))).max(1))
    }
}

impl World {
    /// Sets who chats and how much; silence forgets what was heard.
    pub(crate) fn set_chatter(&mut self, now: Now, config: ChatterConfig) -> Result<(), String> {
        let mut numbers = Vec::new();
        for id in &config.phone_number_ids {
            numbers.push(
                self.numbers
                    .find(id)
                    .ok_or_else(|| format!("no number has the id {id}"))?,
            );
        }
        if numbers.is_empty() {
            let all = u16::try_from(self.numbers.all().len()).unwrap_or(u16::MAX);
            numbers.extend((0..all).map(NumberIndex));
        }
        self.chatter.numbers = numbers;
        self.chatter.config = config;
        self.chatter.next_us = self.chatter.interval_us().map(|interval| now.us + interval);
        if self.chatter.next_us.is_none() {
            self.chatter.heard.clear();
        }
        self.chatter.wake = true;
        Ok(())
    }

    /// A customer hears what the business sent, and may answer.
    pub(crate) fn hear(&mut self, now: Now, index: SendIndex, sent: &Send, raw: &Value) {
        let Some(customer) = sent.to.customer() else {
            return;
        };
        let scripted = self.customers.reply(customer);
        let listens = self.chatter.next_us.is_some() && self.chatter.heard.len() < HEARD;
        if matches!(scripted, Some(Reply::Silent)) || (scripted.is_none() && !listens) {
            return;
        }
        if sent.kind == "reaction"
            || self
                .customers
                .get(customer)
                .is_none_or(|person| !person.on_whatsapp)
        {
            return;
        }
        let offer = match scripted {
            Some(Reply::Text(text)) => Offer::Say(text.clone()),
            Some(Reply::Echo) => Offer::Say(compose::said(raw)),
            _ => {
                let number = self.numbers.get(sent.number);
                let waba = number.map_or("", |number| number.config.waba_id.as_str());
                Offer::of(raw, waba, &self.templates)
            }
        };
        let heard = Heard {
            send: index,
            customer,
            number: sent.number,
            offer,
        };
        if scripted.is_none() {
            self.chatter.heard.push_back(heard);
        } else if self.chatter.planned.len() < PLANNED {
            let at_us = now.us + micros(self.chatter.dice.delay(self.config.thinking));
            self.chatter.order += 1;
            let order = self.chatter.order;
            self.chatter
                .planned
                .push(Reverse(Planned { at_us, order, heard }));
            self.chatter.wake = true;
        }
    }

    /// Writes what is due; says how long nothing more is.
    fn chatter_turn(&mut self, now: Now) -> Option<Duration> {
        let mut left = TURN;
        while left > 0
            && let Some(Reverse(first)) = self.chatter.planned.peek()
            && first.at_us <= now.us
            && let Some(Reverse(planned)) = self.chatter.planned.pop()
        {
            self.answer(now, &planned.heard);
            left -= 1;
        }
        if let Some(interval_us) = self.chatter.interval_us() {
            while left > 0
                && let Some(next_us) = self.chatter.next_us
                && next_us <= now.us
            {
                // After a long pause, do not write everything that was missed at once.
                self.chatter.next_us = Some((next_us + interval_us).max(now.us.saturating_sub(1_000_000)));
                if self.outbox.waiting() < BACKLOG {
                    self.chat(now);
                }
                left -= 1;
            }
        }
        let planned_us = self.chatter.planned.peek().map(|Reverse(first)| first.at_us);
        let next_us = match (planned_us, self.chatter.next_us) {
            (Some(planned), Some(next)) => planned.min(next),
            (one, other) => one.or(other)?,
        };
        // A short rest even at high rates lets the messages of a few milliseconds share a webhook.
        Some(Duration::from_micros(next_us.saturating_sub(now.us).max(1_000)))
    }

    fn chat(&mut self, now: Now) {
        if let Some(heard) = self.chatter.heard.pop_front() {
            self.answer(now, &heard);
            return;
        }
        let person = self.chatter.dice.below(self.chatter.people());
        let Some(number) = self
            .chatter
            .numbers
            .get(self.chatter.dice.below(self.chatter.numbers.len()))
            .copied()
        else {
            return;
        };
        let Some(customer) = self.chatter_customer(person) else {
            return;
        };
        let content = self.opening(customer);
        self.chatter.written += 1;
        self.write(now, customer, number, content);
    }

    /// The people who chat.
    pub(crate) fn chatting(&mut self) -> Vec<CustomerView> {
        (0..self.chatter.people())
            .filter_map(|person| {
                let index = self.chatter_customer(person)?;
                self.customers.view(index)
            })
            .collect()
    }

    /// One of the people who chat. Every tenth has a username instead of a phone number.
    fn chatter_customer(&mut self, person: usize) -> Option<CustomerIndex> {
        let prefix = DIALLING.get(person % DIALLING.len())?;
        let line = person / DIALLING.len();
        let phone = Phone::parse(&format!("{prefix}{line:04}"))?.whatsapp();
        if let Some(known) = self.customers.find_phone(phone) {
            return Some(known);
        }
        let hidden = person % 10 == 7;
        self.customers.apply(&CustomerSpec {
            phone: Some(phone.to_string()),
            username: hidden.then(|| format!("guest.{person}")),
            ..CustomerSpec::default()
        })
    }

    fn answer(&mut self, now: Now, heard: &Heard) {
        let Some(content) = self.reply_to(heard) else {
            return;
        };
        self.chatter.written += 1;
        self.write(now, heard.customer, heard.number, content);
    }
}

/// A message's content, ready to be written.
type Content = Map<String, Value>;

/// Lets customers write until the simulator stops.
pub(crate) async fn run(shared: Arc<Shared>) {
    loop {
        let wait = shared.with(World::chatter_turn);
        let rest = async {
            match wait {
                Some(wait) => tokio::time::sleep(wait).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = shared.stop.cancelled() => return,
            () = shared.talk.notified() => {}
            () = rest => {}
        }
    }
}
