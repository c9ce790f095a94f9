//! What is asked once all are there: each question some hundred times, one call after the other, each beside a look at one contact.

use std::time::Duration;

use anyhow::Context as _;
use hdrhistogram::Histogram;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::people::{Person, RARE};
use super::talks::{Members, QUIET};
use super::{ContactsArgs, say};
use crate::gateway::text;
use crate::stage::Stage;

/// Pages before the deep one.
const DEEP: u32 = 100;
/// Calls after which nobody is looked for any longer.
const PATIENCE: u32 = 100;
/// Beginnings of words: of many names, of some, of few.
const BEGINNINGS: [&str; 6] = ["s", "sa", "lestari", "muñ", "zoe", "jür"];
/// Contacts that are looked at one by one.
const LOOKED_AT: usize = 500;

/// What became of a question.
pub struct Answered {
    /// It.
    pub question: &'static str,
    /// How long a call takes.
    pub p99_ms: f64,
    /// Calls, one page after the other, until there is somebody on it.
    pub calls_until_seen: f64,
}

/// Who asks, and how.
#[derive(Clone, Copy)]
enum Asked {
    /// Contacts, by whoever sees all.
    List,
    /// The same, by a member who sees the quiet number alone.
    Limited,
    /// How many there are.
    Count,
}

struct Question {
    name: &'static str,
    asked: Asked,
    /// The address' parameters, or the filter that is counted.
    of: Box<dyn Fn(&mut fastrand::Rng) -> String>,
}

fn question(
    name: &'static str,
    asked: Asked,
    of: impl Fn(&mut fastrand::Rng) -> String + 'static,
) -> Question {
    let of = Box::new(of);
    Question { name, asked, of }
}

fn always(text: &str) -> impl Fn(&mut fastrand::Rng) -> String + use<> {
    let text = text.to_owned();
    move |_| text.clone()
}

