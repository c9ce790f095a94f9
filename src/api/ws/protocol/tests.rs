use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::actors::feed::{Presence, Typing};
use crate::actors::request::{Attendance, Destination, Receipt};
use crate::api::ws::tickets::key_for_tests;
use crate::domain::{AgentId, ConversationId, Epoch, Seq, TenantId};
use crate::store::directory::Scope;
use crate::store::op::OrganiseChange;

const CONVERSATION: &str = "00112233445566778899aabbccddeeff";

fn limits() -> ProtocolLimits {
    ProtocolLimits {
        message: 4_096,
        rate: Rate::per_second(20),
        hello: Duration::from_secs(10),
        ping_every: Duration::from_secs(25),
        silence: Duration::from_secs(60),
    }
}

fn ana() -> Pass {
    ana_with(&[Scope::Send, Scope::Read, Scope::Agents])
}

fn ana_with(scopes: &[Scope]) -> Pass {
    Pass {
        tenant: TenantId::new(7),
        agent: AgentId::parse("ana").unwrap(),
        name: "Ana".into(),
        user: None,
        limit: crate::domain::NumberLimit::All,
        key: key_for_tests(TenantId::new(7), scopes),
    }
}

fn at(seconds: u64) -> Duration {
    Duration::from_secs(1_000 + seconds)
}

fn text(frame: &Value) -> Inbound {
    Inbound::Text(frame.to_string().into())
}

fn greeted() -> Protocol {
    let mut protocol = Protocol::new(limits(), at(0));
    let deed = protocol.hear(text(&json!({"type": "hello"})), &ana(), at(0));
    assert!(matches!(deed, Deed::Greet(None)));
    protocol
}

/// What a frame asks, or the code and text of its refusal.
fn asked(frame: &Value) -> Result<Command, String> {
    asked_by(&ana(), frame)
}

fn asked_by(who: &Pass, frame: &Value) -> Result<Command, String> {
    match greeted().hear(text(frame), who, at(1)) {
        Deed::Run(_, command) => Ok(command),
        Deed::Say(error) => Err(String::from_utf8_lossy(&error).into_owned()),
        other => panic!("{other:?}"),
    }
}

fn conversation() -> ConversationId {
    CONVERSATION.parse().unwrap()
}

#[test]
fn each_frame_asks_what_is_documented() {
    let frame = |frame: Value| {
        let mut frame = frame;
        frame["conversation_id"] = json!(CONVERSATION);
        asked(&frame).unwrap()
    };
    let attends = [
        (
            json!({"type": "typing", "on": true}),
            Attendance::Typing(conversation(), Typing::Began),
        ),
        (
            json!({"type": "typing", "on": false}),
            Attendance::Typing(conversation(), Typing::Stopped),
        ),
        (
            json!({"type": "viewing"}),
            Attendance::Viewing(Some(conversation())),
        ),
    ];
    for (sent, expected) in attends {
        assert!(matches!(frame(sent), Command::Attend(what) if what == expected));
    }
    let none = asked(&json!({"type": "viewing", "conversation_id": null})).unwrap();
    assert!(matches!(none, Command::Attend(Attendance::Viewing(None))));
    let busy = asked(&json!({"type": "presence", "state": "busy"})).unwrap();
    assert!(matches!(
        busy,
        Command::Attend(Attendance::Presence(Presence::Busy))
    ));
    for (receipt, typing, expected) in [
        (false, false, None),
        (true, false, Some(Receipt::Read)),
        (false, true, Some(Receipt::ReadAndTyping)),
        (true, true, Some(Receipt::ReadAndTyping)),
    ] {
        let read = frame(json!({"type": "read", "last_seen_seq": 7, "receipt": receipt, "typing": typing}));
        let Command::Read(organise, told) = read else {
            panic!()
        };
        let seen = Some(Seq::new(7));
        assert_eq!((organise.change, told), (OrganiseChange::Read { seen }, expected));
    }
    let label = frame(json!({"type": "label", "add": ["vip"]}));
    let Command::Organise(organise) = label else {
        panic!()
    };
    let (add, remove) = (vec!["vip".to_owned()], Vec::new());
    assert_eq!(organise.change, OrganiseChange::Label { add, remove });
}

