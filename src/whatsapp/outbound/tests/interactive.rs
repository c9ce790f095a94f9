//! Buttons, lists, links, flows and carousels.

use super::*;

fn interactive(object: Value) -> Value {
    request("interactive", object)
}

fn buttons(count: usize) -> Value {
    let buttons: Vec<Value> = (0..count)
        .map(|n| json!({ "type": "reply", "reply": { "id": format!("id{n}"), "title": format!("Title {n}") } }))
        .collect();
    interactive(json!({ "type": "button", "body": { "text": "Choose" }, "action": { "buttons": buttons } }))
}

fn list(sections: &[usize]) -> Value {
    let mut id = 0;
    let sections: Vec<Value> = sections
        .iter()
        .map(|rows| {
            let rows: Vec<Value> = (0..*rows)
                .map(|_| {
                    id += 1;
                    json!({ "id": format!("row{id}"), "title": "Row" })
                })
                .collect();
            json!({ "title": "Section", "rows": rows })
        })
        .collect();
    interactive(json!({
        "type": "list", "body": { "text": "Choose" }, "action": { "button": "Open", "sections": sections },
    }))
}

#[test]
fn one_to_three_buttons_with_ids_and_titles_of_their_own() {
    let two = buttons(2);
    assert_passes(&buttons(1));
    assert_passes(&buttons(3));
    assert_refused(&buttons(0), "interactive.action.buttons", "1 to 3");
    assert_refused(&buttons(4), "interactive.action.buttons", "1 to 3");
    let reply = "/interactive/action/buttons/1/reply";
    assert_passes(&with(&two, &format!("{reply}/title"), long(20)));
    assert_refused(
        &with(&two, &format!("{reply}/title"), long(21)),
        "interactive.action.buttons[1].reply.title",
        "at most 20",
    );
    assert_refused(
        &with(&two, &format!("{reply}/id"), long(257)),
        "interactive.action.buttons[1].reply.id",
        "at most 256",
    );
    for key in ["id", "title"] {
        let taken = two["interactive"]["action"]["buttons"][0]["reply"][key].clone();
        assert_refused(
            &with(&two, &format!("{reply}/{key}"), taken),
            &format!("interactive.action.buttons[1].reply.{key}"),
            "another button",
        );
    }
    assert_refused(
        &with(&two, "/interactive/action/buttons/0/type", json!("url")),
        "interactive.action.buttons[0].type",
        "\"reply\"",
    );
}

#[test]
fn body_header_and_footer_have_their_limits() {
    let one = buttons(1);
    assert_passes(&with(&one, "/interactive/body/text", long(1_024)));
    assert_refused(
        &with(&one, "/interactive/body/text", long(1_025)),
        "interactive.body.text",
        "1024",
    );
    assert_refused(
        &with(&one, "/interactive/body", Value::Null),
        "interactive.body",
        "missing",
    );
    assert_refused(
        &with(&one, "/interactive/footer", json!({ "text": "x".repeat(61) })),
        "interactive.footer.text",
        "60",
    );
    for header in [
        json!({ "type": "text", "text": "Title" }),
        json!({ "type": "image", "image": { "id": "1" } }),
        json!({ "type": "video", "video": { "link": "https://example.com/v" } }),
        json!({ "type": "document", "document": { "id": "1", "filename": "a.pdf" } }),
    ] {
        assert_passes(&with(&one, "/interactive/header", header));
    }
    assert_refused(
        &with(
            &one,
            "/interactive/header",
            json!({ "type": "text", "text": "x".repeat(61) }),
        ),
        "interactive.header.text",
        "60",
    );
    assert_refused(
        &with(
            &one,
            "/interactive/header",
            json!({ "type": "sticker", "sticker": { "id": "1" } }),
        ),
        "interactive.header.type",
        "one of text, image, video, document",
    );
    assert_refused(
        &with(
            &list(&[1]),
            "/interactive/header",
            json!({ "type": "image", "image": { "id": "1" } }),
        ),
        "interactive.header.type",
        "\"text\"",
    );
}

#[test]
fn a_list_has_ten_rows_in_all_its_sections_together() {
    assert_passes(&list(&[10]));
    assert_passes(&list(&[1; 10]));
    assert_refused(
        &list(&[6, 5]),
        "interactive.action.sections",
        "11 rows; at most 10",
    );
    assert_refused(&list(&[]), "interactive.action.sections", "1 to 10");
    assert_refused(&list(&[0]), "interactive.action.sections[0].rows", "0 items");
    assert_refused(&list(&[1; 11]), "interactive.action.sections", "1 to 10");
}

