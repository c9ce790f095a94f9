//! Customers who call.

use super::*;

fn told(field: &str, call: Value) -> Vec<IncomingCall> {
    let value = json!({
        "metadata": { "phone_number_id": "106540352242922" },
        "contacts": [{ "wa_id": "16505551234", "user_id": "US.1" }],
        "calls": [call],
    });
    let body = json!({
        "object": "whatsapp_business_account",
        "entry": [{ "id": "1", "changes": [{ "value": value, "field": field }] }],
    });
    let Element::Other(event) = only(body.to_string().as_bytes()) else {
        panic!("a call is no message")
    };
    calls(&event)
}

#[test]
fn a_customers_call_names_the_customer_by_all_that_is_known() {
    let call = json!({
        "id": "wacid.1", "from": "16505551234", "to": "15550783881", "event": "connect",
        "direction": "USER_INITIATED", "timestamp": "1731705721",
    });
    let told = told("calls", call);
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].at, Timestamp::from_secs(1_731_705_721));
    assert_eq!(
        (phone(&told[0].aliases), bsuid(&told[0].aliases)),
        (Some("16505551234"), Some("US.1"))
    );
}

#[test]
fn the_end_of_a_call_and_a_call_of_ours_open_nothing() {
    let call = |key: &str, value: Value| {
        let mut call = json!({
            "from": "16505551234", "event": "connect", "direction": "USER_INITIATED", "timestamp": "1",
        });
        call[key] = value;
        call
    };
    for odd in [
        call("event", "terminate".into()),
        call("direction", "BUSINESS_INITIATED".into()),
        call("direction", Value::Null),
        json!({ "direction": "USER_INITIATED", "timestamp": "1" }),
        json!("a call"),
    ] {
        assert_eq!(told("calls", odd.clone()), [], "{odd}");
    }
    assert_eq!(told("call_settings", call("event", "connect".into())), []);
}
