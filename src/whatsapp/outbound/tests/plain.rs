//! Texts, media, places, contact cards and reactions.

use super::*;

#[test]
fn a_text_has_1_to_4096_characters() {
    let text = request("text", json!({ "body": "x" }));
    assert_passes(&with(&text, "/text/body", long(4_096)));
    assert_refused(
        &with(&text, "/text/body", long(4_097)),
        "text.body",
        "4097 characters; at most 4096",
    );
    assert_refused(&with(&text, "/text/body", json!("")), "text.body", "empty");
    assert_refused(
        &with(&text, "/text/body", json!(5)),
        "text.body",
        "must be a text",
    );
    assert_refused(&with(&text, "/text/body", Value::Null), "text.body", "missing");
    assert_refused(
        &with(&text, "/text/preview_url", json!("yes")),
        "text.preview_url",
        "true or false",
    );
    assert_refused(&request("text", json!("x")), "text", "object");
}

#[test]
fn a_file_comes_by_id_or_by_link_but_not_both() {
    for kind in ["image", "video", "audio", "document", "sticker"] {
        assert_passes(&request(kind, json!({ "id": "1479537139650973" })));
        assert_passes(&request(kind, json!({ "link": "https://example.com/a?b=c" })));
        assert_refused(&request(kind, json!({})), kind, "one of media_id, id and link");
        assert_refused(
            &request(kind, json!({ "id": "1", "link": "https://example.com/a" })),
            kind,
            "one of",
        );
        let link = format!("{kind}.link");
        for bad in [
            "example.com/a",
            "ftp://example.com/a",
            "https://",
            "https://exa mple.com",
        ] {
            assert_refused(&request(kind, json!({ "link": bad })), &link, "http or https");
        }
    }
}

#[test]
fn a_file_that_was_uploaded_here_comes_by_its_media_id_alone() {
    let upload = "0".repeat(32) + &"1".repeat(32);
    for kind in ["image", "video", "audio", "document", "sticker"] {
        assert_passes(&request(kind, json!({ "media_id": upload })));
        let path = format!("{kind}.media_id");
        assert_refused(&request(kind, json!({ "media_id": "../1" })), &path, "uploaded");
        let both = json!({ "media_id": upload, "id": "1" });
        assert_refused(&request(kind, both), kind, "one of media_id, id and link");
    }
}

