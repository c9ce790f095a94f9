//! A webhook as it stands on the wire, down to the elements, which stay raw.

use serde_json::value::RawValue;

use super::aliases::Card;
use crate::whatsapp::lenient::{List, Text, lenient_object};

lenient_object! {
    /// A whole body.
    struct Body<'a> {
        entries: Option<List<Entry<'a>>> = "entry",
    }
}

lenient_object! {
    /// One element of `entry`.
    struct Entry<'a> {
        id: Text<'a> = "id",
        time: Text<'a> = "time",
        changes: Option<List<Change<'a>>> = "changes",
    }
    other: rest
}

lenient_object! {
    /// One element of `changes`. The value is read as one of messages whatever its field, which Meta writes after it.
    struct Change<'a> {
        field: Text<'a> = "field",
        value: Option<Box<Value<'a>>> = "value",
    }
}

lenient_object! {
    /// The value of the field `messages`.
    struct Value<'a> {
        product: Text<'a> = "messaging_product",
        metadata: Metadata<'a> = "metadata",
        cards: List<Card<'a>> = "contacts",
        messages: List<&'a RawValue> = "messages",
        statuses: List<&'a RawValue> = "statuses",
        errors: List<&'a RawValue> = "errors",
        actions: List<&'a RawValue> = "user_actions",
        context: Option<&'a RawValue> = "conversation_context",
    }
    other: rest
}

lenient_object! {
    /// The number that a value is about.
    struct Metadata<'a> {
        number: Text<'a> = "phone_number_id",
        display_phone: Text<'a> = "display_phone_number",
    }
}