fn questions(contacts: u32, deep: String) -> Vec<Question> {
    let digits = move |dice: &mut fastrand::Rng| {
        let phone = Person(dice.u32(0..contacts)).phone();
        let part = phone.get(phone.len().saturating_sub(7)..).unwrap_or(&phone);
        format!("search={part}")
    };
    let four = move |dice: &mut fastrand::Rng| {
        let phone = Person(dice.u32(0..contacts)).phone();
        let part = phone.get(phone.len().saturating_sub(4)..).unwrap_or(&phone);
        format!("search={part}")
    };
    let beginning = |dice: &mut fastrand::Rng| {
        let at = dice.usize(0..BEGINNINGS.len());
        format!("search={}", escaped(BEGINNINGS.get(at).copied().unwrap_or("a")))
    };
    let filter = |text: &str| format!("filter={}", escaped(text));
    let three = filter(r#"city = "Jakarta" and label = "customer" and points > 900"#);
    let city = filter(r#"city = "Jakarta""#);
    let recent = filter("last_active < 1d");
    let by_number = filter(&format!(r#"number = "{QUIET}""#));
    let (list, limited) = (Asked::List, Asked::Limited);
    vec![
        question("first page", list, always("")),
        question("deep page", list, move |_| deep.clone()),
        question("by name", list, always("sort=name")),
        question("a label of 1 %, by name", list, always("sort=name&label=vip")),
        question(
            "a label of 50 %, by name",
            list,
            always("sort=name&label=customer"),
        ),
        question(
            "a label of 1 % and a city, by name",
            list,
            always(&format!("sort=name&label=vip&{city}")),
        ),
        question("a name's beginning", list, beginning),
        question("a name's beginning, by name", list, move |dice| {
            format!("sort=name&{}", beginning(dice))
        }),
        question("a rare name", list, always(&format!("search={RARE}"))),
        question("seven digits of a phone", list, digits),
        question("four digits of a phone", list, four),
        question("three conditions", list, always(&three)),
        question("an owner", list, always("owner=none&label=vip")),
        question("a number with few", list, always(&by_number)),
        question(
            "a number with few, by name",
            list,
            always(&format!("sort=name&{by_number}")),
        ),
        question("last activity", list, always(&recent)),
        question("by activity", list, always("sort=activity")),
        question("by a limited member", limited, always("")),
        question("by a limited member, by name", limited, always("sort=name")),
        question(
            "by a limited member, by activity",
            limited,
            always("sort=activity"),
        ),
        question("a count of all", Asked::Count, always("")),
        question(
            "a count of a label of 50 %",
            Asked::Count,
            always(r#"label = "customer""#),
        ),
        question(
            "a count of who wants marketing",
            Asked::Count,
            always("not opted_out"),
        ),
        question(
            "a count of three conditions",
            Asked::Count,
            always(r#"city = "Jakarta" and label = "customer" and points > 900"#),
        ),
    ]
}

/// Asks all of them.
pub async fn ask(stage: &Stage, members: &Members, args: &ContactsArgs) -> anyhow::Result<Vec<Answered>> {
    let mut asking = Asking {
        stage,
        members,
        dice: fastrand::Rng::with_seed(args.seed),
        known: Vec::new(),
    };
    let deep = asking.far_behind().await?;
    let mut all = Vec::new();
    for question in questions(args.contacts, deep) {
        all.push(asking.question(&question, args.asked).await?);
    }
    Ok(all)
}

struct Asking<'a> {
    stage: &'a Stage,
    members: &'a Members,
    dice: fastrand::Rng,
    /// Ids of some contacts.
    known: Vec<String>,
}

/// A page of an answer.
struct Page {
    rows: u64,
    next: Option<String>,
    took: Duration,
}

impl Asking<'_> {
    /// The parameter of a page that is far behind; notes whom it meets on the way.
    async fn far_behind(&mut self) -> anyhow::Result<String> {
        let mut next = String::new();
        for _ in 0..DEEP {
            let path = format!("/v1/contacts?limit=100{next}");
            let page = self.stage.gateway.get(&self.stage.tenant, &path).await?;
            let contacts = page.get("contacts").and_then(Value::as_array);
            for contact in contacts.into_iter().flatten().step_by(7) {
                self.known.push(text(contact, "id")?);
            }
            match page.get("next_cursor").and_then(Value::as_str) {
                Some(cursor) => next = format!("&cursor={cursor}"),
                None => break,
            }
        }
        self.dice.shuffle(&mut self.known);
        self.known.truncate(LOOKED_AT);
        Ok(format!("limit=100{next}"))
    }

    async fn question(&mut self, question: &Question, times: u32) -> anyhow::Result<Answered> {
        let mut micros = Histogram::<u64>::new_with_bounds(1, 600_000_000, 3)?;
        let (mut floor, mut rows) = (micros.clone(), 0);
        // What a store compiles or caches for a question's first time is not what it costs.
        let until_seen = self.until_seen(question).await?;
        for _ in 0..times {
            let of = (question.of)(&mut self.dice);
            let page = self.page(question.asked, &of, None).await?;
            micros.saturating_record(u64::try_from(page.took.as_micros())?);
            rows += page.rows;
            floor.saturating_record(u64::try_from(self.look().await?.as_micros())?);
        }
        let ms = |histogram: &Histogram<u64>, quantile| {
            f64::from(u32::try_from(histogram.value_at_quantile(quantile)).unwrap_or(u32::MAX)) / 1e3
        };
        let rows = f64::from(u32::try_from(rows).unwrap_or(u32::MAX)) / f64::from(times);
        let p99_ms = ms(&micros, 0.99);
        say(&json!({
            "question": question.name, "p50_ms": ms(&micros, 0.5), "p99_ms": p99_ms, "rows": rows,
            "one_contact_p50_ms": ms(&floor, 0.5), "one_contact_p99_ms": ms(&floor, 0.99),
            "p50_over_one_contact": ms(&micros, 0.5) / ms(&floor, 0.5), "calls_until_seen": until_seen,
        }))?;
        Ok(Answered {
            question: question.name,
            p99_ms,
            calls_until_seen: until_seen,
        })
    }

    /// Calls until there is somebody, one page after the other. Where nobody is, as many as say so.
    async fn until_seen(&mut self, question: &Question) -> anyhow::Result<f64> {
        let of = (question.of)(&mut self.dice);
        let (mut calls, mut next) = (0, None);
        loop {
            let page = self.page(question.asked, &of, next.as_deref()).await?;
            calls += 1;
            if page.rows > 0 || page.next.is_none() || calls >= PATIENCE {
                return Ok(f64::from(calls));
            }
            next = page.next;
        }
    }

    async fn page(&self, asked: Asked, of: &str, next: Option<&str>) -> anyhow::Result<Page> {
        let gateway = &self.stage.gateway;
        let path = match next {
            Some(cursor) => format!("/v1/contacts?{of}&cursor={cursor}"),
            None => format!("/v1/contacts?{of}"),
        };
        let by_key = |request: reqwest::RequestBuilder| request.bearer_auth(&self.stage.tenant.key);
        let request = match asked {
            Asked::List => by_key(gateway.client().get(gateway.url(&path))),
            Asked::Limited => self.members.limited_get(self.stage, &path),
            Asked::Count => {
                let body = json!({ "filter": of, "cursor": next });
                by_key(gateway.client().post(gateway.url("/v1/contacts/count"))).json(&body)
            }
        };
        let began = Instant::now();
        let answer = request.send().await?;
        let (status, body) = (answer.status(), answer.bytes().await?);
        let took = began.elapsed();
        let body: Value = serde_json::from_slice(&body)?;
        anyhow::ensure!(status.is_success(), "{of} answered {status}: {body}");
        let rows = match asked {
            Asked::Count => body.get("count").and_then(Value::as_u64),
            _ => body
                .get("contacts")
                .and_then(Value::as_array)
                .and_then(|all| u64::try_from(all.len()).ok()),
        };
        Ok(Page {
            rows: rows.context("an answer without rows")?,
            next: body.get("next_cursor").and_then(Value::as_str).map(str::to_owned),
            took,
        })
    }

    /// How long one contact takes.
    async fn look(&mut self) -> anyhow::Result<Duration> {
        let at = self.dice.usize(0..self.known.len().max(1));
        let id = self.known.get(at).context("nobody is there")?;
        let url = self.stage.gateway.url(&format!("/v1/contacts/{id}"));
        let request = self
            .stage
            .gateway
            .client()
            .get(url)
            .bearer_auth(&self.stage.tenant.key);
        let began = Instant::now();
        let answer = request.send().await?.error_for_status()?;
        let _body = answer.bytes().await?;
        Ok(began.elapsed())
    }
}

/// A text as a parameter holds it.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() {
            out.push(char::from(byte));
        } else {
            out.push('%');
            for half in [byte >> 4, byte & 15] {
                out.extend(char::from_digit(u32::from(half), 16));
            }
        }
    }
    out
}