#[test]
fn a_message_to_a_group_says_so_in_the_message() {
    let send = |to: &str, kind: &str| {
        asked(&json!({
            "type": "send", "client_msg_id": "m1", "to": to, "number": "1",
            "message": {"type": "text", "text": {"body": "hello"}, "recipient_type": kind},
        }))
    };
    let Command::Submit(request) = send("Y2FwaV9ncm91", "group").unwrap() else {
        panic!()
    };
    assert!(matches!(&request.to, Destination::Contact { aliases, .. } if aliases.group.is_some()));
    assert!(send("Y2FwaV9ncm91", "individual").is_err());
    assert!(send("+62 812", "crowd").is_err());
}

#[test]
fn a_message_is_named_by_its_client_so_that_repeating_it_sends_nothing() {
    let message = |id: &str, body: &str, seen: u64| {
        let asked = asked(&json!({
            "type": "send", "client_msg_id": id, "to": "+62 812", "number": "1",
            "message": {"type": "text", "text": {"body": body}}, "last_seen_seq": seen,
        }));
        match asked.unwrap() {
            Command::Submit(request) => request,
            other => panic!("{other:?}"),
        }
    };
    let first = message("m1", "hello", 1);
    assert!(matches!(&first.to, Destination::Contact { number: Some(number), .. } if number.as_str() == "1"));
    let again = message("m1", "hello", 9);
    assert_eq!(
        first.once, again.once,
        "seeing more since does not make it another message"
    );
    let (first, other, edited) = (
        first.once.unwrap(),
        message("m2", "hello", 1).once.unwrap(),
        message("m1", "bye", 1).once.unwrap(),
    );
    assert_ne!(first.key, other.key);
    assert!(first.key == edited.key && first.request != edited.request);
}