#[test]
fn uploads_are_seen_however_they_are_written_and_never_reach_meta() {
    use crate::whatsapp::payload::{uploads_in, with_files};
    let upload = crate::domain::MediaId::of_upload([1; 16]);
    let header = |key: &str| {
        format!(r#"{{"type":"header","parameters":[{{"type":"image","image":{{{key}"{upload}"}}}}]}}"#)
    };
    let template = |key: &str| {
        let header = header(key);
        format!(
            r#"{{"type":"template","template":{{"name":"a","language":{{"code":"en"}},"components":[{header},
            {{"type":"carousel","cards":[{{"components":[{header}]}},{{"components":[{{"type":"carousel","cards":[
            {{"components":[{header}]}},{{"components":[]}}]}}]}}]}}]}}}}"#
        )
    };
    for key in [
        "\"media_id\" : ",
        "\"media_\\u0069d\":",
        "\"media_id\":null,\"media_id\":\n",
    ] {
        let image = format!(r#"{{"type":"image","image":{{ {key}"{upload}"}}}}"#);
        for written in [image, template(key)] {
            let raw = RawValue::from_string(written).unwrap();
            let content = parse_outbound(&raw).unwrap().content;
            assert!(
                content.json().get().contains(r#""media_id":""#),
                "the outbox looks for it so"
            );
            assert_eq!(uploads_in(content.json()), [upload]);
            for (files, id) in [(vec![(upload, "4711".into())], Some("4711")), (vec![], None)] {
                let sent = with_files(content.json(), &files);
                assert!(!sent.get().contains("media_id"), "{sent}");
                assert_eq!(sent.get().contains(r#""id":"4711""#), id.is_some());
            }
        }
    }
    let nothing = request("image", json!({ "media_id": null, "id": "1" }));
    let nothing = RawValue::from_string(nothing.to_string()).unwrap();
    assert!(
        !parse_outbound(&nothing)
            .unwrap()
            .content
            .json()
            .get()
            .contains("media_id")
    );
}

#[test]
fn captions_have_at_most_1024_characters_and_not_every_file_has_one() {
    for kind in ["image", "video", "document"] {
        let media = request(kind, json!({ "id": "1" }));
        let caption = format!("/{kind}/caption");
        assert_passes(&with(&media, &caption, long(1_024)));
        assert_refused(
            &with(&media, &caption, long(1_025)),
            &format!("{kind}.caption"),
            "at most 1024",
        );
    }
    for kind in ["audio", "sticker"] {
        let media = request(kind, json!({ "id": "1", "caption": "no" }));
        assert_refused(&media, &format!("{kind}.caption"), "not allowed");
    }
}

#[test]
fn documents_have_names_and_audio_may_be_a_voice_note() {
    assert_passes(&request(
        "document",
        json!({ "id": "1", "filename": "order.pdf" }),
    ));
    assert_refused(
        &request("document", json!({ "id": "1", "filename": 3 })),
        "document.filename",
        "text",
    );
    assert_passes(&request("audio", json!({ "id": "1", "voice": true })));
    assert_refused(
        &request("audio", json!({ "id": "1", "voice": "yes" })),
        "audio.voice",
        "true or false",
    );
}

#[test]
fn a_place_lies_on_the_earth() {
    let place = request(
        "location",
        json!({ "latitude": 37.4421, "longitude": "-122.1615", "name": "Philz" }),
    );
    assert_passes(&place);
    for (key, bad) in [
        ("latitude", json!(90.5)),
        ("latitude", json!("north")),
        ("latitude", Value::Null),
        ("longitude", json!(-180.1)),
        ("longitude", json!("NaN")),
        ("longitude", json!([1])),
    ] {
        let hint = if bad.is_null() { "missing" } else { "number from" };
        assert_refused(
            &with(&place, &format!("/location/{key}"), bad),
            &format!("location.{key}"),
            hint,
        );
    }
}

#[test]
fn a_contact_card_has_a_whole_name_and_one_part_of_it() {
    let card = json!({ "name": { "formatted_name": "Ana P", "first_name": "Ana" }, "phones": [{ "phone": "+1650" }] });
    let cards = request("contacts", json!([card]));
    assert_passes(&with(&cards, "/contacts", Value::from(vec![card.clone(); 257])));
    assert_refused(
        &with(&cards, "/contacts", Value::from(vec![card; 258])),
        "contacts",
        "1 to 257",
    );
    assert_refused(&with(&cards, "/contacts", json!([])), "contacts", "1 to 257");
    assert_refused(&with(&cards, "/contacts", json!({})), "contacts", "list");
    assert_refused(
        &with(&cards, "/contacts/0", json!("Ana")),
        "contacts[0]",
        "object",
    );
    assert_refused(
        &with(&cards, "/contacts/0/name/first_name", Value::Null),
        "contacts[0].name",
        "one more part",
    );
    assert_refused(
        &with(&cards, "/contacts/0/name/formatted_name", Value::Null),
        "contacts[0].name.formatted_name",
        "missing",
    );
    assert_refused(
        &with(&cards, "/contacts/0/phones", json!(["+1650"])),
        "contacts[0].phones[0]",
        "object",
    );
    assert_passes(&with(&cards, "/contacts/0/birthday", json!("1999-01-23")));
    assert_refused(
        &with(&cards, "/contacts/0/birthday", json!("23.1.1999")),
        "contacts[0].birthday",
        "date",
    );
}

#[test]
fn a_reaction_is_one_emoji_or_none() {
    let reaction = request("reaction", json!({ "message_id": "wamid.0", "emoji": "👩‍👩‍👧‍👦" }));
    assert_passes(&reaction);
    for emoji in [
        "",
        "❤️",
        "❤",
        "1️⃣",
        "ℹ️",
        "🅿️",
        "Ⓜ️",
        "🅰️",
        "👍🏽",
        "🇮🇩",
        "🏴󠁧󠁢󠁳󠁣󠁴󠁿",
        "🧑🏿‍🚀",
    ] {
        assert_passes(&with(&reaction, "/reaction/emoji", json!(emoji)));
    }
    for other in ["lol", "1", "!?", "*", "é", "😀😀", "😀!", " ", "🏽"] {
        assert_refused(
            &with(&reaction, "/reaction/emoji", json!(other)),
            "reaction.emoji",
            "one emoji",
        );
    }
    assert_refused(
        &with(&reaction, "/reaction/emoji", Value::Null),
        "reaction.emoji",
        "missing",
    );
    assert_refused(
        &with(&reaction, "/reaction/message_id", Value::Null),
        "reaction.message_id",
        "missing",
    );
}
