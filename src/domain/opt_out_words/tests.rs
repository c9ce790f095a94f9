//! Sentences in the languages that have words.

use serde_json::json;

use super::*;

#[test]
fn a_message_that_is_a_word_counts_in_every_language() {
    for text in [
        "STOP",
        " stop ",
        "Stop.",
        "stop!!!",
        "\"STOP\"",
        "🛑 stop 🙏🏽",
        "STOP\u{200b}\n",
        "ＳＴＯＰ",
        "Please stop",
        "stop please, thank you",
        "Hi, STOP. Thanks!",
        "stop stop STOP",
        "Stop promotions",
        "Stop sending me messages",
        "Unsubscribe",
        "opt-out",
        "Opt out",
        "quit",
        "Henti",
        "tolong hentikan",
        "Batal langganan, terima kasih",
        "BERHENTI",
        "berhenti berlangganan ya kak",
        "stop promo dong",
        "BAJA",
        "Darme de baja por favor",
        "Cancelar suscripción",
        "cancelar suscripcion",
        "no más mensajes, gracias",
        "SAIR",
        "não quero mais receber",
        "Nao quero mais receber, obrigada",
        "pare!",
        "ARRÊT",
        "arreter",
        "Me désabonner s'il vous plaît",
        "désinscription svp",
        "Stopp",
        "Bitte abmelden",
        "Keine Werbung mehr, danke",
        "توقف",
        "إلغاء الاشتراك",
        "الغاء الاشتراك",
        "إلغاء الاشتراك من فضلك",
        "إيـقـاف",
        "إِلْغَاء الاِشْتِرَاك",
        "لا ترسلوا رجاءً",
    ] {
        assert_eq!(keyword(text, None), Some(Keyword::Stop), "{text:?}");
    }
}

#[test]
fn a_message_that_only_contains_one_does_not() {
    for text in [
        "",
        "   ",
        "🛑",
        "please",
        "thank you",
        "don't stop by before five",
        "Where is the bus stop?",
        "stop at the corner please",
        "non-stop",
        "Can I stop by tomorrow?",
        "I want to unsubscribe my brother, not me",
        "cancel",
        "cancel my order",
        "end",
        "stops",
        "Please don't stop",
        "the shop is at Stop 12",
        "berhenti di mana?",
        "jangan berhenti",
        "saya mau langganan koran",
        "La música está baja",
        "¿Puedo cancelar la cita?",
        "quero sair amanhã",
        "on peut s'arrêter chez vous?",
        "Wo kann ich mich abmelden?",
        "متى يتوقف المتجر؟",
        "لا توقف",
        "STOP DOING THAT",
    ] {
        assert_eq!(keyword(text, None), None, "{text:?}");
    }
    let long = format!("stop{}", " ".repeat(LONGEST_TEXT));
    assert_eq!(keyword(&long, None), None);
}

#[test]
fn another_word_brings_marketing_back() {
    for text in [
        "START",
        "Subscribe please",
        "opt-in",
        "mula",
        "Mulai",
        "ALTA",
        "quero receber",
        "M'abonner",
        "anmelden",
        "اشترك",
        "unstop!",
    ] {
        assert_eq!(keyword(text, None), Some(Keyword::Start), "{text:?}");
    }
    for text in [
        "start the car",
        "where do I subscribe?",
        "restart",
        "anmelden zum Kurs",
    ] {
        assert_eq!(keyword(text, None), None, "{text:?}");
    }
}

#[test]
fn words_of_a_business_count_instead_of_those_built_in() {
    let own = OptOutWords::try_from(vec!["No Más".to_owned(), "CANCEL".to_owned()]).unwrap();
    for text in ["no mas", "Cancel!", "please cancel"] {
        assert_eq!(keyword(text, Some(&own)), Some(Keyword::Stop), "{text:?}");
    }
    assert_eq!(keyword("stop", Some(&own)), None);
    assert_eq!(keyword("cancel it all", Some(&own)), None);
    assert_eq!(keyword("start", Some(&own)), Some(Keyword::Start));
    assert_eq!(keyword("stop", Some(&OptOutWords::default())), None);
    let kept: OptOutWords = serde_json::from_value(serde_json::to_value(&own).unwrap()).unwrap();
    assert_eq!(kept, own);
}

#[test]
fn words_have_a_form() {
    for bad in [
        String::new(),
        "!!".to_owned(),
        "🛑".to_owned(),
        "a ".repeat(9),
        "x".repeat(65),
    ] {
        assert!(OptOutWords::try_from(vec![bad.clone()]).is_err(), "{bad:?}");
    }
    assert!(OptOutWords::try_from(vec!["x".to_owned(); OptOutWords::MOST + 1]).is_err());
    for text in OptOutWords::defaults() {
        let own = OptOutWords::try_from(vec![(*text).to_owned()]);
        assert!(own.is_ok(), "{text}");
        assert_eq!(keyword(text, None), Some(Keyword::Stop), "{text}");
    }
}

#[test]
fn a_tapped_button_counts_by_what_it_says_and_stops_by_what_it_carries() {
    let content = |json: serde_json::Value| serde_json::from_value::<Content>(json).unwrap();
    let button = |text: &str, payload: &str| {
        content(json!({"type": "button", "button": {"text": text, "payload": payload}}))
    };
    let reply = |kind: &str, title: &str, id: &str| {
        content(
            json!({"type": "interactive", "interactive": {"type": kind, kind: {"id": id, "title": title}}}),
        )
    };
    for (message, wanted) in [
        (Content::text("Stop"), Some(Keyword::Stop)),
        (Content::text("Where is the stop?"), None),
        (button("Stop promotions", "x"), Some(Keyword::Stop)),
        (button("Not now", "STOP_PROMOTIONS"), Some(Keyword::Stop)),
        (button("Book a table", "start"), None),
        (button("Start", "x"), Some(Keyword::Start)),
        (reply("button_reply", "Unsubscribe", "1"), Some(Keyword::Stop)),
        (reply("list_reply", "Berhenti", "1"), Some(Keyword::Stop)),
        (reply("list_reply", "Continue", "2"), None),
        (
            content(json!({"type": "image", "image": {"id": "1", "caption": "stop"}})),
            None,
        ),
        (Content::note("stop"), None),
        (content(json!({"type": "text", "text": "stop"})), None),
    ] {
        assert_eq!(keyword_of(&message, None), wanted, "{}", message.json());
    }
}