#[test]
fn slips_are_named() {
    for (frame, expected) in [
        (
            json!({"type": "send", "conversation_id": CONVERSATION, "message": {}}),
            "`client_msg_id` is missing",
        ),
        (
            json!({"type": "note", "client_msg_id": "n", "conversation_id": CONVERSATION, "text": " "}),
            "`text`",
        ),
        (
            json!({"type": "assign", "conversation_id": "x", "agent": null}),
            "`conversation_id`",
        ),
        (
            json!({"type": "assign", "conversation_id": CONVERSATION, "agent": "No Body"}),
            "`agent`",
        ),
        (
            json!({"type": "typing", "conversation_id": CONVERSATION, "on": "yes"}),
            "`on`",
        ),
        (json!({"type": "ping", "ref": "x".repeat(65)}), "`ref`"),
        (json!({"type": "ping", "extra": 1}), "unknown field `extra`"),
        (json!({"type": "pign"}), "did you mean `ping`?"),
    ] {
        let refused = asked(&frame).unwrap_err();
        assert!(refused.contains(expected), "{refused}");
        assert!(refused.contains(r#""code":"invalid_request""#), "{refused}");
    }
}

#[test]
fn a_hello_may_say_where_the_client_stands() {
    let hello = |frame: &Value| Protocol::new(limits(), at(0)).hear(text(frame), &ana(), at(1));
    let full = hello(&json!({"type": "hello", "epoch": "00000000000000ab", "seq": 12}));
    let expected = TenantHead {
        epoch: Epoch::new(0xab),
        head: Seq::new(12),
    };
    assert!(matches!(full, Deed::Greet(Some(at)) if at == expected));
    let nothing = json!({"type": "hello", "epoch": null, "seq": null});
    assert!(matches!(hello(&nothing), Deed::Greet(None)));
    let early = hello(&json!({"type": "ack", "seq": 1}));
    assert!(matches!(early, Deed::End(Close::Protocol)));
}

#[test]
fn a_hello_that_means_nothing_is_told_why_before_the_end() {
    for (hello, expected) in [
        (json!({"seq": 12}), "`epoch` is missing"),
        (json!({"epoch": "00000000000000ab"}), "`seq` is missing"),
        (json!({"epoch": "xyz", "seq": 1}), "`epoch`: epoch must be"),
        (json!({"epcoh": "00000000000000ab"}), "did you mean `epoch`?"),
    ] {
        let mut frame = hello;
        (frame["type"], frame["ref"]) = (json!("hello"), json!("h1"));
        let mut protocol = Protocol::new(limits(), at(0));
        let Deed::Refuse(said, Close::Protocol) = protocol.hear(text(&frame), &ana(), at(1)) else {
            panic!("{frame}")
        };
        let said = String::from_utf8_lossy(&said).into_owned();
        assert!(
            said.contains(expected) && said.contains(r#""ref":"h1""#),
            "{said}"
        );
        let after = protocol.hear(text(&json!({"type": "hello"})), &ana(), at(2));
        assert!(matches!(after, Deed::Nothing), "{after:?}");
    }
}

#[test]
fn whatever_is_wrong_with_a_frame_its_refusal_names_it() {
    let deep = format!("{}1{}", "[".repeat(40), "]".repeat(40));
    for frame in [
        r#"{"type":"tekst","ref":"r1","client_msg_id":"m1"}"#.to_owned(),
        r#"{"type":"send","client_msg_id":"m1","ref":"r1","to":5}"#.to_owned(),
        r#"{"type":"note","ref":"r1","client_msg_id":"m1"}"#.to_owned(),
        format!(r#"{{"type":"send","ref":"r1","client_msg_id":"m1","message":{deep}}}"#),
    ] {
        let Deed::Say(said) = greeted().hear(Inbound::Text(frame.clone().into()), &ana(), at(1)) else {
            panic!("{frame}")
        };
        let said = String::from_utf8_lossy(&said).into_owned();
        for name in [r#""ref":"r1""#, r#""client_msg_id":"m1""#, "invalid_request"] {
            assert!(said.contains(name), "{frame}: {said}");
        }
    }
}

#[test]
fn times_are_kept() {
    let mut silent = Protocol::new(limits(), at(0));
    assert!(matches!(silent.look(at(9)), Deed::Nothing));
    assert_eq!(silent.next_look(), at(10));
    assert!(matches!(silent.look(at(10)), Deed::End(Close::Timeout)));
    assert_eq!(silent.next_look(), Duration::MAX);

    let mut protocol = greeted();
    assert_eq!(protocol.next_look(), at(25));
    assert!(matches!(protocol.look(at(25)), Deed::Say(_)));
    protocol.hear(Inbound::Pong, &ana(), at(26));
    assert!(matches!(protocol.look(at(50)), Deed::Say(_)));
    assert!(matches!(protocol.look(at(75)), Deed::Say(_)));
    assert_eq!(protocol.next_look(), at(86), "the end comes before the next ping");
    assert!(matches!(protocol.look(at(86)), Deed::End(Close::Timeout)));
}

#[test]
fn a_client_that_is_seen_to_read_is_not_silent_although_its_pongs_are_far_behind() {
    let mut protocol = greeted();
    assert!(matches!(protocol.look(at(50)), Deed::Say(_)));
    protocol.read(at(55));
    assert!(matches!(protocol.look(at(75)), Deed::Say(_)));
    // What was seen before is no news.
    protocol.read(at(40));
    assert!(matches!(protocol.look(at(114)), Deed::Say(_)));
    assert!(matches!(protocol.look(at(115)), Deed::End(Close::Timeout)));
}

#[test]
fn after_the_end_nothing_is_heard() {
    let mut protocol = greeted();
    assert!(matches!(
        protocol.hear(Inbound::Close, &ana(), at(1)),
        Deed::End(Close::Normal)
    ));
    assert!(matches!(
        protocol.hear(text(&json!({"type": "ping"})), &ana(), at(1)),
        Deed::Nothing
    ));
    assert!(matches!(protocol.look(at(500)), Deed::Nothing));
}

#[test]
fn acknowledgements_only_grow() {
    let mut protocol = greeted();
    for (seq, expected) in [(5, 5), (3, 5), (8, 8)] {
        protocol.hear(text(&json!({"type": "ack", "seq": seq})), &ana(), at(1));
        assert_eq!(protocol.acknowledged(), Seq::new(expected));
    }
}

fn frames() -> impl Strategy<Value = Inbound> {
    let garbage = prop::collection::vec(any::<u8>(), 0..200).prop_map(Bytes::from);
    let like_json = r#"\{"(type|ref|seq)":("(hello|ack|send|note|typing|ping|x)"|[0-9]{1,3}|null|\[\])\}"#;
    prop_oneof![
        garbage.clone().prop_map(Inbound::Text),
        like_json.prop_map(|text| Inbound::Text(text.into())),
        garbage
            .clone()
            .prop_map(|bytes| Inbound::Part(Part::First(bytes))),
        garbage.clone().prop_map(|bytes| Inbound::Part(Part::Next(bytes))),
        garbage.clone().prop_map(|bytes| Inbound::Part(Part::Last(bytes))),
        garbage.prop_map(Inbound::Ping),
        Just(Inbound::Pong),
        Just(Inbound::Binary),
    ]
}

proptest! {
    #[test]
    fn whatever_a_client_sends_it_is_answered_ignored_or_closed(
        frames in prop::collection::vec((frames(), 0_u64..2_000), 1..60),
    ) {
        let mut protocol = Protocol::new(limits(), at(0));
        let mut now = at(0);
        let (mut ended, mut running) = (false, 0);
        for (frame, wait_ms) in frames {
            now += Duration::from_millis(wait_ms);
            match protocol.hear(frame, &ana(), now) {
                Deed::End(_) | Deed::Refuse(..) => {
                    prop_assert!(!ended, "it ends once");
                    ended = true;
                }
                Deed::Run(..) => running += 1,
                Deed::Nothing => {}
                Deed::Say(_) | Deed::Greet(_) => prop_assert!(!ended),
            }
            prop_assert!(running <= i32::from(IN_FLIGHT));
        }
    }
}

#[test]
fn a_client_may_do_over_the_socket_what_its_key_may_and_no_more() {
    let who = ana_with(&[Scope::Read, Scope::Agents]);
    let to = CONVERSATION;
    for frame in [
        json!({"type": "send", "client_msg_id": "1", "conversation_id": to, "message": {"type": "text", "text": {"body": "x"}}}),
        json!({"type": "note", "client_msg_id": "1", "conversation_id": to, "text": "x"}),
        json!({"type": "read", "conversation_id": to}),
        json!({"type": "assign", "conversation_id": to, "agent": null}),
        json!({"type": "label", "conversation_id": to, "add": ["x"]}),
        json!({"type": "status", "conversation_id": to, "status": "open"}),
    ] {
        let refused = asked_by(&who, &frame).expect_err("it is let through");
        assert!(
            refused.contains("forbidden") && refused.contains("`send`"),
            "{refused}"
        );
        asked(&frame).unwrap();
    }
    asked_by(&who, &json!({"type": "viewing", "conversation_id": to})).unwrap();
    let mut protocol = Protocol::new(limits(), at(0));
    let hello = text(&json!({"type": "hello"}));
    let deed = protocol.hear(hello, &ana_with(&[Scope::Agents, Scope::Send]), at(0));
    assert!(!matches!(deed, Deed::Greet(_)), "{deed:?}");
}