#[test]
fn sections_need_titles_when_there_are_several() {
    let title = "/interactive/action/sections/0/title";
    assert_passes(&with(&list(&[1]), title, Value::Null));
    assert_refused(
        &with(&list(&[1, 1]), title, Value::Null),
        "interactive.action.sections[0].title",
        "missing",
    );
    assert_refused(
        &with(&list(&[1]), title, long(25)),
        "interactive.action.sections[0].title",
        "24",
    );
}

#[test]
fn rows_have_ids_titles_and_short_descriptions() {
    let one = list(&[2]);
    let row = "/interactive/action/sections/0/rows/1";
    for (key, most) in [("id", 200), ("title", 24), ("description", 72)] {
        assert_passes(&with(&one, &format!("{row}/{key}"), long(most)));
        assert_refused(
            &with(&one, &format!("{row}/{key}"), long(most + 1)),
            &format!("interactive.action.sections[0].rows[1].{key}"),
            &format!("at most {most}"),
        );
    }
    assert_refused(
        &with(&one, &format!("{row}/id"), json!("row1")),
        "interactive.action.sections[0].rows[1].id",
        "another row",
    );
    assert_refused(
        &with(&one, "/interactive/action/button", long(21)),
        "interactive.action.button",
        "20",
    );
    assert_passes(&with(&one, "/interactive/body/text", long(4_096)));
}

#[test]
fn a_link_button_has_a_label_and_an_address() {
    let link = interactive(json!({
        "type": "cta_url", "body": { "text": "x" },
        "action": { "name": "cta_url", "parameters": { "display_text": "See dates", "url": "https://example.com" } },
    }));
    assert_passes(&link);
    let at = "/interactive/action/parameters";
    assert_refused(
        &with(&link, &format!("{at}/display_text"), long(21)),
        "interactive.action.parameters.display_text",
        "20",
    );
    assert_refused(
        &with(&link, &format!("{at}/url"), json!("example")),
        "interactive.action.parameters.url",
        "http",
    );
    assert_refused(
        &with(&link, "/interactive/action/name", json!("url")),
        "interactive.action.name",
        "cta_url",
    );
}

#[test]
fn a_flow_is_named_or_numbered() {
    let flow = interactive(json!({
        "type": "flow", "body": { "text": "x" },
        "action": { "name": "flow", "parameters": {
            "flow_message_version": "3", "flow_id": "1", "flow_cta": "Open", "mode": "draft", "flow_action": "navigate",
            "flow_action_payload": { "screen": "S", "data": { "a": 1 } },
        } },
    }));
    assert_passes(&flow);
    let at = "/interactive/action/parameters";
    let path = "interactive.action.parameters";
    assert_refused(
        &with(&flow, &format!("{at}/flow_name"), json!("n")),
        path,
        "either",
    );
    assert_refused(
        &with(&flow, &format!("{at}/flow_id"), Value::Null),
        path,
        "either",
    );
    for (key, bad, hint) in [
        ("flow_message_version", json!("2"), "\"3\""),
        ("flow_cta", Value::Null, "missing"),
        ("mode", json!("live"), "draft, published"),
        ("flow_action", json!("jump"), "navigate, data_exchange"),
        ("flow_action_payload", json!("s"), "object"),
        ("flow_cta", long(31), "30"),
    ] {
        assert_refused(
            &with(&flow, &format!("{at}/{key}"), bad),
            &format!("{path}.{key}"),
            hint,
        );
    }
}

#[test]
fn requests_for_location_and_number_name_their_action() {
    for (kind, name) in [
        ("location_request_message", "send_location"),
        ("contact_request", "request_contact_info"),
        ("catalog_message", "catalog_message"),
        ("call_permission_request", "call_permission_request"),
        ("voice_call", "voice_call"),
    ] {
        let asked = interactive(json!({ "type": kind, "body": { "text": "x" }, "action": { "name": name } }));
        assert_passes(&asked);
        assert_refused(
            &with(&asked, "/interactive/action/name", json!("x")),
            "interactive.action.name",
            name,
        );
        assert_refused(
            &with(&asked, "/interactive/action", Value::Null),
            "interactive.action",
            "missing",
        );
    }
}

fn carousel(mut cards: Vec<Value>) -> Value {
    for (place, card) in cards.iter_mut().enumerate() {
        card["card_index"] = place.into();
    }
    interactive(json!({ "type": "carousel", "body": { "text": "x" }, "action": { "cards": cards } }))
}

