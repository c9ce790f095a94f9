//! `/{number}/block_users`: the number's blocklist.
//! <https://developers.facebook.com/documentation/business-messaging/whatsapp/block-users>

use actix_web::HttpResponse;
use actix_web::http::{Method, StatusCode};
use serde_json::{Map, Value, json};

use super::error::{GraphError, title};
use super::node::Node;
use super::{Call, ok, paging};
use crate::customers::CustomerIndex;
use crate::numbers::NumberIndex;
use crate::phone::Phone;
use crate::world::{Now, Shared, World};

/// Customers of one request.
const MOST: usize = 1_000;

/// What is done to customers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    Block,
    Unblock,
}

pub(super) fn answer(
    shared: &Shared,
    call: &Call,
    method: &Method,
    number: &str,
) -> Result<HttpResponse, GraphError> {
    let found = shared.with(|world, _| world.numbers.find(number));
    let index = found.ok_or_else(|| GraphError::unknown_object(number))?;
    match *method {
        Method::GET => list(shared, call, index),
        Method::POST => change(shared, call, index, Change::Block),
        Method::DELETE => change(shared, call, index, Change::Unblock),
        _ => Err(GraphError::new(100, "Unsupported request.")),
    }
}

fn list(shared: &Shared, call: &Call, number: NumberIndex) -> Result<HttpResponse, GraphError> {
    let items = shared.with(|world, _| {
        let blocked = world.blocks.of(number).iter();
        blocked
            .map(|customer| {
                let mut item = named(world, *customer);
                item.insert("messaging_product".to_owned(), "whatsapp".into());
                Value::Object(item)
            })
            .collect()
    });
    Ok(ok(paging::page(call, items)?.to_string()))
}

/// By which ids Meta tells of a customer.
fn named(world: &World, customer: CustomerIndex) -> Map<String, Value> {
    let person = world.customers.get(customer);
    let phone = person.and_then(|person| person.phone.filter(|_| person.shows_phone));
    let mut named = Map::new();
    if let Some(phone) = phone {
        named.insert("wa_id".to_owned(), phone.to_string().into());
    }
    named.insert("user_id".to_owned(), world.customers.user_id(customer).into());
    named
}

fn change(
    shared: &Shared,
    call: &Call,
    number: NumberIndex,
    change: Change,
) -> Result<HttpResponse, GraphError> {
    let body = call.json()?;
    let root = Node::root(&body);
    if root.text_within("messaging_product", 1..=32)? != "whatsapp" {
        return Err(GraphError::new(100, "Param messaging_product must be whatsapp."));
    }
    let users = root.list("block_users", 1..=MOST)?;
    let mut wanted = Vec::with_capacity(users.len());
    for user in users.iter() {
        user.as_object()?;
        let named = (
            user.optional_text("user", 1..=64)?,
            user.optional_text("user_id", 1..=160)?,
        );
        wanted.push(match named {
            (Some(phone), _) => Wanted::Phone(phone),
            (None, Some(id)) if id.contains(".ENT.") => {
                return Err(user.bad("must not be a parent business-scoped user ID"));
            }
            (None, Some(id)) => Wanted::UserId(id),
            (None, None) => return Err(user.bad("must name a user or a user_id")),
        });
    }
    let (mut done, mut failed) = (Vec::new(), Vec::new());
    shared.with(|world, now| {
        for user in wanted {
            match world.block(now, number, user, change) {
                Ok(answer) => done.push(answer),
                Err(answer) => failed.push(answer),
            }
        }
    });
    let key = match change {
        Change::Block => "added_users",
        Change::Unblock => "removed_users",
    };
    let is_whole = failed.is_empty();
    let mut result = Map::from_iter([(key.to_owned(), Value::Array(done))]);
    if !is_whole {
        result.insert("failed_users".to_owned(), Value::Array(failed));
    }
    let mut answer = json!({"messaging_product": "whatsapp", "block_users": result});
    if is_whole {
        return Ok(ok(answer.to_string()));
    }
    // What was done stays done: list and error come together.
    let error = GraphError::new(
        139_100,
        "Failed to block/unblock some users, see the block_users response list for details.",
    );
    let told: Value = serde_json::from_str(&error.body(&shared.trace())).unwrap_or_default();
    if let (Some(fields), Some(told)) = (answer.as_object_mut(), told.get("error")) {
        fields.insert("error".to_owned(), told.clone());
    }
    Ok(HttpResponse::build(StatusCode::BAD_REQUEST)
        .content_type("application/json; charset=UTF-8")
        .body(answer.to_string()))
}

/// How a request names a customer.
#[derive(Clone, Copy)]
enum Wanted<'a> {
    Phone(&'a str),
    UserId(&'a str),
}

impl World {
    fn block(
        &mut self,
        now: Now,
        number: NumberIndex,
        user: Wanted<'_>,
        change: Change,
    ) -> Result<Value, Value> {
        let (input, customer) = match user {
            Wanted::Phone(text) => {
                let phone = Phone::parse(text).map(Phone::whatsapp);
                (text, phone.and_then(|phone| self.customers.find_phone(phone)))
            }
            Wanted::UserId(id) => (id, self.customers.find_user_id(id)),
        };
        let mut told = customer.map(|customer| named(self, customer)).unwrap_or_default();
        told.insert("input".to_owned(), input.into());
        let code = match (customer, change) {
            // Whom nobody knows nobody blocks.
            (None, Change::Unblock) => None,
            (Some(customer), Change::Unblock) => {
                self.blocks.remove(number, customer);
                None
            }
            (Some(customer), Change::Block) if self.pairs.window_open(number, customer, now.wall) => {
                self.blocks.add(number, customer).err().map(|_full| 139_101)
            }
            (_, Change::Block) => Some(131_047),
        };
        let Some(code) = code else {
            return Ok(Value::Object(told));
        };
        let details = match code {
            131_047 => "Only users who messaged the business in the last 24 hours can be blocked.",
            _ => "The blocklist has reached its limit of 64,000 users.",
        };
        let error = json!({"code": code, "message": title(code), "error_data": {"details": details}});
        told.insert("errors".to_owned(), json!([error]));
        Err(Value::Object(told))
    }
}