fn card() -> Value {
    json!({
        "card_index": 0, "type": "cta_url", "header": { "type": "image", "image": { "id": "1" } }, "body": { "text": "b" },
        "action": { "name": "cta_url", "parameters": { "display_text": "Buy", "url": "https://example.com" } },
    })
}

#[test]
fn a_carousel_has_two_to_ten_cards_of_one_kind() {
    assert_passes(&carousel(vec![card(); 2]));
    assert_passes(&carousel(vec![card(); 10]));
    for count in [1, 11] {
        assert_refused(
            &carousel(vec![card(); count]),
            "interactive.action.cards",
            "2 to 10",
        );
    }
    let replies = |count: usize| {
        let reply = json!({ "type": "quick_reply", "quick_reply": { "id": "i", "title": "t" } });
        with(&card(), "/action", json!({ "buttons": vec![reply; count] }))
    };
    assert_passes(&carousel(vec![replies(2), replies(2)]));
    assert_refused(
        &carousel(vec![replies(2), replies(1)]),
        "interactive.action.cards[1]",
        "same kind",
    );
    assert_refused(
        &carousel(vec![card(), replies(1)]),
        "interactive.action.cards[1]",
        "same kind",
    );
    let product = json!({ "type": "product", "action": { "product_retailer_id": "a", "catalog_id": "1" } });
    assert_passes(&carousel(vec![product.clone(), product]));
    let film = json!({ "type": "video", "video": { "id": "2" } });
    assert_refused(
        &carousel(vec![card(), with(&card(), "/header", film)]),
        "interactive.action.cards[1]",
        "same kind of header",
    );
    let two = carousel(vec![card(); 2]);
    assert_refused(
        &with(&two, "/interactive/action/cards/1/card_index", json!(0)),
        "interactive.action.cards[1].card_index",
        "from 0",
    );
    for key in ["header", "footer"] {
        let two = carousel(vec![card(); 2]);
        assert_refused(
            &with(&two, &format!("/interactive/{key}"), json!({ "text": "x" })),
            &format!("interactive.{key}"),
            "not allowed",
        );
    }
}

#[test]
fn a_card_shows_a_picture_and_few_words() {
    let cards = |card: Value| carousel(vec![card.clone(), card]);
    let path = "interactive.action.cards[0]";
    assert_refused(
        &cards(with(&card(), "/header", Value::Null)),
        &format!("{path}.header"),
        "missing",
    );
    assert_refused(
        &cards(with(&card(), "/header", json!({ "type": "text", "text": "t" }))),
        &format!("{path}.header.type"),
        "image, video",
    );
    assert_passes(&cards(with(&card(), "/body/text", json!("a\nb\nc"))));
    assert_refused(
        &cards(with(&card(), "/body/text", json!("a\nb\nc\nd"))),
        &format!("{path}.body.text"),
        "line breaks",
    );
    assert_refused(
        &cards(with(&card(), "/body/text", long(161))),
        &format!("{path}.body.text"),
        "160",
    );
}

#[test]
fn products_come_one_by_one_or_in_sections_of_thirty() {
    let one = interactive(
        json!({ "type": "product", "action": { "catalog_id": "1", "product_retailer_id": "a" } }),
    );
    assert_passes(&one);
    let several = |products: usize| {
        let items = vec![json!({ "product_retailer_id": "a" }); products];
        interactive(json!({
            "type": "product_list", "header": { "type": "text", "text": "h" }, "body": { "text": "b" },
            "action": { "catalog_id": "1", "sections": [{ "title": "a", "product_items": items.clone() }, { "title": "b", "product_items": items }] },
        }))
    };
    assert_passes(&several(15));
    assert_refused(&several(16), "interactive.action.sections", "32 products");
    assert_refused(
        &with(&several(1), "/interactive/header", Value::Null),
        "interactive.header",
        "missing",
    );
}

#[test]
fn kinds_of_next_year_pass_with_the_checks_that_all_kinds_share() {
    let new =
        interactive(json!({ "type": "hologram", "body": { "text": "x" }, "action": { "anything": true } }));
    assert_passes(&new);
    assert_refused(
        &with(&new, "/interactive/action", Value::Null),
        "interactive.action",
        "missing",
    );
    assert_refused(
        &with(&new, "/interactive/footer", json!({ "text": "x".repeat(61) })),
        "interactive.footer.text",
        "60",
    );
    assert_refused(
        &with(&new, "/interactive/type", Value::Null),
        "interactive.type",
        "missing",
    );
}
